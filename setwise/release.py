"""A release: the artefacts that are live together. Written once, manifest last, switched by one atomic rename."""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import fsspec
import msgspec

from setwise.names import ReleaseId

KEPT_RELEASES = 3
MANIFEST = "manifest.json"
CURRENT = "current"


class ReleaseError(RuntimeError):
    """A release that is absent, incomplete or damaged; the message says which file and what to do."""


class PartFile(msgspec.Struct, frozen=True):
    """One file of a release: its path inside the release's folder, SHA-256 and bytes."""

    path: str
    sha256: str
    bytes: int


class Manifest(msgspec.Struct, frozen=True):
    """What a release is made of and what was measured before it went live."""

    release_id: ReleaseId
    created_at: datetime
    parent: ReleaseId | None
    files: tuple[PartFile, ...]
    parts: dict[str, str]
    """Key of the artefact that each part was copied from."""
    counts: dict[str, int]
    gates: dict[str, float]
    currency: str
    """The catalogue's main currency."""
    feature_service: str = ""
    collection: str = ""
    """Weaviate's collection, or '' where the release was built without Weaviate."""
    feed_at: datetime | None = None
    """When the product feed was written; the snapshot has it for each product, as delta feeds leave some out."""


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Releases:
    """The releases under one fsspec address: a folder, or a bucket whose files are fetched into `cache`."""

    def __init__(self, url: str, cache: Path) -> None:
        self._fs, self._root = fsspec.core.url_to_fs(url)
        self._is_local = "file" in (self._fs.protocol if isinstance(self._fs.protocol, tuple) else (self._fs.protocol,))
        self._cache = cache

    def current_id(self) -> ReleaseId | None:
        """The live release, or None before the first build."""
        try:
            return ReleaseId(self._fs.cat_file(f"{self._root}/{CURRENT}").decode().strip()) or None
        except FileNotFoundError:
            return None

    def manifest(self, release_id: ReleaseId) -> Manifest:
        """Raises ReleaseError where the release is absent or its manifest cannot be read."""
        try:
            data = self._fs.cat_file(f"{self._root}/{release_id}/{MANIFEST}")
            return msgspec.json.decode(data, type=Manifest)
        except (FileNotFoundError, msgspec.MsgspecError) as error:
            raise ReleaseError(f"release {release_id} has no readable manifest; run make build") from error

    def text(self, release_id: ReleaseId, path: str) -> str:
        """A small file of a release; '' where it has none of this name."""
        try:
            return str(self._fs.cat_file(f"{self._root}/{release_id}/{path}").decode())
        except FileNotFoundError:
            return ""

    def is_complete(self, release_id: ReleaseId) -> bool:
        """True where the release's manifest, which is written last, is there."""
        return bool(self._fs.exists(f"{self._root}/{release_id}/{MANIFEST}"))

    def manifests(self) -> list[Manifest]:
        """All complete releases, newest first."""
        self._fs.invalidate_cache()
        names = [path.rsplit("/", 1)[-1] for path in self._fs.ls(self._root, detail=False)] if self._exists() else []
        found = [self.manifest(ReleaseId(n)) for n in names if self.is_complete(ReleaseId(n))]
        return sorted(found, key=lambda manifest: manifest.created_at, reverse=True)

    def publish(self, manifest: Manifest, parts: Mapping[str, Path]) -> None:
        """Copies the parts' files (hard links where possible), then the manifest, then switches to the release."""
        target = f"{self._root}/{manifest.release_id}"
        for file in manifest.files:
            part, _, inner = file.path.partition("/")
            self._put(parts[part] / inner, f"{target}/{file.path}")
        self._write(f"{target}/{MANIFEST}", msgspec.json.format(msgspec.json.encode(manifest)))
        self.switch(manifest.release_id)

    def switch(self, release_id: ReleaseId) -> None:
        """Makes a complete release the live one."""
        self.manifest(release_id)
        self._write(f"{self._root}/{CURRENT}", release_id.encode())

    def prune(self) -> list[Manifest]:
        """Deletes all but the live one and the newest others, three in all; returns what was deleted."""
        live = self.current_id()
        ordered = sorted(self.manifests(), key=lambda manifest: manifest.release_id != live)
        for manifest in ordered[KEPT_RELEASES:]:
            self._fs.rm(f"{self._root}/{manifest.release_id}", recursive=True)
        return ordered[KEPT_RELEASES:]

    def fetch(self, release_id: ReleaseId) -> tuple[Manifest, Path]:
        """The manifest and a local folder with every file, verified; ReleaseError for a missing or changed file."""
        manifest = self.manifest(release_id)
        folder = Path(self._root) / release_id if self._is_local else self._cache / release_id
        for file in manifest.files:
            path = folder / file.path
            if not path.exists() and not self._is_local:
                path.parent.mkdir(parents=True, exist_ok=True)
                part = path.with_name(path.name + ".part")
                self._fs.get_file(f"{self._root}/{release_id}/{file.path}", str(part))
                part.replace(path)
            if not path.exists() or sha256_of(path) != file.sha256:
                raise ReleaseError(f"{file.path} of release {release_id} is missing or changed; run make build")
        return manifest, folder

    def _exists(self) -> bool:
        return bool(self._fs.exists(self._root))

    def _put(self, source: Path, target: str) -> None:
        if not self._is_local:
            self._fs.put_file(str(source), target)
            return
        Path(target).parent.mkdir(parents=True, exist_ok=True)
        Path(target).unlink(missing_ok=True)
        try:
            os.link(source, target)
        except OSError:  # another file system, or one without links
            shutil.copyfile(source, target)

    def _write(self, target: str, data: bytes) -> None:
        if not self._is_local:
            self._fs.pipe_file(target, data)  # an object appears whole or not at all
            return
        path = Path(target)
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)


def describe_files(parts: Mapping[str, Path]) -> tuple[PartFile, ...]:
    """Every file of the parts' folders with its SHA-256; markers (names that start with a point) are left out."""
    files = []
    for part, folder in sorted(parts.items()):
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.name.startswith("."):
                inner = path.relative_to(folder).as_posix()
                files.append(PartFile(f"{part}/{inner}", sha256_of(path), path.stat().st_size))
    return tuple(files)


def release_id_of(parts: Mapping[str, str]) -> ReleaseId:
    """The same parts give the same id: building again without a change is the same release."""
    return ReleaseId("r-" + hashlib.sha256(json.dumps(dict(sorted(parts.items()))).encode()).hexdigest()[:12])


def now_utc() -> datetime:
    """Now, in UTC."""
    return datetime.now(UTC)
