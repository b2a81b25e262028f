"""A tester's token says what its maker said, to those who have the secret, until it expires."""

from datetime import UTC, datetime, timedelta

import pytest

from setwise.overrides import OverrideError, Overrides

NOW = datetime(2026, 5, 1, tzinfo=UTC)
CHOSEN = {"ranking": "treatment", "slots": "more"}


def test_a_token_says_its_variants_in_every_process_of_the_shop() -> None:
    token = Overrides(b"secret").make(CHOSEN, NOW + timedelta(minutes=1))
    assert Overrides(b"secret").read(token, NOW) == CHOSEN
    assert token.isascii() and not set(token) & set("+/= ;,\r\n")


def test_an_expired_token_another_shops_one_and_any_changed_one_are_refused() -> None:
    ours = Overrides(b"secret")
    token = ours.make(CHOSEN, NOW + timedelta(minutes=1))
    with pytest.raises(OverrideError, match="expired at 2026-05-01 00:01 UTC"):
        ours.read(token, NOW + timedelta(minutes=1))
    with pytest.raises(OverrideError, match="secret"):
        Overrides(b"another").read(token, NOW)
    for at in range(0, len(token), 3):
        changed = token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]
        with pytest.raises(OverrideError):
            ours.read(changed, NOW)
    for rubbish in ("", "x", "ü", "a b", token[:-4], token * 20):
        with pytest.raises(OverrideError):
            ours.read(rubbish, NOW)
