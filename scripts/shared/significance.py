"""Whether a difference is more than chance: intervals and exact tests, by SciPy."""

from itertools import combinations
from typing import NamedTuple

import numpy as np

# SciPy's statistics take a second to import, so each function imports what it needs when called.

ALPHA = 0.05


class Pair(NamedTuple):
    """Two models on the same images."""

    first: int
    second: int
    only_first_right: int
    only_second_right: int
    low: float
    high: float
    p_value: float


def accuracy_interval(right: int, total: int) -> tuple[float, float]:
    """Wilson's score interval at 95 % for `right` of `total` images (Wilson 1927)."""
    from scipy.stats import binomtest

    interval = binomtest(right, total).proportion_ci(1 - ALPHA, method="wilson")
    return float(interval.low), float(interval.high)


def same_shares(counts: np.ndarray) -> float:
    """P-value of Pearson's chi-squared test that the rows of `counts`, (parts, classes), agree."""
    from scipy.stats import chi2_contingency

    return float(chi2_contingency(counts, correction=False).pvalue)


def mcnemar(only_first: np.ndarray, only_second: np.ndarray) -> np.ndarray:
    """P-values of exact McNemar tests (McNemar 1947): of the images where just one of two models
    does something, are as many the first's as the second's?

    Args:
        only_first, only_second: (tests,), int, how many images are the one's and the other's.
    """
    from scipy.stats import binom

    fewer, total = np.minimum(only_first, only_second), only_first + only_second
    return np.minimum(1.0, 2 * binom.cdf(fewer, total, 0.5))


def difference_interval(
    only_first: np.ndarray, only_second: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The interval at 95 % for `only_first - only_second`, in images, given their sum.

    It is the exact interval for the first's share of the sum (Clopper and Pearson 1934), carried
    over to the difference, and so excludes 0 just where `mcnemar` gives less than 0.05.
    """
    from scipy.stats import beta

    total = only_first + only_second
    with np.errstate(invalid="ignore"):  # a beta distribution without an image is NaN
        low = beta.ppf(ALPHA / 2, only_first, only_second + 1)
        high = beta.ppf(1 - ALPHA / 2, only_first + 1, only_second)
    low = np.where(only_first == 0, 0.0, low)
    high = np.where(only_second == 0, 1.0, high)
    return (2 * low - 1) * total, (2 * high - 1) * total


def holm(p_values: np.ndarray) -> np.ndarray:
    """`p_values`, (tests,), made larger for their number (Holm 1979)."""
    order = np.argsort(p_values, kind="stable")
    larger = np.minimum(1.0, p_values[order] * np.arange(len(order), 0, -1))
    adjusted = np.empty(len(order))
    adjusted[order] = np.maximum.accumulate(larger)
    return adjusted


def compare_pairs(right: np.ndarray) -> list[Pair]:
    """Compare each pair of models on the images where one is right and the other wrong: by the
    exact McNemar test, with Holm's correction for the number of pairs.

    Args:
        right: (models, images), bool, whether a model is right about an image.
    """
    pairs = list(combinations(range(len(right)), 2))
    first, second = (right[[pair[side] for pair in pairs]] for side in (0, 1))
    only_first = (first & ~second).sum(axis=1)
    only_second = (second & ~first).sum(axis=1)
    columns = (
        only_first,
        only_second,
        *difference_interval(only_first, only_second),
        holm(mcnemar(only_first, only_second)),
    )
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return [Pair(*pair, *row) for pair, row in zip(pairs, rows, strict=True)]
