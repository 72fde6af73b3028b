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


def compare_pairs(right: np.ndarray) -> list[Pair]:
    """Compare each pair of models by the exact McNemar test (McNemar 1947) on the images where one
    is right and the other wrong, with Holm's correction (Holm 1979) for the number of pairs.

    Args:
        right: (models, images), bool, whether a model is right about an image.
    """
    from scipy.stats import binomtest

    pairs = []
    for first, second in combinations(range(len(right)), 2):
        only_first = int((right[first] & ~right[second]).sum())
        only_second = int((right[second] & ~right[first]).sum())
        discordant = only_first + only_second
        p_value = float(binomtest(only_first, discordant).pvalue) if discordant else 1.0
        pairs.append(Pair(first, second, only_first, only_second, p_value))

    adjusted = {}
    largest = 0.0
    for rank, pair in enumerate(sorted(pairs, key=lambda pair: pair.p_value)):
        largest = max(largest, min(1.0, pair.p_value * (len(pairs) - rank)))
        adjusted[pair] = largest
    return [pair._replace(p_value=adjusted[pair]) for pair in pairs]
