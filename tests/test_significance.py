"""Intervals and tests, against numbers found by hand, printed in the papers, or SciPy's."""

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.stats import binomtest

from evaluation.significance import (
    accuracy_interval,
    compare_pairs,
    difference_interval,
    fewer_right,
    holm,
    mcnemar,
    same_shares,
)

COUNTS = st.integers(0, 60)
Z = 1.959964


def wilson(right: int, total: int) -> tuple[float, float]:
    """The interval as Wilson (1927) writes it."""
    share, denominator = right / total, 1 + Z**2 / total
    middle = (share + Z**2 / (2 * total)) / denominator
    margin = Z * math.sqrt(share * (1 - share) / total + Z**2 / (4 * total**2)) / denominator
    return middle - margin, middle + margin


def test_interval_by_hand():
    """Wilson's interval for 10 of 10: (n / (n + z^2), 1)."""
    low, high = accuracy_interval(10, 10)
    assert low == pytest.approx(10 / (10 + 1.959964**2), abs=1e-6)
    assert high == 1


@given(COUNTS, COUNTS)
def test_interval_is_wilsons(right, wrong):
    if right + wrong:
        bounds = accuracy_interval(right, right + wrong)
        assert bounds == pytest.approx(wilson(right, right + wrong), abs=1e-6)


def test_shares_by_hand():
    """60 images, 10 of 30 and 20 of 30: Pearson's chi-squared is 20 / 3, with 1 degree."""
    p_value = math.erfc(math.sqrt(20 / 3 / 2))
    assert same_shares(np.array([[10, 20], [20, 10]])) == pytest.approx(p_value)


def test_pairs_by_hand():
    """Five images that only the first has right: 2 / 2^5; three pairs, so Holm triples it."""
    right = np.ones((3, 20), bool)
    right[1, :5] = False
    pairs = {(pair.first, pair.second): pair for pair in compare_pairs(right)}
    assert pairs[0, 1].only_first_right == 5
    assert pairs[0, 1].p_value == pytest.approx(3 * 2 / 2**5)
    assert pairs[0, 2].p_value == 1
    assert pairs[1, 2].p_value == pytest.approx(3 * 2 / 2**5)


def test_difference_as_in_the_paper():
    """Newcombe (1998), Table II, method 10: 36, 12, 2 and 0 images."""
    assert difference_interval(12, 2, 36, 50) == pytest.approx((0.0569, 0.3404), abs=1e-4)


@given(COUNTS, COUNTS, COUNTS, COUNTS)
@example(1, 0, 1, 1)  # where the correction is more than the correlation
def test_difference_is_newcombes(only_first, only_second, both, neither):
    """Newcombe (1998), method 10, from the images one by one: phi is their correlation."""
    counts = (only_first, only_second, both, neither)
    total = sum(counts)
    if not total:
        return
    first, second = (np.repeat(one, counts) for one in ([1, 0, 1, 0], [0, 1, 1, 0]))
    phi = 0.0
    if 0 < first.sum() < total and 0 < second.sum() < total:
        phi = np.corrcoef(first, second)[0, 1]
        if phi > 0:  # corrected for continuity
            less = total / 2 / (total**2 * first.std() * second.std())
            phi = max(phi - less, 0)
    (low1, high1), (low2, high2) = (wilson(one.sum(), total) for one in (first, second))
    down1, up1 = first.mean() - low1, high1 - first.mean()
    down2, up2 = second.mean() - low2, high2 - second.mean()
    difference = first.mean() - second.mean()
    below = math.sqrt(max(0, down1**2 - 2 * phi * down1 * up2 + up2**2))
    above = math.sqrt(max(0, up1**2 - 2 * phi * up1 * down2 + down2**2))
    bounds = difference_interval(only_first, only_second, both, total)
    assert bounds == pytest.approx((difference - below, difference + above), abs=1e-5)


@pytest.mark.parametrize("counts", [(0, 0, 10, 10), (0, 0, 0, 5), (1, 0, 0, 1), (3, 5, 0, 8)])
def test_difference_lies_within_its_interval(counts):
    low, high = difference_interval(*counts)
    assert -1 <= low <= (counts[0] - counts[1]) / counts[3] <= high <= 1
    turned = difference_interval(counts[1], counts[0], *counts[2:])
    assert (-turned[1], -turned[0]) == pytest.approx((low, high))


def test_mcnemar_by_hand():
    """Of 5 images all the one's: 2 / 2^5; of 4 images half: 1; of none: 1."""
    p_values = mcnemar(np.array([5, 2, 0]), np.array([0, 2, 0]))
    assert p_values.tolist() == pytest.approx([2 / 32, 1, 1])


@given(COUNTS, COUNTS)
def test_mcnemar_is_a_binomial_test(one, other):
    (p_value,) = mcnemar(np.array([one]), np.array([other]))
    exact = binomtest(one, one + other).pvalue if one + other else 1
    assert p_value == pytest.approx(exact)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_holm_is_the_largest_of_those_before(p_values):
    """Of the k-th smallest of m: the largest of (m - j + 1) p(j) for j up to k."""
    rising = sorted(p_values)
    factors = range(len(rising), 0, -1)
    scaled = [min(1, factor * one) for factor, one in zip(factors, rising, strict=True)]
    by_hand = {one: max(scaled[: place + 1]) for place, one in enumerate(rising)}
    assert holm(np.array(p_values)) == pytest.approx([by_hand[one] for one in p_values])


def test_holm_by_hand():
    assert holm(np.array([0.03, 0.01, 0.02, 0.9])).tolist() == [0.06, 0.04, 0.06, 0.9]
    assert holm(np.array([])).tolist() == []


def test_fishers_exact_test_by_hand():
    """Fisher's lady: all of 4 cups against none of 4, and 3 against 1 (1935)."""
    assert fewer_right(0, 4, 4, 4) == pytest.approx(1 / 70)
    assert fewer_right(1, 4, 3, 4) == pytest.approx(17 / 70)
    assert fewer_right(4, 4, 4, 4) == pytest.approx(1)
    chance = sum(math.comb(20, k) * math.comb(30, 25 - k) for k in range(6)) / math.comb(50, 25)
    assert fewer_right(5, 20, 20, 30) == pytest.approx(chance)
