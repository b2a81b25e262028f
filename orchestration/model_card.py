"""A release's card: what it was made of, how good it was found to be, where that ends. Same inputs, same bytes."""

from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path

from orchestration.measures import Evaluation
from setwise.drift import Summary

CARD_FILE = "model_card.md"
PACKAGES = ("feast", "numpy", "onnxruntime", "tantivy", "tokenizers", "usearch")
LIMITS = (
    "Offline figures are of what was bought without these answers: what nobody offered could not be bought.",
    "A shop with fewer than 30 cases is measured by the words of its own titles, which is easier than prompts.",
    "Statistics and complementarity are measured as of the cut; what goes live knows the weeks after it too.",
    "Meaning is that of an English encoder; German, French and Spanish prompts are read by tables of words.",
    "Scores order the products of one answer and are no probabilities.",
)


def model_card(
    release_id: str, parts: Mapping[str, str], gates: Mapping[str, float], evaluation: Evaluation, summary: Summary,
    facts: Mapping[str, object],
) -> str:  # fmt: skip
    """Markdown. `parts` = key of each artefact, `facts` = what assets said of the encoder and of what goes together."""
    return "\n".join(_lines(release_id, parts, gates, evaluation, summary, facts)) + "\n"


def write_card(text: str, folder: Path) -> Path:
    """The folder, which becomes a part of the release."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CARD_FILE).unlink(missing_ok=True)  # an earlier release may be a link to the same bytes
    (folder / CARD_FILE).write_text(text)
    return folder


def _lines(release_id, parts, gates, evaluation, summary, facts) -> Iterator[str]:
    yield f"# Release {release_id}\n"
    yield "## Data\n"
    newest = summary.orders.newest.isoformat() if summary.orders.newest else "none"
    orders = summary.orders
    yield f"- products: {summary.products:,}; orders: {orders.orders:,} ({orders.lines:,} lines), newest {newest}"
    yield f"- the most common product is in {orders.top_product_share:.1%} of the orders"
    yield from (f"- {name}: {value}" for name, value in sorted(facts.items()))
    yield "\n## Figures\n"
    asked = ", ".join(f"{count} of {task}" for task, count in evaluation.cases.items()) or "none"
    since = f"; orders from {evaluation.cut} on were held out" if evaluation.cut else "; the shop has no orders"
    yield f"Cases: {asked}{since}. Intervals are 95 % bootstrap intervals over cases.\n"
    against = f"against {evaluation.live_release}" if evaluation.live_release else "against the release before"
    yield f"| task | segment | measure | cases | value | {against} |\n| --- | --- | --- | --- | --- | --- |"
    for one in evaluation.figures:
        less = (
            "-" if one.difference is None
            else f"{one.difference:+.4f} [{one.difference_low:+.4f}, {one.difference_high:+.4f}]"
        )  # fmt: skip
        value = f"{one.value:.4f} [{one.low:.4f}, {one.high:.4f}]"
        yield f"| {one.task} | {one.segment} | {one.measure} | {one.cases} | {value} | {less} |"
    yield f"\n- catalogue that some answer shows among its first ten: {evaluation.coverage:.2%}"
    yield f"- categories among the first ten, of ten: {evaluation.diversity:.2f}"
    tiers = f"{evaluation.price_tier_shown:.3f} shown, {evaluation.price_tier_meant:.3f} meant"
    yield f"- price tier within the category (0 cheapest, 1 dearest): {tiers}"
    if evaluation.calibration:
        yield "\n| mean score of a fifth | share that was meant | products |\n| --- | --- | --- |"
        yield from (f"| {mean:.4f} | {share:.4f} | {count} |" for mean, share, count in evaluation.calibration)
    yield "\n## Gates\n"
    yield from (f"- {name}: {value:g}" for name, value in sorted(gates.items()))
    yield "\n## Limits\n"
    yield from (f"- {limit}" for limit in LIMITS)
    yield "\n## Versions\n"
    yield from (f"- {name}: {key}" for name, key in sorted(parts.items()))
    yield from (f"- {package} {version(package)}" for package in PACKAGES)
