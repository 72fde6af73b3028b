"""Temperature scaling (Guo et al. 2017), optionally with a doubt, fitted on validation images."""

import math
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from core.measures import calibration_error
from core.split import Split

TEMPERATURE, NONE = "temperature", "none"  # the values of the parameter
LOWEST, HIGHEST = 0.1, 10.0
MOST_DOUBT = 0.1
FEW = 10  # mistakes, or correct predictions; with fewer, the temperature is unreliable


class Calibration(NamedTuple):
    """The result of a calibration.

    Attributes:
        method: "temperature", or "none" if it was not requested or not possible.
        temperature: the divisor of the logits.
        doubt: the share of each prediction to spread evenly over all classes.
        record: both, and their effect on the validation images, for the record of the training;
            None without a calibration.
        remarks: sentences for the reader of the results.
    """

    method: str
    temperature: float
    doubt: float
    record: dict[str, Any] | None
    remarks: tuple[str, ...]


def calibrate(
    stage: str,
    method: str,
    logits_of: Callable[[np.ndarray], np.ndarray],
    held_out: Split,
    with_doubt: bool = False,
) -> Calibration:
    """Find the temperature of a model whose prediction is the mean of one or more softmaxes.

    Args:
        stage: the section of params.yaml, for messages.
        method: the parameter `calibration` of the stage.
        logits_of: returns the logits, (n, views, k), of images, (n, height, width).
        held_out: the validation part.
        with_doubt: whether to fit a doubt as well, if there are at least 10 mistakes; else it is 0.
    """
    none = Calibration(NONE, 1.0, 0.0, None, ())
    if method == NONE or not len(held_out.labels):
        return none
    logits = logits_of(held_out.images).astype(np.float64)
    usable = np.isfinite(logits).all(axis=(1, 2))  # extreme pixels can overflow
    logits, labels = logits[usable], held_out.labels[usable]
    if not len(labels):
        return none
    before = _measures(logits, labels, 1.0, 0.0)
    mistakes, classes = before.pop("mistakes"), (len(np.unique(labels)), len(held_out.classes))
    temperature, doubt = best_temperature(logits, labels), 0.0
    if with_doubt and mistakes >= FEW:  # with fewer it would overfit
        temperature, doubt = _best_with_doubt(logits, labels, temperature)
    after = _measures(logits, labels, temperature, doubt)
    after.pop("mistakes")
    remarks = []
    if min(mistakes, len(labels) - mistakes) < FEW or classes[0] < classes[1]:
        remarks.append(
            f"estimated the temperature from {len(labels):,} validation images ({classes[0]} of"
            f" {classes[1]} classes, {mistakes:,} misclassified), too few for a reliable estimate"
        )
    bound = min((LOWEST, HIGHEST), key=lambda bound: abs(math.log(bound / temperature)))
    if math.isclose(temperature, bound, rel_tol=0.001):
        remarks.append(f"set the temperature to {bound:g}, the end of the search range")
    for remark in remarks:
        print(f"{stage}.calibration: {remark}", file=sys.stderr)
    record = {
        **{"temperature": temperature, "doubt": doubt, "images": len(labels), "mistakes": mistakes},
        **{"before": before, "after": after},
    }
    return Calibration(TEMPERATURE, temperature, doubt, record, tuple(remarks))


def best_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """The temperature, from 0.1 to 10, with the least log loss on these images and on one pseudo
    image, whose label is equally likely each class.

    The pseudo image follows Platt (1999): a model that classifies ten of ten images correctly may
    still misclassify the eleventh. Without it, the confidence of such a model would be unbounded.

    Args:
        logits: (n, views, k), float64; the prediction is the mean of the views' softmaxes.
        labels: (n,), indices of classes.
    """
    from scipy.optimize import minimize_scalar  # takes long to import

    def loss(exponent: float) -> float:
        return _loss_with_one_more(logits, labels, exponent, 0.0)

    bounds = (math.log(LOWEST), math.log(HIGHEST))
    found = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-6}).x
    return math.exp(min((float(found), 0.0), key=loss))  # the mean of several may have two minima


def _best_with_doubt(
    logits: np.ndarray, labels: np.ndarray, temperature: float
) -> tuple[float, float]:
    """The temperature and the doubt, from 0 to 0.1, with the least loss, as in `best_temperature`.

    Linear models are confident and wrong on a few unusual images. To reduce their loss, a
    temperature alone becomes too high for all other images.

    Args:
        logits, labels: as in `best_temperature`.
        temperature: the best one without a doubt, the starting point.
    """
    from scipy.optimize import minimize

    def loss(found: np.ndarray) -> float:
        return _loss_with_one_more(logits, labels, *found)

    exponent = math.log(temperature)
    bounds = ((math.log(LOWEST), math.log(HIGHEST)), (0, MOST_DOUBT))
    exact = {"xatol": 1e-6, "fatol": 1e-9}
    begin, method = (exponent, 0.01), "Nelder-Mead"
    tried = minimize(loss, begin, method=method, bounds=bounds, options=exact).x
    exponent, doubt = min((tried, (exponent, 0.0)), key=loss)
    return math.exp(exponent), float(doubt)


def _loss_with_one_more(
    logits: np.ndarray, labels: np.ndarray, exponent: float, doubt: float
) -> float:
    answers = _log_answers(logits, math.exp(exponent), doubt)
    return -(_of_labels(answers, labels).sum() + answers.mean()) / len(labels)


def _measures(
    logits: np.ndarray, labels: np.ndarray, temperature: float, doubt: float
) -> dict[str, Any]:
    answers = _log_answers(logits, temperature, doubt)
    right = answers.argmax(axis=1) == labels
    return {
        "loss": float(-_of_labels(answers, labels).mean()),
        "calibration_error": calibration_error(np.exp(answers.max(axis=1)), right),
        "mistakes": int((~right).sum()),
    }


def _log_answers(logits: np.ndarray, temperature: float, doubt: float) -> np.ndarray:
    """The logarithms, (n, k), of the mean of the views' softmaxes, with the share `doubt` spread
    evenly. Computed on logarithms, so that tiny probabilities do not underflow.
    """
    from scipy.special import log_softmax, logsumexp

    answers = log_softmax(logits / temperature, axis=2)
    answers = logsumexp(answers, axis=1) - math.log(logits.shape[1])
    if not doubt:
        return answers
    return np.logaddexp(answers + math.log1p(-doubt), math.log(doubt / logits.shape[2]))


def _of_labels(answers: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return np.take_along_axis(answers, labels[:, None], axis=1)[:, 0]
