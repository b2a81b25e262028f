"""The words of this catalogue."""

from pathlib import Path

import dagster as dg

from orchestration.artefacts import Artefact, result
from orchestration.resources import Workplace
from setwise.snapshot import Snapshot
from setwise.vocabulary import mine, write_vocabulary


@dg.asset(group_name="index", kinds={"python"})
def vocabulary(workplace: Workplace, products: Artefact) -> dg.MaterializeResult[Artefact]:
    """Categories, nouns, brands, colours, materials and sizes, mined from the catalogue. One row = one name."""

    def build(folder: Path) -> dict[str, object]:
        mined = mine(Snapshot(products.path))
        write_vocabulary(mined, folder)
        return {
            "language": mined.language,
            "nouns": len(mined.nouns),
            "sizes": len(mined.sizes),
            "brands": len(mined.brands),
            "colors": len(mined.colors),
            "materials": len(mined.materials),
            "categories": len(mined.categories),
            "joined_names": len(mined.joined),
        }

    return result(workplace.artefacts.make("vocabulary", ["2", products.key], build))
