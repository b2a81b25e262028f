"""Rows of the shop's past as assets keep them: a length, then the row, one after the other."""

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

ORDERS_FILE = "orders.msgpack"
_encode = msgspec.msgpack.Encoder().encode


def keep(row: Any, file: BinaryIO) -> None:
    """Appends one."""
    data = _encode(row)
    file.write(len(data).to_bytes(4, "little") + data)


def read_kept(path: Path, kind: type) -> Iterable:
    """The rows that an asset kept, one at a time."""
    decoder = msgspec.msgpack.Decoder(kind)
    with path.open("rb") as file:
        for data in _each(file):
            yield decoder.decode(data)


def leave_out(path: Path, kind: type, is_unwanted: Callable[[Any], bool]) -> int:
    """Replaces the file by one without these rows; how many there were."""
    decoder, temporary, gone = msgspec.msgpack.Decoder(kind), path.with_name(f".{path.name}.{os.getpid()}"), 0
    with path.open("rb") as file, temporary.open("wb") as kept:
        for data in _each(file):
            row = decoder.decode(data)
            if is_unwanted(row):
                gone += 1
            else:
                keep(row, kept)
    if gone:
        temporary.replace(path)
    else:
        temporary.unlink()
    return gone


def _each(file: BinaryIO) -> Iterator[bytes]:
    while size := file.read(4):
        yield file.read(int.from_bytes(size, "little"))
