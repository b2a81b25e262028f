from orchestration.tables import DOCUMENT, document, questions


def test_the_tables_document_is_what_the_models_say() -> None:
    assert DOCUMENT.read_text() == document(), "python -m orchestration.tables makes it again"


def test_there_are_ten_questions() -> None:
    assert len({one.question for one in questions()}) == 10
