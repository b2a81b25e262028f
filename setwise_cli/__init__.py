"""setwise COMMAND: which module does what an installed Setwise is asked for?"""

import runpy
import sys
from importlib.metadata import version

import msgspec


class Command(msgspec.Struct, frozen=True):
    """A module that is run as `python -m` runs it, after these words; `extra` is the part of Setwise it needs."""

    module: str
    says: str
    words: tuple[str, ...] = ()
    extra: str = "online"


BUILDS = "orchestration"
COMMANDS = {
    "serve": Command("online", "serve the current release on SETWISE_PORT"),
    "worker": Command("online.worker", "answer asynchronous requests, without serving HTTP"),
    "keys": Command("online.keys", "make, list and revoke API keys"),
    "variants": Command("online.variants", "make a tester's token for variants of experiments"),
    "dead-letters": Command("online.dead_letters", "list, show and replay what could not be worked on"),
    "build": Command("orchestration", "feed to live release", ("build",), BUILDS),
    "rollback": Command("orchestration", "make the release before the live one live again", ("rollback",), BUILDS),
    "home": Command("orchestration", "prepare DAGSTER_HOME and print it", ("home",), BUILDS),
    "loader": Command("orchestration.loader", "fill the raw tables from the log", (), BUILDS),
    "streams": Command("orchestration.streams", "sessions and live counts from the log", (), BUILDS),
    "marts": Command("orchestration.marts", "dbt over the raw tables; arguments are dbt's own", (), BUILDS),
    "boards": Command("orchestration.boards", "write the boards page from the marts", (), BUILDS),
    "experiments": Command("orchestration.experiments", "what experiments show, and how long one takes", (), BUILDS),
    "retention": Command("orchestration.retention", "empty old sentences and dead letters", (), BUILDS),
    "backup": Command("orchestration.backup", "save what no build can make anew into FOLDER", ("create",), BUILDS),
    "restore": Command("orchestration.backup", "put it back", ("restore",), BUILDS),
}  # fmt: skip


def listing() -> str:
    """What `setwise --help` prints."""
    lines = [f"  {name:<13} {command.says}" for name, command in COMMANDS.items()]
    usage = "usage: setwise COMMAND [ARGUMENTS]   (setwise COMMAND --help for each)"
    return "\n".join([usage, "", *lines, "", "Settings are environment variables; .env.example has them all."])


def main() -> int:
    """The command's own exit status; 2 for a command that there is not, or whose extra is not installed."""
    asked = sys.argv[1:] or ["--help"]
    if asked[0] in ("-h", "--help"):
        print(listing())
        return 0
    if asked[0] == "--version":
        print(version("setwise"))
        return 0
    command = COMMANDS.get(asked[0])
    if command is None:
        print(f"setwise: {asked[0]!r} is no command; setwise --help lists them", file=sys.stderr)
        return 2
    sys.argv = [f"setwise {asked[0]}", *command.words, *asked[1:]]
    try:
        runpy.run_module(command.module, run_name="__main__", alter_sys=True)
    except ModuleNotFoundError as error:
        print(f"setwise: {error.name} is missing; pip install 'setwise[{command.extra}]'", file=sys.stderr)
        return 2
    return 0
