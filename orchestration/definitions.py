"""The one dg.Definitions: assets, checks, jobs, automation, resources. Nothing else."""

import dagster as dg

from orchestration import automation
from orchestration.artefacts import ArtefactIOManager
from orchestration.assets import (
    attribute_weights,
    catalogue,
    complementarity,
    embeddings,
    encoder,
    evaluation,
    features,
    history,
    index,
    input_checks,
    learned,
    ranker,
    release,
    training_rows,
    typed_words,
    vocabulary,
    warehouse,
)
from orchestration.resources import Workplace

MODULES = [
    catalogue, history, input_checks, encoder, embeddings, index, vocabulary, typed_words, features, complementarity,
    learned, attribute_weights, training_rows, ranker, evaluation, release, warehouse,
]  # fmt: skip

defs = dg.Definitions(
    assets=dg.load_assets_from_modules(MODULES),
    asset_checks=dg.load_asset_checks_from_modules(MODULES),
    jobs=[automation.release_build, automation.rollback],
    schedules=[automation.daily_build],
    sensors=[automation.new_feed_file],
    resources={"workplace": Workplace(), "io_manager": ArtefactIOManager()},
)
