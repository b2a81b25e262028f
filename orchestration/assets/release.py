"""What goes live together, and only if it is not worse."""

from datetime import datetime

import dagster as dg

from orchestration import collection
from orchestration.artefacts import Artefact, result
from orchestration.assets.evaluation import read_evaluation
from orchestration.candidate import candidate_of
from orchestration.gates import GateRefusedError, judge
from orchestration.live_release import live_one
from orchestration.model_card import CARD_FILE, model_card, write_card
from orchestration.resources import Workplace
from setwise.drift import read_summary
from setwise.names import RANKER_SERVICE, collections_of
from setwise.release import Manifest, describe_files, now_utc

CARD = f"card/{CARD_FILE}"


@dg.asset(group_name="release", kinds={"python"})
def release(
    context: dg.AssetExecutionContext,
    workplace: Workplace,
    products: Artefact,
    encoder: Artefact,
    product_embeddings: Artefact,
    product_index: Artefact,
    product_collection: Artefact,
    typed_words: Artefact,
    complementarity: Artefact,
    attribute_weights: Artefact,
    product_stats: Artefact,
    ranker: Artefact,
    online_features: Artefact,
    input_summary: Artefact,
    offline_evaluation: Artefact,
) -> dg.MaterializeResult[Artefact]:
    """The live release: gates, manifest, switch. One row = one release; the last three are kept for rollback."""
    releases = workplace.releases
    candidate = candidate_of(
        products, encoder, product_embeddings, product_index, product_collection, typed_words, complementarity,
        attribute_weights, product_stats, ranker, input_summary,
    )  # fmt: skip
    release_id, parts, live = candidate.release_id, candidate.parts, releases.current_id()
    evaluation = read_evaluation(offline_evaluation.path)
    is_reused = releases.is_complete(release_id)
    if is_reused:
        if live != release_id:
            releases.switch(release_id)
    else:
        try:
            gates = judge(parts, encoder, evaluation, *live_one(releases))
        except GateRefusedError as refusal:
            _remove_collections(workplace, product_collection)
            raise dg.Failure(f"{refusal}. The live release {live or '(none)'} stays") from refusal
        summary = read_summary(input_summary.path)
        assert summary is not None
        made_of = {
            "encoder": encoder.facts["model"], "pairs seen": complementarity.facts.get("pairs_seen", 0),
            "words learned from purchases": typed_words.facts["typed"],
            "weights of typed attributes": attribute_weights.facts["typed"],
        }  # fmt: skip
        card = model_card(release_id, candidate.keys, gates, evaluation, summary, made_of)
        card_folder = write_card(card, workplace.data_dir / "reports" / "card")
        parts = parts | {"card": card_folder, "evaluation": offline_evaluation.path}
        manifest = Manifest(
            release_id=release_id,
            created_at=now_utc(),
            parent=live,
            files=describe_files(parts),
            parts=candidate.keys,
            counts={"products": int(str(products.facts["products"]))},
            gates=gates,
            currency=str(products.facts["currency"]),
            feed_at=datetime.fromisoformat(str(products.facts["feed_written_at"])),
            feature_service=RANKER_SERVICE,
            collection=str(product_collection.facts["collection"]),
        )
        releases.publish(manifest, parts)
    if workplace.settings.vectors.backend == "weaviate":
        with collection.connect(workplace.settings.vectors) as client:
            collection.point_alias(client, str(product_collection.facts["collection"]))
    for gone in releases.prune():
        context.log.info(f"release {gone.release_id} is older than the last three and was deleted")
    _remove_collections(workplace)
    manifest = releases.manifest(release_id)
    facts: dict[str, object] = {"release": release_id, "parent": manifest.parent or "", **manifest.gates}
    folder = f"{workplace.settings.storage.releases}/{release_id}"
    shown = {"model_card": dg.MetadataValue.md(text)} if (text := releases.text(release_id, CARD)) else {}
    return result(Artefact("release", release_id, folder, is_reused, facts), **shown)


def _remove_collections(workplace: Workplace, refused: Artefact | None = None) -> None:
    """Deletes the collections that no kept release uses."""
    if workplace.settings.vectors.backend != "weaviate":
        return
    with collection.connect(workplace.settings.vectors) as client:
        kept = {manifest.collection for manifest in workplace.releases.manifests()}
        collection.remove_others(client, collections_of(workplace.settings.storage.releases), kept)
    if refused is not None:
        workplace.artefacts.drop(refused)
