"""The models' confidence on images that show none of the classes: out-of-distribution detection."""

import math
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import numpy as np
from sklearn.metrics import roc_auc_score

from core.split import Split

KEPT = (0.99, 0.95)  # shares of the test images to accept
EXAMPLES = 8  # images of each kind to show


class Asked(Protocol):
    """The part of a trained model that is used here."""

    name: str

    def probabilities(self, images: np.ndarray, classes: int) -> np.ndarray:
        """Class probabilities, (n, classes), float32, of images, (n, height, width)."""


def ask_unknown(
    models: Sequence[Asked],
    part: Split,
    probabilities: np.ndarray,
    kinds: Iterable[tuple[str, np.ndarray]],
) -> tuple[dict[str, Any], np.ndarray]:
    """Run each model on out-of-distribution images.

    Args:
        models: the m models.
        part: the n test images.
        probabilities: (m, n, k), the models' class probabilities of these.
        kinds: the name and the images, (_, height, width), of each kind.

    Returns:
        The finding "unknown" of docs/evaluation.md, empty if there are no images; and examples of
        each kind, (_, height, width), one kind after the other.
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
        by_model = {}
        for model, known in zip(models, confidences, strict=True):
            confidence = model.probabilities(images, len(part.classes)).max(axis=1)
            by_model[model.name] = told_apart(known, confidence, thresholds[model.name])
        row = {"kind": kind, "images": len(images), "examples": len(chosen), "models": by_model}
        rows.append(row)
    found = {"kinds": rows, "thresholds": thresholds} if rows else {}
    return found, np.concatenate(examples)


def threshold_for(share: float, known: np.ndarray) -> dict[str, float]:
    """The highest confidence `threshold` that accepts at least `share` of the test images, and the
    share that it accepts, `answered`: more than `share` if several have this confidence.

    Args:
        share: the share to accept.
        known: the confidence for each test image, (n,).
    """
    wanted = math.ceil(share * len(known) - 1e-9)
    threshold = np.sort(known)[-wanted]
    answered = float((known >= threshold).mean())
    return {"wanted": share, "threshold": float(threshold), "answered": answered}


def told_apart(
    known: np.ndarray, unknown: np.ndarray, thresholds: list[dict[str, float]]
) -> dict[str, Any]:
    """How well confidence separates test images from out-of-distribution images.

    Args:
        known, unknown: the confidence for each test image, (n,), and for each out-of-distribution
            image, (u,), of the same dtype.
        thresholds: from `threshold_for`.

    Returns:
        The mean `confidence` for out-of-distribution images; `auroc`, the share of pairs of a test
        image and one of these in which the test image has the higher confidence, ties counted
        half; and for each threshold, how many of them are rejected, `turned_away`.
    """
    of_test = np.repeat([True, False], [len(known), len(unknown)])
    return {
        "confidence": float(unknown.mean(dtype=np.float64)),
        "auroc": float(roc_auc_score(of_test, np.concatenate([known, unknown]))),
        "turned_away": [int((unknown < row["threshold"]).sum()) for row in thresholds],
    }
