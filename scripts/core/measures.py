"""Measures of confidence that the training stages and evaluate share."""

import numpy as np

BINS = 10


def tenths(confidence: np.ndarray) -> np.ndarray:
    """The bin, from 0 to 9, of each confidence: bins of width 0.1, the last one including 1."""
    return np.minimum((confidence * BINS).astype(int), BINS - 1)


def calibration_error(confidence: np.ndarray, right: np.ndarray) -> float:
    """The expected calibration error (Naeini, Cooper and Hauskrecht 2015): the mean gap between
    confidence and accuracy over ten bins, weighted by the predictions in each.

    Args:
        confidence: (n,), the probability of each predicted class.
        right: (n,), bool, whether it is the label.
    """
    surplus = confidence.astype(np.float64) - right
    return float(np.abs(np.bincount(tenths(confidence), surplus)).sum() / len(right))
