"""Labels to look at again: of images that a model which has not seen them gives another label."""

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
    """The labels to look at again, the most doubtful first: as CSV, and as statistics have them.

    Classes of fewer images than folds are left out: too few others tell what they look like.

    Args:
        folds: of the cross-validation; 0 gives the heading alone, and no statistics.
        seed: says which fold an image is in.
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
        # A row each, as `finding` has them: DVC would plot a list of objects.
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
    """The numbers of images whose labels are doubtful, the most doubtful first, and the classes
    that they would have.

    By confident learning (Northcutt, Jiang and Chuang 2021): doubtful is an image whose most
    probable class is not its label, and at least as probable as it is, in the mean, for the images
    that are labelled so. A less probable class is never suggested, as it could be by the paper: a
    rare one has so low a mean that it is sure of anything.

    Args:
        labels: (n,), int64.
        likely: (n, classes), the probabilities by a model that has not seen the image's label.
        known: (classes,), bool, whether a class can be doubted and suggested.
    """
    counts = np.bincount(labels, minlength=len(known))
    own = likely[np.arange(len(labels)), labels]
    means = np.bincount(labels, own, len(known)) / np.maximum(counts, 1)
    suggested = likely.argmax(axis=1)
    sure = likely.max(axis=1) >= means[suggested]
    numbers = np.flatnonzero(sure & (suggested != labels) & known[suggested] & known[labels])
    numbers = numbers[np.argsort(own[numbers], kind="stable")]
    return numbers, suggested[numbers]
