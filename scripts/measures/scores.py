"""The metrics of a model, and the images that models get wrong."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from sklearn.metrics import confusion_matrix, log_loss, precision_recall_fscore_support

from shared.predictions import Predictions
from shared.significance import accuracy_interval, compare_pairs
from shared.split import Split


def summarize(
    answers: Predictions, parameters: Mapping[str, int], part: Split
) -> dict[str, dict[str, object]]:
    """All that the metrics say of each model.

    Args:
        parameters: each model's number of trained weights.
        part: the test images that the answers are to.
    """
    right = answers.probabilities.argmax(axis=2) == part.labels
    comparisons = compare(answers.models, right)
    return {
        name: {"parameters": parameters[name], "against": comparisons[name], **score(likely, part)}
        for name, likely in zip(answers.models, answers.probabilities, strict=True)
    }


def score(probabilities: np.ndarray, part: Split) -> dict[str, object]:
    """Every metric of one model; lists where DVC should not make a column of each number."""
    predicted = probabilities.argmax(axis=1)
    indices = np.arange(len(part.classes))
    successes = int((predicted == part.labels).sum())
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


def compare(names: list[str], right: np.ndarray) -> dict[str, list[dict[str, object]]]:
    """For each model, the paired comparison with every other.

    Args:
        names: the models.
        right: (models, images), bool, whether a model is right about an image.
    """
    against = {name: [] for name in names}
    for pair in compare_pairs(right):
        one, other = names[pair.first], names[pair.second]
        wins, losses = pair.only_first_right, pair.only_second_right
        for this, that, alone, missed in ((one, other, wins, losses), (other, one, losses, wins)):
            against[this].append(
                {
                    "model": that,
                    "only_this_right": alone,
                    "only_other_right": missed,
                    "p_value": pair.p_value,
                }
            )
    return against


def failures_csv(answers: Predictions, part: Split) -> str:
    """The images that at least one model gets wrong, as CSV."""
    table = pd.DataFrame({"index": np.arange(len(part.labels)), "label": part.classes[part.labels]})
    for name, likely in zip(answers.models, answers.probabilities, strict=True):
        table[name] = part.classes[likely.argmax(axis=1)]
        table[f"{name}_confidence"] = likely.max(axis=1)
    right = answers.probabilities.argmax(axis=2) == part.labels
    wrong = table[~right.all(axis=0)]
    return wrong.to_csv(index=False, float_format="%.4f", lineterminator="\n")
