"""A key is what was handed out, as long as it is neither revoked nor expired; nothing else is."""

from datetime import UTC, datetime, timedelta

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from online.keys import find_key, make_key

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def test_a_key_is_found_by_the_text_that_was_handed_out_and_its_secret_is_kept_nowhere() -> None:
    key, text = make_key("shop", ["recommend"], NOW)
    assert find_key({key.key_id: key}, text, NOW) == key
    secret = text.split("_", 2)[2]
    assert secret.encode() not in msgspec.json.encode(key)
    assert len(secret) >= 43, "256 bits"


def test_two_keys_of_one_client_are_valid_at_once_until_one_is_revoked() -> None:
    (old, old_text), (new, new_text) = make_key("shop", ["recommend"], NOW), make_key("shop", ["recommend"], NOW)
    keys = {old.key_id: old, new.key_id: new}
    assert find_key(keys, old_text, NOW) == old and find_key(keys, new_text, NOW) == new
    keys[old.key_id] = msgspec.structs.replace(old, revoked_at=NOW)
    assert find_key(keys, old_text, NOW) is None and find_key(keys, new_text, NOW) == new


def test_a_key_ends_when_it_expires() -> None:
    key, text = make_key("shop", ["events"], NOW, NOW + timedelta(days=1))
    assert find_key({key.key_id: key}, text, NOW + timedelta(hours=23)) == key
    assert find_key({key.key_id: key}, text, NOW + timedelta(days=1)) is None


@given(st.text(max_size=100), st.integers(0, 59))
def test_no_other_text_is_a_key(text: str, position: int) -> None:
    key, right = make_key("shop", ["recommend"], NOW)
    keys = {key.key_id: key}
    assert find_key(keys, text, NOW) is None
    changed = right[:position] + ("A" if right[position] != "A" else "B") + right[position + 1 :]
    assert find_key(keys, changed, NOW) is None
    assert find_key(keys, right + "x", NOW) is None and find_key(keys, right[:-1], NOW) is None
