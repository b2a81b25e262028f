"""Who was forgotten, as a stream knows it: what they did is passed over, however late it is read."""

from orchestration.forgotten import erasures_in
from orchestration.warehouse.sources import Source, read_behind
from setwise.erasures import Erasures
from setwise.names import ERASURES_TOPIC
from setwise.pseudonyms import Pseudonyms


class KnownErasures:
    """Read from the start of the topic, and on from there at each turn."""

    def __init__(self, source: Source, pseudonyms: Pseudonyms) -> None:
        self._source, self._erasures = source, Erasures(pseudonyms)
        self._offsets: dict[int, int] = {}
        self._is_read = False

    def newest(self) -> Erasures:
        """With what came since the last time; the first time all there are. Raises LogDownError."""
        ends = {} if self._is_read else self._source.ends(ERASURES_TOPIC)
        for records in read_behind(self._source, ERASURES_TOPIC, self._offsets, ends):
            for record in records:
                self._offsets[record.partition] = record.offset + 1
            for erasure in erasures_in(records):
                self._erasures.add(erasure)
        self._is_read = True
        return self._erasures
