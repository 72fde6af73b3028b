"""The format of a model's images, and how other images are converted to it."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import WRONG_FORM, UserError
from core.files import read_json
from core.text import printable
from dataset.shapes import resized
from prediction.digit import centred_digit, has_light_border

MOST_PIXELS = 2**24  # of a model's images, at most
FULL = {"b": 1, "u1": 255, "u2": 65_535, "i4": 65_535}  # white, in pictures of these dtypes
BOX = 20 / 28  # the bounding box of MNIST's digits, relative to the side
SMALL = 8  # scikit-learn's digits, of this side, have no margin


@dataclass(frozen=True)
class Form:
    """The format of the images that a training recorded.

    Attributes:
        height, width: pixels.
        dtype: "uint8" or "float32".
        low, high: the pixels that are scaled to 0 and 1.
        background: the typical pixel at the border.
    """

    height: int
    width: int
    dtype: str
    low: float
    high: float
    background: float

    @property
    def side(self) -> str:
        """The size of the images, for messages."""
        return f"{self.height}x{self.width}"

    def fits(self, images: np.ndarray) -> bool:
        """Whether images, (n, height, width), have the model's size."""
        return images.shape[1:] == (self.height, self.width)

    def as_it_is(self, images: np.ndarray, pictures: bool) -> np.ndarray:
        """Images of the model's size, (n, height, width), converted to the units of the dataset.

        Args:
            images: of any real dtype. Images from arrays and tables are assumed to have the
                dataset's units, unless their range excludes this.
            pictures: whether they were read from picture files, whose dtype defines white.

        Raises:
            UserError: pixels are NaN, infinite or too large.
        """
        full = self._full(images, pictures)
        if full is None:
            return self._cast(images)
        return self._cast(self.low + images.astype(np.float64) / full * (self.high - self.low))

    def fitted(self, image: np.ndarray, digit: bool) -> np.ndarray:
        """An image of any size, (height, width), converted to the model's format: only the digit,
        scaled and centred, or the whole image; inverted if its border differs from the model's.

        Raises:
            UserError: nothing is drawn on it, or it cannot be used.
        """
        grey = self._unit(image)
        if digit:
            side = min(self.height, self.width)
            box = side if side <= SMALL else max(1, round(BOX * side))
            found = np.zeros((self.height, self.width))
            top, left = (self.height - side) // 2, (self.width - side) // 2
            found[top : top + side, left : left + side] = centred_digit(grey, side, box)
            grey = 1 - found if self._background > 0.5 else found
        else:
            grey = resized(grey[None], self.height, self.width)[0]
            if self._is_other_paper(grey):
                grey = 1 - grey
        return self._cast(self.low + grey * (self.high - self.low))

    def inverted(self, images: np.ndarray) -> int:
        """The number of images in this format whose border is light if that of the training images
        is dark, or the reverse.
        """
        span = self.high - self.low
        return sum(self._is_other_paper((image - self.low) / span) for image in images)

    @property
    def _background(self) -> float:
        return (self.background - self.low) / (self.high - self.low)

    def _is_other_paper(self, grey: np.ndarray) -> bool:
        """Whether the border of `grey`, from 0 to 1, clearly differs from the model's."""
        if 0.25 < self._background < 0.75 or np.ptp(grey) < 0.25:
            return False
        return has_light_border(grey.astype(np.float64)) != (self._background > 0.5)

    def _full(self, images: np.ndarray, pictures: bool) -> float | None:
        """The value of white in `images`; None if they have the dataset's units."""
        top, is_real = images.max(initial=0), images.dtype.kind == "f"
        if not pictures:
            if is_real and self.dtype == "uint8" and top <= 1 < self.high:
                return 1
            beyond = max(1, 2 * self.high - self.low)  # far above all images of the dataset
            return 255 if beyond < top <= 255 else None
        own = 255 if 32 < self.high <= 255 else self.high
        full = FULL.get(images.dtype.str[1:], FULL.get(images.dtype.kind, 1 if top <= 1 else own))
        in_range = top <= 2 * self.high - self.low
        return None if full == own or (full > own and in_range) else full

    def _unit(self, image: np.ndarray) -> np.ndarray:
        """An image of any units, scaled to 0, black, to 1, white."""
        if image.dtype.kind == "f" and not np.isfinite(image).all():
            raise UserError("pixels that are NaN or infinite; allowed: finite numbers")
        low, high = float(image.min()), float(image.max())
        full = FULL.get(image.dtype.str[1:], 1 if high <= 1 else 255 if high <= 255 else 65_535)
        if low < 0 or high > full:
            return ((image.astype(np.float64) - low) / (high - low)).astype(np.float32)
        return (image.astype(np.float64) / full).astype(np.float32)

    def _cast(self, images: np.ndarray) -> np.ndarray:
        if images.dtype.kind == "f" and not np.isfinite(images).all():
            raise UserError("pixels that are NaN or infinite; allowed: finite numbers")
        if self.dtype == "uint8" and images.dtype != np.uint8:
            if images.size and (images.min() < 0 or images.max() > 255):
                raise UserError(
                    f"pixels from {images.min():g} to {images.max():g}; allowed: 0 to 255"
                )
            return np.rint(images).astype(np.uint8)
        return images.astype(self.dtype, copy=False)


def read_trained(folder: Path) -> tuple[dict[str, Any], list[str], Form]:
    """The record of the training in `folder`, the names of the classes, and the format of the
    images.

    Raises:
        UserError: the record is damaged, or from an older version without classes and format.
        OSError: the record cannot be read.
    """
    path = folder / "training.json"
    record = read_json(path)
    try:
        return record, _classes(record["classes"]), _form(record["image"])
    except WRONG_FORM as error:
        raise UserError(
            f"{path}: the classes or the format of the images are missing, as in older versions,"
            " or not valid; run make report to train the model"
        ) from error


def _classes(recorded: Any) -> list[str]:
    names = [printable(name) for name in recorded]
    if names != recorded or len(set(names)) < len(names) or len(names) < 2 or not all(names):
        raise ValueError(names)
    return names


def _form(image: Any) -> Form:
    height, width = image["height"], image["width"]
    low, high = image["pixel_range"]
    form = Form(height, width, image["dtype"], float(low), float(high), float(image["background"]))
    whole = type(height) is type(width) is int and 0 < height * width <= MOST_PIXELS and height > 0
    if not whole or form.dtype not in ("uint8", "float32"):
        raise ValueError(form)
    if not (-math.inf < form.low < form.high < math.inf and math.isfinite(form.background)):
        raise ValueError(form)
    return form
