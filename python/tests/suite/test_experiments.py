"""assay.experiments: with scipy as the independent reference, and the twin."""

import json
import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

import assay
from assay import experiments as ex
from assay.reference import experiments as twin

values = st.lists(st.floats(-1000, 1000).map(lambda v: round(v, 3)), min_size=2, max_size=30).map(np.array)
degrees = st.floats(0.5, 500)
unit = st.floats(0.001, 0.999)
CONTROL = np.array([3.1, 4.5, 2.2, 5.0, 4.1, 3.3])
TREATMENT = np.array([4.9, 5.5, 6.1, 4.2, 5.9])


def same(a, b, rel=1e-9):
    for name in ("effect", "error", "statistic", "df", "p"):
        assert getattr(a, name) == pytest.approx(getattr(b, name), rel=rel, abs=1e-9, nan_ok=True), name
    assert a.interval == pytest.approx(b.interval, rel=rel, abs=1e-9, nan_ok=True)


def test_welch_and_student_agree_with_scipy():
    for found, equal in ((ex.welch(CONTROL, TREATMENT), False), (ex.student(CONTROL, TREATMENT), True)):
        peer = scipy.stats.ttest_ind(TREATMENT, CONTROL, equal_var=equal)
        assert (found.p, found.statistic) == pytest.approx((peer.pvalue, peer.statistic))
        low, high = peer.confidence_interval()
        assert found.interval == pytest.approx((low, high))


def test_rank_and_count_tests_agree_with_scipy():
    peer = scipy.stats.mannwhitneyu(TREATMENT, CONTROL)
    assert ex.mann_whitney(CONTROL, TREATMENT).p == pytest.approx(peer.pvalue)
    table = np.array([[12.0, 30.0], [25.0, 20.0]])
    assert ex.chi_square_table(table).p == pytest.approx(scipy.stats.chi2_contingency(table).pvalue)
    shares = ex.chi_square_shares(np.array([480.0, 520.0]), np.array([1.0, 1.0]))
    assert shares.p == pytest.approx(scipy.stats.chisquare([480, 520]).pvalue)


def test_adjusted_p_values():
    p = np.array([0.01, 0.04, math.nan, 0.03])
    np.testing.assert_allclose(ex.holm(p), [0.03, 0.06, math.nan, 0.06])
    np.testing.assert_allclose(ex.benjamini_hochberg(p), [0.03, 0.04, math.nan, 0.04])


def test_tails_agree_with_scipy():
    assert ex.normal_sf(12) == pytest.approx(scipy.stats.norm.sf(12), rel=1e-9)
    assert ex.student_t_two_sided(-2.5, 7.3) == pytest.approx(2 * scipy.stats.t.sf(2.5, 7.3), rel=1e-9)
    assert ex.chi_square_sf(30.5, 4) == pytest.approx(scipy.stats.chi2.sf(30.5, 4), rel=1e-9)
    assert ex.f_sf(3.2, 4, 17) == pytest.approx(scipy.stats.f.sf(3.2, 4, 17), rel=1e-9)
    assert math.isnan(ex.normal_quantile(2))


def test_peeking_is_paid_for():
    p, (low, high) = ex.mixture_test(0.5, 0.2, 0.3)
    fixed = 2 * ex.normal_sf(0.5 / 0.2)
    assert fixed < p < 1
    assert low < 0.5 - 1.96 * 0.2 < 0.5 + 1.96 * 0.2 < high


def test_bootstrap_gives_an_interval_of_the_difference():
    found = ex.bootstrap(CONTROL, TREATMENT, resamples=500, seed=3)
    assert found["effect"] == pytest.approx(TREATMENT.mean() - CONTROL.mean())
    low, high = found["percentile"]
    assert low < found["effect"] < high
    assert found["distribution"].shape == (500,)


def test_errors_say_what_is_wrong():
    with pytest.raises(assay.InvalidArgument, match="12 successes of 10"):
        ex.two_proportions((1, 10), (12, 10))
    with pytest.raises(assay.InvalidArgument, match="value 1"):
        ex.summarize(np.array([1.0, math.inf]))
    with pytest.raises(TypeError):
        ex.welch([1.0, 2.0], [2.0, 3.0])


@pytest.mark.native
def test_a_whole_experiment():
    document = {
        "metrics": {"paid": {"direction": "increase"}},
        "variants": [
            {"name": "a", "metrics": {"paid": {"successes": 100, "n": 1000}}},
            {"name": "b", "metrics": {"paid": {"successes": 160, "n": 1000}}},
        ],
    }
    found = ex.analyze(json.dumps(document))
    assert found["winner"] == "b"
    (one,) = found["comparisons"]
    same(one["test"], ex.two_proportions((100, 1000), (160, 1000)))
    with pytest.raises(assay.InvalidArgument):
        ex.analyze("{")


@pytest.mark.native
def test_sample_sizes():
    n = ex.sample_size_of_means(0.2)
    assert ex.power_of_means(0.2, n) == pytest.approx(0.8)
    n = ex.sample_size_of_proportions(0.1, 0.12)
    assert ex.power_of_proportions(0.1, 0.12, n) == pytest.approx(0.8)
    better = ex.compare_beta_binomial((10, 100), (20, 100))
    assert better["probability_better"] > 0.97
    assert ex.fisher_exact(3, 1, 1, 3).p == pytest.approx(scipy.stats.fisher_exact([[3, 1], [1, 3]]).pvalue)


@pytest.mark.native
@given(values, values, st.floats(0.5, 0.999))
def test_tests_equal_their_twins(control, treatment, confidence):
    if np.ptp(control) and np.ptp(treatment):
        same(ex.welch(control, treatment, confidence), twin.welch(control, treatment, confidence), 1e-7)
        same(ex.student(control, treatment, confidence), twin.student(control, treatment, confidence), 1e-7)
    same(ex.mann_whitney(control, treatment), twin.mann_whitney(control, treatment))
    for name in ("n", "missing", "mean", "deviation"):
        assert getattr(ex.summarize(control), name) == pytest.approx(getattr(twin.summarize(control), name), abs=1e-9)


@pytest.mark.native
@given(st.integers(1, 500), st.integers(1, 500), unit, unit, st.floats(0.5, 0.99))
def test_counts_equal_their_twins(n, m, of_n, of_m, confidence):
    control, treatment = (round(n * of_n), n), (round(m * of_m), m)
    same(ex.two_proportions(control, treatment, confidence), twin.two_proportions(control, treatment, confidence))
    counts = np.array([[n, m], [m + 1.0, n + 2.0]])
    for yates in (False, True):
        same(ex.chi_square_table(counts, yates), twin.chi_square_table(counts, yates))
    same(ex.chi_square_shares(counts[0], counts[1]), twin.chi_square_shares(counts[0], counts[1]))
    assert ex.binomial_cdf(control[0], n, of_m) == pytest.approx(twin.binomial_cdf(control[0], n, of_m), rel=1e-7)
    assert ex.power_of_proportions(of_n, of_m, n + 1) == pytest.approx(twin.power_of_proportions(of_n, of_m, n + 1))


@pytest.mark.native
@given(st.floats(-40, 40), degrees, degrees, unit)
def test_tails_equal_their_twins(x, a, b, p):
    for name, arguments in (
        ("normal_cdf", (x,)), ("normal_quantile", (p,)), ("student_t_cdf", (x, a)), ("student_t_quantile", (p, a)),
        ("student_t_two_sided", (x, a)), ("chi_square_sf", (abs(x), a)), ("f_sf", (abs(x), a, b)),
        ("beta_cdf", (p, a, b)), ("beta_quantile", (p, a, b)), ("mixture_test", (x, a, b)),
    ):  # fmt: skip
        native, python = getattr(ex, name)(*arguments), getattr(twin, name)(*arguments)
        if name == "mixture_test":
            assert native[0] == pytest.approx(python[0], rel=1e-7, abs=1e-200)
            native, python = native[1], python[1]
        assert native == pytest.approx(python, rel=1e-6, abs=1e-12), name


@pytest.mark.native
@given(st.lists(st.floats(0, 1) | st.just(math.nan), max_size=20).map(np.array))
def test_corrections_equal_their_twins(p):
    p = p.astype(float)
    np.testing.assert_allclose(ex.holm(p), twin.holm(p), rtol=1e-12)
    np.testing.assert_allclose(ex.benjamini_hochberg(p), twin.benjamini_hochberg(p), rtol=1e-12)


@pytest.mark.native
@pytest.mark.parametrize("relative", [False, True])
def test_bootstrap_draws_what_its_twin_draws(relative):
    native = ex.bootstrap(CONTROL, TREATMENT, resamples=300, seed=9, relative=relative)
    python = twin.bootstrap(CONTROL, TREATMENT, resamples=300, seed=9, relative=relative)
    np.testing.assert_allclose(native["distribution"], python["distribution"], rtol=1e-12)
    assert native["percentile"] == pytest.approx(python["percentile"])
    assert native["error"] == pytest.approx(python["error"])
