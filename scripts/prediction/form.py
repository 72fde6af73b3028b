"""The form that a model's images have, and how others are brought into it."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.errors import UserError
from dataset.shapes import resized
from prediction.digit import centred_digit, has_light_border

MOST_PIXELS = 2**24  # of an image that a model takes
FULL = {"b": 1, "u1": 255, "u2": 65_535, "i4": 65_535}  # white, in pictures of these dtypes
BOX = 20 / 28  # of the side: the bounding box of MNIST's digits
SMALL = 8  # scikit-learn's digits, of such a side, have no margin


@dataclass(frozen=True)
class Form:
    """What a training recorded of its images.

    Attributes:
        height, width: pixels.
        dtype: "uint8" or "float32".
        low, high: the pixels that stand for 0 and 1.
        background: the pixel that is most at their borders.
    """

    height: int
    width: int
    dtype: str
    low: float
    high: float
    background: float

    @property
    def side(self) -> str:
        """How large they are, for a message."""
        return f"{self.height}x{self.width}"

    def fits(self, images: np.ndarray) -> bool:
        """Whether images, (n, height, width), have the size that a model takes."""
        return images.shape[1:] == (self.height, self.width)

    def as_it_is(self, images: np.ndarray, pictures: bool) -> np.ndarray:
        """Images of the right size, (n, height, width), in the units of the dataset, as the model
        takes them.

        Args:
            images: of any real dtype. Those of arrays and tables have the dataset's units, unless
                they can have none of them.
            pictures: whether they were read from picture files, where the dtype says what white is.

        Raises:
            UserError: pixels are NaN, infinite or too large.
        """
        full = self._full(images, pictures)
        if full is None:
            return self._cast(images)
        return self._cast(self.low + images.astype(np.float64) / full * (self.high - self.low))

    def fitted(self, image: np.ndarray, digit: bool) -> np.ndarray:
        """An image of any size, (height, width), as the model takes it: the digit alone, in its
        place, or all of the image; inverted where its border is not like the model's.

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
        """How many images in this form have a light border where the model knows dark ones, or the
        other way round.
        """
        span = self.high - self.low
        return sum(self._is_other_paper((image - self.low) / span) for image in images)

    @property
    def _background(self) -> float:
        return (self.background - self.low) / (self.high - self.low)

    def _is_other_paper(self, grey: np.ndarray) -> bool:
        """Whether the border of `grey`, from 0 to 1, is not like the model's, if that is clear."""
        if 0.25 < self._background < 0.75 or np.ptp(grey) < 0.25:
            return False
        return has_light_border(grey.astype(np.float64)) != (self._background > 0.5)

    def _full(self, images: np.ndarray, pictures: bool) -> float | None:
        """What is white in `images`; None where their units are those of the dataset."""
        top, is_real = images.max(initial=0), images.dtype.kind == "f"
        if not pictures:
            if is_real and self.dtype == "uint8" and top <= 1 < self.high:
                return 1
            beyond = max(1, 2 * self.high - self.low)  # what no image of the dataset comes near
            return 255 if beyond < top <= 255 else None
        own = 255 if 32 < self.high <= 255 else self.high
        full = FULL.get(images.dtype.str[1:], FULL.get(images.dtype.kind, 1 if top <= 1 else own))
        in_range = top <= 2 * self.high - self.low
        return None if full == own or (full > own and in_range) else full

    def _unit(self, image: np.ndarray) -> np.ndarray:
        """An image from 0, black, to 1, white; whatever its units, but for the dataset's own."""
        if image.dtype.kind == "f" and not np.isfinite(image).all():
            raise UserError("pixels that are NaN or infinite; allowed: numbers")
        low, high = float(image.min()), float(image.max())
        full = FULL.get(image.dtype.str[1:], 1 if high <= 1 else 255 if high <= 255 else 65_535)
        if low < 0 or high > full:
            return ((image.astype(np.float64) - low) / (high - low)).astype(np.float32)
        return (image.astype(np.float64) / full).astype(np.float32)

    def _cast(self, images: np.ndarray) -> np.ndarray:
        if images.dtype.kind == "f" and not np.isfinite(images).all():
            raise UserError("pixels that are NaN or infinite; allowed: numbers")
        if self.dtype == "uint8" and images.dtype != np.uint8:
            if images.size and (images.min() < 0 or images.max() > 255):
                raise UserError(
                    f"pixels from {images.min():g} to {images.max():g}; allowed: 0 to 255"
                )
            return np.rint(images).astype(np.uint8)
        return images.astype(self.dtype, copy=False)


def read_form(record: Any) -> Form:
    """What a training recorded. Raises ValueError, KeyError or TypeError for anything else."""
    image = record["image"]
    height, width = image["height"], image["width"]
    low, high = image["pixel_range"]
    form = Form(height, width, image["dtype"], float(low), float(high), float(image["background"]))
    whole = type(height) is type(width) is int and 0 < height * width <= MOST_PIXELS and height > 0
    if not whole or form.dtype not in ("uint8", "float32"):
        raise ValueError(form)
    if not (-math.inf < form.low < form.high < math.inf and math.isfinite(form.background)):
        raise ValueError(form)
    return form
