"""Checks of pixel values: outliers, blank images, and images with only a few values."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from data_checks.finding import (
    MOST_PICTURES,
    NOTE,
    WARN,
    Data,
    finding,
    kind,
    number,
    picture,
    share,
)
from dataset.pixel_range import robust_range

MANY = 0.001  # of the images of a part
FEW_VALUES = 3
SAMPLE = 1_000  # images to check first


def check_greys(data: Data, dtypes: Mapping[str, str]) -> dict[str, Any] | None:
    """The finding if the training images have only a few pixel values.

    Args:
        data: the dataset.
        dtypes: the original dtypes of the parts.
    """
    images, dtype = data.parts["train"].images, dtypes.get("train", "")
    if len(np.unique(images[:SAMPLE])) > FEW_VALUES:
        return None
    values, counts = np.unique(images, return_counts=True)
    if len(values) > FEW_VALUES or len(values) < 2:
        return None
    each = [
        f"{number(value)} ({100 * count / images.size:.1f} %)"
        for value, count in zip(values.tolist(), counts.tolist(), strict=True)
    ]
    cut = values.tolist() == list(range(len(values))) and "int" in dtype
    return finding(
        "few_values",
        WARN if cut else NOTE,
        f"The pixels of train have only {len(values)} values: {', '.join(each)}.",
        "Dividing and rounding down leaves such values, as in (x / 255).astype(uint8): the greys"
        " are lost."
        if cut
        else "The images are black and white, without greys.",
        "Save the original values from 0 to 255, or real numbers from 0 to 1."
        if cut
        else "Nothing needs to be done if this is intended.",
    )


def check_pixels(data: Data) -> Iterator[dict[str, Any]]:
    """The findings on the pixels of each part."""
    for name, part in data.parts.items():
        lowest, highest = (each(axis=(1, 2)) for each in (part.images.min, part.images.max))
        low, high = robust_range(part.images)
        outside = np.flatnonzero((lowest < low) | (highest > high))
        if outside.size:
            yield _outside(data, name, low, high, outside)
        empty = np.flatnonzero(lowest == highest)
        if empty.size:
            yield _empty(data, name, empty)


def _outside(data: Data, name: str, low: float, high: float, images: np.ndarray) -> dict[str, Any]:
    pixels = data.parts[name].images[images]
    far = (pixels < low) | (pixels > high)
    ends = " to ".join(number(end) for end in np.unique([pixels[far].min(), pixels[far].max()]))
    scaled = {
        "train": "Scaling by these pixels would leave little contrast in the other images, so the"
        f" models scale by {number(low)} to {number(high)} and clip pixels outside of it.",
    }.get(name, "What a model predicts for these images is a matter of chance.")
    return finding(
        f"{name}_far_outside",
        WARN,
        f"{share(len(images), len(data.parts[name].images))} {kind(name)} images have {far.sum():,}"
        f" {'pixels' if far.sum() > 1 else 'pixel'} far outside of the range of all others,"
        f" {number(low)} to {number(high)}: {ends}.",
        scaled,
        "Look at these images; correct or remove them.",
        [[picture(data, name, index)] for index in images[:MOST_PICTURES].tolist()],
    )


def _empty(data: Data, name: str, images: np.ndarray) -> dict[str, Any]:
    total = len(data.parts[name].images)
    shown = ", ".join(map(str, images[:5].tolist()))
    return finding(
        f"{name}_of_one_value",
        WARN if len(images) >= MANY * total else NOTE,
        f"{share(len(images), total)} {kind(name)} images are blank, all pixels of one value:"
        f" number {shown}{' and more' if len(images) > 5 else ''}.",
        "They show nothing, so no model can tell their class.",
        "Check whether they were read correctly; remove them.",
    )
