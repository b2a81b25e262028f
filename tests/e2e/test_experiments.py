"""Experiments over HTTP: the variant decides what is answered, stands in the answer and in its record, and is off as
soon as the file says so."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from e2e_support import ROOT, delete_topics, own_copy, records_of, serve
from litestar.testing import TestClient

from online.flags_watch import POLL_S
from setwise.events.secret import event_secret
from setwise.events.served import Served, decode_served
from setwise.experiment import Person
from setwise.flags import Flags, read_flags
from setwise.names import SERVED_TOPIC
from setwise.overrides import VARIANTS_HEADER, Overrides

# Asks nothing of a store that the suites of the stores do not ask.
pytestmark = pytest.mark.long_on("servers")

OPEN = {"prompt": "something nice for the living room"}
NAMED = {"prompt": "a sofa and a lamp"}
SIZES = {"two": 2, "three": 3}
PATIENCE_S = 20.0


def flag(state: str = "ENABLED", split: tuple[int, int] = (50, 50)) -> dict[str, Any]:
    return {
        "state": state,
        "variants": {name: {"open_slots": size} for name, size in SIZES.items()},
        "defaultVariant": "two",
        "targeting": {"fractional": [["two", split[0]], ["three", split[1]]]},
    }


FOR_TESTERS = {
    "state": "DISABLED",
    "variants": {
        "plain": {},
        "words": {"dense_share": 0.0},
        "untrained": {"ranker": False},
        "impersonal": {"personal": False},
        "alone": {"complementarity": False},
        "loud": {"weights": {"popularity": 5.0}},
        "explored": {"explore_share": 0.2},
    },
    "defaultVariant": "plain",
}


@pytest.fixture(scope="module")
def environ(profile: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    folder = tmp_path_factory.mktemp("experiments")
    mine = own_copy(profile, folder) | {"SETWISE_FLAGS_FILE": str(folder / "flags.json")}
    write(mine, flag())
    yield mine
    if mine.get("SETWISE_LOG") == "kafka":
        delete_topics(mine)


@pytest.fixture(scope="module")
def client(environ: dict[str, str]) -> Iterator[TestClient]:
    with serve(environ) as client:
        yield client


def write(environ: dict[str, str], found: dict[str, Any] | str) -> Flags | None:
    """As an editor does: a new file in the place of the old one."""
    file = Path(environ["SETWISE_FLAGS_FILE"])
    text = found if isinstance(found, str) else json.dumps({"flags": {"sizes": found, "ways": FOR_TESTERS}})
    new = file.with_suffix(".new")
    new.write_text(text)
    new.rename(file)
    return None if isinstance(found, str) else read_flags(text.encode())


def until(is_so: Callable[[], bool]) -> None:
    ends = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < ends, "it did not come to be"
        time.sleep(0.05)


def token(environ: dict[str, str], *chosen: str) -> subprocess.CompletedProcess[str]:
    own = {k: v for k, v in os.environ.items() if not k.startswith("SETWISE_")} | environ
    command = [sys.executable, "-m", "online.variants", *chosen]
    return subprocess.run(command, capture_output=True, text=True, env=own, cwd=ROOT, check=False)


def metric(client: TestClient, name: str) -> float:
    found = re.search(rf"^{re.escape(name)} (\S+)$", client.get("/metrics").text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def assigned(client: TestClient) -> float:
    return sum(metric(client, f'setwise_experiment_assignments_total{{flag="sizes",variant="{one}"}}') for one in SIZES)


def without_ids(answer: dict[str, Any]) -> dict[str, Any]:
    bundles = [{k: v for k, v in bundle.items() if k != "bundle_id"} for bundle in answer.get("bundles", [])]
    return {k: v for k, v in answer.items() if k not in ("request_id", "timings_ms")} | {"bundles": bundles}


def sizes(answer: dict[str, Any]) -> set[int]:
    return {len(bundle["items"]) for bundle in answer["bundles"]}


def finished(client: TestClient, url: str) -> dict[str, Any]:
    until(lambda: client.get(url).json()["status"] == "done")
    answer: dict[str, Any] = client.get(url).json()["answer"]
    return answer


def test_the_variant_decides_what_is_answered_on_every_path_and_is_recorded(
    client: TestClient, environ: dict[str, str]
) -> None:
    flags, before = write(environ, flag()), assigned(client)
    assert flags is not None
    of = {user: flags.assign(Person(user, None, "")).variants for user in (f"u-{n}" for n in range(8))}
    assert {found["sizes"] for found in of.values()} == set(SIZES)
    expected: dict[str, list[dict[str, str]]] = {}
    for user, variants in of.items():
        answer = client.post("/v1/bundles", json=OPEN | {"user_id": user}).json()
        assert answer["experiment"] == variants and sizes(answer) == {SIZES[variants["sizes"]]}
        listed = client.post("/v1/products", json={"prompt": "a lamp", "user_id": user}).json()
        assert listed["experiment"] == variants
        accepted = client.post("/v1/requests", json=OPEN | {"user_id": user}).json()
        later = finished(client, accepted["status_url"])
        assert later["experiment"] == variants and sizes(later) == sizes(answer)
        expected |= {listed["request_id"]: [variants], later["request_id"]: [variants]}
        expected[answer["request_id"]] = [variants]
        bundle = answer["bundles"][0]
        for item in bundle["items"]:
            said = {"slot": item["slot"], "mode": "different"}
            if client.post(f"/v1/bundles/{bundle['bundle_id']}/swap", json=said).status_code == 200:
                expected[answer["request_id"]].append(variants)
    assert any(len(found) > 1 for found in expected.values())
    found = client.get("/v1/search", params={"q": "lamp"}).json()
    assert found["experiment"].keys() == {"sizes"}
    expected[found["request_id"]] = [found["experiment"]]
    count = sum(map(len, expected.values()))
    records = recorded(environ, count)
    for request_id, variants in expected.items():
        mine = [one for one in records if one.request_id == request_id]
        assert [one.experiment for one in mine] == variants and not any(one.is_test for one in mine)
    assert assigned(client) - before == count


def test_who_gave_no_consent_takes_part_in_no_experiment(client: TestClient, environ: dict[str, str]) -> None:
    write(environ, flag())
    answer = client.post("/v1/bundles", json=OPEN | {"user_id": "u-1", "consent": False}).json()
    assert answer["experiment"] == {}


def test_a_visitor_who_signs_in_stays_in_the_variant_of_a_flag_of_visitors(
    client: TestClient, environ: dict[str, str]
) -> None:
    def variants(**who: str) -> dict[str, str]:
        found: dict[str, str] = client.post("/v1/bundles", json=OPEN | who).json()["experiment"]
        return found

    flags = write(environ, flag() | {"metadata": {"unit": "visitor"}})
    assert flags is not None
    before = {f"v-{n}": flags.assign(Person(None, f"v-{n}", "")).variants for n in range(8)}
    assert {found["sizes"] for found in before.values()} == set(SIZES)
    until(lambda: all(variants(visitor_id=who, user_id=f"u-of-{who}") == found for who, found in before.items()))
    assert all(variants(visitor_id=who) == found for who, found in before.items())


def test_kept_answers_of_one_variant_are_never_given_under_another(client: TestClient, environ: dict[str, str]) -> None:
    hits = metric(client, 'setwise_cache_requests_total{cache="answers",result="hit"}')
    answers = [client.post("/v1/bundles", json=OPEN).json() for _ in range(30)]
    seen = {answer["experiment"]["sizes"] for answer in answers}
    assert seen == set(SIZES)
    assert all(sizes(answer) == {SIZES[answer["experiment"]["sizes"]]} for answer in answers)
    assert metric(client, 'setwise_cache_requests_total{cache="answers",result="hit"}') >= hits + 20


def test_a_swap_stays_in_the_variant_of_the_answer_of_nobody(client: TestClient, environ: dict[str, str]) -> None:
    answer = client.post("/v1/bundles", json=NAMED).json()
    bundle = answer["bundles"][0]
    said = {"slot": bundle["items"][0]["slot"], "mode": "different"}
    assert client.post(f"/v1/bundles/{bundle['bundle_id']}/swap", json=said).status_code == 200
    until(lambda: len([r for r in recorded(environ, 1) if r.request_id == answer["request_id"]]) == 2)
    both = [one for one in recorded(environ, 1) if one.request_id == answer["request_id"]]
    assert {one.route for one in both} == {"bundles", "swap"}
    assert [one.experiment for one in both] == [answer["experiment"]] * 2


def test_a_mistake_in_the_file_changes_nothing_but_a_metric(client: TestClient, environ: dict[str, str]) -> None:
    before = client.post("/v1/bundles", json=OPEN | {"user_id": "u-5"}).json()
    for broken in ("{", json.dumps({"flags": {"sizes": flag("OFF")}}), '{"flags": {"sizes": {"state": "ENABLED"}}}'):
        write(environ, broken)
        until(lambda: metric(client, "setwise_flags_refused") == 1)
        after = client.post("/v1/bundles", json=OPEN | {"user_id": "u-5"}).json()
        assert after["experiment"] == before["experiment"] and sizes(after) == sizes(before)
        write(environ, flag())
        until(lambda: metric(client, "setwise_flags_refused") == 0)


def test_the_kill_switch_is_in_force_after_a_moment_and_answers_are_those_of_a_shop_without_experiments(
    client: TestClient, environ: dict[str, str]
) -> None:
    def variants(user: str) -> dict[str, str]:
        found: dict[str, str] = client.post("/v1/bundles", json=OPEN | {"user_id": user}).json()["experiment"]
        return found

    assert POLL_S < 2
    write(environ, flag(split=(0, 100)))
    until(lambda: variants("u-1") == variants("u-2") == {"sizes": "three"})
    write(environ, flag(split=(100, 0)))
    until(lambda: variants("u-1") == {"sizes": "two"})
    write(environ, flag("DISABLED"))
    until(lambda: variants("u-1") == {})
    asked = [(path, body | who) for path, body in (("/v1/bundles", OPEN), ("/v1/bundles", NAMED | {"explain": True}),
             ("/v1/products", {"prompt": "a lamp"})) for who in ({}, {"user_id": "u-1"})]  # fmt: skip
    off = [without_ids(client.post(path, json=body).json()) for path, body in asked]
    with serve(environ | {"SETWISE_FLAGS_FILE": ""}) as plain:
        assert [without_ids(plain.post(path, json=body).json()) for path, body in asked] == off


def test_a_tester_sees_what_they_chose_and_counts_nowhere(client: TestClient, environ: dict[str, str]) -> None:
    write(environ, flag())
    until(lambda: client.post("/v1/bundles", json=OPEN | {"user_id": "u-1"}).json()["experiment"] != {})
    made = token(environ, "sizes=three")
    assert made.returncode == 0, made.stderr
    said, before = made.stdout.strip(), assigned(client)
    header = {VARIANTS_HEADER: said}
    people = [f"u-{n}" for n in range(3)]
    answers = [client.post("/v1/bundles", json=OPEN | {"user_id": user}, headers=header).json() for user in people]
    answers.append(client.post("/v1/bundles", json=OPEN, params={"variants": said}).json())
    accepted = client.post("/v1/requests", json=OPEN, headers=header).json()
    answers.append(finished(client, accepted["status_url"]))
    assert all(answer["experiment"] == {"sizes": "three"} and sizes(answer) == {3} for answer in answers)
    mine = {answer["request_id"] for answer in answers}
    until(lambda: mine <= {one.request_id for one in recorded(environ, len(mine))})
    assert all(one.is_test for one in recorded(environ, len(mine)) if one.request_id in mine)
    assert assigned(client) == before
    for path in ("/v1/bundles", "/v1/requests", "/v1/products"):
        refused = client.post(path, json=OPEN, headers={VARIANTS_HEADER: said[:-2]})
        assert refused.status_code == 403 and "Setwise-Variants" in refused.json()["detail"]
    assert token(environ, "sizes=gone").returncode == 2


def test_each_parameter_changes_what_it_says(client: TestClient, environ: dict[str, str]) -> None:
    def under(way: str, body: dict[str, Any]) -> dict[str, Any]:
        said = Overrides(secret).make({"ways": way}, datetime.now(UTC) + timedelta(minutes=1))
        answer: dict[str, Any] = client.post(
            "/v1/bundles", json=body | {"explain": True}, headers={VARIANTS_HEADER: said}
        ).json()
        return answer

    def parts(answer: dict[str, Any], name: str) -> list[float]:
        return [item["parts"][name] for bundle in answer["bundles"] for item in bundle["items"]]

    def products(answer: dict[str, Any]) -> list[str]:
        return [item["product_id"] for bundle in answer["bundles"] for item in bundle["items"]]

    secret = event_secret("", Path(environ["SETWISE_DATA_DIR"]))
    plain = under("plain", NAMED)
    assert any(parts(plain, "semantic")) and not any(parts(under("words", NAMED), "semantic"))
    assert max(parts(under("loud", NAMED), "popularity")) > 5 * max(parts(plain, "popularity"))
    assert not any(parts(under("untrained", NAMED), "learned"))
    assert any(bundle["parts"].get("fit") for bundle in plain["bundles"])
    assert not any(bundle["parts"].get("fit") for bundle in under("alone", NAMED)["bundles"])
    someone = NAMED | {"user_id": "u-1"}
    assert products(under("impersonal", someone)) == products(plain)
    assert not any(parts(under("impersonal", someone), "affinity"))
    assert plain["exploration"] is None and under("explored", NAMED)["exploration"]["share"] == 0.2


def recorded(environ: dict[str, str], count: int) -> list[Served]:
    return [decode_served(record.value).data for record in records_of(environ, SERVED_TOPIC, count)]
