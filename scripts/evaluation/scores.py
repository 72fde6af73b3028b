"""The metrics of a model, and the table of misclassified images."""

import numpy as np
import pandas as pd
from sklearn.metrics import confusion_matrix, log_loss, precision_recall_fscore_support

from core.split import Split
from core.text import csv_text
from evaluation.calibration import calibration
from evaluation.significance import accuracy_interval


def counted(predicted: np.ndarray, part: Split) -> dict[str, object]:
    """The metrics of one model that follow from the predicted classes, (n,), of the n images of
    `part`. Lists keep DVC from showing a column for each of their numbers.
    """
    indices = np.arange(len(part.classes))
    successes = int((predicted == part.labels).sum())
    low, high = accuracy_interval(successes, len(part.labels))
    precision, recall, f1, support = precision_recall_fscore_support(
        part.labels, predicted, labels=indices, zero_division=0
    )
    return {
        "accuracy": successes / len(part.labels),
        "accuracy_low": low,
        "accuracy_high": high,
        "successes": successes,
        "failures": len(part.labels) - successes,
        "confusion": confusion_matrix(part.labels, predicted, labels=indices).tolist(),
        "per_class": [
            {
                "class": str(part.classes[i]),
                "precision": float(precision[i]),
                "recall": float(recall[i]),
                "f1": float(f1[i]),
                "images": int(support[i]),
            }
            for i in indices
        ],
    }


def measured(probabilities: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """The metrics that depend on the probabilities, (n, k), themselves, so that they differ between
    processors that round differently. `labels` are indices of classes, (n,).
    """
    right = probabilities.argmax(axis=1) == labels
    indices = np.arange(probabilities.shape[1])
    exact = probabilities.astype(np.float64)
    exact /= exact.sum(axis=1, keepdims=True)
    return {
        **calibration(probabilities.max(axis=1), right),
        "brier_score": float(np.square(exact - (indices == labels[:, None])).sum(1).mean()),
        "loss": float(log_loss(labels, exact, labels=indices)),
    }


def failures_csv(names: list[str], probabilities: np.ndarray, part: Split) -> str:
    """The images that at least one model misclassifies, as CSV.

    Args:
        names: the models.
        probabilities: their class probabilities, (models, n, k), of the n images of `part`.
        part: the test images.
    """
    classes = np.array([csv_text(name) for name in part.classes.tolist()])
    table = pd.DataFrame({"index": np.arange(len(part.labels)), "label": classes[part.labels]})
    for name, likely in zip(names, probabilities, strict=True):
        table[csv_text(name)] = classes[likely.argmax(axis=1)]
        table[csv_text(f"{name}_confidence")] = likely.max(axis=1)
    right = probabilities.argmax(axis=2) == part.labels
    wrong = table[~right.all(axis=0)]
    return wrong.to_csv(index=False, float_format="%.4f", lineterminator="\n")
