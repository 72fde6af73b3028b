"""What a study says of its variants: Student's intervals and tests, against SciPy and tables."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.stats import nct, t, ttest_1samp, ttest_rel

from study.comparison import MOST_SEEDS, Summary, compare, seeds_needed, summarise
from study.runs import Run, Variant


def variant(name: str, right: list[int], seeds: range | None = None, test: str = "a") -> Variant:
    runs = [
        Run(seed, count, 400, test, 10, 100, 1.5)
        for seed, count in zip(seeds or range(len(right)), right, strict=True)
    ]
    return Variant(name, {}, "digits", runs, {})


def test_means_and_intervals_are_students():
    right = np.array([380, 385, 378, 390])
    summary = summarise(variant("a", right.tolist()).runs)
    interval = ttest_1samp(right / 400, 0).confidence_interval(0.95)
    assert summary.seeds == 4
    assert summary.mean == pytest.approx(right.mean() / 400)
    assert summary.deviation == pytest.approx(right.std(ddof=1) / 400)
    assert [summary.low, summary.high] == pytest.approx([interval.low, interval.high])
    # Two single runs differ by a variance twice that of one; 3.182 is Student's, of 3 degrees.
    assert summary.apart == pytest.approx(3.18245 * summary.deviation * 2**0.5, rel=1e-5)


def test_differences_are_paired_by_seed_and_corrected():
    first, far, near = [380, 385, 378, 390], [388, 391, 387, 397], [381, 384, 379, 392]
    differences = compare([variant("a", first), variant("b", far), variant("c", near)])
    p_values = [ttest_rel(other, first).pvalue for other in (far, near)]
    assert differences[0].p_value == pytest.approx(2 * p_values[0])
    assert differences[1].p_value == pytest.approx(p_values[1])
    assert [one.outcome for one in differences] == ["better", "noise"]
    interval = ttest_rel(np.divide(near, 400), np.divide(first, 400)).confidence_interval()
    assert [differences[1].low, differences[1].high] == pytest.approx([interval.low, interval.high])
    assert differences[0].needed is None
    effect = np.subtract(near, first).mean() / np.subtract(near, first).std(ddof=1)
    assert differences[1].needed == seeds_needed(effect, 0.05 / 2)


def test_noise_needs_more_seeds_than_it_has():
    """Even where only the correction makes it noise."""
    first, others = (
        [380, 385, 378, 390, 384],
        [[383, 387, 379, 395, 385], *[[380, 386, 377, 391, 382]] * 4],
    )
    differences = compare([variant("a", first), *(variant("b", other) for other in others)])
    assert ttest_rel(others[0], first).pvalue < 0.05
    assert {one.outcome for one in differences} == {"noise"}
    assert all(one.needed > 5 for one in differences)


def test_no_interval_leaves_what_is_possible():
    summary = summarise(variant("a", [399, 380]).runs)
    assert (summary.low, summary.high) == (pytest.approx(0.672, abs=0.001), 1)
    summary = summarise(variant("a", [1, 20]).runs)
    assert (summary.low, summary.high) == (0, pytest.approx(1 - 0.672, abs=0.001))


def test_seeds_with_one_result_say_nothing_of_noise():
    summary = summarise(variant("a", [313, 313]).runs)
    assert (summary.mean, summary.deviation) == (313 / 400, 0)
    assert (summary.low, summary.high, summary.apart) == (None, None, None)


def test_one_seed_or_other_images_have_no_deviation():
    assert summarise([]) == Summary(0)
    assert summarise(variant("a", [300]).runs) == Summary(1, 300 / 400)
    others = variant("a", [300, 301]).runs + variant("a", [302], test="b").runs
    assert summarise(others) == Summary(3)


def test_only_common_seeds_are_compared():
    first, other = variant("a", [300, 301, 305]), variant("b", [310, 320], seeds=range(2, 4))
    (difference,) = compare([first, other])
    assert (difference.outcome, difference.seeds, difference.mean) == ("few", 1, 5 / 400)


def test_a_worse_variant_is_worse_and_a_draw_needs_no_seeds():
    first = variant("a", [380, 385, 378, 390])
    lower, draw = variant("b", [371, 378, 370, 382]), variant("c", [381, 384, 377, 391])
    worse, noise = compare([first, lower, draw])
    assert (worse.outcome, worse.mean) == ("worse", -8 / 400)
    assert worse.low < worse.mean < worse.high < 0
    assert (noise.outcome, noise.mean, noise.needed, noise.p_value) == ("noise", 0, None, 1)


def test_where_seeds_say_nothing_the_others_are_not_corrected_for_it():
    """And each keeps the place that it was given in."""
    first, far = [380, 385, 378, 390], [388, 391, 387, 397]
    found = compare([variant("a", first), variant("b", first), variant("c", far)])
    assert [one.outcome for one in found] == ["same", "better"]
    assert found[1].p_value == pytest.approx(ttest_rel(far, first).pvalue)
    assert (found[0].seeds, found[0].mean) == (4, 0)


def power(effect: float, seeds: int, level: float) -> float:
    """Of the t-test (Cohen 1988), by the noncentral t-distribution."""
    beyond = t.isf(level / 2, seeds - 1)
    return 1 - nct.cdf(beyond, seeds - 1, effect * seeds**0.5)


@given(st.floats(0.03, 3), st.sampled_from([0.05, 0.05 / 2, 0.05 / 7]))
def test_one_seed_less_would_not_do(effect, level):
    needed = seeds_needed(effect, level)
    assert seeds_needed(-effect, level) == needed
    if needed == math.inf:
        assert power(effect, MOST_SEEDS, level) < 0.8 + 1e-9
        return
    assert power(effect, needed, level) >= 0.8 - 1e-9
    assert needed == 2 or power(effect, needed - 1, level) < 0.8 + 1e-9


def test_so_large_an_effect_needs_the_fewest_seeds_there_can_be():
    assert seeds_needed(100) == 2


def test_ten_thousand_seeds_are_the_most():
    """Where ten thousand are just enough, and where they are just not."""
    effect = brentq(lambda effect: power(effect, 10_000, 0.05) - 0.8, 0.02, 0.04, xtol=1e-12)
    assert seeds_needed(effect * 1.000001) == 10_000
    assert seeds_needed(effect * 0.999999) == math.inf


@pytest.mark.parametrize(
    ("other", "outcome", "seeds"),
    [
        (variant("b", [300, 301]), "same", 2),
        (variant("b", [303, 304]), "constant", 2),
        (variant("b", [303, 309], test="b"), "other images", 2),
        (variant("b", []), "none", 0),
    ],
)
def test_where_seeds_say_nothing_no_test_is_made(other, outcome, seeds):
    (difference,) = compare([variant("a", [300, 301]), other])
    assert (difference.outcome, difference.seeds) == (outcome, seeds)
    assert (difference.p_value, difference.needed) == (None, None)


@pytest.mark.parametrize(("effect", "seeds"), [(0.2, 199), (0.5, 34), (-0.8, 15), (1.0, 10)])
def test_seeds_needed_are_those_of_the_tables(effect, seeds):
    """Of G*Power, for two-sided paired t-tests."""
    assert seeds_needed(effect) == seeds


def test_no_number_of_seeds_shows_nothing():
    assert seeds_needed(0.001) == math.inf
