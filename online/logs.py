"""What is logged: JSON lines for machines, sentences for people; never a prompt, a key, or what an exception quotes."""

import logging
import re
import sys
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, TextIO

import msgspec

from online.tracing import current_trace_id
from setwise.settings import Settings

MOST_FRAMES = 12
_SECRETS = (
    (re.compile(r"(?<=://)[^/@\s]+@"), "***@"),
    (re.compile(r"(?i)\bbearer\s+\S+"), "Bearer ***"),
    (re.compile(r"\b(swk_[A-Za-z0-9]+)_[A-Za-z0-9_-]+"), r"\1_***"),
    (re.compile(r"(?i)\b(password|secret|token|api[-_]?key)(['\"]?\s*[=:]\s*)\S+"), r"\1\2***"),
)


def without_secrets(text: str) -> str:
    """Passwords in addresses, bearer tokens and keys, whoever wrote them into a line."""
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return text


def frames_of(traceback: TracebackType | None) -> list[str]:
    """The innermost places of a traceback by module: no path of this machine, and no value."""
    frames = []
    while traceback is not None:
        frame = traceback.tb_frame
        frames.append(f"{frame.f_globals.get('__name__', '?')}:{traceback.tb_lineno} {frame.f_code.co_name}")
        traceback = traceback.tb_next
    return frames[-MOST_FRAMES:]


def _exceptions(error: BaseException | None) -> list[dict[str, Any]]:
    # Not its text: the message of a KeyError or of a decoder may be what the shopper wrote.
    found: list[dict[str, Any]] = []
    while error is not None and len(found) < 5:
        found.append({"type": type(error).__name__, "frames": frames_of(error.__traceback__)})
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return found


class JsonLines(logging.Formatter):
    """One object a line: time, level, logger, message, and trace_id and exception where there are any."""

    def format(self, record: logging.LogRecord) -> str:
        """Without a line break in it."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": without_secrets(record.getMessage()),
            "pid": record.process,
        }
        if trace_id := current_trace_id():
            line["trace_id"] = trace_id
        if record.exc_info and record.exc_info[1] is not None:
            line["exception"] = _exceptions(record.exc_info[1])
        return msgspec.json.encode(line).decode()


class Sentences(logging.Formatter):
    """The same for a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, and one more for each place of an exception."""
        time = datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S")
        lines = [f"{time} {record.levelname.lower()} {record.name}: {without_secrets(record.getMessage())}"]
        if record.exc_info and record.exc_info[1] is not None:
            for one in _exceptions(record.exc_info[1]):
                lines += [f"  {one['type']} at", *(f"    {frame}" for frame in one["frames"])]
        return "\n".join(lines)


def log_to(settings: Settings, stream: TextIO | None = None) -> None:
    """Sets up logging for this process, to stderr where no stream is given. Call it once, where the process starts."""
    stream = stream or sys.stderr
    form = settings.seeing.log_format
    is_human = stream.isatty() if form == "auto" else form == "human"
    handler = logging.StreamHandler(stream)
    handler.setFormatter(Sentences() if is_human else JsonLines())
    logging.basicConfig(level=settings.service.log_level.upper(), handlers=[handler], force=True)
