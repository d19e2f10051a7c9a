"""Finds the models that claims and answers are compared with."""

import functools
import importlib.util
import os
from pathlib import Path

from assay import embed, errors


def _folder() -> Path:
    """Of $ASSAY_MODELS, else what came with the package."""
    folder = Path(os.environ.get("ASSAY_MODELS") or Path(__file__).resolve().parent / "models")
    if not (folder / "manifest.json").exists():
        raise errors.NotFound(f"no models in {folder}: run scripts/setup.sh of Assay's sources and set ASSAY_MODELS")
    return folder


@functools.cache
def default_encoder() -> embed.StaticEncoder:
    """The static encoder of $ASSAY_MODELS, else the one that came with the package. Raises NotFound, NoTwin."""
    return embed.StaticEncoder.open(str(_folder()))


def _runtimes() -> list[str]:
    """Where the libraries of the package openvino lie, if it is installed."""
    found = importlib.util.find_spec("openvino")
    beside = found.submodule_search_locations if found else None
    return [str(Path(folder) / "libs") for folder in beside or ()]


@functools.cache
def transformer_encoder(model: str = "minilm-l6-v2-int8", threads: int = 0) -> embed.TransformerEncoder:
    """The transformer of $ASSAY_MODELS, on the libraries of the package openvino.

    `model`: minilm-l6-v2-int8 (23 MB) or minilm-l6-v2-f32 (90 MB). `threads`: of one inference; 0 is one a core. Raises
    NotFound where the model or OpenVINO (`pip install 'assay[transformer]'`) is missing, NoTwin.
    """
    return embed.TransformerEncoder.open(str(_folder()), model, _runtimes(), threads)


@functools.cache
def cross_encoder(folder: str = "default", threads: int = 1, streams: int = 1) -> embed.CrossEncoder:
    """The model in a folder, or "default": the first `checker*` of $ASSAY_MODELS; on the libraries of the package openvino.

    `threads`: of one inference; 0 is one a core. `streams`: inferences beside each other. Opened once: call
    `cross_encoder.cache_clear()` after a change of its files. Raises InvalidArgument with file and line of the card,
    NotFound where the model or OpenVINO (`pip install 'assay[transformer]'`) is missing, DataLoss, NoTwin.
    """
    if folder == "default":
        folder = embed.find_checker([str(_folder())])
    return embed.CrossEncoder.open(folder, _runtimes(), threads, streams)
