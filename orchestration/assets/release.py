"""What goes live together, and only if it is not worse."""

from datetime import datetime

import dagster as dg
import msgspec

from orchestration import collection
from orchestration.artefacts import Artefact, result
from orchestration.assets import features
from orchestration.assets import ranker as ranking
from orchestration.assets.encoder import SERVING
from orchestration.gates import GateRefusedError, judge
from orchestration.resources import Workplace
from setwise.names import RANKER_SERVICE, ReleaseId, collections_of
from setwise.release import Manifest, ReleaseError, Releases, describe_files, now_utc, release_id_of
from setwise.snapshot import Snapshot


@dg.asset(group_name="release", kinds={"python"})
def release(
    context: dg.AssetExecutionContext,
    workplace: Workplace,
    products: Artefact,
    encoder: Artefact,
    product_embeddings: Artefact,
    product_index: Artefact,
    product_collection: Artefact,
    vocabulary: Artefact,
    complementarity: Artefact,
    learned: Artefact,
    product_stats: Artefact,
    ranker: Artefact,
    online_features: Artefact,
) -> dg.MaterializeResult[Artefact]:
    """The live release: gates, manifest, switch. One row = one release; the last three are kept for rollback."""
    releases = workplace.releases
    keys = {
        part.name: part.key
        for part in (
            products,
            encoder,
            product_embeddings,
            product_index,
            product_collection,
            vocabulary,
            complementarity,
            learned,
            product_stats,
            ranker,
        )
    }
    release_id = release_id_of(keys)
    live = releases.current_id()

    parts = {
        "snapshot": products.path,
        "encoder": encoder.path / SERVING,
        "index": product_index.path,
        "vocabulary": vocabulary.path,
        "complementarity": complementarity.path,
        "learned": learned.path,
        "statistics": product_stats.path / features.SERVING,
        "ranker": ranker.path / ranking.SERVING,
    }
    is_reused = releases.is_complete(release_id)
    if is_reused:
        if live != release_id:
            releases.switch(release_id)
    else:
        try:
            gates = judge(parts, encoder, *_live_one(releases, live))
        except GateRefusedError as refusal:
            _remove_collections(workplace, product_collection)
            raise dg.Failure(f"{refusal}. The live release {live or '(none)'} stays") from refusal
        manifest = Manifest(
            release_id=release_id,
            created_at=now_utc(),
            parent=live,
            files=describe_files(parts),
            parts=keys,
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
    return result(Artefact("release", release_id, folder, is_reused, facts))


def _live_one(releases: Releases, live: ReleaseId | None) -> tuple[Manifest | None, Snapshot | None]:
    """What a new release is compared with; a live one that can no longer be read is compared with nothing."""
    try:
        manifest, folder = releases.fetch(live) if live else (None, None)
        return manifest, Snapshot(folder / "snapshot") if folder else None
    except (ReleaseError, OSError, msgspec.MsgspecError):  # also one that an older version wrote
        return None, None


def _remove_collections(workplace: Workplace, refused: Artefact | None = None) -> None:
    """Deletes the collections that no kept release uses."""
    if workplace.settings.vectors.backend != "weaviate":
        return
    with collection.connect(workplace.settings.vectors) as client:
        kept = {manifest.collection for manifest in workplace.releases.manifests()}
        collection.remove_others(client, collections_of(workplace.settings.storage.releases), kept)
    if refused is not None:
        workplace.artefacts.drop(refused)
