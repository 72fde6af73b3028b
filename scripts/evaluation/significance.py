"""Confidence intervals and exact significance tests, computed with SciPy."""

import math
from functools import cache
from itertools import combinations
from typing import NamedTuple

import numpy as np

# Importing scipy.stats takes a second, so each function imports what it needs.

ALPHA = 0.05


class Pair(NamedTuple):
    """The comparison of two models, given by index, on the same images; `low` and `high` are the
    95 % interval of the difference of their accuracies.
    """

    first: int
    second: int
    only_first_right: int
    only_second_right: int
    low: float
    high: float
    p_value: float


@cache
def accuracy_interval(right: int, total: int) -> tuple[float, float]:
    """The 95 % Wilson score interval for `right` of `total` images (Wilson 1927)."""
    from scipy.stats import binomtest

    interval = binomtest(right, total).proportion_ci(1 - ALPHA, method="wilson")
    return float(interval.low), float(interval.high)


def mean_interval(values: np.ndarray) -> tuple[float, float]:
    """The 95 % interval of the mean of `values`, (n,), by Student's t; infinite if n is 1."""
    from scipy.stats import t

    if len(values) < 2:
        return -math.inf, math.inf
    mean, error = float(values.mean()), float(values.std(ddof=1) / math.sqrt(len(values)))
    margin = error * float(t.ppf(1 - ALPHA / 2, len(values) - 1))
    return mean - margin, mean + margin


def same_shares(counts: np.ndarray) -> float:
    """The p-value of Pearson's chi-squared test that the rows of `counts`, (parts, classes), have
    equal class shares.
    """
    from scipy.stats import chi2_contingency

    return float(chi2_contingency(counts, correction=False).pvalue)


def fewer_right(right: int, images: int, other_right: int, other_images: int) -> float:
    """The p-value of the one-sided Fisher's exact test (Fisher 1935) whose alternative is that the
    share `right` of `images` is smaller than the share `other_right` of `other_images`.
    """
    from scipy.stats import fisher_exact

    table = [[right, images - right], [other_right, other_images - other_right]]
    return float(fisher_exact(table, alternative="less").pvalue)


def mcnemar(only_first: np.ndarray, only_second: np.ndarray) -> np.ndarray:
    """The p-values of exact McNemar tests (McNemar 1947) of whether the two counts differ.

    Args:
        only_first, only_second: (tests,), int, the images on which only the first or only the
            second model does something, such as being right.
    """
    from scipy.stats import binom

    fewer, total = np.minimum(only_first, only_second), only_first + only_second
    return np.minimum(1.0, 2 * binom.cdf(fewer, total, 0.5))


def difference_interval(
    only_first: int, only_second: int, both: int, total: int
) -> tuple[float, float]:
    """The 95 % interval of the difference of two shares of the same images: Newcombe's hybrid score
    interval for paired data (Newcombe 1998, method 10).

    Args:
        only_first, only_second, both: the images on which only the first model, only the second, or
            both do something.
        total: all images.
    """
    neither = total - only_first - only_second - both
    first, second = both + only_first, both + only_second
    first_low, first_high = accuracy_interval(first, total)
    second_low, second_high = accuracy_interval(second, total)
    margins = math.sqrt(first * (total - first) * second * (total - second))
    agreement = both * neither - only_first * only_second
    if agreement > 0:  # the correction for continuity
        agreement = max(0.0, agreement - total / 2)
    correlation = agreement / margins if margins else 0.0

    def distance(one: float, other: float) -> float:
        return math.sqrt(max(0.0, one**2 - 2 * correlation * one * other + other**2))

    difference = (only_first - only_second) / total
    below = distance(first / total - first_low, second_high - second / total)
    above = distance(first_high - first / total, second / total - second_low)
    return difference - below, difference + above


def holm(p_values: np.ndarray) -> np.ndarray:
    """`p_values`, (tests,), adjusted for their number with Holm's method (Holm 1979)."""
    order = np.argsort(p_values, kind="stable")
    larger = np.minimum(1.0, p_values[order] * np.arange(len(order), 0, -1))
    adjusted = np.empty(len(order))
    adjusted[order] = np.maximum.accumulate(larger)
    return adjusted


def compare_pairs(right: np.ndarray) -> list[Pair]:
    """Compare each pair of models with the exact McNemar test and Holm's correction for the number
    of pairs.

    Args:
        right: (models, images), bool, whether a model classifies an image correctly.
    """
    rows = []
    for first, second in combinations(range(len(right)), 2):
        one, other = right[first], right[second]
        only_first, only_second = int((one & ~other).sum()), int((other & ~one).sum())
        interval = difference_interval(only_first, only_second, int((one & other).sum()), len(one))
        rows.append((first, second, only_first, only_second, *interval))
    counts = np.array([row[2:4] for row in rows], int).reshape(-1, 2)
    p_values = holm(mcnemar(*counts.T)).tolist()
    return [Pair(*row, p_value) for row, p_value in zip(rows, p_values, strict=True)]
