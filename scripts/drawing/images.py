"""Images as small PNGs, one by one, or many on a sheet."""

import base64
import io

import numpy as np
from PIL import Image

GREYS = 16
LONGEST_SIDE = 96  # larger images are made smaller, so that many fit on the page
SHEET_WIDTH = 14_000  # pixels; browsers refuse pictures wider than 16,384
COMPRESSION = 8  # 9 takes three times as long, for a hundredth of the size


def as_grey(images: np.ndarray, pixel_range: np.ndarray) -> np.ndarray:
    """Images, (n, height, width), with `pixel_range` mapped to 16 greys; uint8 from 0 to 15."""
    low, high = pixel_range
    grey = (images.astype(np.float64) - low) / (high - low) * (GREYS - 1)
    return np.clip(grey, 0, GREYS - 1).round().astype(np.uint8)


def reduction(height: int, width: int) -> int:
    """The integer factor by which images are reduced."""
    return -(-max(height, width) // LONGEST_SIDE)


def reduced(images: np.ndarray, factor: int) -> np.ndarray:
    """Images, (n, height, width), reduced by `factor`: each pixel is the mean of a square."""
    if factor == 1:
        return images
    count, height, width = images.shape
    rows, columns = max(1, height // factor), max(1, width // factor)
    down, across = min(height, factor), min(width, factor)
    whole = images[:, : rows * down, : columns * across].astype(np.float64)
    return whole.reshape(count, rows, down, columns, across).mean(axis=(2, 4))


def png(grey: np.ndarray) -> str:
    """A picture, (height, width), of 16 greys as a PNG of four bits a pixel, in base64."""
    picture = Image.fromarray(grey, mode="P")
    picture.putpalette([level * 17 for level in range(GREYS) for _ in range(3)])
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", bits=4, compress_level=COMPRESSION)
    return base64.b64encode(buffer.getvalue()).decode()


def images_on_a_sheet(width: int) -> int:
    """The number of images of this width on a sheet."""
    return max(1, min(500, SHEET_WIDTH // width))


def sheet(grey: np.ndarray) -> str:
    """Images, (n, height, width), of 16 greys side by side as one PNG, in base64.

    This takes less space than stacking them, because PNG compresses row by row.
    """
    count, height, width = grey.shape
    return png(grey.transpose(1, 0, 2).reshape(height, count * width))
