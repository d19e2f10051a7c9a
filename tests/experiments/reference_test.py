"""The room `experiments` against scipy, statsmodels and NIST's certified values, on random shapes."""

from __future__ import annotations

import json
import math
import os
import re
import subprocess
import unittest
import warnings
from pathlib import Path

import numpy as np
import scipy
from scipy import special, stats
from statsmodels.stats import multitest, power, proportion, weightstats

SOURCE = Path(__file__).resolve().parents[2]
PROBE = os.environ.get("ASSAY_PROBE", str(SOURCE / "build" / "release" / "src" / "experiments" / "experiments_probe"))
DATA = os.environ.get("ASSAY_DATA")
TIGHT = 1e-10
FAR = 1e-6  # below FAR_TAIL
FAR_TAIL = 1e-100


def plain(value):
    """JSON has no NaN and no infinity: null and strings stand for them."""
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(one) for one in value]
    value = float(value)
    if math.isnan(value):
        return None
    return value if math.isfinite(value) else ("inf" if value > 0 else "-inf")


def ask(calls):
    """Results of [(name, arguments)], each an array."""
    text = "".join(json.dumps([name, [plain(a) for a in arguments]]) + "\n" for name, arguments in calls)
    done = subprocess.run([PROBE], input=text, capture_output=True, text=True, timeout=120, check=True)
    return [np.array([float(word) for word in line.split()]) for line in done.stdout.splitlines()]


class Reference(unittest.TestCase):
    def setUp(self):
        self.random = np.random.default_rng(20260117)
        warnings.simplefilter("ignore")

    def assert_near(self, ours, theirs, what, tolerance=TIGHT):
        ours, theirs = np.atleast_1d(ours), np.atleast_1d(np.asarray(theirs, dtype=float))
        self.assertEqual(ours.shape, theirs.shape, what)
        for a, b in zip(ours, theirs):
            if a == b or (math.isnan(a) and math.isnan(b)):
                continue
            bound = max(tolerance, FAR) if 0 < abs(b) < FAR_TAIL else tolerance
            self.assertLessEqual(abs(a - b), bound * abs(b) + 1e-300, f"{what}: {a!r} against {b!r}")

    def compare(self, name, function, arguments, tolerance=TIGHT):
        for result, a in zip(ask([(name, a) for a in arguments]), arguments):
            self.assert_near(result, function(*a), f"{name}{a}", tolerance)


class Distributions(Reference):
    N = 400

    def test_normal(self):
        z = [(x,) for x in np.concatenate([self.random.normal(0, 3, self.N), np.linspace(-37, 37, 75)])]
        self.compare("NormalCdf", special.ndtr, z, 1e-9)  # scipy's own ndtr is good to 1e-13 down to -37
        self.compare("NormalSf", lambda x: special.ndtr(-x), z, 1e-9)
        p = [(x,) for x in np.concatenate([self.random.random(self.N), 10.0 ** -np.arange(1, 300, 7)])]
        self.compare("NormalQuantile", special.ndtri, p)

    def test_student(self):
        df = np.concatenate([10 ** self.random.uniform(-0.5, 6, self.N), [1, 2, 3, 1998.5]])
        t = np.concatenate([self.random.standard_t(3, self.N) * 3, [0, 1, -1, 2.5]])
        self.compare("StudentTSf", stats.t.sf, list(zip(t, df)))
        self.compare("StudentTCdf", stats.t.cdf, list(zip(t, df)))
        p = np.concatenate([self.random.random(self.N), [0.975, 0.995, 0.9999, 0.5]])
        self.compare("StudentTQuantile", stats.t.ppf, list(zip(p, df)))

    def test_chi_square_and_f(self):
        df = 10 ** self.random.uniform(-0.3, 4, self.N)
        x = stats.chi2.rvs(df, random_state=self.random) * self.random.choice([0.5, 1, 1.5], self.N)
        self.compare("ChiSquareSf", stats.chi2.sf, list(zip(x, df)))
        self.compare("ChiSquareCdf", stats.chi2.cdf, list(zip(x, df)))
        self.compare("ChiSquareQuantile", stats.chi2.ppf, list(zip(self.random.random(self.N), df)))
        df1, df2 = self.random.integers(1, 200, (2, self.N)).astype(float)
        f = stats.f.rvs(df1, df2, random_state=self.random) * 1.5
        self.compare("FSf", stats.f.sf, list(zip(f, df1, df2)))
        self.compare("FCdf", stats.f.cdf, list(zip(f, df1, df2)))

    def test_beta_and_binomial(self):
        a, b = 10 ** self.random.uniform(-0.5, 4, (2, self.N))
        x = self.random.beta(a, b)
        self.compare("BetaCdf", stats.beta.cdf, list(zip(x, a, b)))
        self.compare("BetaSf", stats.beta.sf, list(zip(x, a, b)))
        self.compare("BetaQuantile", stats.beta.ppf, list(zip(self.random.uniform(0.001, 0.999, self.N), a, b)))
        n = self.random.integers(1, 5000, self.N)
        p = self.random.random(self.N)
        k = self.random.binomial(n, np.clip(p * 1.1, 0, 1))
        shapes = [(int(i), int(j), q) for i, j, q in zip(k, n, p)]
        self.compare("BinomialPmf", stats.binom.pmf, shapes)
        self.compare("BinomialCdf", stats.binom.cdf, shapes)
        self.compare("BinomialSf", stats.binom.sf, shapes)

    def test_hypergeometric_by_exact_fractions(self):
        from fractions import Fraction
        shapes = []
        for _ in range(150):
            total = int(self.random.integers(1, 300))
            marked, drawn = (int(v) for v in self.random.integers(0, total + 1, 2))
            shapes.append((int(self.random.integers(-1, drawn + 2)), total, marked, drawn))

        def exact(k, total, marked, drawn, chosen):
            every = math.comb(total, drawn)
            return float(sum((Fraction(math.comb(marked, i) * math.comb(total - marked, drawn - i), every)
                              for i in range(0, drawn + 1) if i <= marked and drawn - i <= total - marked and chosen(i)),
                             Fraction(0)))

        self.compare("HypergeometricPmf", lambda k, *s: exact(k, *s, lambda i: i == k), shapes)
        self.compare("HypergeometricCdf", lambda k, *s: exact(k, *s, lambda i: i <= k), shapes)
        self.compare("HypergeometricSf", lambda k, *s: exact(k, *s, lambda i: i > k), shapes)

    def test_far_tails(self):
        self.compare("NormalSf", lambda x: special.ndtr(-x), [(x,) for x in (10.0, 20.0, 30.0, 37.0)])
        self.compare("StudentTSf", stats.t.sf, [(t, df) for t in (30.0, 1e3, 1e8) for df in (3.0, 30.0, 100.0)])
        self.compare("ChiSquareSf", stats.chi2.sf, [(x, 10.0) for x in (100.0, 500.0, 1000.0, 1300.0)])
        self.compare("FSf", stats.f.sf, [(x, 5.0, 50.0) for x in (50.0, 1e3, 1e6)])
        self.compare("BinomialSf", stats.binom.sf, [(900, 1000, 0.3), (999, 1000, 0.5), (500, 1000, 0.1)])


class Tests(Reference):
    def samples(self, count=60, least=2):
        for _ in range(count):
            n, m = (int(v) for v in 10 ** self.random.uniform(math.log10(least), 2.7, 2))
            scale = 10 ** self.random.uniform(-6, 6)
            shift = self.random.choice([0, 1, 100]) * scale
            yield (self.random.gamma(2, scale, max(n, least)) + shift,
                   self.random.normal(shift + scale * self.random.uniform(1, 3), scale, max(m, least)))

    def test_welch_and_student(self):
        shapes = list(self.samples())
        for ours, equal in (("Welch", False), ("Student", True)):
            for r, (c, t) in zip(ask([(ours, (c, t, 0.95)) for c, t in shapes]), shapes):
                theirs = stats.ttest_ind(t, c, equal_var=equal)
                self.assert_near(r[2:5], [theirs.statistic, theirs.df, theirs.pvalue], ours, 2e-10)
                means = weightstats.CompareMeans(weightstats.DescrStatsW(t), weightstats.DescrStatsW(c))
                low, high = means.tconfint_diff(usevar="pooled" if equal else "unequal")
                size = abs(high - low)
                self.assertLess(max(abs(r[5] - low), abs(r[6] - high)), 1e-10 * size + 1e-12 * abs(low), ours)
                self.assertLess(abs(r[0] - (t.mean() - c.mean())), 1e-10 * size)

    def test_mann_whitney_with_and_without_ties_exact_and_not(self):
        shapes = list(self.samples(40, 1))
        shapes += [(self.random.integers(0, k, n).astype(float), self.random.integers(0, k, m).astype(float))
                   for k, n, m in [(3, 5, 7), (10, 40, 50), (2, 100, 9), (1, 5, 5), (1000, 8, 8), (50, 300, 4)]]
        shapes += [(self.random.random(n), self.random.random(m)) for n in (1, 3, 8, 9) for m in (1, 8, 9, 200)]
        for r, (c, t) in zip(ask([("MannWhitney", s) for s in shapes]), shapes):
            theirs = stats.mannwhitneyu(t, c)
            self.assert_near([r[2], r[4]], [theirs.statistic, theirs.pvalue], f"Mann-Whitney {len(c)} {len(t)}")

    def test_two_proportions(self):
        shapes = []
        for _ in range(80):
            n, m = (int(v) for v in self.random.integers(5, 20000, 2))
            shapes.append((int(self.random.integers(1, n)), n, int(self.random.integers(1, m)), m, 0.95))
        for r, (a, n, b, m, _) in zip(ask([("TwoProportions", s) for s in shapes]), shapes):
            z, p = proportion.proportions_ztest([b, a], [m, n])
            self.assert_near([r[2], r[4]], [z, p], "z", 1e-9 if p < 1e-12 else TIGHT)
            low, high = proportion.confint_proportions_2indep(b, m, a, n, method="newcomb", compare="diff")
            self.assertLess(max(abs(r[5] - low), abs(r[6] - high)), 1e-10)

    def test_chi_square(self):
        for _ in range(40):
            rows, columns = (int(v) for v in self.random.integers(2, 6, 2))
            table = self.random.integers(1, 500, (rows, columns))
            for yates in (0, 1):
                theirs = stats.chi2_contingency(table, correction=bool(yates))
                r = ask([("ChiSquareTable", (table.ravel(), columns, yates))])[0]
                self.assert_near([r[2], r[3], r[4]], [theirs.statistic, theirs.dof, theirs.pvalue], "table")
            shares = self.random.random(columns) + 0.1
            theirs = stats.chisquare(table[0], table[0].sum() * shares / shares.sum())
            r = ask([("ChiSquareShares", (table[0], shares))])[0]
            self.assert_near([r[2], r[4]], [theirs.statistic, theirs.pvalue], "shares", 1e-9)

    def test_fisher(self):
        tables = [self.random.integers(0, top, 4) for top in (3, 10, 60, 400, 3000) for _ in range(25)]
        for r, t in zip(ask([("FisherExact", t) for t in tables]), tables):
            theirs = stats.fisher_exact(t.reshape(2, 2))
            self.assert_near(r[4], theirs.pvalue, f"Fisher {t}", 1e-9)

    def test_analysis_of_variance(self):
        shapes = [[self.random.normal(g / 10, 1, int(self.random.integers(2, 60))) for g in range(k)] for k in (2, 3, 5, 9)]
        for r, groups in zip(ask([("AnalysisOfVariance", g) for g in shapes]), shapes):
            theirs = stats.f_oneway(*groups)
            self.assert_near([r[2], r[4]], [theirs.statistic, theirs.pvalue], "anova", 1e-9)

    def test_ratio_by_the_delta_method(self):
        for _ in range(20):
            n = int(self.random.integers(10, 500))
            y = self.random.poisson(5, (2, n)) + 1.0
            x = y * self.random.random((2, n))
            r = ask([("RatioOfMeans", (x[0], y[0], x[1], y[1], 0.95))])[0]
            ratio = x.mean(1) / y.mean(1)
            error = [np.var(x[i] - ratio[i] * y[i], ddof=1) / n / y[i].mean() ** 2 for i in (0, 1)]
            z = (ratio[1] - ratio[0]) / math.sqrt(sum(error))
            half = special.ndtri(0.975) * math.sqrt(sum(error))
            self.assert_near([r[0], r[2], r[4]], [ratio[1] - ratio[0], z, 2 * stats.norm.sf(abs(z))], "ratio", 1e-8)
            self.assertLess(abs(r[6] - (ratio[1] - ratio[0] + half)), 1e-12)

    def test_cuped(self):
        n, m = 300, 400
        y = [self.random.normal(10, 3, n), self.random.normal(10, 3, m)]
        x = [y[0] * 2 + self.random.normal(0, 2, n), y[1] * 2 + self.random.normal(0.3, 2, m)]
        r = ask([("Cuped", (x[0], y[0], x[1], y[1]))])[0]
        dx, dy = (np.concatenate([g - g.mean() for g in v]) for v in (x, y))
        theta = (dx * dy).sum() / (dy * dy).sum()
        overall = np.concatenate(y).mean()
        adjusted = [a - theta * (b - overall) for a, b in zip(x, y)]
        theirs = stats.ttest_ind(adjusted[1], adjusted[0], equal_var=False)
        self.assert_near([r[2], r[4], r[7]], [theirs.statistic, theirs.pvalue, theta], "CUPED", 1e-9)

    def test_corrections(self):
        for n in (1, 2, 9, 72, 500):
            p = self.random.random(n) ** 3
            for ours, theirs in (("Holm", "holm"), ("BenjaminiHochberg", "fdr_bh")):
                self.assert_near(ask([(ours, (p,))])[0], multitest.multipletests(p, method=theirs)[1], ours)

    def test_values_of_size_1e300_and_1e_minus_300_behave_as_ordinary_ones(self):
        c, t = self.random.normal(1, 0.2, 50), self.random.normal(1.1, 0.2, 60)
        plain_one = ask([("Welch", (c, t, 0.95))])[0]
        for factor in (2.0 ** 996, 2.0 ** -996):
            r = ask([("Welch", (c * factor, t * factor, 0.95))])[0]
            self.assert_near(r[2:5], plain_one[2:5], "scaled")
            self.assert_near(r[[0, 1, 5, 6]] / factor, plain_one[[0, 1, 5, 6]], "scaled", 1e-12)


class Resampling(Reference):
    @staticmethod
    def rotate(x, by):
        return (x << np.uint64(by)) | (x >> np.uint64(64 - by))

    def drawn(self, seed, resamples, samples):
        """The generator of resample.h, in numpy: the means of each sample for every resample."""
        r = np.arange(resamples, dtype=np.uint64)
        state = np.uint64(seed) + r * np.uint64(0xD1B54A32D192ED03)
        words = []
        for _ in range(4):
            state = state + np.uint64(0x9E3779B97F4A7C15)
            z = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            words.append(z ^ (z >> np.uint64(31)))
        a, b, c, d = words
        means = []
        for sample in samples:
            n, total = len(sample), np.zeros(resamples)
            for i in range(0, n, 2):
                out = self.rotate(a + d, 23) + a
                t = b << np.uint64(17)
                c, d = c ^ a, d ^ b
                b, a = b ^ c, a ^ d
                c, d = c ^ t, self.rotate(d, 45)
                total += sample[((out & np.uint64(0xFFFFFFFF)) * np.uint64(n)) >> np.uint64(32)]
                if i + 1 < n:
                    total += sample[((out >> np.uint64(32)) * np.uint64(n)) >> np.uint64(32)]
            means.append(total / n)
        return means

    def test_bootstrap_is_the_documented_generator_with_scipys_intervals(self):
        for n, m, relative in ((30, 41, 0), (101, 77, 1), (2, 3, 0)):
            c, t = self.random.gamma(2, 3, n), self.random.gamma(2, 3.5, m)
            r = ask([("Bootstrap", (c, t, (1500, 9, relative)))])[0]
            mean_c, mean_t = self.drawn(9, 1500, (c, t))
            values = mean_t / mean_c - 1 if relative else mean_t - mean_c
            np.testing.assert_allclose(r[6:], np.sort(values), rtol=1e-9, atol=1e-12)
            np.testing.assert_allclose(r[1], values.std(ddof=1), rtol=1e-9)
            np.testing.assert_allclose(r[2:4], np.percentile(values, [2.5, 97.5]), rtol=1e-8)
            if n == 2:
                continue

            def effect(x, y, axis):
                return x.mean(axis=axis) / y.mean(axis=axis) - 1 if relative else x.mean(axis=axis) - y.mean(axis=axis)

            given = type("Given", (), {"bootstrap_distribution": values})()
            theirs = stats.bootstrap((t, c), effect, n_resamples=0, bootstrap_result=given, method="BCa", vectorized=True)
            np.testing.assert_allclose(r[4:6], theirs.confidence_interval, rtol=1e-8)


class Design(Reference):
    def test_power_and_sample_size(self):
        shapes = [(e, n, a, q) for e in (0.05, 0.2, 0.8) for n in (10.0, 64.0, 900.0) for a in (0.05, 0.001) for q in (1.0, 2.5)]
        known = [(s, p) for s in shapes if not math.isnan(p := power.TTestIndPower().power(*s))]
        self.assertGreater(len(known), 25)  # scipy's non-central t gives NaN for some
        for r, (shape, theirs) in zip(ask([("PowerOfMeans", s) for s, _ in known]), known):
            self.assert_near(r, theirs, f"power {shape}", 1e-9)
        for effect, wanted in ((0.1, 0.8), (0.5, 0.9), (2.0, 0.95)):
            r = ask([("SampleSizeOfMeans", (effect, wanted, 0.05, 1.0))])[0]
            theirs = power.TTestIndPower().solve_power(effect, None, 0.05, wanted, 1.0)
            self.assert_near(r, theirs, "sample size", 1e-6)

    def test_power_of_proportions(self):
        r = ask([("PowerOfProportions", (0.10, 0.12, 3000.0, 0.05, 1.0))])[0]
        theirs = proportion.power_proportions_2indep(0.02, 0.10, 3000, alpha=0.05, return_results=False)
        self.assertLess(abs(r[0] - theirs), 0.01)  # statsmodels pools the error under the null
        shift = 0.02 / math.sqrt((0.1 * 0.9 + 0.12 * 0.88) / 3000)
        exact = stats.norm.sf(1.959963984540054 - shift) + stats.norm.sf(1.959963984540054 + shift)
        self.assert_near(r, exact, "power")

    def test_sequential_intervals_are_inverted_tests(self):
        effect, error, tau = 0.31, 0.11, 0.2
        p, low, high = ask([("MixtureTest", (effect, error, tau, 0.95))])[0]
        v, t = error ** 2, tau ** 2
        likelihood = math.sqrt(v / (v + t)) * math.exp(t * effect ** 2 / (2 * v * (v + t)))
        self.assert_near(p, min(1, 1 / likelihood), "mSPRT")
        for bound in (low, high):  # the likelihood ratio of a true effect at the bound is 1 / alpha
            ratio = math.sqrt(v / (v + t)) * math.exp(t * (effect - bound) ** 2 / (2 * v * (v + t)))
            self.assert_near(ratio, 20, "interval", 1e-9)

    def test_beta_binomial(self):
        for a, n, b, m in ((10, 100, 15, 110), (0, 5, 0, 5), (500, 9000, 560, 9100), (1, 2, 2, 2)):
            r = ask([("BetaBinomial", (a, n, b, m, 0.95))])[0]
            x, y = stats.beta(b + 1, m - b + 1), stats.beta(a + 1, n - a + 1)
            from scipy.integrate import quad
            ends = {"points": sorted({x.ppf(0.01), x.mean(), x.ppf(0.99)}), "limit": 500, "epsabs": 1e-14, "epsrel": 1e-13}
            better = quad(lambda v: x.pdf(v) * y.cdf(v), 0, 1, **ends)[0]
            loss = quad(lambda v: x.cdf(v) * y.sf(v), 0, 1, **ends)[0]
            self.assert_near(r[0], better, "P(better)", 1e-9)
            self.assert_near(r[1], loss, "loss", 1e-7)
            self.assert_near(r[2:6], [*y.interval(0.95), *x.interval(0.95)], "credible")


@unittest.skipUnless(DATA, "needs ASSAY_DATA")
class Nist(Reference):
    FOLDER = Path(DATA or "") / "stats" / "nist"

    def test_univariate(self):
        for path in sorted((self.FOLDER / "univariate").glob("*.txt")):
            values, mean, deviation = univariate(path.read_text())
            r = ask([("Summarize", (values,))])[0]
            self.assertEqual(int(r[0]), len(values))
            # What rounding the data themselves to doubles costs, at 15 digits.
            self.assert_near(r[1], mean, path.name, 1e-14)
            self.assert_near(r[2], deviation, path.name, 1e-7 if path.stem in ("NumAcc3", "NumAcc4") else 1e-12)

    def test_analysis_of_variance(self):
        for path in sorted((self.FOLDER / "anova").glob("*.dat")):
            text = path.read_text()
            certified = float(re.search(r"Between \w+\s+\S+\s+\S+\s+\S+\s+(\S+)", text)[1])
            rows = [line.split() for line in text.splitlines()[60:] if len(line.split()) == 2]
            groups = {}
            for label, value in rows:
                groups.setdefault(label, []).append(float(value))
            r = ask([("AnalysisOfVariance", list(groups.values()))])[0]
            tolerance = {"SmLs07": 1e-3, "SmLs08": 1e-3, "SmLs09": 1e-3, "SmLs04": 1e-8, "SmLs05": 1e-8, "SmLs06": 1e-8,
                         "AtmWtAg": 1e-8}.get(path.stem, 1e-11)
            self.assert_near(r[2], certified, path.name, tolerance)


def univariate(text):
    """Values, certified mean and standard deviation of either of the two forms in which the files come."""
    if "ybar:" in text:
        mean = re.search(r"Sample Mean\s+ybar:\s+(\S+)", text)[1]
        deviation = re.search(r"Sample Standard Deviation.*?:\s+(\S+)", text)[1]
        body = re.split(r"Data:\s+Y\s*\n-+", text)[-1]
        return [float(word) for word in body.split()], float(mean), float(deviation)
    mean = re.search(r"^mean\s*=\s*(\S+)", text, re.M)[1]
    deviation = re.search(r"^standardDeviation\s*=\s*(\S+)", text, re.M)[1]
    body = re.split(r"^# Data\s*$", text, flags=re.M)[1]
    values = [float(line) for line in body.splitlines() if line.strip() and not line.startswith("#")]
    return values, float(mean), float(deviation)


if __name__ == "__main__":
    assert scipy.__version__ >= "1.17"
    unittest.main()
