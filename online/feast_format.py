"""Feast's format on the wire: entity keys, field names and values, so that serving needs no Feast."""

import struct
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import mmh3
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, timestamp_pb2

FeatureValue = int | float | str | bool | bytes | datetime | list[Any] | None
_STRING = 2  # feast.types.ValueType.STRING


def entity_key(name: str, value: str) -> bytes:
    """One string key as Feast's serialisation version 3 has it: number of keys, then name and value with lengths."""
    name_bytes, value_bytes = name.encode(), value.encode()
    return b"".join(
        (
            struct.pack("<III", 1, _STRING, len(name_bytes)),
            name_bytes,
            struct.pack("<II", _STRING, len(value_bytes)),
            value_bytes,
        )
    )


def redis_field(view: str, feature: str) -> bytes:
    """The field of a Redis hash that holds a feature: murmur3 of view:feature, 4 bytes, little endian."""
    return struct.pack("<I", mmh3.hash(f"{view}:{feature}", signed=False))


def decode_value(data: bytes | None) -> FeatureValue:
    """A `feast.types.Value`; None where it is empty, null, or of a kind that is none of these scalars and lists."""
    if not data:
        return None
    message = _parse_value(data)
    kind = message.WhichOneof("val")
    if kind is None:
        return None
    value = getattr(message, kind)
    if kind == "unix_timestamp_val":
        return datetime.fromtimestamp(value, timezone.utc)
    if kind == "unix_timestamp_list_val":
        return [datetime.fromtimestamp(second, timezone.utc) for second in value.val]
    return list(value.val) if kind.endswith("_list_val") else value


def decode_seconds(stamp: bytes) -> float:
    """A `google.protobuf.Timestamp` as seconds since 1970."""
    timestamp = timestamp_pb2.Timestamp.FromString(stamp)
    return float(timestamp.seconds + timestamp.nanos / 1e9)


def _value_parser() -> Callable[[bytes], Any]:
    # The message's field numbers are its format on the wire; its names are free. A pool of its own, so that nothing
    # collides with Feast's where both are loaded (the tests).
    field = descriptor_pb2.FieldDescriptorProto
    kinds = {
        "bytes": (1, field.TYPE_BYTES),
        "string": (2, field.TYPE_STRING),
        "int32": (3, field.TYPE_INT32),
        "int64": (4, field.TYPE_INT64),
        "double": (5, field.TYPE_DOUBLE),
        "float": (6, field.TYPE_FLOAT),
        "bool": (7, field.TYPE_BOOL),
        "unix_timestamp": (8, field.TYPE_INT64),
    }
    file = descriptor_pb2.FileDescriptorProto(name="setwise/value.proto", package="setwise", syntax="proto3")
    value = file.message_type.add(name="Value")
    value.oneof_decl.add(name="val")
    for name, (number, kind) in kinds.items():
        value.field.add(name=f"{name}_val", number=number, type=kind, label=field.LABEL_OPTIONAL, oneof_index=0)
        items = file.message_type.add(name=f"{name}_list")
        items.field.add(name="val", number=1, type=kind, label=field.LABEL_REPEATED)
        value.field.add(
            name=f"{name}_list_val",
            number=number + 10,
            type=field.TYPE_MESSAGE,
            type_name=f".setwise.{name}_list",
            label=field.LABEL_OPTIONAL,
            oneof_index=0,
        )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    parser: Callable[[bytes], Any] = message_factory.GetMessageClass(
        pool.FindMessageTypeByName("setwise.Value")
    ).FromString
    return parser


_parse_value = _value_parser()
