from pathlib import Path

from tests.documented import documented

ROOT = Path(__file__).parents[2]


def as_env_example() -> str:
    lines = ["# Every setting with its default. Copy to .env, uncomment what you change."]
    for entry in documented():
        choices = f" ({' | '.join(entry.choices)})" if entry.choices else ""
        lines += ["", f"# {entry.text}{choices}", f"# {entry.variable}={entry.default}"]
    return "\n".join(lines) + "\n"


def test_env_example_lists_exactly_the_settings_with_their_defaults() -> None:
    assert (ROOT / ".env.example").read_text() == as_env_example()


def test_a_copy_of_env_example_sets_nothing_until_a_line_is_uncommented() -> None:
    assert [line for line in (ROOT / ".env.example").read_text().splitlines() if line and line[0] != "#"] == []
