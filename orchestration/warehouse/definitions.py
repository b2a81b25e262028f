"""The code location of events and marts: apart from that of releases, whose builds load no dbt."""

import dagster as dg

from orchestration.resources import Workplace
from orchestration.warehouse import automation
from orchestration.warehouse.assets import ASSETS, CHECKS, DBT

defs = dg.Definitions(
    assets=ASSETS,
    asset_checks=CHECKS,
    jobs=[automation.marts, automation.retention],
    sensors=[automation.marts_follow],
    schedules=[automation.daily_retention],
    resources={"workplace": Workplace(), "dbt_cli": DBT},
)
