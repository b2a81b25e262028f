"""What could not be read: a whole file (FeedError), or one row of it (Rejection)."""

import msgspec

VALUE_CHARS = 80


class FeedError(ValueError):
    """The whole file is unusable; the message is one sentence that ends with what to do."""


class Rejection(msgspec.Struct, frozen=True):
    """One row that was not taken. `row` is the line in line formats (the header is line 1), else the n-th item."""

    row: int
    id: str
    field: str
    value: str
    reason: str
    remedy: str


class Refusal(Exception):  # noqa: N818 - it never leaves this package: it becomes a Rejection
    """Why a row cannot be taken, before it is known which row that is."""

    def __init__(self, field: str, value: str, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.field, self.value, self.reason, self.remedy = field, value, reason, remedy

    def rejection(self, row: int, row_id: str = "") -> Rejection:
        """The report's line for `row`."""
        return Rejection(row, printable(row_id), self.field, printable(self.value), self.reason, self.remedy)


def printable(value: str) -> str:
    """At most 80 characters that any terminal and any UTF-8 file can hold."""
    return "".join(char if char.isprintable() else "\ufffd" for char in value[:VALUE_CHARS])


def too_long(limit: int) -> Refusal:
    """The refusal of a line that was not even loaded."""
    return Refusal("", "", f"the line is longer than {limit >> 20} MiB", "end each product's line with a line feed")
