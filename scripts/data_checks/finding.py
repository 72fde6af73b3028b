"""The finding of a data check, as used in the statistics, on the page and in the review."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from dataset.pixel_range import robust_range
from drawing.images import as_grey, reduced

MOST_PICTURES = 5  # rows of pictures per check
SIDE = 32  # pixels; larger pictures are reduced, because git tracks the statistics
STOP, WARN, NOTE = "stop", "warn", "note"  # no model can be recommended; look at it; harmless


class Part(NamedTuple):
    """Images, (n, height, width), and their labels, (n,), int64, indices into the classes."""

    images: np.ndarray
    labels: np.ndarray


class Data(NamedTuple):
    """The parts of a dataset by name, "train" first and "test" last; its classes; and the pixel
    range of its training images.
    """

    parts: Mapping[str, Part]
    classes: Sequence[str]
    pixel_range: tuple[float, float]


def in_order(parts: Mapping[str, Part], classes: Sequence[str]) -> Data:
    """The `parts`, given in any order, as `Data` for the checks."""
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
    """The finding of a check as a dictionary for JSON.

    Args:
        check: the name of the check.
        severity: STOP, WARN or NOTE.
        found: sentences with the numbers.
        meaning: sentences on what this means for the results.
        action: sentences on what to do.
        pictures: rows of dictionaries from `picture` and `mean_picture`.
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
    """The image at `index` in a part, for a finding."""
    images, labels = data.parts[part]
    label = data.classes[labels[index]]
    return {"part": part, "index": index, "class": label, "pixels": _text(data, images[index])}


def mean_picture(data: Data, part: str, place: int, mean: np.ndarray) -> dict[str, Any]:
    """The `mean` image of the class at `place` in a part, for a finding."""
    label = data.classes[place]
    return {"part": part, "index": None, "class": label, "pixels": _text(data, mean)}


def _text(data: Data, image: np.ndarray) -> str:
    """The rows of an image, separated by spaces: one hexadecimal digit per pixel, for 16 greys."""
    low, high = data.pixel_range
    small = reduced(image[None], -(-max(image.shape) // SIDE))
    grey = as_grey(small, (low, high if high > low else low + 1))[0]
    return " ".join("".join(f"{level:x}" for level in row) for row in grey.tolist())


def share(count: int, total: int) -> str:
    """`count` of `total` as text, such as "180 of 360 (50.0 %)"."""
    digits = 1 if count * 1000 >= total else 2
    return f"{count:,} of {total:,} ({100 * count / total:.{digits}f} %)"


def number(value: float) -> str:
    """A pixel value as text, such as "65,535" or "0.3333"."""
    return f"{value:,.0f}" if value == round(value) else f"{value:.4g}"


def kind(part: str) -> str:
    """The adjective for the images of a part: "training", "validation" or "test"."""
    return "training" if part == "train" else part


def alarms(checks: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """A line for the terminal for each of the `checks` that is not a note, stops first."""
    return [
        f"{severity}: {one['found']} {one['meaning']} {one['action']}"
        for severity in (STOP, WARN)
        for one in checks.values()
        if one["severity"] == severity
    ]
