"""Opening a feed (plain or gzip, byte-order mark, line ends) and cleaning the text inside it."""

import gzip
import html
import io
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from setwise.feeds.report import FeedError

MAX_LINE = 4 << 20
"""A longer line is skipped without being loaded: it is a missing line end, not a product."""
HEAD_BYTES = 64 << 10
HTML_CHARS = 64 << 10
"""Markup beyond this many characters is not read; a description keeps 5,000 characters of text anyway."""

_BOM = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
# Controls, lone surrogates, direction overrides and other marks that no shop front should print. Zero-width
# (non-)joiners stay: Persian and emoji are spelt with them. Tabs and line ends go with the white space.
_UNWANTED = re.compile(
    r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069"
    r"\ud800-\udfff\ufeff\ufff9-\ufffb\ufffe\uffff]"
)
_TAG = re.compile(r"<!--|-->|<(/?)([A-Za-z][A-Za-z0-9]*)[^<>]*>")
_UNSPOKEN = frozenset({"script", "style", "template"})
_INLINE = frozenset("a abbr b em font i mark s small span strong sub sup u".split())


@contextmanager
def opened(path: Path) -> Iterator[io.BufferedReader]:
    """The file's bytes, unzipped where they are gzip (by content, not by name) and past a byte-order mark."""
    try:
        with path.open("rb") as raw:
            stream: io.BufferedReader = raw
            if raw.peek(2)[:2] == b"\x1f\x8b":
                stream = io.BufferedReader(cast(io.RawIOBase, gzip.GzipFile(fileobj=raw)))
            start = stream.peek(3)[:3]
            if start.startswith(_UTF16):
                raise FeedError(f"{path} is UTF-16: save it as UTF-8")
            if start == _BOM:
                stream.read(3)
            yield stream
    except FileNotFoundError:
        raise FeedError(f"{path} does not exist: check the path") from None
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise FeedError(f"{path} is a damaged or cut-off gzip file ({error}): transfer it again") from error
    except OSError as error:
        raise FeedError(f"{path} cannot be read ({error.strerror or error}): name a readable file") from error


def head_of(path: Path) -> bytes:
    """The first 64 KiB, enough to tell the format; never empty or all blank."""
    with opened(path) as stream:
        head = stream.read(HEAD_BYTES)
    if not head.strip():
        raise FeedError(f"{path} is empty: export the feed again")
    return head


def lines(stream: io.BufferedReader) -> Iterator[tuple[int, int, bytes | None]]:
    """(line number from 1, position of its first byte, the line); None for a line that is too long to load."""
    number, position = 0, stream.tell()
    while line := stream.readline(MAX_LINE + 1):
        number += 1
        start, position = position, position + len(line)
        if len(line) <= MAX_LINE:
            yield number, start, line
            continue
        while line and not line.endswith(b"\n"):
            line = stream.readline(MAX_LINE)
            position += len(line)
        yield number, start, None


def decoded(path: Path, line: bytes, position: int) -> str:
    """The line as text; FeedError where it is not UTF-8. `position` is that of its first byte."""
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        raise not_utf8(path, position + error.start, line[error.start]) from None


def not_utf8(path: Path, position: int, byte: int) -> FeedError:
    """The error for a byte that is no UTF-8."""
    return FeedError(
        f"{path} is not UTF-8 (byte 0x{byte:02x} at position {position}): it looks like Latin-1; save it as UTF-8, "
        "for instance with `iconv -f latin1 -t utf-8`"
    )


def clean(text: str) -> str:
    """One line: unwanted characters gone, runs of white space one blank, none at the ends."""
    if text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()
    return " ".join(_UNWANTED.sub("", text).split())


def html_text(markup: str) -> str:
    """What a reader of this HTML sees, on one line; plain text comes back as it is."""
    if "<" not in markup and "&" not in markup:
        return clean(markup)
    kept, at, unspoken = [], 0, ""
    markup = markup[:HTML_CHARS]
    for tag in _TAG.finditer(markup):
        if not unspoken:
            kept.append(markup[at : tag.start()])
        at = tag.end()
        name = (tag[2] or "").lower()
        kept.append("" if name in _INLINE else " ")
        if not unspoken and not tag[1] and (name in _UNSPOKEN or tag[0] == "<!--"):
            unspoken = name or "-->"
        elif unspoken in (name if tag[1] else "", tag[0]):
            unspoken = ""
    if not unspoken:
        kept.append(markup[at:])
    return clean(html.unescape("".join(kept)))
