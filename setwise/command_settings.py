"""What every command does first: it reads its settings, and ends with one sentence where they do not fit."""

import sys
from collections.abc import Mapping

from setwise.settings import Settings, SettingsError


def command_settings(environ: Mapping[str, str]) -> Settings:
    """Raises SystemExit with status 2 after a sentence on stderr."""
    try:
        return Settings.from_env(environ)
    except SettingsError as error:
        print(f"setwise: {error}", file=sys.stderr)
        raise SystemExit(2) from None
