"""The rules that this process answers by, and the watch that notices newer ones and the shop's file."""

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from online.polling import Polling
from online.rules_file import FileRules, RulesFile
from online.rules_store import Publication, RulesStore, RulesStoreDownError, StaleRulesError, build_rules_store
from setwise.names import ProductId
from setwise.rules import RuleBook, RuleSet
from setwise.rules.book import Terms
from setwise.settings import Settings
from setwise.terms import Analyzer

logger = logging.getLogger(__name__)
POLL_S = 0.5


class RulesWatch:
    """Looks twice a second whether another version was published; no request ever waits for it.

    The shop's file is one more author: what it says is published once, when it is new or was changed. So the newest
    word holds, the file's or a PUT's, and every process has the same version."""

    def __init__(self, store: RulesStore, terms: Terms, file: RulesFile | None = None) -> None:
        self.store = store
        self._terms, self._file = terms, file
        self._unpublished: FileRules | None = None
        self._book = RuleBook(RuleSet(), terms)
        self._is_reached: bool | None = None
        self._looking = threading.Lock()
        self._polling = Polling(self.look, "rules-watch", POLL_S)

    @property
    def book(self) -> RuleBook:
        """The rules to answer by; a request takes them once."""
        return self._book

    @property
    def is_reached(self) -> bool:
        """False while the store does not answer: the rules may be old, or missing."""
        return bool(self._is_reached)

    def compiled(self, rules: RuleSet) -> RuleBook:
        """Rules made ready as the live ones are, without making them live."""
        return RuleBook(rules, self._terms)

    def start(self) -> None:
        """Reads the rules now and watches from then on."""
        self._polling.start()

    def stop(self) -> None:
        """Ends the watch and closes the store."""
        self._polling.stop()
        self.store.close()

    def look(self) -> None:
        """Publishes what is new in the file, then takes the current version where it is another one."""
        with self._looking:
            try:
                if self._file is not None:
                    self._unpublished = self._file.changed() or self._unpublished
                if self._unpublished is not None:
                    self._publish(self._unpublished)
                self._take(self.store.version())
                self._is_reached = True
            except StaleRulesError:
                logger.info("another process publishes rules at this moment; looking again")
            except RulesStoreDownError as error:
                if self._is_reached is not False:
                    logger.error("the rules cannot be read, version %d stays: %s", self._book.version, error)
                self._is_reached = False

    def _publish(self, found: FileRules) -> None:
        earlier = [publication.file_sha256 for publication in self.store.history() if publication.file_sha256]
        # At start a text that was published before is no news: a later PUT, or another machine's newer file, holds.
        if found.sha256 not in (earlier[:1] if found.is_change else earlier):
            publication = Publication(0, datetime.now(UTC), "file", found.sha256)
            self.store.publish(found.rules, self.store.version(), publication)
        self._unpublished = None

    def _take(self, version: int) -> None:
        if version == self._book.version:
            return
        rules = self.store.read(version) if version else RuleSet()
        if rules is None:
            raise RulesStoreDownError(f"version {version} is current but not there")
        self._book = self.compiled(rules)
        logger.info("rules version %d: %d rules, %d templates", version, len(rules.rules), len(rules.templates))


def build_rules_watch(settings: Settings, is_known: Callable[[ProductId], bool]) -> RulesWatch:
    """The store and the file that the settings name; words are compared as the index compares them."""
    file = RulesFile(Path(settings.rules.file), is_known) if settings.rules.file else None
    return RulesWatch(build_rules_store(settings), Analyzer().terms, file)
