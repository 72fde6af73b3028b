"""The lowest confidence threshold at which a model reaches a given accuracy."""

from typing import NamedTuple

import numpy as np

from core.errors import UserError
from core.split import Split
from evaluation.significance import accuracy_interval
from prediction.models import Model

FEW_MISTAKES = 10  # as in calibration


class Threshold(NamedTuple):
    """A confidence threshold, and the result on validation images.

    Attributes:
        confidence: the threshold.
        correct, kept, images: the numbers of images that are classified correctly above the
            threshold, that reach it, and in total.
        mistakes: the number of all `images` that are misclassified.
        low, high: the 95 % interval of the accuracy above the threshold.
    """

    confidence: float
    correct: int
    kept: int
    images: int
    mistakes: int
    low: float
    high: float

    def sentence(self, name: str) -> str:
        """A sentence for the user."""
        share, low, high = (
            100 * value for value in (self.correct / self.kept, self.low, self.high)
        )
        return (
            f"{name}: no person is needed for a confidence of at least {self.confidence:.6g}. Of"
            f" {self.images:,} validation images, {self.kept:,} reach it, and {self.correct:,} of"
            f" these are classified correctly: {share:.2f} % (95 % interval {low:.2f} to"
            f" {high:.2f})." + self._caution()
        )

    def _caution(self) -> str:
        if self.mistakes >= FEW_MISTAKES:
            return ""
        return (
            f" Only {self.mistakes} validation images are misclassified, too few for a reliable"
            " threshold; more validation images help"
        )


def least_confidence(confidence: np.ndarray, right: np.ndarray, sure: float) -> Threshold:
    """The lowest threshold above which the accuracy is at least `sure`.

    Args:
        confidence: (n,), the probability of each predicted class.
        right: (n,), bool.

    Raises:
        UserError: no threshold reaches this accuracy, or only with so few images that one mistake
            among them would be too many.
    """
    order = np.argsort(-confidence, kind="stable")
    falling, successes = confidence[order], np.cumsum(right[order])
    last = np.append(np.flatnonzero(np.diff(falling)), len(falling) - 1) if len(falling) else []
    enough = [place for place in last if successes[place] >= sure * (place + 1)]
    needed = round(1 / (1 - sure), 6)
    if not enough:
        raise UserError(
            f"does not reach this accuracy at any confidence on {len(falling):,} validation images;"
            " allowed: a lower accuracy, or more validation images"
        )
    if enough[-1] + 1 < needed:
        raise UserError(
            f"reaches this accuracy on only {enough[-1] + 1:,} of {len(falling):,} validation"
            f" images; at least {int(np.ceil(needed)):,} are needed to show it; allowed: a lower"
            " accuracy, or more validation images"
        )
    kept = int(enough[-1]) + 1
    correct = int(successes[kept - 1])
    interval = accuracy_interval(correct, kept)
    mistakes = int((~right).sum())
    return Threshold(float(falling[kept - 1]), correct, kept, len(falling), mistakes, *interval)


def find_threshold(model: Model, validation: Split, sure: float) -> Threshold:
    """The threshold of `model`. Raises UserError if the validation images give none, or have other
    classes or sizes than the model.
    """
    if validation.classes.tolist() != model.classes or not model.form.fits(validation.images):
        raise UserError(f"{model.name}: the validation images have other classes or sizes")
    likely = model.probabilities(validation.images) if len(validation.labels) else np.empty((0, 1))
    right = likely.argmax(axis=1) == validation.labels
    try:
        return least_confidence(likely.max(axis=1), right, sure)
    except UserError as error:
        raise UserError(f"--sure {sure:g}: {model.name} {error}") from error
