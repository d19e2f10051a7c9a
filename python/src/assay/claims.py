"""Claims of an answer, and what documents say about them. docs/python.md lists what has a pure Python twin."""

from typing import TYPE_CHECKING

from assay import _backend

VERDICTS = ("supported", "contradicted", "unverified")  # by the codes of Verifier.codes

__all__ = [
    "CacheStats", "Claim", "Evidence", "Extractor", "Judgement", "Sentence", "SharedClient",
    "Verifier",
]

if TYPE_CHECKING:
    from assay._native.claims import (
        CacheStats as CacheStats, Claim as Claim, Evidence as Evidence, Extractor as Extractor, Judgement as
        Judgement, Sentence as Sentence, SharedClient as SharedClient, Verifier as Verifier,
    )
else:
    _backend.export("claims", globals(), __all__)

__all__ += ["VERDICTS"]
