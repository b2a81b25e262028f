"""How the suites are spread over several processes."""

from types import SimpleNamespace

import pytest

from tests.spreading import implementation_of, in_order, own_redis, suite_of


@pytest.mark.parametrize(
    ("nodeid", "stores"),
    [
        ("tests/e2e/test_answers.py::test_odd[embedded-🎁]", "embedded"),
        ("tests/e2e/test_answers.py::test_it[servers]", "servers"),
        ("tests/faults/test_loader.py::test_kills[3-postgres]", "postgres"),
        ("tests/unit/test_money.py::test_it[embedded systems-1]", ""),
        ("tests/unit/test_servers.py::test_servers", ""),
    ],
)
def test_the_stores_of_a_test_are_known_from_its_parameters(nodeid: str, stores: str) -> None:
    assert implementation_of(nodeid) == stores
    assert suite_of(nodeid) == f"{nodeid.partition('::')[0]} {stores}".strip()


def test_what_all_wait_for_comes_first_then_long_folders_and_the_stores_change_seldom() -> None:
    names = [
        "tests/unit/a.py::a", "tests/e2e/a.py::a[servers]", "tests/e2e/a.py::a[embedded]", "tests/e2e/b.py::a[servers]",
        "tests/e2e/b.py::b[embedded]", "tests/new/a.py::a", "tests/faults/a.py::a",
        "tests/contract/a.py::a", "tests/faults/test_ladder.py::a",
    ]  # fmt: skip
    items = [SimpleNamespace(nodeid=name) for name in names]
    in_order(items)  # type: ignore[arg-type]
    assert [names.index(item.nodeid) for item in items] == [5, 8, 7, 6, 2, 4, 1, 3, 0]


def test_each_process_has_a_redis_database_of_its_own_and_one_alone_that_of_the_settings() -> None:
    alone = {"SETWISE_REDIS_URL": "redis://host:1/0"}
    own_redis(alone)
    assert alone == {"SETWISE_REDIS_URL": "redis://host:1/0"}
    third = alone | {"PYTEST_XDIST_WORKER": "gw2"}
    own_redis(third)
    assert third["SETWISE_REDIS_URL"] == "redis://host:1/3"
    unset = {"PYTEST_XDIST_WORKER": "gw0"}
    own_redis(unset)
    assert unset["SETWISE_REDIS_URL"] == "redis://127.0.0.1:6379/1"
