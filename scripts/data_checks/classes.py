"""Checks of the classes: in one part only, with different shares, or not a class at all."""

import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from data_checks.finding import NOTE, WARN, Data, finding, share

NO_CLASS = {"unlabelled", "unlabeled", "unknown", "none", "nan", "null", "n/a", "na", "?"}
FEWEST_CLASSES = 3  # besides -1; with fewer, the labels may be -1 and 1, or -1, 0 and 1
EXPECTED = 5  # expected images of a class from which its absence is not chance
OTHER_SHARE, SURE = 0.1, 5.0  # of the images, standard errors


def check_classes(data: Data) -> Iterator[dict[str, Any]]:
    """The findings on the classes and on their numbers of images."""
    places = range(len(data.classes))
    counts = {
        name: np.bincount(part.labels, minlength=len(data.classes))
        for name, part in data.parts.items()
    }
    numbers = [label for label in data.classes if re.fullmatch(r"\d+", label)]
    for place, label in enumerate(data.classes):
        no_number = label == "-1" and len(numbers) == len(data.classes) - 1 >= FEWEST_CLASSES
        if no_number or label.lower() in NO_CLASS:
            yield _no_class(label, {name: int(count[place]) for name, count in counts.items()})
    train = counts.pop("train")
    for name, count in counts.items():
        expected = train / train.sum() * count.sum()
        missing = [place for place in places if not count[place]]
        if missing:
            yield _missing(data, name, missing, train, expected)
        gaps = np.abs(expected - count) / count.sum()
        shares = (train + count) / (train.sum() + count.sum())
        error = np.sqrt(shares * (1 - shares) * (1 / train.sum() + 1 / count.sum()))
        gaps[(count == 0) | (gaps <= SURE * error)] = 0
        if gaps.max() >= OTHER_SHARE:
            yield _other_shares(data, name, train, count, int(gaps.argmax()))


def _no_class(label: str, counts: dict[str, int]) -> dict[str, Any]:
    each = ", ".join(f"{count:,} in {name}" for name, count in counts.items())
    return finding(
        "no_class",
        WARN,
        f"{sum(counts.values()):,} images are labelled {label}: {each}.",
        "This label often marks images without a label. The models learn it as a class of its own,"
        " and every accuracy includes it.",
        "Remove these images, unless the label is a class like the others.",
    )


def _missing(
    data: Data, name: str, missing: list[int], train: np.ndarray, expected: np.ndarray
) -> dict[str, Any]:
    most = sorted(missing, key=lambda place: -train[place])
    each = ", ".join(f"{data.classes[place]} ({train[place]:,})" for place in most[:5])
    more = f" and {len(most) - 5} more" if len(most) > 5 else ""
    return finding(
        f"class_not_in_{name}",
        WARN if expected[missing].max() >= EXPECTED else NOTE,
        f"{len(missing)} of {len(data.classes)} classes have no image in {name} (in brackets: their"
        f" images in train): {each}{more}.",
        f"Accuracy on {name} says nothing about these classes.",
        f"Add images of these classes to {name}, or remove the classes.",
    )


def _other_shares(
    data: Data, name: str, train: np.ndarray, count: np.ndarray, widest: int
) -> dict[str, Any]:
    return finding(
        f"class_shares_of_{name}",
        WARN,
        f"Class {data.classes[widest]} has {share(int(train[widest]), int(train.sum()))} images of"
        f" train, but {share(int(count[widest]), int(count.sum()))} of {name}.",
        f"Accuracy on {name} weights the classes differently than training does. Another model may"
        " be the best where classes are as frequent as in train.",
        "Make the class shares of both parts those that you expect in use, or compare the models"
        " class by class.",
    )
