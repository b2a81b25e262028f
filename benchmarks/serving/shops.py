"""The shops that are measured: their releases, built once by the real job and found again."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import msgspec
import numpy as np

from benchmarks.serving.machine import ROOT
from setwise.catalogue import indexed_text
from setwise.complementarity import build_complementarity
from setwise.index import LocalIndex, build_index
from setwise.names import RANKER_SERVICE, ProductId
from setwise.release import Manifest, Releases, describe_files, now_utc, release_id_of
from setwise.snapshot import Snapshot, write_snapshot

Say = Callable[[str], None]
STAMP = "bench.made_from"
NOISE = 0.35
"""Length of the noise that parts a made vector from the one it came from; cosine to it about .94."""
REDIS_DB = 5
"""A database of its own: Feast's keys would be those of every other shop on the server."""
WORKERS = "SETWISE_WORKERS"
"""How many processes serve, as the environment of the run says; one where it says nothing."""
SERVERS = {
    "SETWISE_VECTORS": "weaviate",
    "SETWISE_FEATURES": "redis",
    "SETWISE_BUNDLES": "redis",
    "SETWISE_RULES": "redis",
    "SETWISE_LOG": "kafka",
    "SETWISE_LOG_PREFIX": "setwise-bench",
}


class Shop(msgspec.Struct, frozen=True):
    """A data folder with a live release, and the settings that serve it."""

    name: str
    data_dir: Path
    environ: dict[str, str]
    shoppers: int = 0

    def live(self) -> tuple[Manifest, Path]:
        """The live release's manifest and folder."""
        releases = Releases(str(self.data_dir / "releases"), self.data_dir / "release-cache")
        current = releases.current_id()
        assert current is not None, f"{self.name} has no release"
        return releases.manifest(current), self.data_dir / "releases" / current


def sample_shop(work: Path, products: int, say: Say, servers: bool = False) -> Shop:
    """The sample shop of that size; 20,000 shoppers from 30,000 products on, else 2,000."""
    shoppers = 20_000 if products >= 30_000 else 2_000
    sizes = {
        "SETWISE_SAMPLE_PRODUCTS": str(products),
        "SETWISE_SAMPLE_SHOPPERS": str(shoppers),
        "SETWISE_SAMPLE_ORDERS": str(10 * shoppers),
    }
    name = f"sample-{products}" + ("-servers" if servers else "")
    return _built(
        work, Shop(name, work / "shops" / name, sizes | (server_settings() if servers else {}), shoppers), say
    )


def chorus_shop(work: Path, shared: Path, say: Say) -> Shop:
    """19,406 real products, without orders."""
    feed = shared / "data/chorus/catalogue.jsonl.gz"
    if not feed.is_file():
        raise RuntimeError(f"{feed.name} of the public set chorus is not beside the repository")
    return _built(work, Shop("chorus", work / "shops/chorus", {"SETWISE_FEED": str(feed.absolute())}), say)


def server_settings() -> dict[str, str]:
    """The settings for the real servers: those of `make services`, in a database and under topics of their own."""
    own = {key: value for key, value in os.environ.items() if key.startswith("SETWISE_WEAVIATE")}
    url = os.environ.get("SETWISE_REDIS_URL", "redis://127.0.0.1:6379/0")
    return SERVERS | own | {"SETWISE_REDIS_URL": f"{url.rsplit('/', 1)[0]}/{REDIS_DB}"}


def clean_environ(shop: Shop) -> dict[str, str]:
    """An environment with this shop's settings and no others."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("SETWISE_") and k != "DAGSTER_HOME"}
    kept |= {k: v for k, v in os.environ.items() if k.startswith("SETWISE_LOG_KAFKA") or k == "SETWISE_KAFKA_BROKERS"}
    measured = {
        "PYTHONWARNINGS": "ignore", "SETWISE_ANONYMOUS": "recommend,events", "SETWISE_ADDRESS_PER_S": "0",
        WORKERS: os.environ.get(WORKERS, "1"),
    }  # fmt: skip
    return kept | measured | shop.environ | {"SETWISE_DATA_DIR": str(shop.data_dir)}


def _built(work: Path, shop: Shop, say: Say) -> Shop:
    stamp, made_from = shop.data_dir / STAMP, _sources()
    if stamp.is_file() and stamp.read_text() == made_from:
        return shop
    say(f"building {shop.name}; it is kept until the code of builds changes")
    # A release of older code is nothing to compare the new one with: it may lack what this code reads.
    shutil.rmtree(shop.data_dir / "releases", ignore_errors=True)
    target = shop.data_dir / "artefacts/encoder"
    others = [path for path in work.glob("shops/*/artefacts/encoder") if path != target]
    if others and not target.exists():
        # The same artefact under the same key in every shop: exported once, linked by the others.
        shutil.copytree(others[0], target, copy_function=os.link)
    command = [sys.executable, "-m", "orchestration", "build"]
    done = subprocess.run(command, cwd=ROOT, env=clean_environ(shop), check=False, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{shop.name} could not be built:\n{done.stdout[-1500:]}{done.stderr[-1500:]}")
    stamp.write_text(made_from)
    return shop


def _sources() -> str:
    # A release of older code may lack what this code reads; artefacts that did not change are found again.
    digest = hashlib.sha256()
    for folder in ("setwise", "orchestration", "feature_repo"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def grown_shop(work: Path, source: Shop, products: int, say: Say) -> Shop:
    """A synthetic shop: the source's products again and again under new ids, their vectors moved a little.

    Written straight into a release's files; vocabulary, encoder and shoppers' features are the source's."""
    shop = Shop(f"grown-{products}", work / "shops" / f"grown-{products}", {}, source.shoppers)
    stamp, made_from = shop.data_dir / STAMP, _sources()
    if stamp.is_file() and stamp.read_text() == made_from:
        return shop
    manifest, folder = source.live()
    snapshot, vectors = Snapshot(folder / "snapshot"), LocalIndex(folder / "index").vectors()
    parts = {name: shop.data_dir / "made" / name for name in ("snapshot", "index", "complementarity")}
    for path in parts.values():
        path.mkdir(parents=True, exist_ok=True)
    say(f"{shop.name}: writing {products:,} products")
    write_snapshot(_copies(snapshot, products), parts["snapshot"])
    grown = Snapshot(parts["snapshot"])
    rng, moved = np.random.default_rng(0), np.empty((products, vectors.shape[1]), np.float32)
    for start in range(0, products, len(vectors)):
        stop = min(products, start + len(vectors))
        noise = rng.normal(size=(stop - start, vectors.shape[1])).astype(np.float32)
        noise *= NOISE / np.linalg.norm(noise, axis=1, keepdims=True)
        near = vectors[: stop - start] + noise
        moved[start:stop] = near / np.linalg.norm(near, axis=1, keepdims=True)
    say(f"{shop.name}: building both indexes")
    build_index(moved, (indexed_text(product) for product in grown), parts["index"])
    say(f"{shop.name}: complementarity")
    build_complementarity(grown, moved.astype(np.float16), [], [], now_utc(), parts["complementarity"])
    parts |= {name: folder / name for name in ("encoder", "vocabulary")}
    keys = {name: f"{shop.name}-{name}" for name in parts}
    made = Manifest(
        release_id_of(keys), now_utc(), None, describe_files(parts), keys, {"products": products}, {},
        manifest.currency, RANKER_SERVICE,
    )  # fmt: skip
    Releases(str(shop.data_dir / "releases"), shop.data_dir / "release-cache").publish(made, parts)
    shutil.copytree(source.data_dir / "features", shop.data_dir / "features", dirs_exist_ok=True)
    shutil.rmtree(shop.data_dir / "made")
    stamp.write_text(made_from)
    return shop


def _copies(snapshot: Snapshot, products: int) -> Iterator[msgspec.Struct]:
    written = count(1)
    while True:
        for product in snapshot:
            number = next(written)
            if number > products:
                return
            group = f"{product.item_group_id}-{number // len(snapshot)}" if product.item_group_id else None
            yield msgspec.structs.replace(
                product, id=ProductId(f"p-{number}"), item_group_id=group or product.item_group_id
            )
