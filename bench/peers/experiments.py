#!/usr/bin/env python3
"""Analysis of an experiment of 10 variants x 8 metrics x 1,000 values: Assay beside numpy, scipy and plain Python.

usage: experiments.py PROGRAM ROUNDS

PROGRAM is experiments_bench, which gets the same numbers in a file. Prints one JSON object with seconds per run; the
sums of the 72 p-values and the numbers of opportunities must be equal, or it stops.
"""

import json
import math
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
import scipy
from scipy import stats
from scipy.special import stdtr

VARIANTS, METRICS, VALUES, PERIOD, TARGET = 10, 8, 1000, 24, 101


def data():
    r = np.random.default_rng(42)
    samples = np.empty((VARIANTS, METRICS, VALUES))
    for v in range(VARIANTS):
        for m in range(METRICS):
            samples[v, m] = (r.normal(100 + 2 * v * .1, 10, VALUES) if m < 4
                             else r.gamma(2, 50, VALUES) * (1 + .002 * v) if m < 6
                             else (r.random(VALUES) < .3 + .005 * v))
    series = np.empty((METRICS, 2, VALUES))
    t = np.arange(VALUES)
    for m in range(METRICS):
        driver = r.normal(10, 2, VALUES)
        series[m, 0] = 100 + 5 * np.sin(2 * np.pi * t / PERIOD) - 0.004 * m * t + (m % 3) * 0.3 * driver + r.normal(0, 3, VALUES)
        series[m, 1] = driver
    return samples, series


# ---- numpy and scipy ----


def numpy_analysis(a):
    mean, var = a.mean(2), a.var(2, ddof=1) / VALUES
    both = var[:1] + var[1:]
    t = np.abs((mean[1:] - mean[:1]) / np.sqrt(both))
    df = both * both / (var[:1] ** 2 / (VALUES - 1) + var[1:] ** 2 / (VALUES - 1))
    return float((2 * stdtr(df, -t)).sum())


def scipy_analysis(a):
    return sum(stats.ttest_ind(a[0, m], a[v, m], equal_var=False).pvalue for m in range(METRICS) for v in range(1, VARIANTS))


def numpy_bootstrap(c, t, r):
    x = c[r.integers(0, VALUES, (10_000, VALUES))].mean(1)
    y = t[r.integers(0, VALUES, (10_000, VALUES))].mean(1)
    return np.percentile(y - x, [2.5, 97.5])


# ---- plain Python ----


def fraction(a, b, x):  # the continued fraction of the incomplete beta function (Numerical Recipes, 6.4)
    c, d = 1.0, 1 / (1 - (a + b) * x / (a + 1))
    h = d
    for m in range(1, 200):
        for term in (m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)), -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))):
            d = 1 / (1 + term * d)
            c = 1 + term / c
            h *= d * c
        if abs(d * c - 1) < 1e-14:
            break
    return h


def tail(t, df):
    x, a, b = df / (df + t * t), df / 2, .5
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)) if x < 1 else 0
    return front * fraction(a, b, x) / a if x < (a + 1) / (a + b + 2) else 1 - front * fraction(b, a, 1 - x) / b


def python_analysis(rows):
    total = 0
    for m in range(METRICS):
        for v in range(1, VARIANTS):
            c, t = rows[0][m], rows[v][m]
            vc, vt = statistics.variance(c) / VALUES, statistics.variance(t) / VALUES
            error = vc + vt
            df = error * error / (vc * vc / (VALUES - 1) + vt * vt / (VALUES - 1))
            total += tail(abs(statistics.mean(t) - statistics.mean(c)) / math.sqrt(error), df)
    return total


def line(y):
    n = len(y)
    middle, level = (n - 1) / 2, sum(y) / n
    spread = sum((i - middle) ** 2 for i in range(n))
    return level, sum((i - middle) * (v - level) for i, v in enumerate(y)) / spread, middle, spread


def inflation(rest, square):
    n = len(rest)
    lags = int(4 * (n / 100) ** (2 / 9) + 2)
    out, first = 1.0, 0.0
    for lag in range(1, lags + 1):
        r = sum(rest[i] * rest[i - lag] for i in range(lag, n)) / (n * square)
        out += 2 * (1 - lag / (lags + 1)) * r
        first = r if lag == 1 else first
    first = min(first + (1 + 3 * first) / n, 0.95)
    return max(out, (1 + first) / (1 - first), 1.0)


def fit(y, base):
    level, slope, middle, _ = line(y[:base])
    season = [statistics.median(y[i] - level - slope * (i - middle) for i in range(p, base, PERIOD)) for p in range(PERIOD)]
    mean = sum(season) / PERIOD
    plain = [v - season[i % PERIOD] + mean for i, v in enumerate(y)]
    level, slope, middle, spread = line(plain[:base])
    limit = 3 * 1.4826022185056018 * statistics.median(abs(plain[i] - level - slope * (i - middle)) for i in range(base))
    pulled = [min(max(plain[i], level + slope * (i - middle) - limit), level + slope * (i - middle) + limit) for i in range(base)]
    level, slope, middle, spread = line(pulled)
    rest = [v - level - slope * (i - middle) for i, v in enumerate(pulled)]
    squares = sum(v * v for v in rest)
    deviation = math.sqrt(squares / (base - 2 - (PERIOD - 1)))
    return (plain, [v - level - slope * (i - middle) for i, v in enumerate(plain)], level, slope, middle, spread, deviation,
            inflation(rest, squares / base))


def python_opportunities(series):
    """(gain, p) of every kind for every series, then Benjamini and Hochberg: how many stand out."""
    found = []
    for y, driver in series:
        n = len(y)
        recent = n // 20
        base = n - recent
        plain, rest, level, slope, middle, spread, deviation, widened = fit(y, base)
        last = plain[n - n // 4:]
        now = sum(last) / len(last)
        error = deviation * math.sqrt(widened / spread)
        found.append((-slope, tail(abs(slope / error), base - 2)))
        mean = sum(rest[base:]) / recent
        reach = ((base + n - 1) / 2 - middle) ** 2 / spread
        error = deviation * math.sqrt(min(widened, recent) / recent + widened * (1 / base + reach))
        found.append((-mean, tail(abs(mean / error), base - 2)))
        error = deviation * math.sqrt(widened / len(last))
        found.append((TARGET - now, tail(abs((TARGET - now) / error), base - 2)))
        own, moved = fit(y, n)[1], fit(driver, n)[1]
        mx, my = sum(moved) / n, sum(own) / n
        xx = sum((x - mx) ** 2 for x in moved)
        b = sum((x - mx) * (v - my) for x, v in zip(moved, own)) / xx
        scores = [(x - mx) * (v - my - b * (x - mx)) for x, v in zip(moved, own)]
        squares = sum(s * s for s in scores)
        df = n - 4 - PERIOD
        error = math.sqrt(squares * inflation(scores, squares / n) * n / df) / xx
        found.append((abs(b), tail(abs(b / error), df)))
    order = sorted(range(len(found)), key=lambda i: found[i][1], reverse=True)
    smallest, count = 1.0, 0
    for rank, i in enumerate(order):
        smallest = min(smallest, found[i][1] * len(found) / (len(found) - rank))
        count += found[i][0] > 0 and smallest < 0.01
    return count


def runs(function, rounds, calls=1):
    function()
    out = []
    for _ in range(rounds):
        begin = time.perf_counter()
        for _ in range(calls):
            function()
        out.append((time.perf_counter() - begin) / calls)
    return out


def main():
    program, rounds = sys.argv[1], int(sys.argv[2])
    samples, series = data()
    with tempfile.NamedTemporaryFile() as file:
        file.write(samples.tobytes() + series.tobytes())
        file.flush()
        ours = json.loads(subprocess.run([program, file.name, str(rounds)], capture_output=True, text=True, check=True).stdout)
    rows, lists = samples.tolist(), series.tolist()
    random = np.random.default_rng(0)
    sums = {"numpy": numpy_analysis(samples), "scipy": scipy_analysis(samples), "python": python_analysis(rows)}
    for name, total in sums.items():
        if abs(total - ours["sum_p"]) > 1e-9:
            sys.exit(f"the p-values differ: {name} {total!r}, Assay {ours['sum_p']!r}")
    count = python_opportunities(lists)
    if count != ours["opportunities"]:
        sys.exit(f"the opportunities differ: {count} in Python, {ours['opportunities']} in Assay")
    low, high = numpy_bootstrap(samples[0, 0], samples[9, 0], random)
    if max(abs(low - ours["interval"][0]), abs(high - ours["interval"][1])) > 0.1 * (high - low):
        sys.exit(f"the intervals differ: numpy {low} {high}, Assay {ours['interval']}")
    out = {f"{name}/assay": values for name, values in ours["runs_s"].items()}
    out["analyze/numpy"] = runs(lambda: numpy_analysis(samples), rounds, 50)
    out["analyze/scipy"] = runs(lambda: scipy_analysis(samples), rounds)
    out["analyze/python"] = runs(lambda: python_analysis(rows), min(rounds, 3))
    out["bootstrap/numpy"] = runs(lambda: numpy_bootstrap(samples[0, 0], samples[9, 0], random), min(rounds, 5))
    out["opportunities/python"] = runs(lambda: python_opportunities(lists), min(rounds, 3))
    print(json.dumps({"runs_s": out, "versions": {"numpy": np.__version__, "scipy": scipy.__version__}}))


if __name__ == "__main__":
    main()
