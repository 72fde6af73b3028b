"""What a check found, as statistics, page and review have it."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from dataset.pixel_range import robust_range
from drawing.images import as_grey, reduced

MOST_PICTURES = 5  # rows of pictures with one check
SIDE = 32  # pixels; larger pictures are made smaller, since statistics are kept in git
STOP, WARN, NOTE = "stop", "warn", "note"  # the page cannot say whom to trust; look; no matter


class Part(NamedTuple):
    """Images, (n, height, width), and their classes, (n,), int64, as indices of class names."""

    images: np.ndarray
    labels: np.ndarray


class Data(NamedTuple):
    """The parts of a dataset by name, "train" first and "test" last; its classes; the range of its
    training images.
    """

    parts: Mapping[str, Part]
    classes: Sequence[str]
    pixel_range: tuple[float, float]


def in_order(parts: Mapping[str, Part], classes: Sequence[str]) -> Data:
    """The `parts`, given in any order, as checks take them."""
    ordered = {name: parts[name] for name in ("train", "validation", "test") if name in parts}
    return Data(ordered, classes, robust_range(ordered["train"].images))


def finding(
    check: str,
    severity: str,
    found: str,
    meaning: str,
    action: str,
    pictures: Sequence[Sequence[dict[str, Any]]] = (),
) -> dict[str, Any]:
    """What a check found, in sentences: with numbers; what that means; what to do.

    Args:
        check: its name.
        severity: STOP, WARN or NOTE.
        pictures: rows of those that `picture` and `mean_picture` give.
    """
    said = {
        "check": check,
        "severity": severity,
        "found": found,
        "meaning": meaning,
        "action": action,
    }
    if pictures:
        said["images"] = [list(row) for row in pictures[:MOST_PICTURES]]
    return said


def picture(data: Data, part: str, index: int) -> dict[str, Any]:
    """The image with the number `index` of a part."""
    images, labels = data.parts[part]
    label = data.classes[labels[index]]
    return {"part": part, "index": index, "class": label, "pixels": _text(data, images[index])}


def mean_picture(data: Data, part: str, place: int, mean: np.ndarray) -> dict[str, Any]:
    """The `mean` image of the class at `place` in a part."""
    label = data.classes[place]
    return {"part": part, "index": None, "class": label, "pixels": _text(data, mean)}


def _text(data: Data, image: np.ndarray) -> str:
    """The rows of an image, a hexadecimal digit for each of 16 greys, with spaces between."""
    low, high = data.pixel_range
    small = reduced(image[None], -(-max(image.shape) // SIDE))
    grey = as_grey(small, (low, high if high > low else low + 1))[0]
    return " ".join("".join(f"{level:x}" for level in row) for row in grey.tolist())


def share(count: int, total: int) -> str:
    """In words, as 180 of 360 (50.0 %)."""
    digits = 1 if count * 1000 >= total else 2
    return f"{count:,} of {total:,} ({100 * count / total:.{digits}f} %)"


def number(value: float) -> str:
    """A pixel in words, as 65,535 or 0.3333."""
    return f"{value:,.0f}" if value == round(value) else f"{value:.4g}"


def kind(part: str) -> str:
    """What images of a part are called: training, validation or test images."""
    return "training" if part == "train" else part


def alarms(checks: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """A line for each of the `checks`, by name, that is no note: for a terminal, stops first."""
    return [
        f"{severity}: {one['found']} {one['meaning']} {one['action']}"
        for severity in (STOP, WARN)
        for one in checks.values()
        if one["severity"] == severity
    ]
