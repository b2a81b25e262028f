"""What assets are given: the settings of this process, and the places that follow from them."""

import os
from pathlib import Path

import dagster as dg

from orchestration.artefacts import ArtefactStore
from setwise.release import Releases
from setwise.settings import Settings


class Workplace(dg.ConfigurableResource):
    """Settings from the environment, read when a run starts; folders and stores that follow from them."""

    @property
    def settings(self) -> Settings:
        """The settings of this process."""
        return Settings.from_env(os.environ)

    @property
    def data_dir(self) -> Path:
        """The data folder, absolute."""
        return Path(self.settings.storage.data_dir).absolute()

    @property
    def artefacts(self) -> ArtefactStore:
        """Where assets keep what they made."""
        return ArtefactStore(self.data_dir / "artefacts")

    @property
    def releases(self) -> Releases:
        """The releases."""
        return Releases(self.settings.storage.releases, self.data_dir / "release-cache")
