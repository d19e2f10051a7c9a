"""Twin of assay.experiments: tails, tests, sequential tests, power, and outcomes so far; _live has who gets what."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy
from numpy.typing import NDArray

from assay import errors
from assay.reference._live import Assigner as Assigner
from assay.reference._live import LiveExperiment as LiveExperiment
from assay.reference._live import ThompsonBandit as ThompsonBandit
from assay.reference._special import beta_regularised, bisect, gamma_upper

NAN = math.nan
Doubles = NDArray[numpy.float64]
Pair = tuple[float, float]
Counts = tuple[int, int]  # successes, n


def normal_cdf(z: float) -> float:
    return math.erfc(-z / math.sqrt(2)) / 2


def normal_sf(z: float) -> float:
    return math.erfc(z / math.sqrt(2)) / 2


def normal_quantile(p: float) -> float:
    if not 0 <= p <= 1:
        return NAN
    if p in (0, 1):
        return -math.inf if p == 0 else math.inf
    return NormalDist().inv_cdf(p)


def student_t_two_sided(t: float, df: float) -> float:
    if math.isnan(t) or not df > 0:
        return NAN
    if math.isinf(df):
        return 2 * normal_sf(abs(t))
    square = t * t
    return beta_regularised(df / (df + square), square / (df + square), df / 2, 0.5)


def student_t_sf(t: float, df: float) -> float:
    half = student_t_two_sided(t, df) / 2
    return half if t >= 0 else 1 - half


def student_t_cdf(t: float, df: float) -> float:
    return student_t_sf(-t, df)


def student_t_quantile(p: float, df: float) -> float:
    if not 0 <= p <= 1 or not df > 0:
        return NAN
    if p in (0, 0.5, 1):
        return {0: -math.inf, 0.5: 0.0, 1: math.inf}[p]
    if math.isinf(df):
        return normal_quantile(p)
    if p < 0.5:
        return -_student_upper(p, df)
    return _student_upper(1 - p, df)


def _student_upper(tail: float, df: float) -> float:
    high = 1.0
    while student_t_sf(high, df) > tail:
        high *= 2
    return bisect(lambda t: tail - student_t_sf(t, df), 0, high)


def chi_square_sf(x: float, df: float) -> float:
    return gamma_upper(df / 2, x / 2) if df > 0 and not math.isnan(x) else NAN


def chi_square_cdf(x: float, df: float) -> float:
    return 1 - chi_square_sf(x, df)


def f_sf(x: float, df1: float, df2: float) -> float:
    if math.isnan(x) or not (df1 > 0 and df2 > 0):
        return NAN
    below = df2 + df1 * max(x, 0)
    return beta_regularised(df2 / below, df1 * max(x, 0) / below, df2 / 2, df1 / 2)


def beta_cdf(x: float, a: float, b: float) -> float:
    return beta_regularised(x, 1 - x, a, b) if 0 <= x <= 1 and a > 0 and b > 0 else NAN


def beta_quantile(p: float, a: float, b: float) -> float:
    if not (0 <= p <= 1 and a > 0 and b > 0):
        return NAN
    return p if p in (0, 1) else bisect(lambda x: beta_cdf(x, a, b) - p, 0, 1)


def binomial_cdf(k: int, n: int, p: float) -> float:
    if n < 0 or not 0 <= p <= 1:
        return NAN
    if k < 0 or k >= n:
        return 0.0 if k < 0 else 1.0
    return beta_regularised(1 - p, p, n - k, k + 1)


@dataclass(frozen=True)
class Summary:
    """Number, mean and deviation of a sample."""

    n: int
    missing: int
    mean: float
    deviation: float


@dataclass(frozen=True)
class TestResult:
    """Of treatment minus control; p is two-sided."""

    __test__ = False  # no test of pytest

    effect: float
    error: float
    statistic: float
    df: float
    p: float
    interval: Pair = (NAN, NAN)


def _values(values: Doubles) -> list[float]:
    if not isinstance(values, numpy.ndarray):
        raise TypeError("a NumPy array is needed")
    return [float(value) for value in values if not math.isnan(value)]


def summarize(values: Doubles) -> Summary:
    """Two passes: the mean, then squares of the distances to it."""
    there = _values(values)
    for i, value in enumerate(values):
        if math.isinf(value):
            raise errors.InvalidArgument(f"value {i} is {value}")
    n = len(there)
    mean = math.fsum(there) / n if n else 0.0
    square = math.fsum((value - mean) ** 2 for value in there)
    return Summary(n, len(values) - n, mean, math.sqrt(square / (n - 1)) if n > 1 else NAN)


def _t_test(effect: float, error: float, df: float, confidence: float) -> TestResult:
    if error == 0:
        statistic = math.copysign(math.inf, effect) if effect else 0.0
        return TestResult(effect, error, statistic, df, 0.0 if effect else 1.0, (effect, effect))
    half = student_t_quantile(0.5 + 0.5 * confidence, df) * error
    p = student_t_two_sided(effect / error, df)
    return TestResult(effect, error, effect / error, df, p, (effect - half, effect + half))


def welch(control: Doubles, treatment: Doubles, confidence: float = 0.95) -> TestResult:
    """Welch 1947."""
    c, t = summarize(control), summarize(treatment)
    if c.n < 2 or t.n < 2:
        return TestResult(NAN, NAN, NAN, NAN, NAN)
    of_c, of_t = c.deviation**2 / c.n, t.deviation**2 / t.n
    square = of_c + of_t
    df = float(c.n + t.n - 2)
    if square > 0:
        df = 1 / ((of_c / square) ** 2 / (c.n - 1) + (of_t / square) ** 2 / (t.n - 1))
    return _t_test(t.mean - c.mean, math.sqrt(square), df, confidence)


def student(control: Doubles, treatment: Doubles, confidence: float = 0.95) -> TestResult:
    """Student 1908, with the variances pooled."""
    c, t = summarize(control), summarize(treatment)
    if c.n < 2 or t.n < 2:
        return TestResult(NAN, NAN, NAN, NAN, NAN)
    df = c.n + t.n - 2
    pooled = ((c.n - 1) * c.deviation**2 + (t.n - 1) * t.deviation**2) / df
    return _t_test(t.mean - c.mean, math.sqrt(pooled * (1 / c.n + 1 / t.n)), df, confidence)


def mann_whitney(control: Doubles, treatment: Doubles) -> TestResult:
    """U by comparing all pairs; exact by counting arrangements where the smaller sample has at most 8 values."""
    c, t = _values(control), _values(treatment)
    if not c or not t:
        return TestResult(NAN, NAN, NAN, math.inf, NAN)
    u = sum((y > x) + (x == y) / 2 for x in c for y in t)
    pairs, n = len(c) * len(t), len(c) + len(t)
    both = c + t
    ties = sum(both.count(value) ** 3 - both.count(value) for value in set(both))
    larger = max(u, pairs - u)
    variance = max(pairs / 12 * ((n + 1) - ties / (n * (n - 1))), 0.0)
    if min(len(c), len(t)) <= 8 and ties == 0:
        p = min(1.0, 2 * _exact_tail(min(len(c), len(t)), max(len(c), len(t)), int(larger)))
    elif variance > 0:
        p = min(1.0, 2 * normal_sf((larger - pairs / 2 - 0.5) / math.sqrt(variance)))
    else:
        p = 1.0
    return TestResult(u / pairs - 0.5, math.sqrt(variance) / pairs, u, math.inf, p)


def _exact_tail(m: int, n: int, u: int) -> float:
    """P(U >= u): how many of all arrangements of m among m + n have such a sum of ranks."""
    ways = {(0, 0): 1}  # (drawn, U so far)
    for place in range(m + n):
        after: dict[tuple[int, int], int] = {}
        for (drawn, total), count in ways.items():
            for key in ((drawn, total), (drawn + 1, total + place - drawn)):
                if key[0] <= m:
                    after[key] = after.get(key, 0) + count
        ways = after
    return sum(count for (drawn, total), count in ways.items() if drawn == m and total >= u) / math.comb(m + n, m)


def _wilson(p: float, n: int, z: float) -> Pair:
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return middle - half, middle + half


def two_proportions(control: Counts, treatment: Counts, confidence: float = 0.95) -> TestResult:
    """Pooled z test, Newcombe's interval."""
    for name, (successes, n) in (("control", control), ("treatment", treatment)):
        if not (n >= 1 and 0 <= successes <= n):
            raise errors.InvalidArgument(
                f"the {name} has {successes} successes of {n}; there must be 0 to n of n >= 1"
            )
    (xc, nc), (xt, nt) = control, treatment
    pc, pt, pooled = xc / nc, xt / nt, (xc + xt) / (nc + nt)
    error = math.sqrt(pooled * (1 - pooled) * (1 / nc + 1 / nt))
    z = (pt - pc) / error if error > 0 else 0.0
    at = normal_quantile(0.5 + 0.5 * confidence)
    (c_low, c_high), (t_low, t_high) = _wilson(pc, nc, at), _wilson(pt, nt, at)
    low = pt - pc - math.hypot(pt - t_low, c_high - pc)
    high = pt - pc + math.hypot(t_high - pt, pc - c_low)
    return TestResult(pt - pc, error, z, math.inf, 2 * normal_sf(abs(z)), (low, high))


def chi_square_table(counts: Doubles, yates: bool = True) -> TestResult:
    """Pearson's chi-square."""
    rows, columns = counts.sum(axis=1), counts.sum(axis=0)
    total = float(counts.sum())
    if min(counts.shape) < 2 or not (counts >= 0).all() or min(rows.min(), columns.min()) == 0:
        raise errors.InvalidArgument("a table has at least 2 x 2 counts, and no empty row or column")
    df = (counts.shape[0] - 1) * (counts.shape[1] - 1)
    statistic = 0.0
    for i, j in numpy.ndindex(counts.shape):
        expected = float(rows[i] * columns[j]) / total
        gap = abs(float(counts[i, j]) - expected)
        if yates and df == 1:
            gap -= min(0.5, gap)
        statistic += gap * gap / expected
    return TestResult(math.sqrt(statistic / total), NAN, statistic, df, chi_square_sf(statistic, df))


def chi_square_shares(counts: Doubles, shares: Doubles) -> TestResult:
    """Counts against expected shares."""
    if len(counts) < 2 or len(counts) != len(shares) or not (shares > 0).all() or not (counts >= 0).all():
        raise errors.InvalidArgument("two or more counts are compared with as many positive shares")
    total, all_shares = math.fsum(counts), math.fsum(shares)
    expected = [total * float(share) / all_shares for share in shares]
    statistic = sum((float(x) - e) ** 2 / e for x, e in zip(counts, expected, strict=True) if e > 0)
    df = len(counts) - 1
    effect = math.sqrt(statistic / total) if total > 0 else 0.0
    return TestResult(effect, NAN, statistic, df, chi_square_sf(statistic, df))


def _order(p: Doubles) -> list[int]:
    return sorted((i for i in range(len(p)) if not math.isnan(p[i])), key=lambda i: p[i])


def holm(p: Doubles) -> Doubles:
    """Step down: the i-th smallest times n - i, never below the one before."""
    out = numpy.full(len(p), NAN)
    order, largest = _order(p), 0.0
    for i, place in enumerate(order):
        largest = max(largest, p[place] * (len(order) - i))
        out[place] = min(largest, 1.0)
    return out


def benjamini_hochberg(p: Doubles) -> Doubles:
    """Step up: the i-th smallest times n / i, never above the one behind."""
    out = numpy.full(len(p), NAN)
    order, smallest = _order(p), 1.0
    for i, place in reversed(list(enumerate(order, 1))):
        smallest = min(smallest, p[place] * (len(order) / i))
        out[place] = smallest
    return out


def mixture_test(effect: float, error: float, tau: float, confidence: float = 0.95) -> tuple[float, Pair]:
    """Johari et al. 2017."""
    v, t = error * error, tau * tau
    log_ratio = 0.5 * math.log(v / (v + t)) + t * effect * effect / (2 * v * (v + t))
    half = math.sqrt(v * (v + t) / t * (math.log((v + t) / v) - 2 * math.log(1 - confidence)))
    return min(1.0, math.exp(-log_ratio)) if log_ratio > -700 else 1.0, (effect - half, effect + half)


class OutcomeBoard:
    """What came of an experiment so far: all values of each variant and metric."""

    def __init__(self, variants: int, metrics: int = 1) -> None:
        if variants < 1 or metrics < 1 or variants * metrics > 1_000_000:
            raise errors.InvalidArgument("variants and metrics are 1 at least, and a million cells at most")
        self._cells: list[list[list[float]]] = [[[] for _ in range(metrics)] for _ in range(variants)]

    def _cell(self, variant: int, metric: int) -> list[float]:
        if not 0 <= variant < len(self._cells) or not 0 <= metric < len(self._cells[0]):
            raise errors.OutOfRange(f"there is no variant {variant} or no metric {metric}")
        return self._cells[variant][metric]

    def record(self, variant: int, metric: int, value: float) -> None:
        """One outcome; NaN, infinities and what is beyond 1e140 count as missing."""
        self._cell(variant, metric).append(value if abs(value) <= 1e140 else NAN)

    def record_many(self, variant: int, metric: int, values: Doubles) -> None:
        for value in values:
            self.record(variant, metric, float(value))

    def summary(self, variant: int, metric: int) -> Summary:
        """Number, mean and deviation so far."""
        found = summarize(numpy.array(self._cell(variant, metric), dtype=float))
        return found if found.n else Summary(0, found.missing, NAN, NAN)

    def look(self, variant: int, metric: int, tau: float, confidence: float = 0.95) -> tuple[float, Pair]:
        """Welch's effect and error in the mixture test."""
        control, treatment = (numpy.array(self._cell(v, metric), dtype=float) for v in (0, variant))
        if min(len(_values(control)), len(_values(treatment))) < 2:
            raise errors.FailedPrecondition("the outcomes are too few to compare")
        test = welch(control, treatment, confidence)
        return mixture_test(test.effect, test.error, tau, confidence) if test.error else (test.p, test.interval)


def confidence_sequence(mean: float, deviation: float, n: float, tightest_n: float, confidence: float = 0.95) -> Pair:
    """Waudby-Smith et al. 2021, theorem 2.2."""
    alpha = 1 - confidence
    rho = math.sqrt((-2 * math.log(alpha) + math.log(-2 * math.log(alpha) + 1)) / tightest_n)
    r = n * rho * rho
    half = deviation * math.sqrt(2 * (r + 1) / (n * r) * math.log(math.sqrt(r + 1) / alpha))
    return mean - half, mean + half


def power_of_proportions(
    p_control: float, p_treatment: float, n_control: float, alpha: float = 0.05, ratio: float = 1.0
) -> float:
    """Of the z test, its error unpooled, both tails counted."""
    error = math.sqrt(
        p_control * (1 - p_control) / n_control + p_treatment * (1 - p_treatment) / (n_control * ratio)
    )
    shift = abs(p_treatment - p_control) / error
    critical = -normal_quantile(alpha / 2)
    return normal_sf(critical - shift) + normal_sf(critical + shift)


def bootstrap(
    control: Doubles, treatment: Doubles, resamples: int = 10_000, seed: int = 1, confidence: float = 0.95,
    relative: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """Percentile interval over the same draws as the extension's; without its BCa interval."""
    c, t = _values(control), _values(treatment)
    if min(len(c), len(t)) < 2:
        raise errors.InvalidArgument("each sample must have at least 2 values")
    effects = sorted(
        _effect(_mean_of_draw(c, draws), _mean_of_draw(t, draws), relative)
        for draws in (_Xoshiro((seed + r * 0xD1B54A32D192ED03) & _MASK) for r in range(resamples))
    )
    mean = math.fsum(effects) / resamples
    deviation = math.sqrt(math.fsum((one - mean) ** 2 for one in effects) / (resamples - 1))
    low = (1 - confidence) / 2
    return {
        "effect": _effect(math.fsum(c) / len(c), math.fsum(t) / len(t), relative),
        "error": deviation,
        "percentile": (_quantile(effects, low), _quantile(effects, 1 - low)),
        "distribution": numpy.array(effects),
    }


_MASK = (1 << 64) - 1


class _Xoshiro:
    """xoshiro256++ (Blackman and Vigna 2019), its words the first outputs of SplitMix64."""

    def __init__(self, seed: int) -> None:
        self.words = []
        for _ in range(4):
            seed = (seed + 0x9E3779B97F4A7C15) & _MASK
            z = ((seed ^ seed >> 30) * 0xBF58476D1CE4E5B9) & _MASK
            z = ((z ^ z >> 27) * 0x94D049BB133111EB) & _MASK
            self.words.append(z ^ z >> 31)

    def next(self) -> int:
        a, b, c, d = self.words
        out = (_rotated((a + d) & _MASK, 23) + a) & _MASK
        c, d, t = c ^ a, d ^ b, b << 17 & _MASK
        self.words = [a ^ d, b ^ c, c ^ t, _rotated(d, 45)]
        return out


def _rotated(x: int, by: int) -> int:
    return (x << by | x >> (64 - by)) & _MASK


def _mean_of_draw(values: Sequence[float], draws: _Xoshiro) -> float:
    n = len(values)
    picked: list[float] = []
    while len(picked) < n:
        both = draws.next()
        picked += [values[(both & 0xFFFFFFFF) * n >> 32], values[(both >> 32) * n >> 32]]
    return math.fsum(picked[:n]) / n


def _effect(control: float, treatment: float, relative: bool) -> float:
    return treatment / control - 1 if relative else treatment - control


def _quantile(ordered: Sequence[float], q: float) -> float:
    at = q * (len(ordered) - 1)
    low = math.floor(at)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (at - low) * (ordered[high] - ordered[low])
