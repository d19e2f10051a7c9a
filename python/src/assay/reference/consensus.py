"""Twin of assay.consensus: clusters, posteriors, reliabilities. Merging whole answers needs the extension."""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy
from numpy.typing import NDArray

from assay import errors

_LEAST, _MOST, _DISTRACTORS = 0.02, 0.98, 8.0
_TIE = 1e-12
Matrix = NDArray[numpy.float64]


@dataclass
class Cluster:
    """Items that agree."""

    members: list[int]
    cohesion: float = 1.0
    stability: float = 1.0


def _distance(a: list[int], b: list[int], agreement: Matrix, linkage: str) -> float:
    pairs = [1 - float(agreement[i, j]) for i in a for j in b]
    return {"single": min(pairs), "complete": max(pairs), "average": math.fsum(pairs) / len(pairs)}[linkage]


def cluster(agreement: Matrix, linkage: str = "average", threshold: float = 0.75) -> list[Cluster]:
    """Joins the two nearest groups, again and again, O(n^4); the extension follows chains of nearest neighbours."""
    if linkage not in ("single", "complete", "average"):
        raise errors.InvalidArgument(f"no linkage is called '{linkage}'")
    if agreement.ndim != 2 or agreement.shape[0] != agreement.shape[1]:
        raise errors.InvalidArgument(f"an agreement matrix of {agreement.size} values is no square")
    if not (agreement == agreement.T).all() or not ((agreement >= 0) & (agreement <= 1)).all():
        raise errors.InvalidArgument("an agreement is not in [0, 1] or not symmetric")
    groups = [[i] for i in range(len(agreement))]
    formed = dict.fromkeys(range(len(groups)), 0.0)  # by the first member
    kept: list[Cluster] | None = None
    while groups:
        nearest = math.inf
        best = (0, 0)
        for i in range(len(groups)):
            for j in range(i + 1, len(groups)):
                apart = _distance(groups[i], groups[j], agreement, linkage)
                if apart < nearest - _TIE:
                    nearest, best = apart, (i, j)
        if kept is None and nearest > 1 - threshold + _TIE:
            kept = [Cluster(group) for group in groups]
        if len(groups) == 1:
            break
        x, y = groups[best[0]], groups[best[1]]
        if kept is not None:
            for one in kept:  # the first merge of a group that is kept tells its stability
                if one.members in (x, y):
                    one.stability = 1 - formed[one.members[0]] / nearest if nearest > 0 else 1.0
        joined = sorted(x + y)
        groups = sorted([group for group in groups if group not in (x, y)] + [joined])
        formed[joined[0]] = nearest
    for one in kept or []:
        pairs = [float(agreement[i, j]) for i in one.members for j in one.members if i < j]
        one.cohesion = math.fsum(pairs) / len(pairs) if pairs else 1.0
    return sorted(kept or [], key=lambda one: (-len(one.members), one.members[0]))


def _odds(accuracy: float, distractors: float) -> float:
    p = min(max(accuracy, _LEAST), _MOST)
    return math.log(p) - math.log((1 - p) / distractors)


def _normalised(gains: dict[int, float], distractors: float) -> tuple[dict[int, float], float]:
    """Log odds of each voted choice to probabilities, beside the hypothesis that nobody is right."""
    nobody = math.log(max(0.5, distractors + 1 - len(gains)))
    highest = max([nobody, *gains.values()])
    mass = {choice: math.exp(gain - highest) for choice, gain in gains.items()}
    rest = math.exp(nobody - highest)
    total = rest + math.fsum(mass.values())
    return {choice: value / total for choice, value in mass.items()}, rest / total


def posterior(
    experts: Sequence[str], choices: Sequence[int | None], accuracy: dict[str, float] | None = None,
    fallback: float = 0.6, distractors: float = _DISTRACTORS,
) -> tuple[Matrix, float]:  # fmt: skip
    """Probability that each voted answer is right, and that none is."""
    if len(experts) != len(choices):
        raise errors.InvalidArgument(f"{len(experts)} experts, but {len(choices)} choices")
    gains: dict[int, float] = {}
    for expert, choice in zip(experts, choices, strict=True):
        if choice is not None:
            gains[choice] = gains.get(choice, 0.0) + _odds((accuracy or {}).get(expert, fallback), distractors)
    found, nobody = _normalised(gains, distractors)
    out = numpy.zeros(max(gains, default=-1) + 1)
    for choice, value in found.items():
        out[choice] = value
    return out, nobody


@dataclass(frozen=True)
class _Question:
    votes: list[tuple[str, int]]
    known: bool
    right: int | None


class ReliabilityLearner:
    """How often each expert is right: EM of Dawid and Skene in its one-coin form, over the last 2,048 questions."""

    def __init__(self) -> None:
        self._questions: deque[_Question] = deque(maxlen=2048)
        self._seen: set[str] = set()
        self._unfitted = 0
        self._accuracy: dict[str, float] = {}
        self._distractors = _DISTRACTORS

    def observe(self, experts: Sequence[str], choices: Sequence[int | None]) -> None:
        self._add(experts, choices, False, None)

    def teach(self, experts: Sequence[str], choices: Sequence[int | None], right: int | None = None) -> None:
        self._add(experts, choices, True, right)

    def _add(self, experts: Sequence[str], choices: Sequence[int | None], known: bool, right: int | None) -> None:
        if len(experts) != len(choices):
            raise errors.InvalidArgument(f"{len(experts)} experts, but {len(choices)} choices")
        votes = sorted((e, c) for e, c in zip(experts, choices, strict=True) if c is not None)
        if not votes:
            return
        self._seen.update(expert for expert, _ in votes)
        self._questions.append(_Question(votes, known, right))
        self._unfitted += 1
        if self._unfitted >= min(16, 1 + len(self._questions) // 8):
            self._refit()

    def _refit(self) -> None:
        self._unfitted = 0
        accuracy = {expert: self._accuracy.get(expert, 0.6) for expert in self._seen}
        for _ in range(12):
            right = dict.fromkeys(self._seen, 3.0)  # as if 3 right and 2 wrong had been seen
            seen = dict.fromkeys(self._seen, 5.0)
            wrong_pairs, equal_pairs = 8.0, 8.0 / _DISTRACTORS
            for question in self._questions:
                of_choice = self._belief(question, accuracy)
                count: dict[int, int] = {}
                for expert, choice in question.votes:
                    right[expert] += of_choice.get(choice, 0.0)
                    seen[expert] += 1
                    count[choice] = count.get(choice, 0) + 1
                voters = len(question.votes)
                squares = sum(c * (c - 1) for c in count.values())
                none = 1.0
                for choice, c in count.items():
                    p = of_choice.get(choice, 0.0)
                    none -= p
                    wrong_pairs += p * (voters - c) * (voters - c - 1) / 2
                    equal_pairs += p * (squares - c * (c - 1)) / 2
                wrong_pairs += none * voters * (voters - 1) / 2
                equal_pairs += none * squares / 2
            accuracy = {e: min(max(right[e] / seen[e], _LEAST), _MOST) for e in self._seen}
            self._distractors = min(max(wrong_pairs / max(equal_pairs, 1e-9), 1.0), 1000.0)
        self._accuracy = accuracy

    def _belief(self, question: _Question, accuracy: dict[str, float]) -> dict[int, float]:
        if question.known:
            return {} if question.right is None else {question.right: 1.0}
        gains: dict[int, float] = {}
        for expert, choice in question.votes:
            gains[choice] = gains.get(choice, 0.0) + _odds(accuracy[expert], self._distractors)
        return _normalised(gains, self._distractors)[0]

    @property
    def accuracy(self) -> dict[str, float]:
        return dict(sorted(self._accuracy.items()))

    def __len__(self) -> int:
        return len(self._questions)


def autocorrelation(values: Matrix) -> Matrix:
    """r[k] / r[0] of the values without their mean, by its definition."""
    centred = [float(value) - math.fsum(values) / len(values) for value in values]
    square = math.fsum(value * value for value in centred)
    out = numpy.zeros(len(values))
    if len(values):
        out[0] = 1.0
    for k in range(1, len(values)):
        if square > 0:
            out[k] = math.fsum(x * y for x, y in zip(centred, centred[k:], strict=False)) / square
    return out
