"""Google Merchant feeds: tab or comma separated text, and RSS or Atom with the g: namespace."""

import codecs
import io
import re
from collections.abc import Iterator
from pathlib import Path
from xml.parsers import expat

from setwise.catalogue import Product
from setwise.feeds.delimited import delimiter_of, records
from setwise.feeds.fields import field_name, taken
from setwise.feeds.report import FeedError, Refusal, Rejection
from setwise.feeds.text import decoded, head_of, not_utf8, opened

FIELD_CHARS = 64 << 10
MAX_REPEATS = 100
_CHUNK = 64 << 10
_DECLARED = re.compile(rb"""<\?xml[^>]*encoding\s*=\s*["']([A-Za-z0-9._-]+)""")
_ATOM = {"summary": "description", "content": "description"}


def read_text(path: Path, header: str, currency: str | None) -> Iterator[Product | Rejection]:
    """One product a row; columns may come in any order, be repeated, or be unknown."""
    with opened(path) as stream:
        names: list[str] = []
        for row, cells in records(path, stream, delimiter_of(header)):
            if isinstance(cells, Refusal):
                yield cells.rejection(row)
            elif not names:
                names = [field_name(column) for column in cells]
            else:
                fields: dict[str, str | list[str]] = {}
                for name, cell in zip(names, cells, strict=False):
                    if name and cell:
                        before = fields.get(name)
                        fields[name] = cell if before is None else [*_listed(before), cell]
                yield taken(row, fields, currency)


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


class _Items:
    """Collects the direct children of each <item> or <entry>: a price inside <g:shipping> is not the product's."""

    def __init__(self, path: Path) -> None:
        self.done: list[dict[str, str | list[str]]] = []
        self._path = path
        self._depth = 0
        self._item_depth = 0
        self._own: dict[str, list[str]] = {}
        self._google: dict[str, list[str]] = {}
        self._field = ""
        self._text: list[str] = []
        self._chars = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        space, _, local = name.rpartition(" ")
        if not self._item_depth:
            if local in ("item", "entry"):
                self._item_depth, self._own, self._google, self._field = self._depth, {}, {}, ""
        elif self._depth == self._item_depth + 1:
            is_atom = space.endswith("/Atom")
            is_known = not space or is_atom or "base.google.com" in space
            self._field = field_name(_ATOM.get(local, local) if is_atom else local) if is_known else ""
            self._text, self._chars = [], 0
            if is_atom and local == "link" and attributes.get("rel", "alternate") == "alternate":
                self._text.append(attributes.get("href", ""))
        elif self._field:
            self._text.append(" ")

    def data(self, text: str) -> None:
        if self._field and self._chars < FIELD_CHARS:
            self._text.append(text)
            self._chars += len(text)

    def end(self, name: str) -> None:
        if self._item_depth and self._depth == self._item_depth + 1 and self._field:
            kept = self._google if "base.google.com" in name else self._own
            texts = kept.setdefault(self._field, [])
            if len(texts) < MAX_REPEATS:
                texts.append("".join(self._text))
            self._field = ""
        elif self._depth == self._item_depth:
            self._item_depth = 0
            # g:title is meant for us, RSS's own title for readers.
            self.done.append({**self._own, **{name: texts for name, texts in self._google.items() if any(texts)}})
        self._depth -= 1

    def refuse_document_type(self, *_: object) -> None:
        raise FeedError(f"{self._path} declares a document type (<!DOCTYPE), which can hide entities: remove it")


def read_xml(path: Path, currency: str | None) -> Iterator[Product | Rejection]:
    """One product an <item> or <entry>; a syntax error ends the reading with a rejection that names its line."""
    declared = _DECLARED.match(head_of(path).lstrip())
    is_utf8 = declared is None or declared[1].lower() in (b"utf-8", b"utf8", b"us-ascii")
    items = _Items(path)
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = items.start
    parser.EndElementHandler = items.end
    parser.CharacterDataHandler = items.data
    parser.StartDoctypeDeclHandler = items.refuse_document_type
    row, broken = 0, ""
    with opened(path) as stream:
        for chunk, is_last in _chunks(path, stream, is_utf8):
            try:
                parser.Parse(chunk, is_last)
            except FeedError:
                raise
            # An encoding that the parser does not know raises one of the last two.
            except (expat.ExpatError, LookupError, ValueError) as error:
                broken = str(error)
            for fields in items.done:
                row += 1
                yield taken(row, fields, currency)
            items.done.clear()
            if broken:
                break
    remedy = "mend the XML (a bare & is &amp;, prefixes need xmlns:g) and send the feed again"
    if not row:
        raise FeedError(f"{path} has no complete <item> or <entry>{f' ({broken})' if broken else ''}: {remedy}")
    if broken:
        yield Refusal("", "", f"the XML is broken here and was not read further: {broken}", remedy).rejection(row + 1)


def _chunks(path: Path, stream: io.BufferedReader, is_utf8: bool) -> Iterator[tuple[bytes, bool]]:
    """Pieces of the file and whether it is the last (empty) one; FeedError where they should be UTF-8 and are not."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    position = stream.tell()
    while chunk := stream.read(_CHUNK):
        if is_utf8:
            pending = decoder.getstate()[0]
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError as error:
                raise not_utf8(path, position - len(pending) + error.start, (pending + chunk)[error.start]) from None
        position += len(chunk)
        yield chunk, False
    if is_utf8 and (pending := decoder.getstate()[0]):
        decoded(path, pending, position - len(pending))
    yield b"", True
