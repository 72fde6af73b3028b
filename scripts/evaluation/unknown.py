"""How sure models are of images of no class, which is called out-of-distribution detection."""

import math
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import numpy as np
from sklearn.metrics import roc_auc_score

from core.split import Split

KEPT = (0.99, 0.95)  # shares of the test images that are to be answered
EXAMPLES = 8  # images of each kind, to be shown


class Asked(Protocol):
    """A trained model, as far as it is asked here."""

    name: str

    def probabilities(self, images: np.ndarray, classes: int) -> np.ndarray:
        """Class probabilities, (n, classes), float32, of images, (n, height, width)."""


def ask_unknown(
    models: Sequence[Asked],
    part: Split,
    probabilities: np.ndarray,
    kinds: Iterable[tuple[str, np.ndarray]],
) -> tuple[dict[str, Any], np.ndarray]:
    """Ask each model about images of no class.

    Args:
        models: the m models.
        part: the n test images.
        probabilities: (m, n, k), what the models give each class for these.
        kinds: the name and the images, (_, height, width), of each kind.

    Returns:
        The finding "unknown" of docs/evaluation.md, empty where there are no images; and some
        images of each kind, (_, height, width), one kind after the other.
    """
    confidences = probabilities.max(axis=2)
    thresholds = {
        model.name: [threshold_for(share, known) for share in KEPT]
        for model, known in zip(models, confidences, strict=True)
    }
    rows, examples = [], [part.images[:0]]
    for kind, images in kinds:
        chosen = np.linspace(0, len(images) - 1, min(EXAMPLES, len(images))).astype(int)
        examples.append(images[chosen])
        answers = {}
        for model, known in zip(models, confidences, strict=True):
            sure = model.probabilities(images, len(part.classes)).max(axis=1)
            answers[model.name] = told_apart(known, sure, thresholds[model.name])
        row = {"kind": kind, "images": len(images), "examples": len(chosen), "models": answers}
        rows.append(row)
    found = {"kinds": rows, "thresholds": thresholds} if rows else {}
    return found, np.concatenate(examples)


def threshold_for(share: float, known: np.ndarray) -> dict[str, float]:
    """The highest `threshold` at which at least `share` of the test images are answered, and the
    share of them that is `answered` then: more, where several are just as sure.

    Args:
        known: the confidence in each test image, (n,).
    """
    wanted = math.ceil(share * len(known) - 1e-9)
    threshold = np.sort(known)[-wanted]
    answered = float((known >= threshold).mean())
    return {"wanted": share, "threshold": float(threshold), "answered": answered}


def told_apart(
    known: np.ndarray, unknown: np.ndarray, thresholds: list[dict[str, float]]
) -> dict[str, Any]:
    """How well confidence tells test images and images of no class apart.

    Args:
        known, unknown: the confidence in each of them, (n,) and (u,), of one dtype.
        thresholds: as `threshold_for` gives them.

    Returns:
        The mean `confidence` in images of no class; `auroc`, the share of pairs of a test image and
        one of these in which the confidence in the test image is higher, equal ones counted half;
        and for each threshold, how many are `turned_away`.
    """
    of_test = np.repeat([True, False], [len(known), len(unknown)])
    return {
        "confidence": float(unknown.mean(dtype=np.float64)),
        "auroc": float(roc_auc_score(of_test, np.concatenate([known, unknown]))),
        "turned_away": [int((unknown < row["threshold"]).sum()) for row in thresholds],
    }
