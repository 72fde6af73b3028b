"""Checks that pixel values mean the same in train and in the other parts."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from data_checks.finding import NOTE, STOP, WARN, Data, finding, number
from data_checks.look import Look, look_at
from data_checks.meaning import check_meaning

OTHER_SCALE, RATHER_OTHER_SCALE = 2.0, 1.25  # ratios of the ranges of two parts
OTHER_OFFSET, RATHER_OTHER_OFFSET = 0.25, 0.1  # shares of the larger range
OTHER_MEAN, OTHER_BACKGROUND = 0.1, 0.2  # shares of the range, and of the pixels
SAME_VALUE = 0.01  # share of the range by which background pixels may differ
SURE = 5.0  # standard errors


def check_likeness(data: Data, dtypes: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """The findings on how each other part differs from train.

    Args:
        data: the dataset.
        dtypes: the original dtypes of the parts.
    """
    train = look_at(data.parts["train"])
    for name, part in data.parts.items():
        if name == "train":
            continue
        other = look_at(part)
        scale = _scale(name, train, other, dtypes)
        if scale:
            yield scale
            if scale["severity"] == STOP:
                continue  # nothing can be compared across scales
        meaning = check_meaning(data, name, train, other)
        if meaning:
            yield meaning
        if not meaning or meaning["severity"] != STOP:
            yield from filter(None, [_mean(name, train, other), _background(name, train, other)])


def _scale(name: str, train: Look, other: Look, dtypes: Mapping[str, str]) -> dict[str, Any] | None:
    ranges = train.high - train.low, other.high - other.low
    ratio = max(ranges) / min(ranges) if min(ranges) > 0 else 1.0
    offset = abs(other.low - train.low) / max(ranges) if max(ranges) > 0 else 0.0
    types = dtypes.get("train"), dtypes.get(name)
    were = f"; their dtypes were {types[0]} and {types[1]}" if types[0] != types[1] else ""
    found = (
        f"The pixels of a typical training image range from {number(train.low)} to"
        f" {number(train.high)}, those of a typical {name} image from {number(other.low)} to"
        f" {number(other.high)} (medians of each image's lowest and highest pixel){were}."
    )
    if ratio >= OTHER_SCALE or offset >= OTHER_OFFSET:
        severity, is_what = STOP, "another scale"
    elif ratio >= RATHER_OTHER_SCALE or offset >= RATHER_OTHER_OFFSET:
        severity, is_what = WARN, "another contrast"
    elif were:
        return finding(
            f"{name}_dtype",
            NOTE,
            found,
            "Their ranges are similar, so pixel values mean the same in both.",
            "Nothing needs to be done.",
        )
    else:
        return None
    return finding(
        f"{name}_scale",
        severity,
        found,
        f"This is {is_what}. The models scale all images by the pixel range of the training images,"
        f" so the {name} images look unlike the training images, and which model is best on them is"
        " a matter of chance.",
        "Use one scale for both parts: divide both by 255, or neither; standardize both with the"
        " mean and standard deviation of the training images.",
    )


def _mean(name: str, train: Look, other: Look) -> dict[str, Any] | None:
    apart = abs(other.mean - train.mean)
    if apart <= max(OTHER_MEAN * (train.high - train.low), SURE * (train.error + other.error)):
        return None
    return finding(
        f"{name}_brightness",
        WARN,
        f"The mean pixel is {train.mean:.4g} in train and {other.mean:.4g} in {name}; a typical"
        f" training image ranges from {number(train.low)} to {number(train.high)}.",
        f"The {name} images differ from the training images in lighting, stroke width or cropping."
        " Accuracy on them says little about images like the training images.",
        "Check whether both parts were prepared in the same way.",
    )


def _background(name: str, train: Look, other: Look) -> dict[str, Any] | None:
    """The share of pixels that are close to the most frequent value of train."""
    values, counts = np.unique(train.part.images[:1000], return_counts=True)
    value, near = values[counts.argmax()], SAME_VALUE * (train.high - train.low)
    shares = [float((np.abs(look.part.images - value) <= near).mean()) for look in (train, other)]
    if abs(shares[0] - shares[1]) <= OTHER_BACKGROUND:
        return None
    return finding(
        f"{name}_background",
        WARN,
        f"The most frequent pixel value of train is {number(value)}: {100 * shares[0]:.0f} % of the"
        f" pixels of train have it, and {100 * shares[1]:.0f} % of those of {name}.",
        "The backgrounds differ: one part may have been compressed, resized or smoothed.",
        "Check whether both parts were prepared in the same way.",
    )
