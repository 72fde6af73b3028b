"""From what confidence on a model's answers are right as often as somebody wants them to be."""

from typing import NamedTuple

import numpy as np

from core.errors import UserError
from core.split import Split
from evaluation.significance import accuracy_interval
from prediction.models import Model


class Threshold(NamedTuple):
    """The least confidence to answer with, and what becomes of validation images there.

    Attributes:
        confidence: answers of this confidence are given, and surer ones.
        right, answered, images: how many of the `images` are answered, and answered rightly.
        low, high: the interval of that accuracy at 95 %.
    """

    confidence: float
    right: int
    answered: int
    images: int
    low: float
    high: float

    def sentence(self, name: str) -> str:
        """What there is to say of it."""
        share, low, high = (
            100 * value for value in (self.right / self.answered, self.low, self.high)
        )
        return (
            f"{name}: sure from a probability of {self.confidence:.6g} on. Of {self.images:,}"
            f" validation images, that is {self.answered:,}, of which {self.right:,} are answered"
            f" rightly, {share:.2f} % (95 % interval {low:.2f} to {high:.2f})"
        )


def least_confidence(confidence: np.ndarray, right: np.ndarray, sure: float) -> Threshold:
    """The least confidence such that the answers with at least as much are right in a share of at
    least `sure`. Answers of the same confidence are given together, or not at all.

    Args:
        confidence: (n,), the probability of each answer.
        right: (n,), bool.

    Raises:
        UserError: no confidence will do; or so few answers are left that not one of them could be
            wrong, so that nobody can tell `sure` from always.
    """
    order = np.argsort(-confidence, kind="stable")
    falling, successes = confidence[order], np.cumsum(right[order])
    last = np.append(np.flatnonzero(np.diff(falling)), len(falling) - 1) if len(falling) else []
    enough = [place for place in last if successes[place] >= sure * (place + 1)]
    needed = round(1 / (1 - sure), 6)
    if not enough:
        raise UserError(
            f"is not right that often even about the surest of {len(falling):,} validation images;"
            " allowed: a lower share, or more validation images"
        )
    if enough[-1] + 1 < needed:
        raise UserError(
            f"is right that often about {enough[-1] + 1:,} of {len(falling):,} validation images,"
            f" and fewer than {int(np.ceil(needed)):,} cannot show it; allowed: a lower share,"
            " or more validation images"
        )
    answered = int(enough[-1]) + 1
    correct = int(successes[answered - 1])
    interval = accuracy_interval(correct, answered)
    return Threshold(float(falling[answered - 1]), correct, answered, len(falling), *interval)


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
