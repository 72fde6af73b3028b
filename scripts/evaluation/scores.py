"""The metrics of a model, and the table of misclassified images."""

import numpy as np
import pandas as pd
from sklearn.metrics import confusion_matrix, log_loss, precision_recall_fscore_support

from core.split import Split
from core.text import csv_text
from evaluation.calibration import calibration
from evaluation.significance import accuracy_interval


def score(probabilities: np.ndarray, part: Split) -> dict[str, object]:
    """Every metric of one model. Lists keep DVC from showing a column for each of their numbers.

    Args:
        probabilities: its class probabilities, (n, k), of the n images of `part`.
        part: the test images.
    """
    predicted = probabilities.argmax(axis=1)
    indices = np.arange(len(part.classes))
    right = predicted == part.labels
    successes = int(right.sum())
    low, high = accuracy_interval(successes, len(part.labels))
    exact = probabilities.astype(np.float64)
    exact /= exact.sum(axis=1, keepdims=True)
    precision, recall, f1, support = precision_recall_fscore_support(
        part.labels, predicted, labels=indices, zero_division=0
    )
    return {
        "accuracy": successes / len(part.labels),
        "accuracy_low": low,
        "accuracy_high": high,
        **calibration(probabilities.max(axis=1), right),
        "brier_score": float(np.square(exact - (indices == part.labels[:, None])).sum(1).mean()),
        "loss": float(log_loss(part.labels, exact, labels=indices)),
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
