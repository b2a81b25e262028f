"""The code location of events and marts: apart from that of releases, whose builds load no dbt."""

import dagster as dg

from orchestration.resources import Workplace
from orchestration.warehouse.assets import ASSETS, CHECKS, DBT
from orchestration.warehouse.automation import daily_retention, retention

defs = dg.Definitions(
    assets=ASSETS,
    asset_checks=CHECKS,
    jobs=[retention],
    schedules=[daily_retention],
    resources={"workplace": Workplace(), "dbt_cli": DBT},
)
