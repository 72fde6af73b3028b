"""The calibration of the probabilities: the calibration error and a test."""

import numpy as np

from core.measures import BINS, calibration_error, tenths
from evaluation.significance import ALPHA

RESAMPLES = 1_000
SEED = 0  # fixed, so that the same answers have the same interval and p-value


def calibration(confidence: np.ndarray, right: np.ndarray) -> dict[str, float]:
    """How far the confidence of predictions is from their accuracy.

    Args:
        confidence: (n,), the probability of each predicted class.
        right: (n,), bool, whether it is the label.

    Returns:
        The mean `confidence`; the expected `calibration_error` over bins of width 0.1, with
        `calibration_error_low` and `_high`, its 95 % interval; the `calibration_error_equal_mass`
        over ten bins with equally many predictions; and the `calibration_p_value` of a test of the
        null hypothesis that the accuracy equals the confidence.
    """
    sure = np.minimum(confidence.astype(np.float64), 1)
    random = np.random.default_rng(SEED)
    error = calibration_error(confidence, right)
    # A bootstrap of the sampling error of each bin. The calibration error sums absolute values,
    # which sampling error only increases, so percentiles of resampled errors are no interval. The
    # distance between resamples and the sample bounds that between the sample and the population.
    surplus, places = sure - right, tenths(confidence)
    own = np.bincount(places, surplus, BINS)
    distances, simulated = np.empty(RESAMPLES), np.empty(RESAMPLES)
    for place in range(RESAMPLES):
        drawn = random.integers(0, len(sure), len(sure))
        sums = np.bincount(places[drawn], surplus[drawn], BINS)
        distances[place] = np.abs(sums - own).sum() / len(sure)
        meant = random.random(len(sure)) < sure  # right as often as they say
        simulated[place] = np.abs(np.bincount(places, sure - meant)).sum() / len(sure)
    low, high = error_interval(error, float(np.quantile(distances, 1 - ALPHA)))
    larger = int((simulated >= error - 1e-12).sum())
    return {
        "confidence": float(sure.mean()),
        "calibration_error": error,
        "calibration_error_low": low,
        "calibration_error_high": high,
        "calibration_error_equal_mass": _error_of_equal_mass(sure, right),
        "calibration_p_value": resampled_p_value(larger),
    }


def error_interval(error: float, margin: float) -> tuple[float, float]:
    """The interval of a calibration error, which is from 0 to 1."""
    return max(0.0, error - margin), min(1.0, error + margin)


def resampled_p_value(larger: int) -> float:
    """The p-value if `larger` of the resamples have at least the error of the sample."""
    return (1 + larger) / (1 + RESAMPLES)


def _error_of_equal_mass(confidence: np.ndarray, right: np.ndarray) -> float:
    """The calibration error over ten bins of equally many predictions, sorted by confidence.
    Predictions of equal confidence get their mean accuracy, so that the order of the images does
    not matter.
    """
    order, which, counts = np.unique(confidence, return_inverse=True, return_counts=True)
    surplus = np.repeat(order - np.bincount(which, right) / counts, counts)
    groups = np.array_split(surplus, BINS)
    return float(sum(abs(group.sum()) for group in groups) / len(right))
