"""Imports of what `pip install 'assay[ray]'` brings, without which the rest of the package works."""

import importlib
from typing import Any

from assay import errors


def module(name: str) -> Any:
    """Raises FailedPrecondition where it is missing."""
    try:
        return importlib.import_module(name)
    except ImportError as missing:
        raise errors.FailedPrecondition(
            f"assay.ray needs the module {name} ({missing}): pip install 'assay[ray]'"
        ) from missing
