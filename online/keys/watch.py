"""The keys that this process knows: looked at twice a second, so that no request waits for their store."""

import logging
from datetime import datetime

from online.keys import Key, find_key
from online.keys.store import KeysStore, KeysStoreDownError
from online.polling import Polling

logger = logging.getLogger(__name__)
POLL_S = 0.5


class KeysWatch:
    """While the store does not answer the keys stay as they were last read."""

    def __init__(self, store: KeysStore) -> None:
        self._store = store
        self._keys: dict[str, Key] = {}
        self._is_reached: bool | None = None
        self._polling = Polling(self.look, "keys-watch", POLL_S)

    @property
    def is_reached(self) -> bool:
        """False while the store does not answer."""
        return bool(self._is_reached)

    def find(self, text: str, now: datetime) -> Key | None:
        """The valid key that this text is."""
        return find_key(self._keys, text, now)

    def start(self) -> None:
        """Reads the keys now and watches from then on."""
        self._polling.start()

    def stop(self) -> None:
        """Ends the watch and closes the store."""
        self._polling.stop()
        self._store.close()

    def look(self) -> None:
        """Takes the keys as they are now."""
        try:
            self._keys = self._store.all()
            self._is_reached = True
        except KeysStoreDownError as error:
            if self._is_reached is not False:
                logger.error("API keys cannot be read, those that are known stay: %s", error)
            self._is_reached = False
