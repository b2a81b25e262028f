"""Rows of a tab or comma separated file, with quotes that can be trusted."""

import csv
import io
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from setwise.feeds.report import FeedError, Refusal, too_long
from setwise.feeds.text import MAX_LINE, decoded, lines

MAX_RECORD = 1 << 20
"""Characters in one row. A quote that is not closed by then never will be."""

_QUOTE = ("a quotation mark here is not closed, or not doubled inside quoted text", "export the file with a CSV writer")
_WIDE = ("the row has more columns than the header", "quote the text that holds the separator")


class _Lines:
    """Lines for csv.reader that keep what the current row took, so that the rest of a broken one can be read again."""

    def __init__(self, path: Path, stream: io.BufferedReader) -> None:
        self._source = (
            (number, None if line is None else decoded(path, line, at).replace("\0", ""))
            for number, at, line in lines(stream)
        )
        self._again: deque[tuple[int, str | None]] = deque()
        self.row: list[tuple[int, str | None]] = []
        self._chars = 0

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        item = self._again.popleft() if self._again else next(self._source)
        self.row.append(item)
        text = item[1]
        self._chars += len(text or "")
        # Whatever the source raises passes through csv.reader, which starts afresh on the next line.
        if text is None or (self._chars > MAX_RECORD and len(self.row) > 1):
            raise csv.Error
        return text

    def begin(self) -> None:
        self.row, self._chars = [], 0

    def give_back(self) -> None:
        """All lines of the row but the first are read again."""
        self._again.extendleft(reversed(self.row[1:]))


def delimiter_of(header: str) -> str:
    """A tab where the header holds one, else a comma."""
    return "\t" if "\t" in header else ","


def records(path: Path, stream: io.BufferedReader, delimiter: str) -> Iterator[tuple[int, list[str] | Refusal]]:
    """(line of its first character, the row's cells or why it has none); the first is the header. No blank rows."""
    csv.field_size_limit(max(csv.field_size_limit(), MAX_LINE))  # the module's own limit is below a long description
    source = _Lines(path, stream)
    reader = csv.reader(source, delimiter=delimiter, strict=True)
    width = 0
    while True:
        source.begin()
        try:
            cells: list[str] | None = next(reader)
        except StopIteration:
            return
        except csv.Error:
            cells = None
        number, line = source.row[0]
        if cells is None or (delimiter == "\t" and _swallowed(cells, len(source.row))):
            source.give_back()
            literal = [] if line is None or delimiter != "\t" else line.rstrip("\r\n").split("\t")
            # A tab separated line with all its columns needs no quotes to be understood: 17" is an inch there.
            if width and len(literal) == width:
                yield number, literal
            elif not width:
                raise FeedError(f"{path} has a broken header in line {number}: {_QUOTE[0]}; {_QUOTE[1]}")
            else:
                yield number, too_long(MAX_LINE) if line is None else Refusal("", line, *_QUOTE)
        elif any(map(str.strip, cells)):
            width = width or len(cells)
            # A separator inside unquoted text moves the price to another column.
            yield number, Refusal("", line or "", *_WIDE) if any(map(str.strip, cells[width:])) else cells


def _swallowed(cells: list[str], n_lines: int) -> bool:
    """True where a stray quote made one cell of several rows: it would carry another product's price."""
    return n_lines > 1 and any("\t" in cell and "\n" in cell for cell in cells)
