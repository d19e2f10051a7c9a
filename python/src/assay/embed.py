"""Texts to vectors. docs/python.md lists what has a pure Python twin."""

from typing import TYPE_CHECKING

from assay import _backend

__all__ = [
    "CrossEncoder", "Encoder", "PairScore", "StaticEncoder", "TransformerEncoder", "find_checker",
]

if TYPE_CHECKING:
    from assay._native.embed import (
        CrossEncoder as CrossEncoder, Encoder as Encoder, PairScore as PairScore, StaticEncoder as StaticEncoder,
        TransformerEncoder as TransformerEncoder, find_checker as find_checker,
    )
else:
    _backend.export("embed", globals(), __all__)
