"""python -m online.variants FLAG=VARIANT ...: a token that shows a tester these variants, counted in no result."""

import argparse
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from setwise.events.secret import event_secret
from setwise.flags import FlagsError, read_flags
from setwise.overrides import VARIANTS_HEADER, Overrides
from setwise.settings import Settings, SettingsError

MOST_MINUTES = 7 * 24 * 60


def main() -> int:
    """Prints the token; errors are one sentence."""
    parser = argparse.ArgumentParser(prog="python -m online.variants", description=__doc__)
    parser.add_argument("variants", nargs="+", metavar="FLAG=VARIANT", help="as the flag file names them")
    parser.add_argument("--minutes", type=int, default=60, help=f"how long it holds, at most {MOST_MINUTES}")
    options = parser.parse_args()
    try:
        settings = Settings.from_env(os.environ)
        flags = read_flags(Path(settings.flags.file).read_bytes()).flags
        chosen = dict(one.partition("=")[::2] for one in options.variants)
        for name, variant in chosen.items():
            if name not in flags or variant not in flags[name].variants:
                there = ", ".join(f"{flag}={one}" for flag, about in flags.items() for one in about.variants)
                raise FlagsError(f"{name}={variant} is not in {settings.flags.file}; there are {there}")
        if not 1 <= options.minutes <= MOST_MINUTES:
            raise FlagsError(f"--minutes takes 1 to {MOST_MINUTES}")
        secret = event_secret(settings.events.secret, Path(settings.storage.data_dir).absolute())
    except (SettingsError, FlagsError, OSError) as error:
        print(f"setwise: {error}", file=sys.stderr)
        return 2
    until = datetime.now(UTC) + timedelta(minutes=options.minutes)
    print(Overrides(secret).make(chosen, until))
    said = f"send it as '{VARIANTS_HEADER}: <token>' or ?variants=<token>; it holds until {until:%Y-%m-%d %H:%M} UTC"
    print(said, file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
