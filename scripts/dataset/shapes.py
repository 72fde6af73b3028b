"""Convert images of any common shape to grey images, (images, height, width)."""

import math

import numpy as np
from PIL import Image

from core.errors import UserError
from core.npz import MAXIMUM_BYTES

# The weights of red, green and blue in 65,536ths: 0.299, 0.587 and 0.114 (ITU-R BT.601), rounded as
# in Pillow. They add up to one, so that grey pixels keep their value.
LUMA = (19_595, 38_470, 7_471)
AT_A_TIME = 1_000  # images to convert at a time, which limits the memory
ALLOWED = (
    "(images, height, width), with a last axis of 1, 3 or 4 channels, (images, 1 or 3, height,"
    " width), or (images, pixels) of a square"
)


def as_grey(images: np.ndarray, source: str, name: str) -> tuple[np.ndarray, bool]:
    """`images` as (n, height, width), and whether they have colour.

    Colour is converted to luma (ITU-R BT.601). Transparent images are drawn on white first.

    Args:
        images: of any shape and dtype; arrays without numbers are returned unchanged.
        source, name: the names of their file and of the array in messages.

    Raises:
        UserError: the shape is not one of images.
    """
    if images.dtype.kind not in "buif":
        return images, False
    shape = images.shape
    if images.ndim == 3 and 0 not in shape[1:]:
        return images, False
    side = math.isqrt(shape[1]) if images.ndim == 2 else 0
    if side and side**2 == shape[1]:
        return images.reshape(-1, side, side), False
    if images.ndim == 4 and 0 not in shape[1:]:
        # Images are not one pixel high, so here the channels come first.
        if (shape[1] == 1 and shape[2] > 1) or (shape[1] == 3 and shape[3] not in (1, 3, 4)):
            images = np.moveaxis(images, 1, 3)
        if images.shape[3] == 1:
            return images[..., 0], False
        if images.shape[3] in (3, 4):
            return _luma(images, source, name)
    raise UserError(f"{source}: {name} has shape {shape}; allowed: {ALLOWED}")


def transposed(images: np.ndarray) -> np.ndarray:
    """`images`, (n, height, width), with rows and columns swapped."""
    return np.ascontiguousarray(images.swapaxes(1, 2)) if images.ndim == 3 else images


def resized(images: np.ndarray, height: int, width: int) -> np.ndarray:
    """`images`, (n, any height, any width), resized to (n, height, width) with bilinear
    interpolation and antialiasing. Integer images keep their dtype.

    Raises:
        UserError: the result would take more than `MAXIMUM_BYTES`.
    """
    if images.shape[1:] == (height, width) or images.ndim != 3 or images.dtype.kind not in "buif":
        return images  # checked_dataset reports invalid images
    is_real = images.dtype.kind == "f"
    dtype = np.dtype(np.float32) if is_real else images.dtype
    check_size(len(images), (height, width), dtype, "download.resize")
    found = np.empty((len(images), height, width), dtype)
    for place, image in enumerate(images):
        pixels = Image.fromarray(image if image.dtype == np.uint8 else image.astype(np.float32))
        pixels = np.asarray(pixels.resize((width, height), Image.Resampling.BILINEAR))
        found[place] = pixels if is_real else np.rint(pixels)
    return found


def check_size(count: int, size: tuple[int, int], dtype: np.dtype, source: str) -> None:
    """Raise UserError if `count` images of `size` would take more than `MAXIMUM_BYTES`."""
    total = count * math.prod(size) * dtype.itemsize
    if total > MAXIMUM_BYTES:
        raise UserError(
            f"{source}: {count} images of {size[0]}x{size[1]} take {total} bytes; allowed: at most"
            f" {MAXIMUM_BYTES}"
        )


def _luma(images: np.ndarray, source: str, name: str) -> tuple[np.ndarray, bool]:
    is_real = images.dtype.kind == "f"
    if not is_real and images.size and max(-int(images.min()), int(images.max())) >= 2**31:
        raise UserError(f"{source}: {name} has colours of 2^31 or more; allowed: smaller numbers")
    white = _white(images, source, name) if images.shape[3] == 4 else 0
    grey = np.empty(images.shape[:3], np.float32 if is_real else images.dtype)
    is_coloured = False
    for place in range(0, len(images), AT_A_TIME):
        part = images[place : place + AT_A_TIME].astype(np.float64 if is_real else np.int64)
        if white:
            opaque = part[..., 3:]
            part = part[..., :3] * opaque + white * (white - opaque)
            part = part / white if is_real else (2 * part + white) // (2 * white)
        red, green, blue = np.moveaxis(part, 3, 0)
        is_coloured = is_coloured or bool(((red != green) | (green != blue)).any())
        luma = LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue
        grey[place : place + AT_A_TIME] = luma / 65_536 if is_real else (luma + 32_768) >> 16
    return grey, is_coloured


def _white(images: np.ndarray, source: str, name: str) -> int:
    """The pixel value of white, which is also the value of full opacity. Raises UserError."""
    if images.dtype in (np.uint8, np.uint16):
        return int(np.iinfo(images.dtype).max)
    lowest, highest = (images.min(), images.max()) if images.size else (0, 0)
    if not (lowest >= 0 and highest <= 255):
        raise UserError(
            f"{source}: {name} has transparency and values from {lowest} to {highest}; allowed:"
            " values from 0 to 1, or from 0 to 255"
        )
    return 1 if images.dtype.kind == "b" or highest <= 1 else 255
