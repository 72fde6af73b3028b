"""The dataset as the download stage leaves it: checked images and labels, for training and test."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.errors import UserError
from core.npz import read_arrays, write_arrays

ARRAYS = ("x_train", "y_train", "x_test", "y_test")


@dataclass(frozen=True)
class Dataset:
    """Grey images with whole-number labels.

    Attributes:
        name: what the report calls it.
        x_train, x_test: images, (n, height, width), uint8 or float32, in the dataset's own units.
        y_train, y_test: labels, (n,), int64; each label in y_test occurs in y_train.
    """

    name: str
    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray


def checked_dataset(name: str, source: str, arrays: dict[str, np.ndarray]) -> Dataset:
    """Make a Dataset of the four `ARRAYS`, or say what is wrong with them.

    Raises:
        UserError: shapes, lengths, dtypes, labels or pixels are not those of a dataset; the
            message begins with `source`.
    """
    x = {part: _checked_images(source, part, arrays[part]) for part in ("x_train", "x_test")}
    if x["x_train"].shape[1:] != x["x_test"].shape[1:]:
        raise UserError(
            f"{source}: images of {_size(x['x_train'])} in x_train and {_size(x['x_test'])} in"
            " x_test; allowed: one size"
        )
    kinds = {part: "real" if arrays[part].dtype.kind == "f" else "whole" for part in x}
    if kinds["x_train"] != kinds["x_test"]:
        raise UserError(
            f"{source}: x_train holds {kinds['x_train']} numbers and x_test {kinds['x_test']} ones;"
            " allowed: the same in both, or a pixel would not mean the same"
        )
    pixels = np.uint8 if all(part.dtype == np.uint8 for part in x.values()) else np.float32
    y = {}
    for images, labels in (("x_train", "y_train"), ("x_test", "y_test")):
        y[labels] = _checked_labels(source, labels, arrays[labels])
        if len(y[labels]) != len(x[images]):
            raise UserError(
                f"{source}: {len(x[images])} images in {images} and {len(y[labels])} labels in"
                f" {labels}; allowed: one label an image"
            )
    unknown = np.setdiff1d(y["y_test"], y["y_train"])
    if unknown.size:
        raise UserError(f"{source}: class {unknown[0]} is in y_test and not in y_train")
    if len(np.unique(y["y_train"])) < 2:
        raise UserError(f"{source}: only class {y['y_train'][0]} in y_train; allowed: two or more")
    x_train, x_test = (part.astype(pixels, copy=False) for part in x.values())
    return Dataset(name, x_train, y["y_train"], x_test, y["y_test"])


def read_dataset(path: Path) -> Dataset:
    """Read what `write_dataset` wrote, checked again. Raises UserError and OSError."""
    arrays = read_arrays(path, (*ARRAYS, "name"))
    return checked_dataset(str(arrays.pop("name")), str(path), arrays)


def write_dataset(path: Path, dataset: Dataset) -> None:
    """Write `dataset` as one `.npz` archive."""
    write_arrays(
        path,
        name=np.array(dataset.name),
        x_train=dataset.x_train,
        y_train=dataset.y_train,
        x_test=dataset.x_test,
        y_test=dataset.y_test,
    )


def _checked_images(source: str, name: str, images: np.ndarray) -> np.ndarray:
    if images.ndim == 4 and images.shape[3] == 1:
        images = images[..., 0]
    if images.ndim != 3 or 0 in images.shape[1:]:
        raise UserError(
            f"{source}: {name} has shape {images.shape}; allowed: (images, height, width)"
        )
    if len(images) == 0:
        raise UserError(f"{source}: no images in {name}; allowed: at least one")
    if images.dtype.kind not in "buif":
        raise UserError(
            f"{source}: {name} has dtype {images.dtype}; allowed: whole or real numbers"
        )
    if images.dtype.kind == "f" and not _finite(images):
        raise UserError(f"{source}: {name} contains NaN or infinity; allowed: finite numbers")
    if images.dtype.kind in "bui" and images.min() >= 0 and images.max() <= 255:
        return images.astype(np.uint8, copy=False)
    with np.errstate(over="ignore"):  # found in the next line
        images = images.astype(np.float32, copy=False)
    if not _finite(images):
        raise UserError(f"{source}: {name} has numbers too large for float32")
    return images


def _checked_labels(source: str, name: str, labels: np.ndarray) -> np.ndarray:
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        raise UserError(f"{source}: {name} has shape {labels.shape}; allowed: (images,)")
    if labels.dtype.kind not in "uif":
        raise UserError(f"{source}: {name} has dtype {labels.dtype}; allowed: whole numbers")
    if labels.dtype.kind == "f" and not (np.isfinite(labels) & (labels == np.rint(labels))).all():
        raise UserError(f"{source}: {name} has labels that are not whole numbers")
    if labels.size and max(abs(float(labels.min())), abs(float(labels.max()))) >= 2**53:
        raise UserError(f"{source}: {name} has labels beyond 2^53; allowed: smaller whole numbers")
    return labels.astype(np.int64, copy=False)


def _finite(images: np.ndarray) -> bool:
    """Whether all are numbers: by the extremes, which takes no memory for each pixel."""
    return bool(np.isfinite(images.min()) and np.isfinite(images.max()))


def _size(images: np.ndarray) -> str:
    return "x".join(map(str, images.shape[1:]))
