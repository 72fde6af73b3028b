"""A check that models are not much worse on test images than on validation images. If they are, the
parts of the dataset do not match.
"""

from collections.abc import Mapping
from typing import Any

from core.text import printable, shortened
from evaluation.significance import fewer_right

# Far more than other writers cause: on digits, the gap is 7.5 points, with p = 0.0008.
LEAST_GAP = 0.15  # of the accuracies
MOST_CHANCE = 1e-6  # that the p-value may be
LONGEST = 40  # columns of a model's name
MEANING = (
    "The gap is far larger than chance would explain (Fisher's exact test, p\u00a0<\u00a00.000001)."
    " The test part probably differs from the training part: other labels, another pixel range,"
    " inverted or rotated images. Or the validation images are also in train."
)
ACTION = "Compare both parts in the figures of the data, fix the dataset, and rerun."


def validation_scores(
    validation_right: int, validation_images: int, right: int, images: int
) -> dict[str, float]:
    """The accuracy on the validation images, and the p-value of the one-sided Fisher's exact test
    of whether the accuracy on the test images, `right` of `images`, is lower. Empty if there are no
    validation images.
    """
    if not validation_images:
        return {}
    return {
        "validation_accuracy": validation_right / validation_images,
        "validation_p_value": fewer_right(right, images, validation_right, validation_images),
    }


def check_validation(metrics: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    """A finding, like those of the data checks, by the name of the check, if the accuracy of models
    on test images is far below that on validation images. The worst model comes first.

    Args:
        metrics: the metrics of each model, by name; only the counts of images are read.
    """
    gaps = []
    for name, scores in metrics.items():
        if not scores.get("validation_images"):  # older results have no such key
            continue
        images = scores["successes"] + scores["failures"]
        counts = scores["validation_right"], scores["validation_images"]
        found = validation_scores(*counts, scores["successes"], images)
        gap = found["validation_accuracy"] - scores["successes"] / images
        if gap >= LEAST_GAP and found["validation_p_value"] < MOST_CHANCE:
            said = (
                f"{shortened(printable(name), LONGEST)} gets {_share(*counts)} validation images"
                f" right, but only {_share(scores['successes'], images)} test images"
            )
            gaps.append((gap, said))
    gaps.sort(key=lambda one: -one[0])
    if not gaps:
        return {}
    (_, worst), *others = gaps
    count = f"{len(others)} more models have" if len(others) > 1 else "one more model has"
    return {
        "validation": {
            "check": "validation",
            "severity": "stop",
            "found": f"{worst}{f'; {count} such a gap' if others else ''}.",
            "meaning": MEANING,
            "action": ACTION,
        }
    }


def _share(right: int, images: int) -> str:
    return f"{100 * right / images:.1f} % of {images:,}"
