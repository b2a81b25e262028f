"""Who was forgotten, as a stream knows it: what they did is passed over, however late it is read."""

import time

from orchestration.forgotten import erasures_in
from orchestration.warehouse.sources import Source
from setwise.erasures import Erasures
from setwise.log import LogDownError
from setwise.names import ERASURES_TOPIC
from setwise.pseudonyms import Pseudonyms

AT_ONCE = 1_000
PATIENCE_S, WAIT_S = 20.0, 0.5


class KnownErasures:
    """Read from the start of the topic, and on from there at each turn."""

    def __init__(self, source: Source, pseudonyms: Pseudonyms) -> None:
        self._source, self._erasures = source, Erasures(pseudonyms)
        self._offsets: dict[int, int] = {}
        self._is_read = False

    def newest(self) -> Erasures:
        """With what came since the last time; the first time all there are. Raises LogDownError."""
        ends, until = {} if self._is_read else self._source.ends(ERASURES_TOPIC), time.monotonic() + PATIENCE_S
        while True:
            ends = {partition: end for partition, end in ends.items() if self._offsets.get(partition, 0) < end}
            records = self._source.read(ERASURES_TOPIC, self._offsets, AT_ONCE, WAIT_S if ends else 0.0)
            for record in records:
                self._offsets[record.partition] = record.offset + 1
            for erasure in erasures_in(records):
                self._erasures.add(erasure)
            if not records and not ends:
                self._is_read = True
                return self._erasures
            if time.monotonic() > until:
                raise LogDownError("erasures were not read in time")
