"""One part of the data as the models read it: images, class indices and the pixel range."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.arrays import Kind, read_checked
from core.errors import UserError
from core.npz import write_arrays

KINDS = {
    **{"images": Kind("uf", ("n", "height", "width")), "labels": Kind("i", ("n",))},
    **{"classes": Kind("U", ("classes",)), "pixel_range": Kind("f", (2,))},
}


@dataclass(frozen=True)
class Split:
    """The training, validation or test part.

    Attributes:
        images: (n, height, width), uint8 or float32, in the dataset's own units.
        labels: (n,), int64, indices into `classes`.
        classes: (k,), unicode, the classes as the dataset spells them, in its order.
        pixel_range: (2,), float64, the lowest and highest pixel of all training images of the
            dataset, without outliers. Models store it and scale their inputs with it, so that they
            accept images in the dataset's own units.
    """

    images: np.ndarray
    labels: np.ndarray
    classes: np.ndarray
    pixel_range: np.ndarray


def read_split(path: Path) -> Split:
    """Read a part that preprocess wrote. Raises UserError and OSError."""
    split = Split(**read_checked(path, KINDS))
    check_labels(str(path), split.labels, split.classes)
    check_range(str(path), split.pixel_range)
    return split


def check_labels(source: str, labels: np.ndarray, classes: np.ndarray) -> None:
    """Raise UserError if `labels`, (n,), of the file `source` are not indices of `classes`."""
    if len(labels) and not 0 <= labels.min() <= labels.max() < len(classes):
        raise UserError(
            f"{source}: labels from {labels.min()} to {labels.max()}; allowed: from 0 to"
            f" {len(classes) - 1}, the indices of the classes"
        )


def check_range(source: str, pixel_range: np.ndarray) -> None:
    """Raise UserError if nothing can be scaled by the `pixel_range`, (2,), of the file `source`."""
    low, high = np.float32(pixel_range)
    if not low < high:
        raise UserError(
            f"{source}: pixels from {low:g} to {high:g}; allowed: a lowest below a highest"
        )


def write_split(path: Path, split: Split) -> None:
    """Write `split` as one `.npz` archive."""
    write_arrays(
        path,
        images=split.images,
        labels=split.labels,
        classes=split.classes,
        pixel_range=split.pixel_range,
    )


def background(images: np.ndarray) -> float:
    """The background around the digits: the median border pixel of images, (n, h, w)."""
    borders = (images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1])
    return float(np.median(np.concatenate(borders, axis=None)))


def scaled_and_flat(images: np.ndarray, pixel_range: np.ndarray) -> np.ndarray:
    """Images as float32 rows, (n, height * width), with `pixel_range` mapped to [0, 1]."""
    low, high = np.float32(pixel_range)
    rows = images.reshape(len(images), np.prod(images.shape[1:])).astype(np.float32)
    rows -= low
    rows /= high - low
    return rows
