"""What models make of the same images: pair by pair, and all together."""

import numpy as np
from sklearn.metrics import confusion_matrix

from evaluation.significance import Pair, difference_interval, holm, mcnemar


def against_others(names: list[str], pairs: list[Pair], images: int) -> dict[str, list[dict]]:
    """For each model, its paired comparison with every other.

    Args:
        names: the models.
        pairs: every two of them.
        images: how many there are to be right about.
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
    """What two models answer to the same images.

    Args:
        first, second: their answers, (n,), indices of classes.
        labels: (n,), indices of classes.
        classes: how many there are.

    Returns:
        `answers`, a matrix of counts: row i, column j has the images that the first calls i and
        the second j. And `confusion_differences`, one object for each label and answer that just
        one of the models gives to some image: how many images only the first or only the second
        answers so, `only_first` and `only_second`, the interval at 95 % of the difference, in
        images, and the p-value of the exact McNemar test with Holm's correction over these objects.
    """
    cells = []
    for label in range(classes):
        here = labels == label
        images = int(here.sum())
        for answer in np.union1d(first[here], second[here]).tolist():
            one, other = first[here] == answer, second[here] == answer
            only_first, only_second = int((one & ~other).sum()), int((other & ~one).sum())
            if only_first + only_second:
                both = int((one & other).sum())
                low, high = difference_interval(only_first, only_second, both, images)
                cells.append(
                    {
                        "label": label,
                        "answer": answer,
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
    """Which models are wrong together: for each set of them, the images that it and no other model
    gets wrong, the most images first.

    Args:
        names: the models.
        predicted: their answers, (models, n).
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
    """The images, as indices, on which two or more models all give the same answer and the label
    is another: perhaps the label is wrong.
    """
    agree = (predicted == predicted[0]).all(axis=0) & (len(predicted) > 1)
    return np.flatnonzero(agree & (predicted[0] != labels))
