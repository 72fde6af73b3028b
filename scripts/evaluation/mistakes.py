"""Where a model fails: what it takes for what, its weakest class, and its surest mistake."""

from typing import Any

import numpy as np
from sklearn.metrics import confusion_matrix

from evaluation.significance import accuracy_interval

MOST = 3  # frequent mistakes to name


def mistakes(probabilities: np.ndarray, labels: np.ndarray) -> dict[str, Any] | None:
    """Where one model fails, or None where it is right about every image.

    Args:
        probabilities: what it gives each class, (n, k), for n images.
        labels: (n,), indices of classes.

    Returns:
        `frequent`: the `label`, the `answer` and the number of `images` of up to three mistakes
        that it makes more than once, the most frequent first, of equals in the order of the
        classes. `weakest`: the `class` of which it gets the least share right, of equals the one
        with the most images: its `images`, how many are `right`, that as a share, `recall`, and its
        interval at 95 %. `surest`: the `image`, `label`, `answer` and `confidence` of the mistake
        it is surest of, of equals the first.
    """
    classes = probabilities.shape[1]
    predicted, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
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
            "confidence": float(confidence[surest]),
        },
    }
