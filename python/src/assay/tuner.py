"""Searches for a minimum; which model for which class of question. docs/python.md lists what has a pure Python twin."""

from typing import TYPE_CHECKING

from assay import _backend

__all__ = [
    "enumerate_policies", "minimize", "policy_value", "tabulate", "tune_policy",
]

if TYPE_CHECKING:
    from assay._native.tuner import (
        enumerate_policies as enumerate_policies, minimize as minimize, policy_value as policy_value, tabulate
        as tabulate, tune_policy as tune_policy,
    )
else:
    _backend.export("tuner", globals(), __all__)
