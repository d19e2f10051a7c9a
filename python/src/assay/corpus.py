"""Indexes of documents, and their search. docs/python.md lists what has a pure Python twin."""

from typing import TYPE_CHECKING

from assay import _backend

__all__ = [
    "Index", "Passage",
]

if TYPE_CHECKING:
    from assay._native.corpus import (
        Index as Index, Passage as Passage,
    )
else:
    _backend.export("corpus", globals(), __all__)
