"""Lays out the sets as shops with a past, and builds a release of each with the real job."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

ROOT = Path(__file__).parents[2]
STAMP = "built-from"
PARTS = ("catalogue", "orders", "sets", "queries", "completion")


class Shop(msgspec.Struct, frozen=True):
    """One set, laid out in `folder`; its release and stores are below `data_dir`."""

    name: str
    folder: Path
    data_dir: Path
    has_past: bool = True
    """Whether it is built with its orders and sets."""

    @property
    def environ(self) -> dict[str, str]:
        """The settings that build and serve this shop on embedded defaults."""
        files = {"FEED": "catalogue"} | ({"ORDERS": "orders", "SETS": "sets"} if self.has_past else {})
        paths = {f"SETWISE_{key}": self.folder / f"{name}.jsonl" for key, name in files.items()}
        found = {key: str(path.absolute()) for key, path in paths.items() if path.exists()}
        return {**found, "SETWISE_DATA_DIR": str(self.data_dir.absolute())}


def lay_out(name: str, shared: Path, work: Path) -> Shop:
    """Past and questions of one set, as split.py of the shared tools writes them."""
    command = [sys.executable, str(shared / "tools/split.py"), "--data", str(shared / "data" / name)]
    subprocess.run([*command, "--out", str(work / "shops")], check=True, stdout=subprocess.DEVNULL)
    return Shop(name, work / "shops" / name, work / "builds" / name)


def on_day_0(shop: Shop) -> Shop:
    """The same shop before anything was sold, beside it; what is made of the catalogue alone is linked."""
    new = msgspec.structs.replace(shop, data_dir=shop.data_dir.with_name(f"{shop.name}-day-0"), has_past=False)
    if not (new.data_dir / "artefacts").exists():
        shutil.copytree(shop.data_dir / "artefacts", new.data_dir / "artefacts", copy_function=os.link)
    return new


def build(shop: Shop, *, keep: bool) -> bool:
    """Builds the release where inputs or code changed since the last one; True where it built. `keep` = any will do."""
    stamp = shop.data_dir / STAMP
    made_from = _hash([*sorted(shop.folder.glob("*.jsonl")), *_sources()])
    is_built = (shop.data_dir / "releases" / "current").exists()
    if is_built and (keep or (stamp.exists() and stamp.read_text() == made_from)):
        return False
    _share_encoder(shop)
    clean = {key: value for key, value in os.environ.items() if not key.startswith("SETWISE_")}
    clean.pop("DAGSTER_HOME", None)
    environ = {**clean, "PYTHONWARNINGS": "ignore", **shop.environ}
    command = [sys.executable, "-m", "orchestration", "build"]
    done = subprocess.run(command, cwd=ROOT, env=environ, check=False, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{shop.name} could not be built:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    stamp.write_text(made_from)
    return True


def _sources() -> Iterator[Path]:
    # What `online` does is no part of a release: changing a weight of an answer builds nothing.
    for folder in ("setwise", "orchestration", "feature_repo"):
        yield from sorted((ROOT / folder).rglob("*.py"))


def _hash(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def _share_encoder(shop: Shop) -> None:
    """The encoder is the same artefact under the same key in every shop: exported once, linked by the others."""
    target = shop.data_dir / "artefacts" / "encoder"
    others = [path for path in shop.data_dir.parent.glob("*/artefacts/encoder") if path != target]
    if others and not target.exists():
        shutil.copytree(others[0], target, copy_function=os.link)


def pool(shops: list[Shop], name: str, work: Path) -> Shop:
    """Several shops' files as one set, for scoring only: the questions keep their ids."""
    folder = work / "shops" / name
    folder.mkdir(parents=True, exist_ok=True)
    for part in PARTS:
        files = [path for shop in shops if (path := shop.folder / f"{part}.jsonl").exists()]
        (folder / f"{part}.jsonl").write_bytes(b"".join(path.read_bytes() for path in files))
    return Shop(name, folder, work / "builds" / name)
