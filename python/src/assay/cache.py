"""The exact cache in memory. docs/python.md lists what has a pure Python twin."""

from typing import TYPE_CHECKING

from assay import _backend

__all__ = [
    "MemoryCache", "Stats",
]

if TYPE_CHECKING:
    from assay._native.cache import (
        MemoryCache as MemoryCache, Stats as Stats,
    )
else:
    _backend.export("cache", globals(), __all__)
