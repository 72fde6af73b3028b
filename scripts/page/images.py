"""Test images as small PNGs: one by one, and many to a sheet."""

import base64
import io

import numpy as np
from PIL import Image

GREYS = 16
LONGEST_SIDE = 96  # larger images are made smaller, so that many fit on the page
SHEET_PIXELS = 2**19


def as_grey(images: np.ndarray, pixel_range: np.ndarray) -> np.ndarray:
    """Images, (n, height, width), with `pixel_range` mapped to 16 greys; uint8 from 0 to 15."""
    low, high = pixel_range
    grey = (images.astype(np.float64) - low) / (high - low) * (GREYS - 1)
    return np.clip(grey, 0, GREYS - 1).round().astype(np.uint8)


def reduction(height: int, width: int) -> int:
    """By what whole number images are made smaller."""
    return -(-max(height, width) // LONGEST_SIDE)


def reduced(images: np.ndarray, factor: int) -> np.ndarray:
    """Images, (n, height, width), with the mean of each `factor` x `factor` pixels as one."""
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
    picture.save(buffer, "PNG", bits=4, compress_level=9)
    return base64.b64encode(buffer.getvalue()).decode()


def images_on_a_sheet(height: int, width: int) -> int:
    """How many images of this size share a sheet."""
    return max(1, min(500, SHEET_PIXELS // (height * width)))
