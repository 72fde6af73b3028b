"""Agreement of models on the same images: for each pair of models, and for all together."""

import numpy as np
from sklearn.metrics import confusion_matrix

from evaluation.significance import Pair, difference_interval, holm, mcnemar


def against_others(names: list[str], pairs: list[Pair], images: int) -> dict[str, list[dict]]:
    """For each model, its paired comparison with every other model.

    Args:
        names: the models.
        pairs: each pair of models.
        images: the number of images.
    """
    against = {name: [] for name in names}
    for pair in pairs:
        one, other = names[pair.first], names[pair.second]
        wins, losses = pair.only_first_right, pair.only_second_right
        for this, that, alone, missed, low, high in (
            (one, other, wins, losses, pair.low, pair.high),
            (other, one, losses, wins, -pair.high, -pair.low),
        ):
            against[this].append(
                {
                    "model": that,
                    "only_this_right": alone,
                    "only_other_right": missed,
                    "difference": (alone - missed) / images,
                    "difference_low": low,
                    "difference_high": high,
                    "p_value": pair.p_value,
                }
            )
    return against


def compare_answers(first: np.ndarray, second: np.ndarray, labels: np.ndarray, classes: int):
    """Compare the predictions of two models for the same images.

    Args:
        first, second: the predicted classes, (n,), indices of classes.
        labels: (n,), indices of classes.
        classes: the number of classes.

    Returns:
        `answers`, a matrix of counts: row i, column j has the images for which the first model
        predicts i and the second j. And `confusion_differences`, one object for each pair of a
        `label` and a predicted class, `answer`, that only one of the models predicts for some
        image: how many images, `only_first` and `only_second`, `low` and `high`, the 95 % interval
        of the difference, in images, and the p-value of the exact McNemar test, with Holm's
        correction over these objects.
    """
    cells = []
    for label in range(classes):
        here = labels == label
        images = int(here.sum())
        for predicted in np.union1d(first[here], second[here]).tolist():
            one, other = first[here] == predicted, second[here] == predicted
            only_first, only_second = int((one & ~other).sum()), int((other & ~one).sum())
            if only_first + only_second:
                both = int((one & other).sum())
                low, high = difference_interval(only_first, only_second, both, images)
                cells.append(
                    {
                        "label": label,
                        "answer": predicted,
                        "only_first": only_first,
                        "only_second": only_second,
                        "low": low * images,
                        "high": high * images,
                    }
                )
    counts = np.array([(cell["only_first"], cell["only_second"]) for cell in cells], int)
    for cell, p_value in zip(cells, holm(mcnemar(*counts.reshape(-1, 2).T)).tolist(), strict=True):
        cell["p_value"] = p_value
    return {
        "answers": confusion_matrix(first, second, labels=np.arange(classes)).tolist(),
        "confusion_differences": cells,
    }


def error_sets(names: list[str], predicted: np.ndarray, labels: np.ndarray) -> list[dict]:
    """Which models are wrong together: for each set of models, the number of images that all of
    them and no other model get wrong, the most images first.

    Args:
        names: the models.
        predicted: their predicted classes, (models, n).
        labels: (n,).
    """
    wrong, counts = np.unique((predicted != labels).T, axis=0, return_counts=True)
    sets = [
        {
            "models": [name for name, fails in zip(names, row, strict=True) if fails],
            "images": int(count),
        }
        for row, count in zip(wrong, counts, strict=True)
        if row.any()
    ]
    return sorted(sets, key=lambda one: (-one["images"], len(one["models"]), one["models"]))


def contested(predicted: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The indices of images for which all of two or more models predict the same class, but not the
    label: the label may be wrong.
    """
    agree = (predicted == predicted[0]).all(axis=0) & (len(predicted) > 1)
    return np.flatnonzero(agree & (predicted[0] != labels))
