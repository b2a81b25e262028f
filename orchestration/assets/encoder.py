"""The model that turns text into vectors."""

from importlib.metadata import version
from pathlib import Path

import dagster as dg
import msgspec
import numpy as np

from orchestration import encoder_export
from orchestration.artefacts import Artefact, result
from orchestration.resources import Workplace
from setwise.encoder import MODEL_FILE, REFERENCE_FILE

GROUP = "models"
MIN_MEAN_COSINE = 0.99
MIN_COSINE = 0.95
PARITY_FILE = "parity.json"
SERVING = "serving"
"""The folder that goes into a release; the fp32 graph beside it does not: it is four times the size."""


@dg.asset(group_name=GROUP, kinds={"pytorch", "onnx"})
def encoder(workplace: Workplace) -> dg.MaterializeResult[Artefact]:
    """MiniLM as one ONNX graph, tokens to a vector of length 1, in fp32 and int8. One row = one graph."""
    name = workplace.settings.models.encoder

    def build(folder: Path) -> dict[str, object]:
        try:
            card = encoder_export.export(name, folder / SERVING)
            parity = encoder_export.parity(name, folder / SERVING)
        except encoder_export.EncoderUnavailableError as error:
            raise dg.Failure(str(error)) from error
        (folder / PARITY_FILE).write_bytes(msgspec.json.encode(parity))
        return {
            "model": card.model,
            "dimensions": card.dimensions,
            "int8_bytes": (folder / SERVING / MODEL_FILE).stat().st_size,
            "fp32_mean_cosine": float(np.mean(parity[REFERENCE_FILE])),
            "int8_mean_cosine": float(np.mean(parity[MODEL_FILE])),
            "int8_min_cosine": float(np.min(parity[MODEL_FILE])),
        }

    # A local folder may change under its name: its files' sizes and times are part of the key.
    files = sorted((str(f), f.stat().st_size, f.stat().st_mtime_ns) for f in Path(name).rglob("*") if f.is_file())
    versions = [version(package) for package in ("torch", "transformers", "onnxruntime")]
    return result(workplace.artefacts.make("encoder", ["1", name, files, versions], build))


@dg.asset_check(asset=encoder, blocking=True)
def encoder_agrees_with_torch(encoder: Artefact) -> dg.AssetCheckResult:
    """Both graphs give the torch original's vectors on a fixed probe set: mean cosine at least .99, none below .95."""
    parity = msgspec.json.decode((encoder.path / PARITY_FILE).read_bytes(), type=dict[str, list[float]])
    passed = all(np.mean(cosines) >= MIN_MEAN_COSINE and min(cosines) >= MIN_COSINE for cosines in parity.values())
    rows = [
        dg.TableRecord({"probe": probe[:60], "fp32": str(full), "int8": str(small)})
        for probe, full, small in zip(encoder_export.PROBES, parity[REFERENCE_FILE], parity[MODEL_FILE], strict=True)
    ]
    columns = dg.TableSchema([dg.TableColumn(name) for name in ("probe", "fp32", "int8")])
    return dg.AssetCheckResult(passed=bool(passed), metadata={"cosines": dg.MetadataValue.table(rows, columns)})
