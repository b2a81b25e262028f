"""Where assets keep what they made: one folder per asset and key, complete or absent, kept under its inputs' hash."""

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import msgspec

from setwise.settings import Settings
from setwise.whole_file import write_whole

MARKER = ".complete.json"
KEPT = 3


class Artefact(msgspec.Struct, frozen=True):
    """A finished folder: `key` is the hash of everything it was made from; `facts` go into Dagster's metadata."""

    name: str
    key: str
    folder: str
    reused: bool = False
    facts: dict[str, object] = {}

    @property
    def path(self) -> Path:
        """The folder."""
        return Path(self.folder)


class ArtefactStore:
    """Folders under `root`/<asset>/<key>."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def make(self, name: str, inputs: object, build: Callable[[Path], dict[str, object]]) -> Artefact:
        """The folder that these inputs give: found, or built beside its place and moved there whole."""
        key = hashlib.sha256(json.dumps(inputs, sort_keys=True, default=str).encode()).hexdigest()[:16]
        folder = self.root / name / key
        marker = folder / MARKER
        if marker.exists():
            os.utime(folder)
            return Artefact(name, key, str(folder), True, json.loads(marker.read_text()))
        self._clear_unfinished(name)
        temporary = folder.with_name(f".{key}.{os.getpid()}.{uuid.uuid4().hex[:6]}")
        temporary.mkdir(parents=True)
        try:
            facts = build(temporary)
            (temporary / MARKER).write_text(json.dumps(facts, default=str))
            is_first = _moved(temporary, folder)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        self._forget_old(name)
        return Artefact(name, key, str(folder), not is_first, facts)

    def latest(self, name: str) -> Artefact | None:
        """The one used last, or None."""
        folders = sorted((self.root / name).glob(f"*/{MARKER}"), key=lambda path: path.parent.stat().st_mtime)
        if not folders:
            return None
        folder = folders[-1].parent
        return Artefact(name, folder.name, str(folder), True, json.loads(folders[-1].read_text()))

    def drop(self, artefact: Artefact) -> None:
        """Deletes an artefact, so that the next build makes it again."""
        shutil.rmtree(artefact.path, ignore_errors=True)

    def _clear_unfinished(self, name: str) -> None:
        # What a killed process left; the folder of a process that still runs stays.
        for folder in (self.root / name).glob(".*"):
            process = folder.name.split(".")[2]
            if not Path(f"/proc/{process}").exists():
                shutil.rmtree(folder, ignore_errors=True)

    def _forget_old(self, name: str) -> None:
        folders = sorted((self.root / name).glob("[!.]*"), key=lambda path: path.stat().st_mtime, reverse=True)
        for folder in folders[KEPT:]:
            shutil.rmtree(folder, ignore_errors=True)


def _moved(made: Path, place: Path) -> bool:
    """False where another build came first: what it made of the same inputs stays."""
    try:
        made.rename(place)
    except OSError:
        if not (place / MARKER).exists():
            raise
        shutil.rmtree(made)
        return False
    return True


class ArtefactIOManager(dg.ConfigurableIOManager):
    """Hands an asset's Artefact to the next one as JSON: no pickle, readable, replaced by each run. Its folder follows
    from the settings when a run uses it: a process that has loaded the definitions may build several shops."""

    def handle_output(self, context: dg.OutputContext, obj: Artefact | None) -> None:
        """Writes <asset>.json, whole."""
        if obj is not None:
            write_whole(self._file(context.asset_key), msgspec.json.encode(obj))

    def load_input(self, context: dg.InputContext) -> Artefact:
        """Reads what the upstream asset wrote last."""
        path = self._file(context.asset_key)
        if not path.exists():
            raise dg.Failure(f"{context.asset_key.path[-1]} was never built; materialise it first, or run make build")
        return msgspec.json.decode(path.read_bytes(), type=Artefact)

    def _file(self, asset: dg.AssetKey) -> Path:
        data_dir = Path(Settings.from_env(os.environ).storage.data_dir).absolute()
        return data_dir / "build" / f"{asset.path[-1]}.json"


def result(artefact: Artefact, **metadata: object) -> dg.MaterializeResult:
    """What every asset returns: its artefact, and its facts where a person looks for them."""
    facts = {"reused": artefact.reused, "key": artefact.key, **artefact.facts, **metadata}
    return dg.MaterializeResult(value=artefact, metadata=facts, data_version=dg.DataVersion(artefact.key))
