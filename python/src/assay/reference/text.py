"""Twin of assay.text: similarities of texts."""

import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence

import numpy
from numpy.typing import NDArray

from assay import errors


def fold_case(text: str) -> str:
    """Simple case folding: one character for each, so the length stays."""
    return "".join(_fold(char) for char in text)


def _fold(char: str) -> str:
    for folded in (char.casefold(), char.lower()):
        if len(folded) == 1:
            return folded
    return char


def levenshtein(a: str, b: str) -> int:
    """Wagner and Fischer's table, a row at a time."""
    row = list(range(len(b) + 1))
    for i, of_a in enumerate(a, 1):
        above_left, row[0] = row[0], i
        for j, of_b in enumerate(b, 1):
            above_left, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, above_left + (of_a != of_b))
    return row[-1]


def lcs_length(a: str, b: str) -> int:
    """The table of longest common subsequences of prefixes, a row at a time."""
    row = [0] * (len(b) + 1)
    for of_a in a:
        above_left = 0
        for j, of_b in enumerate(b, 1):
            above_left, row[j] = row[j], above_left + 1 if of_a == of_b else max(row[j], row[j - 1])
    return row[-1]


def _levenshtein_similarity(a: str, b: str) -> float:
    longer = max(len(a), len(b))
    return 1 - levenshtein(a, b) / longer if longer else 1.0


def _indel_similarity(a: str, b: str) -> float:
    both = len(a) + len(b)
    return 1 - (both - 2 * lcs_length(a, b)) / both if both else 1.0


def _lcs_similarity(a: str, b: str) -> float:
    longer = max(len(a), len(b))
    return lcs_length(a, b) / longer if longer else 1.0


def _jaro(a: str, b: str) -> float:
    if not a and not b:
        return 1.0
    reach = max(0, max(len(a), len(b)) // 2 - 1)
    free = list(b)
    of_a: list[str] = []
    taken = [False] * len(b)
    for i, char in enumerate(a):
        for j in range(max(0, i - reach), min(len(b), i + reach + 1)):
            if not taken[j] and free[j] == char:
                taken[j] = True
                of_a.append(char)
                break
    if not of_a:
        return 0.0
    of_b = [char for char, used in zip(b, taken, strict=True) if used]
    moved = sum(x != y for x, y in zip(of_a, of_b, strict=True)) // 2
    m = len(of_a)
    return (m / len(a) + m / len(b) + (m - moved) / m) / 3


def _jaro_winkler(a: str, b: str) -> float:
    value = _jaro(a, b)
    shared = 0
    for x, y in zip(a[:4], b[:4], strict=False):
        if x != y:
            break
        shared += 1
    return value + shared * 0.1 * (1 - value) if value > 0.7 else value


_MEASURES: dict[str, Callable[[str, str], float]] = {
    "levenshtein": _levenshtein_similarity,
    "indel": _indel_similarity,
    "lcs": _lcs_similarity,
    "jaro": _jaro,
    "jaro_winkler": _jaro_winkler,
}


def _measure(name: str) -> Callable[[str, str], float]:
    if name not in _MEASURES:
        raise errors.InvalidArgument(f"no measure is called '{name}'; there are {', '.join(_MEASURES)}")
    return _MEASURES[name]


def _texts(texts: Sequence[str]) -> list[str]:
    if isinstance(texts, str):
        raise TypeError("a sequence of str is needed, not one str; put it into a list")
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("a sequence of str is needed")
    return list(texts)


def similarity(a: str, b: str, measure: str = "levenshtein") -> float:
    """Similarity of two texts in [0, 1]."""
    return _measure(measure)(a, b)


def _symmetric(n: int, value: Callable[[int, int], float]) -> NDArray[numpy.float64]:
    out = numpy.ones((n, n))
    for i in range(n):
        for j in range(i + 1, n):
            out[i, j] = out[j, i] = value(i, j)
    return out


def similarity_matrix(texts: Sequence[str], measure: str = "levenshtein", threads: int = 0) -> NDArray[numpy.float64]:
    """All pairs of texts; `threads` is ignored."""
    held, of = _texts(texts), _measure(measure)
    return _symmetric(len(held), lambda i, j: of(held[i], held[j]))


def similarity_row(text: str, others: Sequence[str], measure: str = "levenshtein") -> NDArray[numpy.float64]:
    """One text against many."""
    of = _measure(measure)
    return numpy.array([of(text, other) for other in _texts(others)], dtype=numpy.float64)


def _words(text: str) -> list[str]:
    """Runs of letters, marks, digits and numbers, case folded."""
    spaced = (char if unicodedata.category(char)[0] in "LMN" else " " for char in text)
    return fold_case("".join(spaced)).split(" ") if text else []


def jaccard_matrix(texts: Sequence[str], length: int = 1) -> NDArray[numpy.float64]:
    """Shared over all distinct runs of `length` words."""
    if length == 0:
        raise errors.OutOfRange("length is 0; a shingle has at least one word")
    bags = []
    for text in _texts(texts):
        words = [word for word in _words(text) if word]
        width = min(length, len(words))
        bags.append({tuple(words[i : i + width]) for i in range(len(words) - width + 1)} if words else set())

    def value(i: int, j: int) -> float:
        union = len(bags[i] | bags[j])
        return len(bags[i] & bags[j]) / union if union else 1.0

    return _symmetric(len(bags), value)


def cosine_matrix(texts: Sequence[str]) -> NDArray[numpy.float64]:
    """Cosines of the vectors of word counts."""
    bags = [Counter(word for word in _words(text) if word) for text in _texts(texts)]
    squares = [sum(count * count for count in bag.values()) for bag in bags]

    def value(i: int, j: int) -> float:
        if not squares[i] or not squares[j]:
            return 1.0 if squares[i] == squares[j] else 0.0
        dot = sum(count * bags[j][word] for word, count in bags[i].items())
        return float(min(1.0, dot / (squares[i] * squares[j]) ** 0.5))

    return _symmetric(len(bags), value)
