import re
from pathlib import Path

import yaml

from orchestration.boards.content import boards
from orchestration.boards.reports import FRESHNESS, statements
from orchestration.tables import DOCUMENT, document, questions

MODELS = Path(__file__).parents[2] / "dbt/models"


def tables_of(*statements: str) -> set[str]:
    return {name for sql in statements for name in re.findall(r"(?:marts|staging)\.(\w+)", sql)}


def test_the_tables_document_is_what_the_models_say() -> None:
    assert DOCUMENT.read_text() == document(), "python -m orchestration.tables makes it again"


def test_there_are_ten_questions() -> None:
    assert len({one.question for one in questions()}) == 10


def test_dbt_knows_who_reads_which_table() -> None:
    exposures = yaml.safe_load((MODELS / "exposures.yml").read_text())["exposures"]
    said = {one["label"]: {name[5:-2] for name in one["depends_on"]} for one in exposures}
    read = {one.question: tables_of(one.sql) for one in questions()}
    pages = tables_of(FRESHNESS, *(one.sql for one in statements()))
    assert said == read | {"Boards": tables_of(*(board.sql for board in boards())), "Operator's pages": pages}


def test_every_case_of_a_model_has_a_unit_test() -> None:
    with_case = {path.stem for path in MODELS.rglob("*.sql") if re.search(r"\bcase\b", path.read_text())}
    tested = {one["model"] for one in yaml.safe_load((MODELS / "unit_tests.yml").read_text())["unit_tests"]}
    assert with_case <= tested and len(with_case) > 5
