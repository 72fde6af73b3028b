"""The dataset that the download stage writes: checked images and labels of all parts."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import UserError
from core.files import as_json
from core.npz import read_arrays, write_arrays
from core.text import printable
from dataset.found import Found
from dataset.labels import LONGEST_NAME, indexed

PARTS = ("train", "test", "validation")
# The dimensions and dtype kinds of each array in the file. A missing validation part has no images.
KINDS = {
    **{"name": (0, "U"), "classes": (1, "U"), "origin": (1, "u")},
    **{f"x_{part}": (3, "uf") for part in PARTS},
    **{f"y_{part}": (1, "i") for part in PARTS},
}
MOST_ORIGIN = 2**16  # bytes of JSON


@dataclass(frozen=True)
class Dataset:
    """Labelled grey images.

    Attributes:
        name: the name on the page.
        classes: (k,), unicode, as the dataset spells them: in the order that the dataset defines,
            else numbers in numeric order, else sorted as text. Each class occurs in y_train.
        x_train, x_test: images, (n, height, width), uint8 or float32, in the dataset's own units.
        y_train, y_test: labels, (n,), int64, indices into `classes`.
        x_validation, y_validation: the same; None if the dataset has no validation part.
        origin: what was read and how it was converted, as JSON: "dtypes" and "ranges", the original
            dtype and the lowest and highest pixel of each part; "format"; "colour", whether it was
            converted to grey; "transposed"; "resized", the new height and width, or None;
            "test_size", the share that was split off as the test part, or None; "unused_files", the
            number of files left out, and "unused", the names of some.
    """

    name: str
    classes: np.ndarray
    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    x_validation: np.ndarray | None
    y_validation: np.ndarray | None
    origin: dict[str, Any]


def checked_dataset(name: str, source: str, found: Found) -> Dataset:
    """Make a Dataset from what a reader found.

    Args:
        name: the name of the dataset.
        source: the start of error messages.
        found: the images and labels.

    Raises:
        UserError: shapes, lengths, dtypes, labels or pixels are invalid.
    """
    images = {part: _checked_images(source, part, given) for part, given in found.images.items()}
    for part, own in images.items():
        if own.shape[1:] != images["train"].shape[1:]:
            raise UserError(
                f"{source}: images of {_size(images['train'])} in train and {_size(own)} in"
                f" {part}; allowed: one size"
            )
        kinds = [_numbers(found.images[each]) for each in ("train", part)]
        if kinds[0] != kinds[1]:
            raise UserError(
                f"{source}: train has {kinds[0]} numbers and {part} has {kinds[1]} numbers;"
                " allowed: the same kind in both"
            )
        shape = found.labels[part].shape
        if shape[:1] != (len(own),):
            raise UserError(
                f"{source}: {len(own)} images and {shape[0] if shape else 'no'} labels in {part};"
                " allowed: one label per image"
            )
    classes, labels = indexed(
        source, {part: found.labels[part] for part in images}, found.class_names
    )
    if len(classes) < 2:
        raise UserError(f"{source}: only class {classes[0]} in train; allowed: two or more")
    origin = {
        "dtypes": {part: str(found.images[part].dtype) for part in images},
        "ranges": {
            part: [float(found.images[part].min()), float(found.images[part].max())]
            for part in images
        },
        **{"colour": False, "transposed": False, "resized": None, "test_size": None},
        **{"unused": [], "unused_files": 0},
        **found.origin,
    }
    pixels = np.uint8 if all(own.dtype == np.uint8 for own in images.values()) else np.float32
    return _dataset(
        name,
        classes,
        {part: own.astype(pixels, copy=False) for part, own in images.items()},
        labels,
        origin,
    )


def read_dataset(path: Path) -> Dataset:
    """Read and check a file that `write_dataset` wrote. Raises UserError and OSError."""
    arrays = read_arrays(path, tuple(KINDS))
    try:
        classes = arrays["classes"].tolist()
        fault = _fault(arrays, classes)
        origin = {} if fault else json.loads(arrays["origin"].tobytes())
        name = str(arrays["name"])
    except (ValueError, SystemError, RecursionError) as error:  # invalid JSON or characters
        raise UserError(f"{path}: not in download's format ({type(error).__name__})") from error
    if fault or not isinstance(origin, dict):
        raise UserError(f"{path}: not in download's format ({fault or 'origin'})")
    parts = [part for part in PARTS if part != "validation" or len(arrays["x_validation"])]
    images, labels = ({part: arrays[f"{kind}_{part}"] for part in parts} for kind in "xy")
    return _dataset(name, arrays["classes"], images, labels, origin)


def write_dataset(path: Path, dataset: Dataset) -> None:
    """Write `dataset` as one `.npz` archive. Raises ValueError for NaN in its origin."""
    none = dataset.x_validation is None
    write_arrays(
        path,
        name=np.array(dataset.name),
        classes=dataset.classes,
        x_train=dataset.x_train,
        y_train=dataset.y_train,
        x_test=dataset.x_test,
        y_test=dataset.y_test,
        x_validation=dataset.x_train[:0] if none else dataset.x_validation,
        y_validation=dataset.y_train[:0] if none else dataset.y_validation,
        origin=np.frombuffer(as_json(dataset.origin).encode(), np.uint8),
    )


def _dataset(
    name: str,
    classes: np.ndarray,
    images: dict[str, np.ndarray],
    labels: dict[str, np.ndarray],
    origin: dict[str, Any],
) -> Dataset:
    arrays = {}
    for part in PARTS:
        arrays |= {f"x_{part}": images.get(part), f"y_{part}": labels.get(part)}
    return Dataset(name, classes, **arrays, origin=origin)


def _fault(arrays: dict[str, np.ndarray], classes: list[str]) -> str | None:
    """The first array that `write_dataset` cannot have written, if any."""
    for name, (dimensions, kinds) in KINDS.items():
        if arrays[name].ndim != dimensions or arrays[name].dtype.kind not in kinds:
            return name
    if arrays["origin"].nbytes > MOST_ORIGIN:
        return "origin"
    named = all(0 < len(text) <= LONGEST_NAME and printable(text) == text for text in classes)
    if not named or len(set(classes)) < len(classes):
        return "classes"
    shape, dtype = arrays["x_train"].shape[1:], arrays["x_train"].dtype
    if dtype not in (np.uint8, np.float32) or 0 in shape:
        return "x_train"
    for part in PARTS:
        images, labels = arrays[f"x_{part}"], arrays[f"y_{part}"]
        missing = not len(images) and part != "validation"
        if missing or images.shape[1:] != shape or images.dtype != dtype:
            return f"x_{part}"
        if len(images) and not _finite(images):
            return f"x_{part}"
        if labels.dtype != np.int64 or len(labels) != len(images):
            return f"y_{part}"
        if ((labels < 0) | (labels >= len(classes))).any():
            return f"y_{part}"
    met = len(np.unique(arrays["y_train"]))
    return None if met == len(classes) >= 2 else "y_train"


def _checked_images(source: str, part: str, images: np.ndarray) -> np.ndarray:
    if images.ndim == 4 and images.shape[3] == 1:
        images = images[..., 0]
    if images.ndim != 3 or 0 in images.shape[1:]:
        raise UserError(
            f"{source}: the images of {part} have shape {images.shape}; allowed: (images, height,"
            " width)"
        )
    if len(images) == 0:
        raise UserError(f"{source}: no images in {part}; allowed: at least one")
    if images.dtype.kind not in "buif":
        raise UserError(
            f"{source}: the images of {part} have dtype {images.dtype}; allowed: whole or real"
            " numbers"
        )
    if images.dtype.kind == "f" and not _finite(images):
        raise UserError(f"{source}: {part} contains NaN or infinity; allowed: finite numbers")
    if images.dtype.kind in "bui" and images.min() >= 0 and images.max() <= 255:
        return images.astype(np.uint8, copy=False)
    with np.errstate(over="ignore"):  # the next line finds it
        images = images.astype(np.float32, copy=False)
    if not _finite(images):
        raise UserError(f"{source}: {part} has numbers that are too large for float32")
    return images


def _finite(images: np.ndarray) -> bool:
    """Whether all pixels are finite: tested on the extremes, which needs no extra memory."""
    return bool(np.isfinite(images.min()) and np.isfinite(images.max()))


def _numbers(images: np.ndarray) -> str:
    return "real" if images.dtype.kind == "f" else "whole"


def _size(images: np.ndarray) -> str:
    return "x".join(map(str, images.shape[1:]))
