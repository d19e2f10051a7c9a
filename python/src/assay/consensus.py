"""From the answers of several experts to one. docs/python.md lists what has a pure Python twin."""

from typing import TYPE_CHECKING

from assay import _backend

__all__ = [
    "ClaimSupport", "Cluster", "Dissent", "FinalAnswer", "Opinion", "Outcome", "ReliabilityLearner",
    "autocorrelation", "cluster", "extract_final", "merge", "patterns_json", "posterior", "same_final",
]

if TYPE_CHECKING:
    from assay._native.consensus import (
        ClaimSupport as ClaimSupport, Cluster as Cluster, Dissent as Dissent, FinalAnswer as FinalAnswer,
        Opinion as Opinion, Outcome as Outcome, ReliabilityLearner as ReliabilityLearner, autocorrelation as
        autocorrelation, cluster as cluster, extract_final as extract_final, merge as merge, patterns_json as
        patterns_json, posterior as posterior, same_final as same_final,
    )
else:
    _backend.export("consensus", globals(), __all__)
