"""The parts that may become the next release: which folder and key of which artefact is which part."""

from pathlib import Path

import msgspec

from orchestration.artefacts import Artefact
from orchestration.assets import encoder, features, ranker
from setwise.names import ReleaseId
from setwise.release import release_id_of

FOLDERS = {
    "snapshot": ("products", ""),
    "encoder": ("encoder", encoder.SERVING),
    "index": ("product_index", ""),
    "vocabulary": ("typed_words", ""),
    "complementarity": ("complementarity", ""),
    "learned": ("attribute_weights", ""),
    "ranker": ("ranker", ranker.SERVING),
    "statistics": ("product_stats", features.SERVING),
    "summary": ("input_summary", ""),
}
"""Part -> the asset that makes it, and the folder in its artefact."""


class Candidate(msgspec.Struct, frozen=True):
    """Folders of the parts, and the keys of all artefacts that make the release what it is."""

    parts: dict[str, Path]
    keys: dict[str, str]

    @property
    def release_id(self) -> ReleaseId:
        """The same artefacts are the same release."""
        return release_id_of(self.keys)


def candidate_of(*artefacts: Artefact) -> Candidate:
    """Those of every part, and others that belong to the release without being a part of its files."""
    by_name = {artefact.name: artefact for artefact in artefacts}
    parts = {part: by_name[name].path / inner for part, (name, inner) in FOLDERS.items()}
    return Candidate(parts, {artefact.name: artefact.key for artefact in artefacts})
