"""Where a model fails: its frequent confusions, its weakest class, its most confident mistake."""

from typing import Any

import numpy as np
from sklearn.metrics import confusion_matrix

from evaluation.significance import accuracy_interval

MOST = 3  # frequent mistakes to name


def mistakes(probabilities: np.ndarray, labels: np.ndarray) -> dict[str, Any] | None:
    """Where one model fails; None if it classifies every image correctly.

    Args:
        probabilities: its class probabilities, (n, k), for n images.
        labels: (n,), indices of classes.

    Returns:
        `frequent`: up to three confusions that occur more than once, the most frequent first, ties
        in the order of the classes: the `label`, the predicted class, `answer`, and the number of
        `images`. `weakest`: the `class` with the lowest recall, among ties the one with the most
        images: the number of `images`, how many are `right`, the `recall` and its 95 % interval.
        `surest`: the most confident mistake, to four digits, among ties the first: its `image`,
        `label`, predicted class, `answer`, and `confidence`.
    """
    classes = probabilities.shape[1]
    predicted, sure = probabilities.argmax(axis=1), probabilities.max(axis=1)
    confidence = sure.astype(np.float64).round(4)  # as in failures.csv, from which this follows
    counts = confusion_matrix(labels, predicted, labels=np.arange(classes))
    images, right = counts.sum(axis=1), counts.diagonal().copy()
    if (right == images).all():
        return None
    np.fill_diagonal(counts, 0)
    often = np.argsort(-counts, axis=None, kind="stable")[:MOST]
    places = [divmod(int(cell), classes) for cell in often]
    recall = right / np.maximum(images, 1)
    weakest = min(np.flatnonzero(images).tolist(), key=lambda one: (recall[one], -images[one]))
    low, high = accuracy_interval(int(right[weakest]), int(images[weakest]))
    surest = int(np.where(predicted != labels, confidence, -1).argmax())
    return {
        "frequent": [
            {"label": label, "answer": answer, "images": int(counts[label, answer])}
            for label, answer in places
            if counts[label, answer] > 1
        ],
        "weakest": {
            "class": weakest,
            "images": int(images[weakest]),
            "right": int(right[weakest]),
            "recall": float(recall[weakest]),
            "recall_low": low,
            "recall_high": high,
        },
        "surest": {
            "image": surest,
            "label": int(labels[surest]),
            "answer": int(predicted[surest]),
            "confidence": float(sure[surest]),
        },
    }
