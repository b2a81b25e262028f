"""python -m benchmarks.typed_attributes FOLDER...: what titles of a shop's sets say of typed attributes.

Of each built shop's data folder: how often what a title says is kept in its set, the weights that this would teach, and
whether they find the products of other sets better. Nothing is built or changed."""

import argparse
import sys
from pathlib import Path

from orchestration.artefacts import ArtefactStore
from orchestration.assets.attribute_weights import try_weights
from orchestration.assets.history import SETS_FILE
from orchestration.assets.ranker import PRIOR
from orchestration.candidate import FOLDERS
from orchestration.kept_rows import read_kept
from orchestration.later_purchases import in_time
from orchestration.typed_attributes import choices_of_sets, shares_of, weights_of
from setwise.orders import MerchantSet
from setwise.snapshot import Snapshot
from setwise.vocabulary import read_vocabulary

NOT_ASKED = ("summary", "ranker")


def report(data_dir: Path) -> str:
    """One shop. Raises RuntimeError where nothing was built."""
    store = ArtefactStore(data_dir / "artefacts")

    def made(asset: str) -> Path:
        if (found := store.latest(asset)) is None:
            raise RuntimeError(f"{data_dir} has no {asset}")
        return found.path

    # Without the weights that are asked about.
    places = {part: place for part, place in FOLDERS.items() if part not in NOT_ASKED} | {"learned": ("learned", "")}
    parts = {part: made(asset) / inner for part, (asset, inner) in places.items()} | {"ranker": PRIOR}
    past = list(read_kept(made("merchant_sets") / SETS_FILE, MerchantSet))
    choices = choices_of_sets(past, Snapshot(parts["snapshot"]), read_vocabulary(parts["vocabulary"]))
    earlier, later = in_time(choices)
    tried = try_weights(parts, choices)
    lines = [f"{data_dir.name}: {len(past)} sets, {len(choices)} products after titles that say an attribute"]
    for kind, (count, kept, chance) in shares_of(choices).items():
        lines.append(f"  {kind}: {count} products, kept {kept:.3f}, by chance {chance:.3f}")
    lines.append(f"  weights of the first {len(earlier)}: {weights_of(earlier)}")
    if tried.shown is not None:
        means = f"{tried.shown.before:.4f} -> {tried.shown.after:.4f}"
        lines.append(f"  NDCG@10 of {tried.shown.cases} of the other {len(later)}: {means}, {tried.shown.said}")
    return "\n".join([*lines, f"  {tried.said}"])


def main() -> int:
    """Prints one report for each folder."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.typed_attributes", description=__doc__)
    parser.add_argument("folders", type=Path, nargs="+", help="data folders of built shops")
    for folder in parser.parse_args().folders:
        print(report(folder), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
