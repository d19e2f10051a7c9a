"""Texts to vectors. docs/python.md lists what has a pure Python twin."""

from typing import TYPE_CHECKING

from assay import _backend

__all__ = [
    "StaticEncoder",
]

if TYPE_CHECKING:
    from assay._native.embed import (
        StaticEncoder as StaticEncoder,
    )
else:
    _backend.export("embed", globals(), __all__)
