"""The product snapshot of a release: columns that are memory-mapped, and each product decoded when it is asked for."""

import copy
import mmap
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from setwise.audience import AGE_GROUPS, GENDERS, audience_of
from setwise.catalogue import AVAILABILITIES, Product, facts_of, leaf_category, product_text
from setwise.changes import (
    COLUMNS,
    FOREVER,
    NOTHING_CHANGED,
    REMOVED,
    ChangedRows,
    changed_product,
    sale_values,
    seconds,
)
from setwise.names import ProductId
from setwise.terms import Analyzer, Codes, TermTable, TermTableWriter, mapped, side_by_side, without_denials

ROWS_FILE = "products.bin"
META_FILE = "snapshot.json"
IDS_FILE = "ids.msgpack"
DECODED = 10_000
"""Products that stay decoded, some 20 MB: an answer by a shop's rules looks at each of its candidates five times."""
_COLUMNS = {
    "offset": np.int64,
    "price": np.int64,
    "sale_price": np.int64,
    "sale_from": np.int64,
    "sale_until": np.int64,
    "expires": np.int64,
    "stock": np.int64,
    "availability": np.int8,
    "currency": np.int16,
    "group": np.int32,
    "category": np.int32,
    "brand": np.int32,
    "color": np.int32,
    "gender": np.int8,
    "age_group": np.int8,
    "size_system": np.int16,
    "fed_at": np.int64,
}
FACTS, TEXT, TITLE = "facts", "text", "title"
"""Tables of terms: a product's title, leaf category and attributes; all that is written about what it has; the title's
terms and each two that stand side by side in it."""


class SnapshotMeta(msgspec.Struct, frozen=True):
    """Names behind the codes in the columns; `currency` is the main one."""

    count: int
    currency: str
    currencies: list[str]
    categories: list[str]
    brands: list[str]
    colors: list[str]


class _Codes(dict[str, int]):
    def __missing__(self, key: str) -> int:
        self[key] = len(self)
        return self[key]


def write_snapshot(
    products: Iterable[Product], folder: Path, fed_at: Callable[[ProductId], int] = lambda _: -1
) -> SnapshotMeta:
    """Writes the rows in the order given; memory grows with the number of products, not with their texts.

    `fed_at` = when the feed that a product comes from was written, in Unix microseconds; -1 = before any change."""
    folder.mkdir(parents=True, exist_ok=True)
    currencies, categories, brands, colors, groups = _Codes(), _Codes(), _Codes(), _Codes(), _Codes()
    systems = _Codes({"": 0})
    analyzer, facts, texts = Analyzer(), TermTableWriter(folder, FACTS), TermTableWriter(folder, TEXT)
    titles = TermTableWriter(folder, TITLE)
    encoder = msgspec.msgpack.Encoder()
    columns: dict[str, list[int]] = {name: [] for name in _COLUMNS}
    seen: Counter[str] = Counter()
    ids: list[ProductId] = []
    offset = 0
    with (folder / ROWS_FILE).open("wb") as file:
        for number, product in enumerate(products):
            row = encoder.encode(product)
            file.write(row)
            seen[product.currency] += 1
            ids.append(product.id)
            audience = audience_of(product)
            said = analyzer.terms(product.title)
            titles.add([*said, *side_by_side(said)])
            facts.add(analyzer.terms(" ".join(facts_of(product))))
            texts.add(analyzer.terms(without_denials(f"{product_text(product)} {' '.join(product.product_types)}")))
            values = {
                "offset": offset,
                "price": product.price_cents,
                **dict(zip(("sale_price", "sale_from", "sale_until"), sale_values(product.sale), strict=True)),
                "expires": seconds(product.expiration_date, FOREVER),
                "stock": -1 if product.stock is None else product.stock,
                "availability": AVAILABILITIES.index(product.availability),
                "currency": currencies[product.currency],
                # A product without a group is a group of its own.
                "group": groups[product.item_group_id or f"\0{number}"],
                "category": categories[leaf_category(product)],
                "brand": brands[product.brand],
                "color": colors[product.color],
                "gender": GENDERS.index(audience.gender),
                "age_group": AGE_GROUPS.index(audience.age_group),
                "size_system": systems[audience.size_system],
                "fed_at": fed_at(product.id),
            }
            for name, value in values.items():
                columns[name].append(value)
            offset += len(row)
    columns["offset"].append(offset)
    for name, kind in _COLUMNS.items():
        np.save(folder / f"{name}.npy", np.asarray(columns[name], dtype=kind))
    facts.close()
    texts.close()
    titles.close()
    main = min(seen, key=lambda code: (-seen[code], code)) if seen else ""
    (folder / IDS_FILE).write_bytes(encoder.encode(ids))
    meta = SnapshotMeta(sum(seen.values()), main, list(currencies), list(categories), list(brands), list(colors))
    (folder / META_FILE).write_bytes(msgspec.json.encode(meta))
    return meta


class Snapshot:
    """Read-only; one copy in memory serves every process of a machine. Rows are numbered from 0.

    Prices, stock and availability are read by methods only: they know what changed since the feed."""

    def __init__(self, folder: Path) -> None:
        self.meta = msgspec.json.decode((folder / META_FILE).read_bytes(), type=SnapshotMeta)
        columns: dict[str, NDArray[np.int64]] = {name: mapped(folder / f"{name}.npy") for name in _COLUMNS}
        self._columns, self._expires = {name: columns[name] for name in COLUMNS}, columns["expires"]
        self._changed = NOTHING_CHANGED
        self.currency, self.group = columns["currency"], columns["group"]
        self.category, self.brand, self.color = columns["category"], columns["brand"], columns["color"]
        self.gender, self.age_group = columns["gender"], columns["age_group"]
        self.size_system = columns["size_system"]
        self.facts, self.texts = TermTable(folder, FACTS), TermTable(folder, TEXT)
        # Releases that were built earlier have no table of titles.
        self.titles = TermTable(folder, TITLE) if (folder / f"{TITLE}_offsets.npy").is_file() else self.facts
        self._offset, self._fed_at = columns["offset"], columns["fed_at"]
        with (folder / ROWS_FILE).open("rb") as file:
            self._rows = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if self.meta.count else b""
        self._decoder = msgspec.msgpack.Decoder(Product)
        self._kept = lru_cache(maxsize=DECODED)(self._decode)
        # Decoding a million products only for their ids took seconds; from a list of their own it is a tenth of one.
        self.ids = msgspec.msgpack.decode((folder / IDS_FILE).read_bytes(), type=list[ProductId])
        self._row_of = {product_id: row for row, product_id in enumerate(self.ids)}
        self._codes = {
            name: {word: code for code, word in enumerate(words)}
            for name, words in (
                ("category", self.meta.categories), ("brand", self.meta.brands), ("color", self.meta.colors)
            )
        }  # fmt: skip

    def __len__(self) -> int:
        return self.meta.count

    def __iter__(self) -> Iterator[Product]:
        return (self._decode(row) for row in range(self.meta.count))

    def __getitem__(self, row: int) -> Product:
        if not 0 <= row < self.meta.count:
            raise IndexError(row)
        product, values = self._kept(row), self._changed.of(row)
        return product if values is None else changed_product(product, values)

    def _decode(self, row: int) -> Product:
        return self._decoder.decode(self._rows[self._offset[row] : self._offset[row + 1]])

    def with_changes(self, changed: ChangedRows) -> "Snapshot":
        """The same products with these current values; files and memory are shared."""
        other = copy.copy(self)
        other._changed = changed
        return other

    def in_feed(self, row: int) -> Product:
        """The product as its feed described it, whatever changed since."""
        return self._kept(row)

    def fed_at(self, row: int) -> int:
        """When the feed that the product comes from was written, in Unix microseconds: earlier changes are in it."""
        return int(self._fed_at[row])

    def unsaid_since(self, moment: datetime) -> NDArray[np.int64]:
        """Rows whose price, stock and availability nobody has said since then, neither a feed nor a change; those of
        the oldest feeds first."""
        before = int(moment.timestamp() * 1e6)
        old = np.setdiff1d(np.flatnonzero(self._fed_at < before), self._changed.rows)
        return old[np.argsort(self._fed_at[old], kind="stable")].astype(np.int64)

    @property
    def changed_count(self) -> int:
        """Products that were changed since their feed."""
        return len(self._changed.rows)

    def row_in_feed(self, product_id: ProductId) -> int | None:
        """The row of a product, also of one that was removed since."""
        return self._row_of.get(product_id)

    def row_of(self, product_id: ProductId) -> int | None:
        """The row of a product, or None where the catalogue lacks it."""
        row = self._row_of.get(product_id)
        values = None if row is None else self._changed.of(row)
        return None if values is not None and values[-1] == REMOVED else row

    def rows_of(self, product_ids: Iterable[ProductId]) -> list[int]:
        """The rows of those products that the catalogue has, in the order given."""
        return [row for product_id in product_ids if (row := self.row_of(product_id)) is not None]

    def _current(self, rows: NDArray[np.int64], *names: str) -> list[NDArray[np.int64]]:
        columns = [self._columns[name][rows] for name in names]
        if len(self._changed.rows):
            hits, at = self._changed.at(rows)
            for column, name in zip(columns, names, strict=True):
                column[hits] = self._changed.values[at, COLUMNS.index(name)]
        return columns

    def meets(self, rows: NDArray[np.int64], names: Sequence[Codes]) -> NDArray[np.float64]:
        """Shape (rows, names): 1 where title or attributes have all terms of a name, .5 where only the text does."""
        degrees: NDArray[np.float64] = np.maximum(
            self.facts.has_all(rows, names) * 1.0, self.texts.has_all(rows, names) * 0.5
        )
        return degrees

    def codes_of(self, column: str, words: Iterable[str]) -> list[int]:
        """The codes of those words that the column has: category, brand or color."""
        return [code for word in words if (code := self._codes[column].get(word)) is not None]

    def count_of(self, column: str) -> int:
        """How many codes the column has: category, brand or color."""
        return len(self._codes[column])

    @staticmethod
    def among(column: NDArray[np.int64], codes: Collection[int]) -> NDArray[np.bool_]:
        """True where a value of the column is one of these few codes: numpy's isin takes ten times as long."""
        found: NDArray[np.bool_] = (column[:, None] == np.fromiter(codes, np.int64, len(codes))).any(axis=1)
        return found

    def list_prices(self) -> NDArray[np.int64]:
        """The price of each row without any sale."""
        return self._current(np.arange(self.meta.count), "price")[0]

    def prices_now(self, rows: NDArray[np.int64], now: datetime) -> NDArray[np.int64]:
        """Minor units a shopper pays at `now`, one per row."""
        second = int(now.timestamp())
        price, sale_price, starts, ends = self._current(rows, "price", "sale_price", "sale_from", "sale_until")
        return np.where((starts <= second) & (second < ends), sale_price, price)

    def sellable(
        self,
        rows: NDArray[np.int64],
        now: datetime,
        quantity: int | NDArray[np.int64] = 1,
        allow_preorder: bool = False,
    ) -> NDArray[np.bool_]:
        """True where a row may be sold at `now` in that quantity, one for all rows or one for each."""
        second = int(now.timestamp())
        availability, stock = self._current(rows, "availability", "stock")
        available = (availability == 0) | (allow_preorder & (availability >= 2))
        enough: NDArray[np.bool_] = available & (self._expires[rows] > second) & ((stock < 0) | (stock >= quantity))
        return enough
