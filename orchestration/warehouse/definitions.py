"""The code location of events and marts: apart from that of releases, whose builds load no dbt."""

import dagster as dg

from orchestration.resources import Workplace
from orchestration.warehouse import automation
from orchestration.warehouse.assets import ASSETS, CHECKS, DBT
from orchestration.warehouse.watching import policy_value_report, prompts_are_spread_as_before

defs = dg.Definitions(
    assets=[*ASSETS, policy_value_report],
    asset_checks=[*CHECKS, prompts_are_spread_as_before],
    jobs=[automation.marts, automation.retention, automation.watching],
    sensors=[automation.marts_follow],
    schedules=[automation.daily_retention, automation.daily_watching],
    resources={"workplace": Workplace(), "dbt_cli": DBT},
)
