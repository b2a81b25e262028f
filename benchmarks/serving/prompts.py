"""Prompts for a load: unique, about 18 tokens, most of them about what the shop sells, each with a shopper's id."""

import json
import os
import random
from collections.abc import Iterator
from pathlib import Path

from benchmarks.serving.machine import ROOT
from orchestration.sample_shop.words import CATEGORIES, COLORS, STYLES

PLACES = ("small flat", "big loft", "rented studio", "family house", "quiet corner", "bright attic", "student room")
FORMS = (
    "a cosy {style} {one} and a {color} {two} for my {place} under ${money}",
    "we furnish a {place}: {style} {one}, {color} {two} and one {three}, max {money} dollars",
    "{color} {one} with a matching {style} {two} for the {place}, at most ${money} in total",
    "looking for a {style} set for our {place} with {one} and {two}, budget {money} USD",
)
SHARED_EVERY = 5
"""One in five is a real sentence of the shared set; it asks for things that the sample shop mostly lacks."""


def shared_prompts() -> list[str]:
    """The real sentences beside the repository; [] where they are absent."""
    shared = Path(os.environ.get("SETWISE_SHARED") or ROOT / "../shared")
    path = shared / "data/prompts/webshop.jsonl"
    return [json.loads(line)["text"] for line in path.read_text().splitlines()] if path.is_file() else []


def made_prompts(seed: int) -> Iterator[str]:
    """Sentences about the sample shop, no two alike; never ends."""
    rng, seen = random.Random(seed), set[str]()
    while True:
        one, two, three = (leaf.lower().removesuffix("s") for leaf in rng.sample(list(CATEGORIES), 3))
        text = rng.choice(FORMS).format(
            style=rng.choice(list(STYLES)), color=rng.choice(list(COLORS)), one=one, two=two, three=three,
            place=rng.choice(PLACES), money=rng.randrange(200, 4_000),
        )  # fmt: skip
        if text not in seen:
            seen.add(text)
            yield text


def requests(count: int, seed: int, shoppers: int, made: bool = True) -> list[dict[str, object]]:
    """Bodies of POST /v1/bundles: `count` different prompts. `made` = False: only the real sentences, at most 2,000.

    `shoppers` = how many ids of the sample shop are drawn from; 0 = nobody is named."""
    rng, shared, own = random.Random(seed), shared_prompts(), made_prompts(seed)
    rng.shuffle(shared)
    if made:
        texts = [
            shared.pop() if number % SHARED_EVERY == 0 and shared else next(own) for number in range(count)
        ]  # fmt: skip
    else:
        texts = list(dict.fromkeys(shared))[:count]
    return [
        {"prompt": text} | ({"user_id": f"u-{rng.randint(1, shoppers)}"} if shoppers else {}) for text in texts
    ]  # fmt: skip
