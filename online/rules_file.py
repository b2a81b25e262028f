"""The YAML file of rules that a shop may ship beside its service."""

import hashlib
import logging
from collections.abc import Callable
from pathlib import Path

import msgspec
import yaml  # type: ignore[import-untyped]

from setwise.names import ProductId
from setwise.rules import RuleSet, read_rules

logger = logging.getLogger(__name__)
MAX_BYTES = 1024 * 1024


class FileRules(msgspec.Struct, frozen=True):
    """What the file says; `is_change` where an earlier state of it was seen by this process."""

    rules: RuleSet
    sha256: str
    is_change: bool


class RulesFile:
    """Looks at the file's time and size; a file with mistakes is logged, each of them, and changes nothing."""

    def __init__(self, path: Path, is_known: Callable[[ProductId], bool]) -> None:
        self._path, self._is_known = path, is_known
        self._seen: tuple[int, int, int] | None = None

    def changed(self) -> FileRules | None:
        """The rules if the file is new or another one than at the last call, and has no mistake."""
        before = self._seen
        try:
            about = self._path.stat()
            found = about.st_mtime_ns, about.st_size, about.st_ino
        except OSError:
            found = (0, 0, 0)
        if found == before:
            return None
        self._seen = found
        try:
            if found[1] > MAX_BYTES:
                raise ValueError(f"it is larger than {MAX_BYTES} bytes")
            text = self._path.read_bytes()
            checked = read_rules(yaml.safe_load(text), self._is_known)
        except (OSError, ValueError, yaml.YAMLError) as error:
            logger.error("%s is refused, the rules stay as they were: %s", self._path.name, error)
            return None
        for problem in (*checked.errors, *checked.warnings):
            level = logging.WARNING if checked.rules else logging.ERROR
            said = (self._path.name, problem.field, problem.rule, problem.reason, problem.remedy)
            logger.log(level, "%s: %s (%s): %s; %s", *said)
        if checked.rules is None:
            logger.error("%s is refused, the rules stay as they were", self._path.name)
            return None
        return FileRules(checked.rules, hashlib.sha256(text).hexdigest(), is_change=before is not None)
