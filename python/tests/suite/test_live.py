"""Of assay.experiments what running experiments need: assignment, a bandit, outcomes so far."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import assay
from assay import experiments as ex
from assay.reference import experiments as twin

HALVES = [("control", 1.0), ("new", 1.0)]
UNITS = [f"user-{i}" for i in range(2000)]


def test_assignment_is_that_of_every_version():
    assigner = ex.Assigner([ex.LiveExperiment("stable", HALVES)])
    found = "".join(str(one) for one in assigner.variants_of("stable", UNITS[:16]))
    assert found == "0000110001011000"  # as Assigner.DoesNotChangeBetweenVersions in C++
    assert [assigner.variant_of("stable", unit) for unit in UNITS[:5]] == ["control"] * 4 + ["new"]


def test_a_ramp_only_adds_units_and_shares_are_kept():
    little = ex.Assigner([ex.LiveExperiment("e", [("a", 3.0), ("b", 1.0)], ramp=0.2)]).variants_of("e", UNITS)
    most = ex.Assigner([ex.LiveExperiment("e", [("a", 3.0), ("b", 1.0)], ramp=0.9)]).variants_of("e", UNITS)
    assert little.dtype == np.int32
    assert np.all((little == -1) | (little == most))
    assert (little >= 0).mean() == pytest.approx(0.2, abs=0.04)
    assert (most[most >= 0] == 1).mean() == pytest.approx(0.25, abs=0.04)


def test_experiments_of_a_layer_exclude_each_other():
    assigner = ex.Assigner(
        [ex.LiveExperiment("a", HALVES, slots=5000), ex.LiveExperiment("b", HALVES, first_slot=5000, slots=5000)]
    )
    a, b = assigner.variants_of("a", UNITS), assigner.variants_of("b", UNITS)
    assert np.all((a == -1) != (b == -1))
    with pytest.raises(assay.NotFound, match="'c'"):
        assigner.variant_of("c", "ann")
    with pytest.raises(assay.InvalidArgument, match="'b' share slots"):
        ex.Assigner([ex.LiveExperiment("a", HALVES), ex.LiveExperiment("b", HALVES)])
    for wrong in (
        ex.LiveExperiment("", HALVES), ex.LiveExperiment("one", HALVES[:1]), ex.LiveExperiment("twice", [("a", 1.0)] * 2),
        ex.LiveExperiment("late", HALVES, first_slot=9000, slots=2000), ex.LiveExperiment("ramp", HALVES, ramp=1.5),
        ex.LiveExperiment("none", [("a", 0.0), ("b", 0.0)]),
    ):  # fmt: skip
        with pytest.raises(assay.InvalidArgument, match=f"experiment '{wrong.id}'"):
            ex.Assigner([wrong])


def test_the_best_arm_is_played_more_and_more():
    rng = np.random.default_rng(5)
    bandit = ex.ThompsonBandit(3, seed=5)
    played = []
    for _ in range(1500):
        arm = bandit.choose()
        bandit.reward(arm, float(rng.random() < (0.2, 0.6, 0.35)[arm]))
        played.append(arm)
    assert played[1000:].count(1) > 400
    assert bandit.posteriors.shape == (3, 2)
    assert bandit.posteriors.sum() == 1500 + 6
    with pytest.raises(assay.OutOfRange):
        bandit.reward(3, 1)
    with pytest.raises(assay.InvalidArgument):
        bandit.reward(0, 1.5)
    with pytest.raises(assay.InvalidArgument):
        ex.ThompsonBandit(2, prior=(0.0, 1.0))


def test_a_board_is_looked_at_at_any_time():
    rng = np.random.default_rng(1)
    board = ex.OutcomeBoard(2, 2)
    with pytest.raises(assay.FailedPrecondition):
        board.look(1, 0, tau=0.2)
    board.record_many(0, 0, rng.normal(0, 1, 800))
    board.record_many(1, 0, rng.normal(0.5, 1, 800))
    board.record(1, 0, math.nan)
    p, (low, high) = board.look(1, 0, tau=0.2)
    assert p < 0.01 and 0 < low < 0.5 < high
    assert board.summary(1, 0).n == 800 and board.summary(1, 0).missing == 1
    assert board.summary(0, 1).n == 0 and math.isnan(board.summary(0, 1).mean)
    for wrong in ((2, 0), (0, 2)):
        with pytest.raises(assay.OutOfRange):
            board.summary(*wrong)
        with pytest.raises(assay.OutOfRange):
            board.record(*wrong, 1.0)
    with pytest.raises(assay.InvalidArgument):
        ex.OutcomeBoard(0)


@pytest.mark.native
@given(st.text(max_size=300), st.text(min_size=1, max_size=40), st.text(max_size=20), st.floats(0, 1),
       st.lists(st.floats(0, 9), min_size=2, max_size=9).filter(lambda shares: sum(shares) > 0))  # fmt: skip
def test_assignment_equals_its_twin(unit, name, layer, ramp, shares):
    variants = [(str(number), share) for number, share in enumerate(shares)]
    native, python = (
        module.Assigner([module.LiveExperiment(name, variants, layer=layer, slots=9000, ramp=ramp)]) for module in (ex, twin)
    )
    units = [unit + str(number) for number in range(5)]
    assert native.variants_of(name, units).tolist() == python.variants_of(name, units).tolist()
    assert native.variant_of(name, unit) == python.variant_of(name, unit)


@pytest.mark.native
@given(st.integers(0, 2**64 - 1), st.integers(1, 4), st.floats(0.2, 5), st.lists(st.floats(0, 1), max_size=12))
def test_bandit_plays_what_its_twin_plays(seed, arms, prior, rewards):
    native, python = (module.ThompsonBandit(arms, (prior, 1.0), seed) for module in (ex, twin))
    for reward in rewards:
        arm = native.choose()
        assert arm == python.choose()
        native.reward(arm, reward), python.reward(arm, reward)
    np.testing.assert_array_equal(native.posteriors, python.posteriors)


@pytest.mark.native
@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30), st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30))
def test_board_equals_its_twin(control, treatment):
    native, python = ex.OutcomeBoard(2), twin.OutcomeBoard(2)
    for board in (native, python):
        board.record_many(0, 0, np.array(control))
        board.record_many(1, 0, np.array(treatment))
    assert native.summary(1, 0).mean == pytest.approx(python.summary(1, 0).mean, rel=1e-9, abs=1e-6)
    if python.summary(0, 0).deviation + python.summary(1, 0).deviation < 1e-3:
        return  # all but rounding
    found, expected = native.look(1, 0, tau=1.0), python.look(1, 0, tau=1.0)
    assert found[0] == pytest.approx(expected[0], rel=1e-6, abs=1e-200)
    assert found[1] == pytest.approx(expected[1], rel=1e-6, abs=1e-6)
