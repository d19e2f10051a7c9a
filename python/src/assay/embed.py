"""Texts to vectors. docs/python.md lists what has a pure Python twin."""

from typing import TYPE_CHECKING

from assay import _backend

__all__ = [
    "Encoder", "StaticEncoder", "TransformerEncoder",
]

if TYPE_CHECKING:
    from assay._native.embed import (
        Encoder as Encoder, StaticEncoder as StaticEncoder, TransformerEncoder as TransformerEncoder,
    )
else:
    _backend.export("embed", globals(), __all__)
