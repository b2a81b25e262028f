"""What the marts say about people and answers as time goes by: drift of prompts, and what other orders are worth."""

from datetime import datetime, timedelta

import dagster as dg

from orchestration.policy_values import Places, PolicyValue, policy_values, read_places
from orchestration.replayed_orders import live_order_values, prompts_of
from orchestration.resources import Workplace
from orchestration.warehouse.rows import naive
from orchestration.warehouse.stores import Warehouse, build_warehouse
from setwise.drift import DRIFTED, Spread, drifts, size_label

LATELY, BEFORE = timedelta(days=7), timedelta(days=28)
ESTIMATED = timedelta(days=28)
KINDS = ("bundle", "product")
PROMPTS = (
    "SELECT language, length(prompt), bundles + products, count(*) FROM marts.fct_served "
    "WHERE prompt <> '' AND served_at > ? AND served_at <= ? GROUP BY 1, 2, 3"
)


def newest_answer(warehouse: Warehouse) -> datetime | None:
    """When the last answer was given, UTC without a zone. Raises WarehouseDownError."""
    ((newest,),) = warehouse.rows("SELECT max(served_at) FROM marts.fct_served")
    return newest


def prompt_spreads(warehouse: Warehouse, since: datetime, until: datetime) -> dict[str, Spread]:
    """Languages and lengths of prompts, and how much was found for them. Raises WarehouseDownError."""
    spreads: dict[str, Spread] = {"language": {}, "characters of a prompt": {}, "things found": {}}
    for language, characters, things, count in warehouse.rows(PROMPTS, [naive(since), naive(until)]):
        labels = (str(language), size_label(characters), size_label(things))
        for spread, label in zip(spreads.values(), labels, strict=True):
            spread[label] = spread.get(label, 0) + int(count)
    return spreads


@dg.asset_check(asset="fct_served", name="prompts_are_spread_as_before")
def prompts_are_spread_as_before(workplace: Workplace) -> dg.AssetCheckResult:
    """Population stability index of the last week's prompts against the four weeks before; above .25 somebody should
    look."""
    warehouse = build_warehouse(workplace.settings)
    try:
        newest = newest_answer(warehouse)
        indices: dict[str, float] = {}
        if newest is not None:
            week = newest - LATELY
            now, before = prompt_spreads(warehouse, week, newest), prompt_spreads(warehouse, week - BEFORE, week)
            indices = drifts(before, now)
    finally:
        warehouse.close()
    drifted = ", ".join(f"{name} ({index})" for name, index in indices.items() if index > DRIFTED)
    return dg.AssetCheckResult(
        passed=not drifted,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"drifted in the last week, above {DRIFTED}: {drifted}" if drifted else None,
        metadata=dict(indices),
    )


@dg.asset(name="policy_values", group_name="reports", deps=[dg.AssetKey("fct_places")], kinds={"numpy"})
def policy_value_report(workplace: Workplace) -> dg.MaterializeResult[None]:
    """What the served order, exploring all answers, and the live release's order of lists are worth by clicks and
    purchases of four weeks. One row = one policy, reward and estimator."""
    found: dict[str, Places] = {}
    prompts: dict[str, str] = {}
    warehouse = build_warehouse(workplace.settings)
    try:
        if (newest := newest_answer(warehouse)) is not None:
            since, until = newest - ESTIMATED, newest + timedelta(microseconds=1)
            found = {kind: read_places(warehouse, kind, since, until) for kind in KINDS}
            prompts = prompts_of(warehouse, since, until)
    finally:
        warehouse.close()  # nobody waits for the file while answers are asked again
    answers = sum(len(set(places.answers)) for places in found.values())
    rows = [_record(kind, one) for kind, places in found.items() for one in policy_values(places)]
    live = workplace.releases.current_id()
    if live is not None and prompts:
        _, folder = workplace.releases.fetch(live)
        rows += [_record("product", one) for one in live_order_values(found["product"], prompts, folder)]
    columns = [dg.TableColumn(name) for name in _COLUMNS]
    table = dg.MetadataValue.table(rows, dg.TableSchema(columns))
    return dg.MaterializeResult(metadata={"explored answers": answers, "values of one answer": table})


_COLUMNS = ("of", "policy", "reward", "estimator", "value", "95 % interval", "effective places", "clipped")


def _record(kind: str, one: PolicyValue) -> dg.TableRecord:
    found = one.estimate
    said = ("nothing was logged", "", "", "")
    if found is not None:
        within = f"{found.low:.4f} to {found.high:.4f}"
        said = (f"{found.value:.4f}", within, f"{found.effective:.0f}", f"{found.clipped:.1%}")
    values = (f"{kind}s", one.policy, one.reward, one.method.upper(), *said)
    return dg.TableRecord(dict(zip(_COLUMNS, values, strict=True)))
