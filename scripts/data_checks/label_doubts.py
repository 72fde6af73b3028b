"""Labels to check: those that a model contradicts that was not trained on these images."""

from typing import Any

import numpy as np
import pandas as pd

from core.text import csv_text
from data_checks.finding import Data, picture
from data_checks.held_out import held_out_probabilities

COLUMNS = (
    *("part", "index", "label", "suggested"),
    *("probability_of_label", "probability_of_suggested"),
)
SHOWN = 25  # images with a picture
DIGITS = 4  # of probabilities


def doubt_labels(data: Data, folds: int, seed: int) -> tuple[str, dict[str, Any]]:
    """The labels to check, the most doubtful first: as CSV, and for the statistics.

    Classes with fewer images than folds are left out: these are too few to learn the class from.

    Args:
        data: the dataset.
        folds: of the cross-validation; 0 returns only the header, and no statistics.
        seed: chooses the fold of each image.
    """
    if not folds:
        return f"{','.join(COLUMNS)}\n", {}
    labels = np.concatenate([part.labels for part in data.parts.values()])
    likely = held_out_probabilities(
        list(data.parts.values()), data.pixel_range, len(data.classes), folds, seed
    )
    known = np.bincount(labels, minlength=len(data.classes)) >= folds
    numbers, suggested = find_doubtful(labels, likely, known)
    starts = np.cumsum([0, *(len(part.labels) for part in data.parts.values())])
    place = np.searchsorted(starts, numbers, side="right") - 1
    names = np.array([csv_text(name) for name in data.classes], object)
    rows = (
        *(np.array(list(data.parts), object)[place], numbers - starts[place]),
        *(names[labels[numbers]], names[suggested]),
        *(likely[numbers, each].round(DIGITS) for each in (labels[numbers], suggested)),
    )
    table = pd.DataFrame(dict(zip(COLUMNS, rows, strict=True)))
    found = {
        "folds": folds,
        "agreement": round(float((likely.argmax(axis=1) == labels).mean()), DIGITS),
        "not_judged": int((~known)[labels].sum()),
        "found": {part: int((place == at).sum()) for at, part in enumerate(data.parts)},
        # Rows, as in `finding`: DVC would plot a list of objects.
        "images": [
            [
                {
                    **picture(data, row.part, row.index),
                    "suggested": data.classes[suggestion],
                    "probability": round(float(row.probability_of_suggested), DIGITS),
                }
            ]
            for row, suggestion in zip(
                table[:SHOWN].itertuples(index=False), suggested.tolist(), strict=False
            )
        ],
    }
    return table.to_csv(index=False, float_format=f"%.{DIGITS}f", lineterminator="\n"), {
        "labels": found
    }


def find_doubtful(
    labels: np.ndarray, likely: np.ndarray, known: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The indices of images with doubtful labels, the most doubtful first, and the classes that are
    suggested instead.

    This is confident learning (Northcutt, Jiang and Chuang 2021): a label is doubtful if the most
    probable class is another one, and at least as probable as this class is, on average, for the
    images labelled with it. Unlike in the paper, only the most probable class is suggested: the
    average of a rare class is so low that nearly any image would exceed it.

    Args:
        labels: (n,), int64.
        likely: (n, classes), probabilities from a model that was not trained on the image.
        known: (classes,), bool, whether labels of this class are judged and suggested.
    """
    counts = np.bincount(labels, minlength=len(known))
    own = likely[np.arange(len(labels)), labels]
    means = np.bincount(labels, own, len(known)) / np.maximum(counts, 1)
    suggested = likely.argmax(axis=1)
    confident = likely.max(axis=1) >= means[suggested]
    numbers = np.flatnonzero(confident & (suggested != labels) & known[suggested] & known[labels])
    numbers = numbers[np.argsort(own[numbers], kind="stable")]
    return numbers, suggested[numbers]
