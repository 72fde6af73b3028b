"""The result of a dataset reader: images and labels, before any check."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Found:
    """Grey images and their labels, by part: "train", and optionally "test" and "validation".

    Attributes:
        images: (n, height, width), of any real dtype.
        labels: of the same parts: (n,), (n, 1) or one-hot (n, k); numbers, bool or text.
        class_names: the names of the labels 0 to k - 1, if the source has them.
        origin: how they were converted, as JSON; `Dataset` lists the keys.
    """

    images: dict[str, np.ndarray]
    labels: dict[str, np.ndarray]
    class_names: list[str] | None = None
    origin: dict[str, Any] = field(default_factory=dict)


def found_in(arrays: Mapping[str, np.ndarray], kind: str) -> Found:
    """The arrays `x_train`, `y_train`, `x_test` and `y_test` of a source of the format `kind`."""
    parts = ("train", "test")
    return Found(
        {part: arrays[f"x_{part}"] for part in parts},
        {part: arrays[f"y_{part}"] for part in parts},
        origin={"format": kind},
    )
