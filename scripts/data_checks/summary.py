"""The statistics of a dataset: images, pixels and classes of each part, and their preparation."""

import hashlib
import re
from typing import Any

import numpy as np

from data_checks.preparation import describe_preparation
from dataset.dataset import Dataset
from evaluation.significance import ALPHA, same_shares


def summarize(data: Dataset) -> dict[str, Any]:
    """The statistics of `data` in stats.json, without the checks."""
    classes = data.classes.tolist()
    train, test = (np.bincount(y, minlength=len(classes)) for y in (data.y_train, data.y_test))
    return {
        "dataset": data.name,
        "sha256": _content_hash(data),
        "image_shape": list(data.x_train.shape[1:]),
        "parts": {"train": _describe(data.x_train), "test": _describe(data.x_test)},
        "class_counts": [
            {"class": name, "train": in_train, "test": in_test}
            for name, in_train, in_test in zip(classes, train.tolist(), test.tolist(), strict=True)
        ],
        "train_against_test": _compare(train, test),
        "preparation": describe_preparation(data),
    }


def _describe(images: np.ndarray) -> dict[str, object]:
    return {
        "images": len(images),
        "dtype": str(images.dtype),
        "minimum": float(images.min()),
        "maximum": float(images.max()),
        "mean": float(images.mean(dtype=np.float64)),
        "standard_deviation": float(images.std(dtype=np.float64)),
    }


def _compare(train: np.ndarray, test: np.ndarray) -> dict[str, object]:
    """A test of whether the class counts of the two parts differ, and a sentence about it."""
    p_value = same_shares(np.stack([train, test]))
    widest = float(100 * np.abs(train / train.sum() - test / test.sum()).max())
    finding = "no" if p_value >= ALPHA else "a"
    return {
        "p_value": p_value,
        "widest_gap_points": widest,
        "sentence": (
            f"The class shares of train and test differ by at most {widest:.1f} percentage points;"
            f" a chi-squared test finds {finding} significant difference"
            f" (p\u00a0=\u00a0{p_value:.2g})."
        ),
    }


def _content_hash(data: Dataset) -> str:
    """The SHA-256 of the images and labels, as the dataset spells them (whole numbers as int64)."""
    classes = data.classes
    if all(re.fullmatch("-?[1-9][0-9]{0,15}|0", name) for name in classes):
        classes = classes.astype(np.int64)
    arrays = {
        "x_train": data.x_train,
        "y_train": classes[data.y_train],
        "x_test": data.x_test,
        "y_test": classes[data.y_test],
    }
    if data.x_validation is not None:
        arrays |= {"x_validation": data.x_validation, "y_validation": classes[data.y_validation]}
    digest = hashlib.sha256()
    for name, array in arrays.items():
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(np.ascontiguousarray(array))
    return digest.hexdigest()
