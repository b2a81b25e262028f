import io
import json
import logging
from collections.abc import Iterator

import pytest

from online.logs import frames_of, log_to, without_secrets
from online.tracing import Tracing
from setwise.settings import Settings

PROMPT = "a purple unicorn sofa for grandma"


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """Puts the handlers of the test-suite back."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def logged(log_format: str, level: str = "info") -> io.StringIO:
    stream = io.StringIO()
    log_to(Settings.from_env({"SETWISE_LOG_FORMAT": log_format, "SETWISE_LOG_LEVEL": level}), stream)
    return stream


def test_what_is_no_terminal_gets_one_json_object_a_line() -> None:
    stream = logged("auto")
    logging.getLogger("online.live").warning("release %s\nis late", "r-1")
    logging.getLogger("online.live").debug("not at this level")
    (line,) = map(json.loads, stream.getvalue().splitlines())
    assert line["time"].endswith("+00:00")
    assert (line["level"], line["logger"], line["message"]) == ("warning", "online.live", "release r-1\nis late")


def test_people_get_sentences() -> None:
    stream = logged("human")
    logging.getLogger("online.live").info("serving release %s", "r-1")
    assert stream.getvalue().endswith("info online.live: serving release r-1\n")


def test_a_line_of_a_request_carries_its_trace_id() -> None:
    stream = logged("json")
    trace = Tracing().begin({}, "GET")
    logging.getLogger("online.routes").info("hello")
    assert json.loads(stream.getvalue())["trace_id"] == trace.trace_id


@pytest.mark.parametrize("log_format", ["json", "human"])
def test_an_exception_is_logged_by_its_places_and_never_by_what_it_quotes(log_format) -> None:
    stream = logged(log_format)

    def read(prompt: str) -> str:
        return {}[prompt]

    try:
        try:
            read(PROMPT)
        except KeyError as error:
            raise ValueError(f"cannot read {PROMPT}") from error
    except ValueError:
        logging.getLogger("online.problems").exception("unexpected error on %s", "/v1/bundles")
    text = stream.getvalue()
    assert "unicorn" not in text and "/test_logs.py" not in text
    assert "ValueError" in text and "KeyError" in text and " read" in text


def test_only_the_innermost_places_of_a_deep_traceback_are_named() -> None:
    def fall(depth: int) -> None:
        if not depth:
            raise RuntimeError
        fall(depth - 1)

    with pytest.raises(RuntimeError) as caught:
        fall(40)
    frames = frames_of(caught.value.__traceback__)
    assert len(frames) == 12 and frames[-1].endswith(" fall")


@pytest.mark.parametrize(
    ("text", "hidden", "kept"),
    [
        ("cannot reach redis://shop:hunter2@cache:6379/0", "hunter2", "@cache:6379/0"),
        ("Authorization: Bearer abc.def-123", "abc.def-123", "Authorization"),
        ("key swk_a1b2_S3cr3t-x_y was refused", "S3cr3t", "swk_a1b2"),
        ("password='hunter2' is wrong", "hunter2", "is wrong"),
        ("api_key=hunter2", "hunter2", "api_key"),
    ],
)
def test_secrets_are_taken_out_of_a_line(text, hidden, kept) -> None:
    cleaned = without_secrets(text)
    assert hidden not in cleaned and kept in cleaned


def test_a_line_without_secrets_stays_as_it_is() -> None:
    line = "worker 17 ended with -9 and is replaced; see http://127.0.0.1:8000/schema"
    assert without_secrets(line) == line
