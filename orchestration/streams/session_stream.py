"""Interactions of the log into sessions: the online store first, then state and offsets together.

Rows are made of the state alone, and the state is the same however often an event comes: a process that dies in between
writes the same rows once more."""

from datetime import UTC, datetime, timedelta

from orchestration.streams.known_erasures import KnownErasures
from orchestration.streams.offsets import OffsetsMovedError
from orchestration.streams.session_rows import KEPT, SessionRows
from orchestration.streams.state import StreamState
from orchestration.warehouse.sources import Source
from setwise.consumer_lag import lag_between
from setwise.events import UnreadableEventError, decode_interaction
from setwise.names import INTERACTIONS_TOPIC
from setwise.sessions import WINDOW, Act, ShopperKey, act_of, keys_of, merged, row_of

AT_ONCE = 2_000
"""Records of one turn; a click waits for the turn before it at most."""
TIDY_EVERY = timedelta(hours=1)


class SessionStream:
    """One reader of all partitions; a second one is harmless and does the same work again."""

    def __init__(self, source: Source, state: StreamState, rows: SessionRows, erasures: KnownErasures) -> None:
        self._source, self._state, self._rows, self._erasures = source, state, rows, erasures
        self._since: dict[int, int] | None = None
        self._tidied_at = datetime.fromtimestamp(0, UTC)
        self.records = self.written = self.unreadable = 0
        """Since the start: records read, rows written, records that hold no event."""

    def turn(self, timeout_s: float) -> int:
        """One batch; how many records there were. Raises LogDownError, SessionStoreDownError and SQLAlchemyError."""
        self._tidy()
        if self._since is None:
            self._since = self._state.offsets(INTERACTIONS_TOPIC)
        records = self._source.read(INTERACTIONS_TOPIC, self._since, AT_ONCE, timeout_s)
        if not records:
            return 0
        acts: dict[ShopperKey, list[Act]] = {}
        ends: dict[int, int] = {}
        forgotten = self._erasures.newest()
        for record in records:
            ends[record.partition] = max(ends.get(record.partition, 0), record.offset + 1)
            if forgotten.cover_record(record):
                continue
            try:
                event = decode_interaction(record.value)
            except UnreadableEventError:
                self.unreadable += 1  # the loader keeps it among its dead letters
                continue
            act = act_of(event)
            for key in keys_of(event) if act is not None else ():
                acts.setdefault(key, []).append(act)  # type: ignore[arg-type]
        known, oldest = self._state.sessions(list(acts)), datetime.now(UTC) - WINDOW
        # A row that was written and is not there was forgotten for its shopper: so is what it was made of.
        written = [key for key, session in known.items() if row_of(session).last_at_s >= oldest.timestamp()]
        for key in self._rows.missing(written):
            del known[key]
        changed = {
            key: session
            for key, more in acts.items()
            if (session := merged(known.get(key, ()), more)) != known.get(key)
        }
        rows = {
            key: row for key, session in changed.items() if (row := row_of(session)).last_at_s >= oldest.timestamp()
        }
        if rows:
            self._rows.write(rows)
        try:
            self._state.commit(INTERACTIONS_TOPIC, self._since, ends, changed)
        except OffsetsMovedError:
            self._since = None
            return len(records)
        self._since = self._since | ends
        self.records, self.written = self.records + len(records), self.written + len(rows)
        return len(records)

    def start_anew(self) -> None:
        """The next turn reads from the offsets that the state holds."""
        self._since = None

    def summary(self) -> str:
        """What was done since the start."""
        return f"{self.records:,} events, {self.written:,} rows written, {self.unreadable:,} unreadable"

    def lag(self) -> dict[str, int]:
        """Records that are in no session yet. Raises LogDownError."""
        return {INTERACTIONS_TOPIC: lag_between(self._source.ends(INTERACTIONS_TOPIC), self._since or {})}

    def _tidy(self) -> None:
        now = datetime.now(UTC)
        if now - self._tidied_at < TIDY_EVERY:
            return
        self._rows.forget(now - KEPT)
        self._state.forget_sessions(now - KEPT)
        self._tidied_at = now
