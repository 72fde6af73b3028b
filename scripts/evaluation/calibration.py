"""Whether probabilities mean what they say: how far off they are, in numbers and as a test."""

import numpy as np

from core.measures import BINS, calibration_error, tenths
from evaluation.significance import ALPHA

RESAMPLES = 1_000
SEED = 0  # fixed, so that the same answers have the same interval and p-value


def calibration(confidence: np.ndarray, right: np.ndarray) -> dict[str, float]:
    """How far the confidence of answers is from how often they are right.

    Args:
        confidence: (n,), the probability of each answer.
        right: (n,), bool.

    Returns:
        The mean `confidence`; the `calibration_error` over tenths of the confidence, with
        `calibration_error_low` and `_high`, its interval at 95 %; the
        `calibration_error_equal_mass`, over ten groups of equally many answers; and the
        `calibration_p_value` of the test that answers are right as often as they say.
    """
    sure = np.minimum(confidence.astype(np.float64), 1)
    random = np.random.default_rng(SEED)
    error = calibration_error(confidence, right)
    # What chance in the choice of the images adds to each tenth, as a bootstrap draws it. An error
    # sums up distances, which chance only lengthens, so the errors of the draws are no interval:
    # but how far the draws are from these images bounds how far these are from all others.
    surplus, places = sure - right, tenths(confidence)
    own = np.bincount(places, surplus, BINS)
    distances, simulated = np.empty(RESAMPLES), np.empty(RESAMPLES)
    for place in range(RESAMPLES):
        drawn = random.integers(0, len(sure), len(sure))
        sums = np.bincount(places[drawn], surplus[drawn], BINS)
        distances[place] = np.abs(sums - own).sum() / len(sure)
        meant = random.random(len(sure)) < sure  # right as often as they say
        simulated[place] = np.abs(np.bincount(places, sure - meant)).sum() / len(sure)
    margin = float(np.quantile(distances, 1 - ALPHA))
    larger = int((simulated >= error - 1e-12).sum())
    return {
        "confidence": float(sure.mean()),
        "calibration_error": error,
        "calibration_error_low": max(0.0, error - margin),
        "calibration_error_high": min(1.0, error + margin),
        "calibration_error_equal_mass": _error_of_equal_mass(sure, right),
        "calibration_p_value": (1 + larger) / (1 + RESAMPLES),
    }


def _error_of_equal_mass(confidence: np.ndarray, right: np.ndarray) -> float:
    """The same answers in ten groups, the surest last. Those of one confidence stand for each
    other, so that the order of the images does not matter.
    """
    order, which, counts = np.unique(confidence, return_inverse=True, return_counts=True)
    surplus = np.repeat(order - np.bincount(which, right) / counts, counts)
    groups = np.array_split(surplus, BINS)
    return float(sum(abs(group.sum()) for group in groups) / len(right))
