"""Past orders (JSON Lines or CSV) and the merchant's own sets (JSON Lines)."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from setwise.feeds.delimited import delimiter_of, records
from setwise.feeds.fields import DESCRIPTION_CHARS, TITLE_CHARS, id_of
from setwise.feeds.jsonlines import json_lines, plain
from setwise.feeds.report import FeedError, Refusal, Rejection
from setwise.feeds.text import clean, decoded, head_of, html_text, opened
from setwise.feeds.values import link, money, time
from setwise.money import is_currency
from setwise.names import ProductId, UserId
from setwise.orders import MerchantSet, Order, OrderLine

MAX_LINES = 10_000
"""Lines of one order; more are a file that is not grouped by order."""
_QUANTITY = re.compile(r"-?[0-9]{1,7}(?:\.0+)?")
_CSV_COLUMNS = {"order_id", "timestamp", "product_id", "quantity", "unit_price"}


def read_orders(path: Path, default_currency: str) -> Iterator[Order | Rejection]:
    """Every order of the file, taken whole or rejected whole. In a CSV the rows of one order follow each other."""
    if not is_currency(default_currency):
        raise FeedError(f"{default_currency!r} is no currency: set an ISO 4217 code such as USD")
    head = head_of(path)
    if head.lstrip().startswith(b"{"):
        return _json_orders(path, default_currency)
    header = decoded(path, head.lstrip().splitlines()[0], 0)
    missing = _CSV_COLUMNS.difference(clean(name).strip('"').lower() for name in header.split(delimiter_of(header)))
    if missing:
        columns = ", ".join(sorted(missing))
        raise FeedError(f"{path} is neither JSON Lines nor a CSV of orders (no column {columns}): add what is missing")
    return _csv_orders(path, header, default_currency)


def read_sets(path: Path) -> Iterator[MerchantSet | Rejection]:
    """The merchant's sets, one JSON object a line: set_id, title, product_ids, description?, link?."""
    if not head_of(path).lstrip().startswith(b"{"):
        raise FeedError(f"{path} is not JSON Lines: write one set as a JSON object a line")
    return _sets(path)


def _json_orders(path: Path, currency: str) -> Iterator[Order | Rejection]:
    with opened(path) as stream:
        for number, value in json_lines(path, stream):
            row = plain(value) if isinstance(value, dict) else {}
            try:
                items = _object(value).get("items")
                if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
                    raise Refusal("items", str(items), "the items are not a list of objects", "list what was ordered")
                yield _order(row, row["items"], currency)
            except Refusal as refusal:
                yield refusal.rejection(number, str(row.get("order_id", "")))


def _csv_orders(path: Path, header: str, currency: str) -> Iterator[Order | Rejection]:
    names: list[str] = []
    group: list[dict[str, str]] = []
    first, refused = 0, None
    with opened(path) as stream:
        for number, cells in records(path, stream, delimiter_of(header)):
            if isinstance(cells, Refusal):
                # Its order is unknown: the line is reported, and the order it stands in is not half taken.
                yield cells.rejection(number)
                refused = cells if group else None
            elif not names:
                names = [clean(column).lower() for column in cells]
            else:
                row = {name: clean(cell) for name, cell in zip(names, cells, strict=False)}
                if group and row.get("order_id") != group[0].get("order_id"):
                    yield _grouped(group, first, refused, currency)
                    group, refused = [], None
                if len(group) < MAX_LINES:
                    group.append(row)
                first = first if len(group) > 1 else number
        if group:
            yield _grouped(group, first, refused, currency)


def _grouped(group: list[dict[str, str]], row: int, refused: Refusal | None, currency: str) -> Order | Rejection:
    try:
        if refused is not None:
            raise Refusal("items", "", "a line within or after this order is broken", "mend that line")
        return _order(group[0], group, currency)
    except Refusal as refusal:
        return refusal.rejection(row, group[0].get("order_id", ""))


def _order(row: Mapping[str, Any], items: list[Any], default_currency: str) -> Order:
    order_id = id_of("order_id", _text(row, "order_id"))
    user_id = _text(row, "user_id")
    ordered_at = time("timestamp", _text(row, "timestamp"))
    currency = _text(row, "currency").upper() or default_currency
    if not is_currency(currency):
        raise Refusal("currency", currency, "this is not an ISO 4217 code", "write a code such as USD, or leave it out")
    if not 0 < len(items) < MAX_LINES:
        raise Refusal("items", "", f"an order has 1 to {MAX_LINES - 1:,} lines, not {len(items):,}", "split the order")
    lines = tuple(_line(item, currency) for item in items)
    return Order(order_id, ordered_at, currency, lines, UserId(id_of("user_id", user_id)) if user_id else None)


def _line(item: Mapping[str, Any], currency: str) -> OrderLine:
    product_id = id_of("product_id", _text(item, "product_id"))
    quantity, price = _text(item, "quantity"), _text(item, "unit_price")
    if not _QUANTITY.fullmatch(quantity) or int(quantity.partition(".")[0]) == 0:
        raise Refusal(
            "quantity", quantity, "this is not a number of pieces", "write a whole number, below 0 for returns"
        )
    cents, its_currency = money("unit_price", price, currency)
    if its_currency != currency:
        raise Refusal("unit_price", price, f"its currency is not the order's ({currency})", f"write it in {currency}")
    return OrderLine(ProductId(product_id), int(quantity.partition(".")[0]), cents)


def _sets(path: Path) -> Iterator[MerchantSet | Rejection]:
    with opened(path) as stream:
        for number, value in json_lines(path, stream):
            row = plain(value) if isinstance(value, dict) else {}
            try:
                _object(value)
                yield _set(row)
            except Refusal as refusal:
                yield refusal.rejection(number, str(row.get("set_id", "")))


def _set(row: Mapping[str, Any]) -> MerchantSet:
    set_id, title = id_of("set_id", _text(row, "set_id")), _text(row, "title")
    if not title:
        raise Refusal("title", "", "the title is missing", "give each set a title")
    said = row.get("product_ids")
    if not isinstance(said, list) or not all(isinstance(part, str) for part in said):
        raise Refusal("product_ids", str(said), "this is not a list of product ids", 'write it as ["p-1", "p-2"]')
    ids = tuple(dict.fromkeys(ProductId(id_of("product_ids", clean(part))) for part in said))
    if len(ids) < 2:
        raise Refusal("product_ids", " ".join(ids), "a set has at least two different products", "add the others")
    description = html_text(_text(row, "description"))[:DESCRIPTION_CHARS].rstrip()
    return MerchantSet(set_id, title[:TITLE_CHARS].rstrip(), ids, description, link("link", _text(row, "link")))


def _object(value: Any) -> Mapping[str, Any]:
    if isinstance(value, Refusal):
        raise value
    if not isinstance(value, dict):
        raise Refusal("", str(value), "the line is not a JSON object", "write one JSON object a line")
    return value


def _text(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    if isinstance(value, (dict, list, bool)):
        raise Refusal(name, str(value), "the value is neither text nor a number", "write it as text")
    return clean(value) if isinstance(value, str) else ""
