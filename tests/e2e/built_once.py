"""What a first build of some files makes is handed to every other first build of the same files, in all processes of a
run: the same artefacts under the same keys, found as the product itself finds them when it builds again."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from orchestration.sample_shop import generate

Done = subprocess.CompletedProcess[str]
FILES = ("SETWISE_FEED", "SETWISE_ORDERS", "SETWISE_SETS")
OF_A_PLACE = ("online_features", "product_collection")
"""Artefacts that stand for rows in a store: each data folder writes its own."""
ENCODER = "encoder"


def build_once(environ: Mapping[str, str], build: Callable[[], Done], from_nothing: bool = False) -> Done:
    """Builds. A data folder's first build waits while another process makes the run's encoder, or builds these very
    files, and then begins with what was made; `from_nothing` takes and gives the encoder alone."""
    mine = Path(environ["SETWISE_DATA_DIR"]) / "artefacts"
    if (mine / "products").exists():
        return build()
    encoder, shop = shared_folder() / ENCODER, None if from_nothing else made_of(environ)
    with ExitStack() as locks:
        for folder in (encoder, shop):
            if folder is not None:
                locks.enter_context(until_it_is_there(folder))
        seed(mine, shop)
        done = build()
        if done.returncode == 0:
            _publish(mine / ENCODER, encoder)
            if shop is not None:
                _publish(mine, shop, ENCODER, *OF_A_PLACE)
    return done


def sample_shop() -> Path:
    """The folder of a sample shop of 300 products, the same files for all; not to be changed."""
    folder = shared_folder() / "sample"
    with until_it_is_there(folder):
        generate(folder, products=300, shoppers=60, orders=800)
    return folder


def files_of(shop: Path) -> dict[str, str]:
    """The settings that name a sample shop's files."""
    return {name: str(shop / f"{name.removeprefix('SETWISE_').lower()}.jsonl") for name in FILES}


def seed(artefacts: Path, shop: Path | None = None) -> None:
    """Puts the run's encoder there, and what was made of a shop's files, where they are there already."""
    if not (artefacts / ENCODER).exists():
        _link(shared_folder() / ENCODER, artefacts / ENCODER)
    if shop is not None:
        _link(shop, artefacts)


def shared_folder() -> Path:
    """What all processes of a run have in common."""
    folder = Path(os.environ["SHARED_FOLDER"])
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def made_of(environ: Mapping[str, str]) -> Path:
    """Where the run has what was made of these very files, once it is there."""
    digest = hashlib.sha256()
    for name in FILES:
        path = Path(environ.get(name) or os.devnull)
        digest.update(hashlib.sha256(path.read_bytes() if path.is_file() else b"").digest())
    return shared_folder() / digest.hexdigest()[:16]


@contextmanager
def until_it_is_there(folder: Path) -> Iterator[None]:
    """One process after the other, as long as the folder is not there."""
    with folder.with_suffix(".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if folder.exists():
            fcntl.flock(file, fcntl.LOCK_UN)
        yield


def _link(source: Path, target: Path) -> None:
    if source.exists():
        shutil.copytree(source, target, copy_function=os.link, dirs_exist_ok=True)


def _publish(source: Path, target: Path, *left_out: str) -> None:
    """Whole or not at all; what is there already stays."""
    if target.exists():
        return
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        made = Path(folder) / "made"
        shutil.copytree(source, made, copy_function=os.link, ignore=shutil.ignore_patterns(*left_out))
        made.rename(target)
