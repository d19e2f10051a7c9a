"""Finds the word vectors that claims and answers are compared with."""

import functools
import os
from pathlib import Path

from assay import embed, errors


@functools.cache
def default_encoder() -> embed.StaticEncoder:
    """The static encoder of $ASSAY_MODELS, else the one that came with the package. Raises NotFound, NoTwin."""
    beside = Path(__file__).resolve().parent / "models"
    folder = Path(os.environ.get("ASSAY_MODELS") or beside)
    if not (folder / "manifest.json").exists():
        raise errors.NotFound(f"no models in {folder}: run scripts/setup.sh of Assay's sources and set ASSAY_MODELS")
    return embed.StaticEncoder.open(str(folder))
