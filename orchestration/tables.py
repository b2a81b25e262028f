"""python -m orchestration.tables: docs/tables.md from the models, so that what analysts read is what is enforced."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import yaml

from orchestration.project import DBT_PROJECT

ROOT = Path(__file__).parents[1]
MODELS = DBT_PROJECT / "models/marts/marts.yml"
QUESTIONS = DBT_PROJECT / "questions.yml"
DOCUMENT = ROOT / "docs/tables.md"
HEAD = """# Tables for analysts

Made by `python -m orchestration.tables` from the models in `dbt/`. The same names, columns and rows on DuckDB and PostgreSQL; `python -m orchestration.marts`
builds them. Money is in minor units of the row's currency, times are UTC without a zone, report days begin at midnight of the variable `time_zone` (UTC).

**What is credited.** A line of an order is credited once: to the last click on its product in an answer within seven days before the purchase, else to the last
impression within 24 hours, by the same user or visitor. Refunds take it back. Bots, floods and clicks on answers that were never given credit nothing. Example: on Monday
a shopper sees a bundle with a lamp and clicks on the lamp; on Tuesday another bundle with the same lamp comes into view; on Wednesday the lamp is bought. Monday's
bundle is credited: a click comes before an impression. Had nobody clicked, nothing would be: Tuesday's impression is more than 24 hours old.

**Past orders.** A build puts its orders file (`ORDERS=`) into `raw.orders`, whole, in the place of what was there, and its products into `raw.products`. Lines of the file are lines
of `fct_orders` with the origin `history`; a line with a negative quantity is a return: quantity 0, so many pieces refunded. An order that also came as a purchase event counts once, as the
event; what the file takes back of it is refunded, once where a refund event says so too. `sum(revenue_cents - refunded_cents)` over `history` is the file's sum, to the cent.

**How new.** A run works on what came since the last one, late events included: `fct_served`, `fct_impressions` and `fct_interactions` grow by what is new, what depends on later
events (orders, credits, reports) is made again from them. `rpt_freshness` says how new each is. `python -m orchestration.marts build --full-refresh` makes all again, with the same result.
Dagster's sensor `marts_follow` starts a run within a minute after something came; a run that fails is tried again after five. One process at a time has a DuckDB file: whoever
keeps it open keeps the loader and dbt out, so close it, or ask a copy.

The raw tables (`raw.interactions`, `raw.served`, `raw.dead_letters`) hold events as they came ([docs/events.md](events.md)); models in `staging` give their fields
names and types.
"""


class Question(msgspec.Struct, frozen=True):
    """What an analyst asks, and the statement that answers it."""

    question: str
    sql: str


def questions() -> list[Question]:
    """In the order of the file."""
    return msgspec.convert(yaml.safe_load(QUESTIONS.read_text()), list[Question])


def document() -> str:
    """The whole of docs/tables.md."""
    models = yaml.safe_load(MODELS.read_text())["models"]
    return "\n".join([HEAD, *(line for model in models for line in _table(model)), *_questions()])


def _table(model: dict[str, Any]) -> Iterator[str]:
    yield f"## {model['name']}\n"
    yield f"{model['description']}\n"
    yield "| column | type | |\n| --- | --- | --- |"
    for column in model["columns"]:
        yield f"| `{column['name']}` | {column['data_type']} | {column['description']} |"
    yield ""


def _questions() -> Iterator[str]:
    yield "## Ten questions\n"
    for one in questions():
        yield f"### {one.question}\n\n```sql\n{one.sql.rstrip()}\n```\n"


def main() -> int:
    """Writes the document."""
    DOCUMENT.write_text(document())
    return 0


if __name__ == "__main__":
    sys.exit(main())
