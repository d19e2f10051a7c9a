"""Twin of assay.tuner: policies of small tables, by trying every one."""

import itertools
from collections.abc import Sequence

import numpy
from numpy.typing import NDArray

from assay import errors

Table = NDArray[numpy.float64]
_TOLERANCE = 1e-12


def _check(share: Table, quality: Table, cost: Table) -> None:
    if quality.shape != cost.shape or quality.ndim != 2 or quality.shape[0] != len(share) or quality.shape[1] == 0:
        raise errors.InvalidArgument(
            "share is [classes], quality and cost are [classes, models], with one model at least"
        )


def policy_value(share: Table, quality: Table, cost: Table, policy: Sequence[int]) -> tuple[float, float]:
    """(quality, cost) of the model of each class."""
    _check(share, quality, cost)
    if len(policy) != len(share) or any(not 0 <= model < quality.shape[1] for model in policy):
        raise errors.InvalidArgument("a policy holds the number of a model for each class")
    total_quality = total_cost = 0.0
    for part, of_quality, of_cost, model in zip(share, quality, cost, policy, strict=True):
        total_quality += float(part * of_quality[model])
        total_cost += float(part * of_cost[model])
    return total_quality, total_cost


def enumerate_policies(share: Table, quality: Table, cost: Table, least_quality: float) -> list[int]:
    """The cheapest policy with at least that mean quality, the first class counted up fastest."""
    _check(share, quality, cost)
    classes, models = quality.shape
    if models**classes > 1 << 22:
        raise errors.OutOfRange(f"{models**classes:.3g} policies are more than can be tried")
    best: list[int] | None = None
    cheapest = float("inf")
    for turned in itertools.product(range(models), repeat=classes):
        policy = list(reversed(turned))
        worth, price = policy_value(share, quality, cost, policy)
        if worth >= least_quality - _TOLERANCE and price < cheapest:
            best, cheapest = policy, price
    if best is None:
        raise errors.FailedPrecondition(f"no policy reaches a quality of {least_quality:.4f}")
    return best
