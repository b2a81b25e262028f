"""How releases come and go: killed builds, refused ones, the way back, and a service that notices.

FAULTS=long kills a build in every asset; `make test` in two, `make test-long` in four."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import builds
import pytest
from built_once import made_of, seed
from e2e_support import ROOT, build, built_shop, serve

from setwise.release import CURRENT, Releases
from setwise.whole_file import write_whole

LONG = os.environ.get("FAULTS") == "long"
FEW, MORE = ("product_embeddings", "release"), ("products", "product_embeddings", "product_index", "release")


def feed(folder: Path, count: int) -> dict[str, str]:
    rows = [
        {
            "id": f"p{i}",
            "title": f"{('Oak', 'Brass', 'Linen')[i % 3]} {('lamp', 'chair', 'desk', 'rug')[i % 4]} {i}",
            "price": f"{10 + i % 50}.00 EUR",
            "availability": "in_stock",
            "product_type": f"Home > {('Lamps', 'Chairs', 'Desks', 'Rugs')[i % 4]}",
        }
        for i in range(count)
    ]
    (folder / "feed.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return {"SETWISE_DATA_DIR": str(folder / "var"), "SETWISE_FEED": str(folder / "feed.jsonl")}


def releases_of(environ: dict[str, str]) -> Releases:
    data_dir = Path(environ["SETWISE_DATA_DIR"])
    return Releases(str(data_dir / "releases"), data_dir / "cache")


def build_killed_in(step: str, environ: dict[str, str]) -> None:
    """Starts the build and kills it (SIGKILL, its children too) as soon as this asset has begun."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("SETWISE_") and k != "DAGSTER_HOME"}
    seed(Path(environ["SETWISE_DATA_DIR"]) / "artefacts")
    output = Path(environ["SETWISE_DATA_DIR"]).parent / f"killed-in-{step}"
    process = builds.start({**clean, "PYTHONWARNINGS": "ignore", **environ}, output)
    while process.is_alive() and not (output.is_file() and f"  {step} ...\n" in output.read_text()):
        time.sleep(0.01)
    assert process.is_alive(), f"the build never came to {step}"
    builds.kill(process)


@pytest.mark.parametrize(
    "killed_in", [pytest.param(FEW, id="two"), pytest.param(MORE, id="four", marks=pytest.mark.long)]
)
def test_a_build_killed_in_any_of_these_assets_publishes_nothing_and_runs_again_to_the_same_release(
    tmp_path, killed_in
) -> None:
    (tmp_path / "clean").mkdir()
    apart, environ = feed(tmp_path / "clean", 40), feed(tmp_path, 40)
    clean = build(apart)
    assert clean.returncode == 0
    wanted, releases = releases_of(apart).current_id(), releases_of(environ)
    steps = re.findall(r"^  (\w+) \.\.\.$", clean.stdout, re.MULTILINE)
    until = steps.index("release") + 1
    for step in steps[:until] if LONG else killed_in:
        build_killed_in(step, environ)
        assert releases.current_id() is None
    assert build(environ).returncode == 0
    assert releases.current_id() == wanted
    for step in steps[until:] if LONG else ():
        build_killed_in(step, environ)
        assert releases.current_id() == wanted


@pytest.mark.parametrize(
    "from_nothing",
    [pytest.param(False, id="parts made"), pytest.param(True, id="from nothing", marks=pytest.mark.long)],
)
def test_two_builds_of_the_same_feed_at_once_end_with_the_same_whole_release(tmp_path, from_nothing) -> None:
    environ = feed(tmp_path, 40)
    seed(tmp_path / "var" / "artefacts", None if from_nothing else made_of(environ))
    clean = {k: v for k, v in os.environ.items() if not k.startswith("SETWISE_") and k != "DAGSTER_HOME"}
    both = [builds.start({**clean, "PYTHONWARNINGS": "ignore", **environ}, tmp_path / f"run-{n}") for n in (1, 2)]
    for process in both:
        process.join()
    printed = "".join((tmp_path / f"run-{n}").read_text() for n in (1, 2))
    assert [process.exitcode for process in both] == [0, 0], printed
    releases = releases_of(environ)
    live = releases.current_id()
    assert live is not None and releases.fetch(live)[0].release_id == live
    with serve(environ) as client:
        assert client.post("/v1/bundles", json={"prompt": "a lamp"}).json()["release"] == live


@pytest.fixture(scope="module")
def life(shop: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A shop of 300 products with a live release; the tests below go on from where the one before left it."""
    return built_shop({"SETWISE_FEED": str(shop / "feed.jsonl")}, tmp_path_factory.mktemp("life"))


def with_rows(environ: dict[str, str], folder: Path, change: Callable[[list[dict]], list[dict]]) -> dict[str, str]:
    """The same shop with another feed."""
    rows = [json.loads(line) for line in Path(environ["SETWISE_FEED"]).read_text().splitlines()]
    (folder / "feed.jsonl").write_text("".join(json.dumps(row) + "\n" for row in change(rows)))
    return environ | {"SETWISE_FEED": str(folder / "feed.jsonl")}


def test_a_feed_that_lost_most_of_its_products_is_refused_by_name_and_the_live_release_stays(life, tmp_path) -> None:
    live = releases_of(life).current_id()
    refused = build(with_rows(life, tmp_path, lambda rows: rows[:60]))
    assert refused.returncode == 1
    assert "gate kept_share_of_the_catalogue refused the release" in " ".join(refused.stdout.split())
    assert releases_of(life).current_id() == live


def test_a_running_service_notices_a_new_release_within_a_second_and_rollback_brings_the_old_one_back(
    life, tmp_path
) -> None:
    releases = releases_of(life)
    first = releases.current_id()
    with serve(life) as client:
        assert client.get("/health/ready").json()["release"] == first
        renamed = with_rows(life, tmp_path, lambda rows: [{**row, "title": f"{row['title']} zorble"} for row in rows])
        assert build(renamed).returncode == 0
        second = releases.current_id()
        assert second != first
        time.sleep(1.0)
        assert client.get("/health/ready").json()["release"] == second
        clean = {k: v for k, v in os.environ.items() if not k.startswith("SETWISE_") and k != "DAGSTER_HOME"}
        command = [sys.executable, "-m", "orchestration", "rollback"]
        done = subprocess.run(command, env={**clean, **life}, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        time.sleep(1.0)
        answer = client.post("/v1/bundles", json={"prompt": "a lamp"}).json()
    assert answer["release"] == releases.current_id() == first
    forward = subprocess.run([*command, "--to", str(second)], env={**clean, **life}, cwd=ROOT, check=False)
    assert forward.returncode == 0 and releases.current_id() == second
    assert all("zorble" not in item["title"] for bundle in answer["bundles"] for item in bundle["items"])


@pytest.mark.parametrize("damage", [b"", b"not a model"])
def test_a_damaged_release_is_not_served_and_the_one_before_stays(life, damage) -> None:
    releases = Path(life["SETWISE_DATA_DIR"]) / "releases"
    live = str(releases_of(life).current_id())
    copy = releases / f"r-damaged-{len(damage)}"
    with serve(life) as client:
        shutil.copytree(releases / live, copy)
        (copy / "encoder/model.int8.onnx").write_bytes(damage)
        write_whole(releases / CURRENT, copy.name.encode())
        time.sleep(1.0)
        reply = client.post("/v1/bundles", json={"prompt": "a lamp"})
    write_whole(releases / CURRENT, live.encode())
    assert reply.json()["release"] == live
