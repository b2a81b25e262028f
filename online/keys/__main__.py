"""python -m online.keys: make, list and revoke API keys."""

import argparse
import os
import sys
from datetime import UTC, datetime, timedelta

from online.keys import SCOPES, Key, make_key
from online.keys.store import KeysStore, KeysStoreDownError, build_keys_store, revoked
from setwise.settings import Settings, SettingsError

MAX_NAME = 64


def main() -> int:
    """0 when done; errors are one sentence."""
    options = _parser().parse_args()
    try:
        store = build_keys_store(Settings.from_env(os.environ))
        try:
            return int(options.run(store, options))
        finally:
            store.close()
    except (SettingsError, KeysStoreDownError) as error:
        print(f"setwise: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m online.keys",
        description="API keys. A running service knows a new or revoked one within two seconds. To rotate a client's "
        "key, create a second one of the same name, hand it over, then revoke the first.",
    )
    commands = parser.add_subparsers(required=True, metavar="create | list | revoke")
    create = commands.add_parser("create", help="make a key and print it: it is shown this once")
    create.add_argument("--name", required=True, help="the client; keys of one name see the same requests and bundles")
    create.add_argument(
        "--scopes", required=True, help="some of recommend,events,admin, separated by commas; admin holds the others"
    )
    create.add_argument("--expires-days", type=float, help="so many days from now; for ever where it is left out")
    create.set_defaults(run=_create)
    commands.add_parser("list", help="all keys, without their secrets").set_defaults(run=_list)
    revoke = commands.add_parser("revoke", help="end a key")
    revoke.add_argument("key_id", help="the id that `list` shows")
    revoke.set_defaults(run=_revoke)
    return parser


def _create(store: KeysStore, options: argparse.Namespace) -> int:
    scopes = [scope.strip() for scope in options.scopes.split(",")]
    if unknown := [scope for scope in scopes if scope not in SCOPES]:
        print(f"setwise: {unknown[0]!r} is no scope; there are {', '.join(SCOPES)}", file=sys.stderr)
        return 2
    if not 1 <= len(options.name) <= MAX_NAME or options.name == "anonymous":
        print(f"setwise: --name takes 1 to {MAX_NAME} characters, and not 'anonymous'", file=sys.stderr)
        return 2
    now = datetime.now(UTC)
    expires_at = now + timedelta(days=options.expires_days) if options.expires_days else None
    key, text = make_key(options.name, scopes, now, expires_at)
    store.put(key)
    print(text)
    print(f"key {key.key_id} of {key.name}; send it as 'Authorization: Bearer <key>'", file=sys.stderr)
    return 0


def _list(store: KeysStore, _: argparse.Namespace) -> int:
    now = datetime.now(UTC)
    for key in sorted(store.all().values(), key=lambda key: key.created_at):
        print(f"{key.key_id}  {_state(key, now):<8}  {','.join(key.scopes):<24}  {key.created_at:%Y-%m-%d}  {key.name}")
    return 0


def _state(key: Key, now: datetime) -> str:
    return "revoked" if key.revoked_at else "valid" if key.is_valid(now) else "expired"


def _revoke(store: KeysStore, options: argparse.Namespace) -> int:
    key = revoked(store, options.key_id, datetime.now(UTC))
    if key is None:
        print(f"setwise: there is no key {options.key_id!r}; see python -m online.keys list", file=sys.stderr)
        return 1
    print(f"key {key.key_id} of {key.name} is revoked")
    return 0


if __name__ == "__main__":
    sys.exit(main())
