"""The least confidence from which a model reaches a wanted accuracy."""

from typing import NamedTuple

import numpy as np

from core.errors import UserError
from core.split import Split
from evaluation.significance import accuracy_interval
from prediction.models import Model

FEW_MISTAKES = 10  # as in calibration


class Threshold(NamedTuple):
    """The least confidence that needs no person, and what that gives on validation images.

    Attributes:
        confidence: the least that is enough.
        correct, kept, images: of so many `images`, how many reach it, and how many of those are
            correct.
        mistakes: how many of all `images` are not correct.
        low, high: the interval of that accuracy at 95 %.
    """

    confidence: float
    correct: int
    kept: int
    images: int
    mistakes: int
    low: float
    high: float

    def sentence(self, name: str) -> str:
        """What there is to say of it."""
        share, low, high = (
            100 * value for value in (self.correct / self.kept, self.low, self.high)
        )
        return (
            f"{name}: no person needed from a confidence of {self.confidence:.6g} on. Of"
            f" {self.images:,} validation images, {self.kept:,} reach it, and {self.correct:,} of"
            f" those are correct: {share:.2f} % (95 % interval {low:.2f} to {high:.2f})."
            + self._caution()
        )

    def _caution(self) -> str:
        if self.mistakes >= FEW_MISTAKES:
            return ""
        return (
            f" Only {self.mistakes} validation images are misclassified, too few for a reliable"
            " threshold; more validation images help"
        )


def least_confidence(confidence: np.ndarray, right: np.ndarray, sure: float) -> Threshold:
    """The least confidence such that, of the images that reach it, a share of at least `sure` is
    correct.

    Args:
        confidence: (n,), the probability of each predicted class.
        right: (n,), bool.

    Raises:
        UserError: no confidence is enough; or so few images reach it that even one mistake among
            them would be too many, so that they cannot show `sure`.
    """
    order = np.argsort(-confidence, kind="stable")
    falling, successes = confidence[order], np.cumsum(right[order])
    last = np.append(np.flatnonzero(np.diff(falling)), len(falling) - 1) if len(falling) else []
    enough = [place for place in last if successes[place] >= sure * (place + 1)]
    needed = round(1 / (1 - sure), 6)
    if not enough:
        raise UserError(
            f"does not reach that accuracy on any of {len(falling):,} validation images;"
            " allowed: a lower share, or more validation images"
        )
    if enough[-1] + 1 < needed:
        raise UserError(
            f"reaches that accuracy on {enough[-1] + 1:,} of {len(falling):,} validation images,"
            f" and fewer than {int(np.ceil(needed)):,} cannot show it; allowed: a lower share,"
            " or more validation images"
        )
    kept = int(enough[-1]) + 1
    correct = int(successes[kept - 1])
    interval = accuracy_interval(correct, kept)
    mistakes = int((~right).sum())
    return Threshold(float(falling[kept - 1]), correct, kept, len(falling), mistakes, *interval)


def find_threshold(model: Model, validation: Split, sure: float) -> Threshold:
    """The threshold of `model`. Raises UserError where the validation images give none, or are not
    those of its classes.
    """
    if validation.classes.tolist() != model.classes or not model.form.fits(validation.images):
        raise UserError(f"{model.name}: the validation images are of other classes or sizes")
    likely = model.probabilities(validation.images) if len(validation.labels) else np.empty((0, 1))
    right = likely.argmax(axis=1) == validation.labels
    try:
        return least_confidence(likely.max(axis=1), right, sure)
    except UserError as error:
        raise UserError(f"--sure {sure:g}: {model.name} {error}") from error
