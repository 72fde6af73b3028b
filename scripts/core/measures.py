"""Measures of probabilities that trainings and evaluate share."""

import numpy as np

BINS = 10


def tenths(confidence: np.ndarray) -> np.ndarray:
    """The tenth, from 0 to 9, in which each confidence lies; 1 lies in the last."""
    return np.minimum((confidence * BINS).astype(int), BINS - 1)


def calibration_error(confidence: np.ndarray, right: np.ndarray) -> float:
    """The mean distance of confidence and accuracy over tenths of the confidence, each weighed by
    its answers: the expected calibration error (Naeini, Cooper and Hauskrecht 2015).

    Args:
        confidence: (n,), the probability of each answer.
        right: (n,), bool.
    """
    surplus = confidence.astype(np.float64) - right
    return float(np.abs(np.bincount(tenths(confidence), surplus)).sum() / len(right))
