"""Standard product feeds, orders and sets -> our structs, with a field-by-field report of what was not taken.

Files are plain or gzip, UTF-8, and told apart by their content. Everything streams: a feed of any length needs the same
memory (a JSON document, unlike JSON Lines, is limited to 64 MiB). Duplicate ids are the caller's to settle.
"""

from collections.abc import Iterator
from pathlib import Path

from setwise.catalogue import Product
from setwise.feeds.delimited import delimiter_of
from setwise.feeds.fields import field_name
from setwise.feeds.google import read_text, read_xml
from setwise.feeds.jsonlines import read_json
from setwise.feeds.judgements import read_judgements
from setwise.feeds.orders import read_orders, read_sets
from setwise.feeds.report import FeedError, Rejection
from setwise.feeds.shopify import is_shopify, read_shopify
from setwise.feeds.text import clean, decoded, head_of
from setwise.money import is_currency

__all__ = ["FeedError", "Rejection", "read_judgements", "read_orders", "read_products", "read_sets"]

_FORMATS = "a Google Merchant feed (TSV, CSV, RSS or Atom), a Shopify product CSV, JSON-LD or JSON Lines"


def read_products(path: Path, default_currency: str | None = None) -> Iterator[Product | Rejection]:
    """Every row of a product feed, taken or rejected; FeedError at once where the format is unknown.

    `default_currency` is for prices that name none (always so in Shopify's file); without it they are rejected.
    """
    if default_currency is not None and not is_currency(default_currency):
        raise FeedError(f"{default_currency!r} is no currency: set an ISO 4217 code such as USD")
    head = head_of(path)
    start = head.lstrip()
    if start[:1] in (b"{", b"["):
        return read_json(path, default_currency)
    if start.startswith(b"<"):
        return read_xml(path, default_currency)
    if start.startswith(b"PK\x03\x04"):
        raise FeedError(f"{path} is a zip or Excel file: export it as CSV or TSV in UTF-8")
    if b"\r" in start and b"\n" not in start:
        raise FeedError(f"{path} ends its lines with a carriage return alone: save it with line feeds")
    header = decoded(path, start.partition(b"\n")[0], len(head) - len(start))
    columns = {clean(name).strip('"').lower() for name in header.split(delimiter_of(header))}
    if is_shopify(columns):
        return read_shopify(path, header, default_currency)
    if {"id", "title"} <= {field_name(column) for column in columns}:
        return read_text(path, header, default_currency)
    raise FeedError(f"{path} has a format that is not known: send {_FORMATS}, with a header line that has id and title")
