"""JSON feeds: one object a line or one document, with Google Merchant names or schema.org's."""

import io
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import msgspec

from setwise.catalogue import Product
from setwise.feeds import jsonld
from setwise.feeds.fields import COLUMN_CHARS, Fields, field_name, taken
from setwise.feeds.report import FeedError, Refusal, Rejection, too_long
from setwise.feeds.text import MAX_LINE, decoded, lines, opened

MAX_DOCUMENT = 64 << 20
"""A JSON document is decoded in one piece; lines have no such limit."""
MAX_NESTING = 64

# Money is never a float: a number with a point or an exponent arrives as the digits it was written with.
_decoder = msgspec.json.Decoder(float_hook=Decimal)
_DECODE_ERRORS = (msgspec.MsgspecError, InvalidOperation, RecursionError)
_LINES_REMEDY = "write one JSON object a line"


def json_lines(path: Path, stream: io.BufferedReader) -> Iterator[tuple[int, dict[str, Any] | list[Any] | Refusal]]:
    """(line number, its object or array with numbers as text, or why there is none); blank lines are left out."""
    for number, position, line in lines(stream):
        if line is None:
            yield number, too_long(MAX_LINE)
        elif not line.isspace():
            yield number, decoded_json(path, line, position)


def decoded_json(path: Path, data: bytes, position: int) -> dict[str, Any] | list[Any] | Refusal:
    """The object or array in `data`; FeedError where it is not UTF-8."""
    try:
        value = _decoder.decode(data)
    except (*_DECODE_ERRORS, UnicodeDecodeError) as error:
        text = decoded(path, data, position)
        return Refusal("", text.strip(), f"the line is not JSON: {error or type(error).__name__}", _LINES_REMEDY)
    if not isinstance(value, (dict, list)):
        return Refusal("", decoded(path, data, position).strip(), "the line is not a JSON object", _LINES_REMEDY)
    return value


def plain(value: Any, depth: int = 0) -> Any:
    """The value with every number as its text: '1499.00', never 1499.0, and no exponent that would fill memory."""
    if isinstance(value, (str, type(None), bool)):
        return value
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal):
        return f"{value:f}" if -40 < value.adjusted() < 40 and len(value.as_tuple().digits) < 80 else str(value)
    if depth > MAX_NESTING:
        return None
    if isinstance(value, list):
        return [plain(part, depth + 1) for part in value]
    return {str(key): plain(part, depth + 1) for key, part in value.items()}


def merchant_fields(row: dict[str, Any]) -> Fields:
    """The known fields of an object with Google Merchant names; raises Refusal for a value that is no text."""
    fields: dict[str, str | list[str]] = {}
    for key, value in row.items():
        name = field_name(key) if len(key) <= COLUMN_CHARS else ""
        if not name or value is None:
            continue
        texts = [_text(name, part) for part in (value if isinstance(value, list) else [value]) if part is not None]
        before = fields.get(name, [])
        fields[name] = [*([before] if isinstance(before, str) else before), *texts] if before else texts
        if len(texts) == 1 and not before:
            fields[name] = texts[0]
    return fields


def _text(name: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, dict) and {"value", "currency"} <= value.keys():  # the Content API's way to write money
        return f"{_text(name, value['value'])} {_text(name, value['currency'])}"
    if isinstance(value, (dict, list)) or value is None:
        raise Refusal(name, str(value), "the value is neither text nor a number", "write it as text")
    return str(plain(value))


def read_json(path: Path, currency: str | None) -> Iterator[Product | Rejection]:
    """Products of a JSON file: lines where the first one is an object by itself, else one document."""
    with opened(path) as stream:
        start = stream.tell()
        document = _document(path, stream, start)
        if document is None:
            stream.seek(start)
            for number, value in json_lines(path, stream):
                yield from _products(number, value, currency)
            return
        row = 0
        for part in document if isinstance(document, list) else [document]:
            for result in _products(row + 1, part, currency):
                row += 1
                yield msgspec.structs.replace(result, row=row) if isinstance(result, Rejection) else result


def _document(path: Path, stream: io.BufferedReader, start: int) -> dict[str, Any] | list[Any] | None:
    """The whole file as one value; None where it is lines, even if the first of them is broken."""
    while (first := stream.readline(MAX_LINE + 1)).isspace():
        start = stream.tell()
    is_array = first.lstrip().startswith(b"[")
    is_whole = len(first) <= MAX_LINE
    if not is_array and is_whole and not isinstance(decoded_json(path, first, start), Refusal):
        return None
    stream.seek(start)
    data = stream.read(MAX_DOCUMENT + 1)
    if len(data) > MAX_DOCUMENT and is_array:
        raise FeedError(f"{path} is one JSON array of more than {MAX_DOCUMENT >> 20} MiB: {_LINES_REMEDY}")
    value = None if len(data) > MAX_DOCUMENT else decoded_json(path, data, start)
    if isinstance(value, Refusal) and is_array:
        reason = value.reason.removeprefix("the line is ")
        raise FeedError(f"{path} is not one JSON array ({reason}): mend it, or {_LINES_REMEDY}")
    return None if isinstance(value, Refusal) else value


def _products(row: int, value: Any, currency: str | None) -> Iterator[Product | Rejection]:
    if isinstance(value, Refusal):
        yield value.rejection(row)
    elif isinstance(value, list):
        for part in value:
            yield from _products(row, part, currency)
    elif not isinstance(value, dict):
        yield Refusal("", str(value), "this is not a JSON object", _LINES_REMEDY).rejection(row)
    elif jsonld.is_jsonld(value):
        for node in jsonld.products_in(plain(value)):
            # schema.org leaves availability optional: a page that does not say so sells the product.
            yield _taken(row, node, jsonld.fields_of, currency, "in_stock")
    else:
        yield _taken(row, value, merchant_fields, currency, "")


def _taken(row: int, node: dict[str, Any], mapped: Any, currency: str | None, availability: str) -> Product | Rejection:
    try:
        return taken(row, mapped(node), currency, availability)
    except Refusal as refusal:
        return refusal.rejection(row, str(node.get("id") or node.get("sku") or ""))
