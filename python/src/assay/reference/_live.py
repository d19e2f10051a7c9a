"""Twin of what assay.experiments has for running experiments: assignment, a bandit, outcomes so far."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy
from numpy.typing import NDArray

from assay import errors
from assay.reference._xxh3 import xxh3_64

LAYER_SLOTS = 10_000
_SLOT_SEED, _RAMP_SEED, _VARIANT_SEED = 0x736C6F74, 0x72616D70, 0x76617269


@dataclass(frozen=True)
class LiveExperiment:
    """Variants and their part of the units."""

    id: str
    variants: Sequence[tuple[str, float]]
    layer: str = "default"
    first_slot: int = 0
    slots: int = LAYER_SLOTS
    ramp: float = 1.0


def _place(scope: str, unit: bytes, seed: int) -> float:
    """Uniform in [0, 1): the scope's hash is the seed of the unit's."""
    return (xxh3_64(unit, xxh3_64(scope.encode(), seed)) >> 11) * 2.0**-53


def _check(one: LiveExperiment) -> None:
    names = [name for name, _ in one.variants]
    shares = [share for _, share in one.variants]
    wrong = (
        (not one.id, "has no id"),
        (len(names) < 2, "needs a control and at least one other variant"),
        (
            one.slots == 0 or one.first_slot + one.slots > LAYER_SLOTS,
            f"slots {one.first_slot} to {one.first_slot + one.slots} are not within the layer's {LAYER_SLOTS}",
        ),
        (not 0 <= one.ramp <= 1, f"ramp {one.ramp:g} is not in [0, 1]"),
        (not all(0 <= share <= 1e6 for share in shares), "a share is not in [0, 1000000]"),
        (len(set(names)) < len(names), "has a variant twice"),
        (not sum(shares) > 0, "all shares are 0"),
    )
    for is_so, what in wrong:
        if is_so:
            raise errors.InvalidArgument(f"experiment '{one.id}': {what}")


class Assigner:
    """Who gets which variant, by hash alone."""

    def __init__(self, experiments: Sequence[LiveExperiment]) -> None:
        self._by_id: dict[str, LiveExperiment] = {}
        for one in experiments:
            _check(one)
            if one.id in self._by_id:
                raise errors.InvalidArgument(f"experiment '{one.id}' is there twice")
            for other in self._by_id.values():
                last = min(one.first_slot + one.slots, other.first_slot + other.slots)
                if one.layer == other.layer and max(one.first_slot, other.first_slot) < last:
                    raise errors.InvalidArgument(
                        f"experiments '{other.id}' and '{one.id}' share slots of layer '{one.layer}'"
                    )
            self._by_id[one.id] = one

    def _number_of(self, experiment: str, unit: str) -> int | None:
        one = self._by_id.get(experiment)
        if one is None:
            raise errors.NotFound(f"there is no experiment '{experiment}'")
        name = unit.encode()
        if not 0 <= int(_place(one.layer, name, _SLOT_SEED) * LAYER_SLOTS) - one.first_slot < one.slots:
            return None
        if _place(one.id, name, _RAMP_SEED) >= one.ramp:
            return None
        place = _place(one.id, name, _VARIANT_SEED) * sum(share for _, share in one.variants)
        last = 0
        for number, (_, share) in enumerate(one.variants):
            if share == 0:
                continue
            last = number
            if place < share:
                break
            place -= share
        return last

    def variant_of(self, experiment: str, unit: str) -> str | None:
        """The variant's name; None when the unit takes no part."""
        number = self._number_of(experiment, unit)
        return None if number is None else self._by_id[experiment].variants[number][0]

    def variants_of(self, experiment: str, units: Sequence[str]) -> NDArray[numpy.int32]:
        """The variants' numbers, -1 where a unit takes no part."""
        numbers = (self._number_of(experiment, unit) for unit in units)
        return numpy.array([-1 if number is None else number for number in numbers], dtype=numpy.int32)


_MASK = (1 << 64) - 1


class _Rng:
    """xoshiro256** (Blackman and Vigna 2018), its words the first outputs of SplitMix64."""

    def __init__(self, seed: int) -> None:
        self._words = []
        for _ in range(4):
            seed = (seed + 0x9E3779B97F4A7C15) & _MASK
            z = ((seed ^ seed >> 30) * 0xBF58476D1CE4E5B9) & _MASK
            z = ((z ^ z >> 27) * 0x94D049BB133111EB) & _MASK
            self._words.append(z ^ z >> 31)

    def unit(self) -> float:
        a, b, c, d = self._words
        x = b * 5 & _MASK
        out = ((x << 7 | x >> 57) & _MASK) * 9 & _MASK
        c, d, t = c ^ a, d ^ b, b << 17 & _MASK
        self._words = [a ^ d, b ^ c, c ^ t, (d << 45 | d >> 19) & _MASK]
        return (out >> 11) * 2.0**-53

    def normal(self) -> float:
        """By the polar method (Marsaglia and Bray 1964)."""
        while True:
            x, y = 2 * self.unit() - 1, 2 * self.unit() - 1
            s = x * x + y * y
            if 0 < s < 1:
                return x * math.sqrt(-2 * math.log(s) / s)

    def log_gamma(self, shape: float) -> float:
        """log of a Gamma(shape, 1) variate (Marsaglia and Tsang 2000)."""
        boost = 0.0
        if shape < 1:
            boost = math.log(1 - self.unit()) / shape
            shape += 1
        d = shape - 1 / 3
        c = 1 / math.sqrt(9 * d)
        while True:
            x = self.normal()
            if 1 + c * x <= 0:
                continue
            v = (1 + c * x) ** 3
            if math.log(1 - self.unit()) < 0.5 * x * x + d - d * v + d * math.log(v):
                return math.log(d * v) + boost


class ThompsonBandit:
    """Plays the arm that is best in one draw of each posterior (Thompson 1933)."""

    def __init__(self, arms: int, prior: tuple[float, float] = (1.0, 1.0), seed: int = 1) -> None:
        if arms < 1 or not (0 < prior[0] <= 1e12 and 0 < prior[1] <= 1e12):
            raise errors.InvalidArgument("a bandit has one arm at least, and a prior above 0")
        self._beta = [list(prior) for _ in range(arms)]
        self._rng = _Rng(seed)

    def choose(self) -> int:
        """The arm to play now: the log odds of each are a difference of log gammas."""
        logits = [self._rng.log_gamma(a) - self._rng.log_gamma(b) for a, b in self._beta]
        return max(range(len(logits)), key=logits.__getitem__)

    def reward(self, arm: int, reward: float) -> None:
        """What came of it; between 0 and 1 a biased coin decides (Agrawal and Goyal 2012)."""
        if not 0 <= arm < len(self._beta):
            raise errors.OutOfRange(f"there is no arm {arm} among {len(self._beta)}")
        if not 0 <= reward <= 1:
            raise errors.InvalidArgument(f"the reward {reward:g} is not in [0, 1]")
        won = reward == 1 or (reward > 0 and self._rng.unit() < reward)
        self._beta[arm][0 if won else 1] += 1

    @property
    def posteriors(self) -> NDArray[numpy.float64]:
        """a and b of each arm."""
        return numpy.array(self._beta, dtype=float)
