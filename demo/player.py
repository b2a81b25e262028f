"""python -m demo.player: shoppers visit the sample shop as long as the demo runs, as fast as the operator's page says.

They ask, see, click, ask again in the same session, buy and send back through the public API; what they buy runs out.
DEMO_KEY holds a key of scope admin, which says what is left on the shelf."""

import argparse
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import msgspec

from benchmarks.serving.prompts import made_prompts
from demo.shelf import Shelf
from demo.shopper import SEEN, Shopper, buys
from setwise.command_settings import command_settings
from setwise.demo_player import Played, read_switch, write_played
from setwise_client.events import EventSender, RefusedCallError

WISHES = (
    "a cosy mid-century living room under $1500, no leather", "a sofa and a coffee table under 900 dollars",
    "everything for pasta night under $120", "a green velvet armchair with a floor lamp", "home office under $700",
    "camping for two, under $400", "ein Sofa und ein Teppich unter 1000 Dollar", "un canapé et une lampe",
    "una mesa de comedor con cuatro sillas", "a grand piano under $300", "a bed and bed linen under $50",
    "something nice for my sister who runs, around $100", "a hot tub and a trampoline",
)  # fmt: skip
"""What many ask: some in other languages, some that no shop of this kind can answer."""
OFTEN, AGAIN, NAMED = 0.5, 0.4, 0.6
"""Shares of visits that ask what many ask, that ask a second time in the session, that are of a known shopper."""
SHELF_FILE = "demo/shelf.json"
LOOK_S = 0.5
AWAY_S = 2.0


class Player:
    """One visit after the other."""

    def __init__(self, http: httpx.Client, events: EventSender, shelf: Shelf, shoppers: int, seed: int | None) -> None:
        self._http, self._events, self._shelf, self._shoppers = http, events, shelf, shoppers
        self._random = random.Random(seed)
        self._prompts: Iterator[str] = made_prompts(self._random.randrange(10**6))
        self.played = Played(datetime.now(UTC))
        self._is_open = False

    def visit(self) -> None:
        """Raises httpx.HTTPError and RefusedCallError."""
        if not self._is_open:
            self._shelf.fill()
            self._is_open = True
        rng = self._random
        who = {"visitor_id": f"demo-{rng.getrandbits(48):x}", "session_id": f"demo-{rng.getrandbits(48):x}"}
        if rng.random() < NAMED:
            who["user_id"] = f"u-{rng.randint(1, self._shoppers)}"
        shopper = Shopper(self._events, rng, who)
        prompt = rng.choice(WISHES) if rng.random() < OFTEN else next(self._prompts)
        orders = self._ask(shopper, who, prompt)
        if not orders and rng.random() < AGAIN:
            self._events.flush(2.0)
            orders = self._ask(shopper, who, prompt)
        self._shelf.take_delivery()
        self.played = Played(
            datetime.now(UTC), self.played.visits + 1, self.played.orders + orders, self._shelf.sold_out, prompt
        )

    def _ask(self, shopper: Shopper, who: dict[str, str], prompt: str) -> int:
        answer = self._http.post("/v1/bundles", json={"prompt": prompt, **who}).raise_for_status().json()
        chance, orders = buys(answer["experiment"]), 0
        for bundle, seen in zip(answer["bundles"], SEEN, strict=False):
            if self._random.random() >= seen or not shopper.look(answer["request_id"], bundle):
                continue
            if not orders and self._random.random() < chance:
                shopper.put_into_cart(answer["request_id"], bundle)
                self._shelf.sell([(product_id, pieces) for product_id, pieces, _ in shopper.buy(bundle)])
                orders += 1
        return orders


def play(player: Player, data_dir: Path, stop: threading.Event) -> None:
    """Until `stop`. A service that is away is waited for; a key that it refuses ends the play with a word."""
    while not stop.is_set():
        began, switch = time.monotonic(), read_switch(data_dir)
        problem = ""
        if not switch.is_paused:
            try:
                player.visit()
            except httpx.HTTPError as error:
                problem = f"the service does not answer as expected: {type(error).__name__}"
        player.played = msgspec.structs.replace(player.played, at=datetime.now(UTC), problem=problem)
        write_played(data_dir, player.played)
        if problem:
            stop.wait(AWAY_S)
        # Looked at while it waits: a faster pace or a pause holds within half a second.
        while not stop.is_set():
            now = read_switch(data_dir)
            left = began + 60 / now.per_minute - time.monotonic()
            if left <= 0 and not now.is_paused:
                break
            stop.wait(LOOK_S if now.is_paused else min(left, LOOK_S))
            if now.is_paused:
                write_played(data_dir, msgspec.structs.replace(player.played, at=datetime.now(UTC)))


def main() -> int:
    """0 after SIGTERM or SIGINT; 2 for settings."""
    parser = argparse.ArgumentParser(
        prog="python -m demo.player", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, help="the same seed makes the same shoppers")
    chosen = parser.parse_args()
    settings = command_settings(os.environ)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    data_dir = Path(settings.storage.data_dir).absolute()
    url, key = f"http://127.0.0.1:{settings.service.port}", os.environ.get("DEMO_KEY", "")
    with httpx.Client(base_url=url, timeout=30, headers={"Authorization": f"Bearer {key}"} if key else {}) as http:
        events = EventSender(url, key, source="demo")
        player = Player(
            http, events, Shelf(http, data_dir / SHELF_FILE), settings.catalogue.sample_shoppers, chosen.seed
        )
        try:
            play(player, data_dir, stop)
        except RefusedCallError as error:
            print(f"setwise: the service refused the demo's events: {error}", file=sys.stderr)
            return 1
        finally:
            events.close(5)
    return 0


if __name__ == "__main__":
    sys.exit(main())
