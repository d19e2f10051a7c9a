"""Incomplete gamma and beta functions, from which tails of distributions follow."""

import math
from collections.abc import Callable

_SMALL = 1e-300
_EPSILON = 1e-16


def gamma_upper(a: float, x: float) -> float:
    """Q(a, x), the regularised upper incomplete gamma function: a series below a + 1, Lentz's fraction above."""
    if x <= 0:
        return 1.0
    front = math.exp(a * math.log(x) - x - math.lgamma(a))
    if x < a + 1:
        term = total = 1 / a
        k = a
        while abs(term) > abs(total) * _EPSILON:
            k += 1
            term *= x / k
            total += term
        return 1 - front * total
    b = x + 1 - a
    c, d = 1 / _SMALL, 1 / b
    out = d
    for i in range(1, 100_000):
        step = -i * (i - a)
        b += 2
        d = 1 / _away(step * d + b)
        c = _away(b + step / c)
        out *= d * c
        if abs(d * c - 1) < _EPSILON * 4:
            break
    return front * out


def _away(value: float) -> float:
    return _SMALL if abs(value) < _SMALL else value


def beta_regularised(x: float, y: float, a: float, b: float) -> float:
    """I_x(a, b) with y = 1 - x given by itself, so that neither loses digits. Lentz's continued fraction."""
    if x <= 0:
        return 0.0
    if y <= 0:
        return 1.0
    if x > (a + 1) / (a + b + 2):
        return 1 - beta_regularised(y, x, b, a)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log(y)) / a
    c, d = 1.0, 1 / _away(1 - (a + b) * x / (a + 1))
    out = d
    for m in range(1, 100_000):
        for step in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / _away(1 + step * d)
            c = _away(1 + step / c)
            out *= d * c
        if abs(d * c - 1) < _EPSILON * 4:
            break
    return front * out


def bisect(function: Callable[[float], float], low: float, high: float) -> float:
    """Where a rising function passes 0, to the last bit of a double."""
    for _ in range(2000):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        if function(middle) < 0:
            low = middle
        else:
            high = middle
    return (low + high) / 2
