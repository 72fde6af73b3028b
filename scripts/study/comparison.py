"""Means and differences over seeds, with their intervals, by Student's t (Student 1908)."""

import math
from typing import NamedTuple

import numpy as np
from scipy.stats import nct, t

from evaluation.significance import ALPHA, holm
from study.runs import Run, Variant

POWER = 0.8
MOST_SEEDS = 10_000


class Summary(NamedTuple):
    """The accuracy of a variant over its seeds. None where it cannot be computed: an interval needs
    two seeds at least, with different results.

    Attributes:
        seeds: how many.
        mean: of the accuracy.
        deviation: the standard deviation over the seeds, with n - 1 in the denominator.
        low, high: the 95 % interval of the mean, within 0 and 1.
        apart: the most by which two runs differ in 95 of 100 cases.
    """

    seeds: int
    mean: float | None = None
    deviation: float | None = None
    low: float | None = None
    high: float | None = None
    apart: float | None = None


class Difference(NamedTuple):
    """A variant compared with the first one, on the seeds that both have.

    Attributes:
        outcome: "better" or "worse" where it is more than noise, else "noise"; "same" where every
            difference is 0; "constant" where every seed gives the same difference, so that its
            noise cannot be estimated; "few" for one seed, "none" for none; "other images".
        seeds: how many.
        mean: of the difference of the accuracies.
        low, high: the 95 % interval of the mean.
        p_value: of the paired t-test, with Holm's correction for the variants of the table.
        needed: where it is noise, seeds that would detect such a difference in 80 of 100 studies,
            at a level of 5 % divided by the number of tests; infinite above MOST_SEEDS.
    """

    outcome: str
    seeds: int = 0
    mean: float | None = None
    low: float | None = None
    high: float | None = None
    p_value: float | None = None
    needed: float | None = None


def summarise(runs: list[Run]) -> Summary:
    """The accuracy over `runs`."""
    if not runs or len({run.test for run in runs}) > 1:
        return Summary(len(runs))
    accuracies = np.array([run.right / run.images for run in runs])
    mean = float(accuracies.mean())
    if len(runs) < 2:
        return Summary(1, mean)
    deviation = float(accuracies.std(ddof=1))
    if len({run.right for run in runs}) == 1:
        return Summary(len(runs), mean, 0.0)
    quantile = float(t.ppf(1 - ALPHA / 2, len(runs) - 1))
    margin = quantile * deviation / math.sqrt(len(runs))
    apart = quantile * deviation * math.sqrt(2)
    low, high = max(0.0, mean - margin), min(1.0, mean + margin)
    return Summary(len(runs), mean, deviation, low, high, apart)


def compare(variants: list[Variant]) -> list[Difference]:
    """Compare each variant with the first one."""
    first, *others = variants
    differences = [_difference(first.runs, other.runs) for other in others]
    tested = [place for place, one in enumerate(differences) if one.p_value is not None]
    adjusted = holm(np.array([differences[place].p_value for place in tested]))
    for place, p_value in zip(tested, adjusted.tolist(), strict=True):
        one = differences[place]._replace(p_value=p_value)
        if p_value < ALPHA:
            one = one._replace(outcome="better" if one.mean > 0 else "worse")
        elif one.mean:
            one = one._replace(needed=seeds_needed(_effect(one), ALPHA / len(tested)))
        differences[place] = one
    return differences


def seeds_needed(effect: float, level: float = ALPHA) -> float:
    """How many seeds detect a difference of `effect` standard deviations in 80 of 100 studies.

    The power of the paired t-test at `level`, two-sided, is that of the noncentral t-distribution
    (Cohen 1988, chapter 2); its far side, below a millionth here, is left out. Infinity if
    MOST_SEEDS are not enough.
    """

    def power(seeds: int) -> float:
        quantile = t.ppf(1 - level / 2, seeds - 1)
        return nct.sf(quantile, seeds - 1, abs(effect) * math.sqrt(seeds))

    high = 2  # doubled first, since the distribution cannot be computed far out
    while not power(high) >= POWER:
        high *= 2
        if high > 2 * MOST_SEEDS:
            return math.inf
    low = max(2, high // 2)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if power(middle) >= POWER else (middle + 1, high)
    return low if low <= MOST_SEEDS else math.inf


def _difference(first: list[Run], other: list[Run]) -> Difference:
    by_seed = {run.seed: run for run in first}
    pairs = [(by_seed[run.seed], run) for run in other if run.seed in by_seed]
    if not pairs:
        return Difference("none")
    if len({run.test for pair in pairs for run in pair}) > 1:
        return Difference("other images", len(pairs))
    # Counts of images, so that equal differences are equal to the last digit.
    counts = np.array([run.right - reference.right for reference, run in pairs])
    images, seeds = pairs[0][0].images, len(pairs)
    mean = float(counts.mean()) / images
    if seeds == 1:
        return Difference("few", seeds, mean)
    if (counts == counts[0]).all():
        return Difference("constant" if counts[0] else "same", seeds, mean)
    deviation = float(counts.std(ddof=1)) / images
    error = deviation / math.sqrt(seeds)
    margin = float(t.ppf(1 - ALPHA / 2, seeds - 1)) * error
    p_value = float(2 * t.sf(abs(mean) / error, seeds - 1))
    return Difference("noise", seeds, mean, mean - margin, mean + margin, p_value)


def _effect(difference: Difference) -> float:
    """The mean in standard deviations of the paired differences, from the interval's width."""
    margin = difference.mean - difference.low
    quantile = float(t.ppf(1 - ALPHA / 2, difference.seeds - 1))
    return difference.mean * quantile / (margin * math.sqrt(difference.seeds))
