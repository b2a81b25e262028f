"""What is understood of the tuning prompts does not fall: floors a little under what was reached."""

import pytest

from tests.understanding.score import FIELDS, Tally, measure, read_prompts

PROMPTS = read_prompts("tune")
FLOORS = {
    "slots": 0.98, "budget": 0.995, "exclusions": 0.97, "colors": 0.98, "materials": 0.985, "styles": 0.97,
    "brands": 0.97, "sizes": 0.98, "occasion": 0.97, "conflict": 0.95, "language": 0.99,
}  # fmt: skip


@pytest.fixture(scope="module")
def tallies() -> dict[str, Tally]:
    return measure(PROMPTS)[0]


@pytest.mark.parametrize("field", FLOORS)
def test_each_field_keeps_its_f1_on_the_tuning_prompts(field: str, tallies: dict[str, Tally]) -> None:
    assert field in FIELDS
    assert tallies[field].f1 >= FLOORS[field]


@pytest.mark.parametrize("language", ["en", "de", "fr", "es"])
def test_each_language_keeps_slots_budget_and_exclusions(language: str) -> None:
    prompts = [row for row in PROMPTS if row["language"] == language]
    tallies, exact, _ = measure(prompts)
    assert tallies["slots"].f1 >= 0.95
    assert exact["budget"] >= 0.98 * len(prompts)
    assert tallies["exclusions"].f1 >= 0.95
