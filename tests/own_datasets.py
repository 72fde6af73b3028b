"""Datasets of somebody's own, small, in each format that people have; and what download makes."""

import csv
import gzip
import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from core.errors import UserError
from dataset.dataset import Dataset, read_dataset
from download import download

DTYPES = {"u1": 8, "i1": 9, "i2": 11, "i4": 12, "f4": 13, "f8": 14}


def fetched(
    output: Path, path: Path | str = "none", dataset: str = "own", **changes: Any
) -> Dataset:
    """What download makes of the dataset at `path`, or of another `dataset`."""
    values = {"test_size": 0.2, "test_seed": 1, "resize": "none", "transpose": False}
    values |= {"timeout": 1, "attempts": 1, "mirror": None}
    download(output, dataset, Path(path), **{**values, **changes})
    return read_dataset(output)


def numbered(count: int, height: int = 6, width: int = 6) -> np.ndarray:
    """Images that are all different, (count, height, width), uint8."""
    return np.random.default_rng(count).integers(0, 256, (count, height, width), np.uint8)


X, Y = numbered(12), np.arange(12) % 3
X_TEST, Y_TEST = numbered(6), np.arange(6) % 3


def take(folder: Path, path: Path | str, **changes):
    return fetched(folder / "out.npz", path, **changes)


def assert_whole(dataset, test: bool = True, names: list[str] | None = None) -> None:
    """`X` and `Y` are the training part; and `X_TEST` and `Y_TEST` the test part."""
    np.testing.assert_array_equal(dataset.x_train, X)
    np.testing.assert_array_equal(dataset.y_train, Y)
    if test:
        np.testing.assert_array_equal(dataset.x_test, X_TEST)
        np.testing.assert_array_equal(dataset.y_test, Y_TEST)
    assert dataset.classes.tolist() == (names or ["0", "1", "2"])


def refusal(folder: Path, path: Path | str, **changes) -> str:
    with pytest.raises(UserError) as error:
        take(folder, path, **changes)
    assert str(error.value).isprintable()
    assert not (folder / "out.npz").exists()
    return str(error.value)


def idx(array: np.ndarray) -> bytes:
    kind = DTYPES[f"{array.dtype.kind}{array.dtype.itemsize}"]
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, kind, array.ndim, *array.shape)
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


def write_idx(folder: Path, prefix: str = "", packed: bool = True, **arrays: np.ndarray) -> None:
    """The four files of MNIST's names: `images_train`, `labels_train`, `images_t10k` and so on."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in arrays.items():
        kind, part = name.split("_")
        content = idx(array)
        path = folder / f"{prefix}{part}-{kind}-idx{array.ndim}-ubyte"
        if packed:
            path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(content))
        else:
            path.write_bytes(content)


def csv_text(images: np.ndarray, labels: np.ndarray | None) -> str:
    """A table as on Kaggle."""
    text = io.StringIO()
    writer = csv.writer(text)
    rows = images.reshape(len(images), -1)
    header = [f"pixel{place}" for place in range(rows.shape[1])]
    writer.writerow(header if labels is None else ["label", *header])
    for place, row in enumerate(rows.tolist()):
        writer.writerow(row if labels is None else [labels[place], *row])
    return text.getvalue()


def write_pictures(
    folder: Path, images: np.ndarray, labels: np.ndarray, suffix: str = "png"
) -> None:
    """A folder for each class, the images in it numbered."""
    for place, (image, label) in enumerate(zip(images, labels, strict=True)):
        path = folder / str(label) / f"{place:04}.{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)


def save(path: Path, image: Image.Image, **options) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **options)
