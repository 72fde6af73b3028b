"""Find the digit on paper, a screen or a photo, and convert it as in MNIST: scaled by its bounding
box, and centred by its centre of mass (LeCun et al. 1998, section III.A).
"""

import numpy as np
from PIL import Image
from scipy import ndimage

from core.errors import UserError

LONGEST = 512  # pixels of the longer side; larger images are reduced first
FAINT = 0.1  # of the range; if paper and ink differ by less, nothing is drawn
SPECK = 0.1  # of the pixels of the largest stroke; smaller parts are dirt
QUIET = 0.25  # of the ink; lighter pixels are noise of the paper


def centred_digit(grey: np.ndarray, side: int, box: int) -> np.ndarray:
    """The digit in an image, (side, side), float32, from 0, the background, to 1.

    Args:
        grey: (height, width), from 0 to 1, with paper at the border.
        box: pixels of the longest side of the digit's bounding box.

    Raises:
        UserError: nothing is drawn on the image.
    """
    ink = _ink(_reduced(grey))
    drawn = _strokes(ink)
    rows, columns = (np.flatnonzero(drawn.any(axis=axis)) for axis in (1, 0))
    place = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    digit = np.where(ndimage.binary_dilation(drawn), np.minimum(ink, 1), 0)[place]
    scale = box / max(digit.shape)
    height, width = (max(1, round(scale * length)) for length in digit.shape)
    small = _resized(digit, height, width)
    small /= small.max()
    centre = ndimage.center_of_mass(small)
    found = np.zeros((side, side), np.float32)
    top, left = (
        int(np.clip(round((side - 1) / 2 - middle), 0, side - length))
        for middle, length in zip(centre, small.shape, strict=True)
    )
    found[top : top + height, left : left + width] = small
    return found


def has_light_border(grey: np.ndarray) -> bool:
    """Whether the border of an image, (height, width), is lighter than the middle between its
    darkest and its lightest spots.
    """
    spots = ndimage.uniform_filter(grey, 3)
    return bool(np.median(grey[_border(grey)]) > (spots.min() + spots.max()) / 2)


def _border(grey: np.ndarray) -> np.ndarray:
    """Which pixels are at the border, (height, width), bool."""
    border = np.ones(grey.shape, bool)
    border[1:-1, 1:-1] = False
    return border


def _reduced(grey: np.ndarray) -> np.ndarray:
    factor = max(grey.shape) / LONGEST
    if factor <= 1:
        return grey.astype(np.float32)
    height, width = (max(1, round(length / factor)) for length in grey.shape)
    return _resized(grey, height, width)


def _resized(grey: np.ndarray, height: int, width: int) -> np.ndarray:
    """A resized image; the interpolation averages pixels that it shrinks."""
    picture = Image.fromarray(grey.astype(np.float32))
    return np.array(picture.resize((width, height), Image.Resampling.BILINEAR))


def _ink(grey: np.ndarray) -> np.ndarray:
    """The ink of each pixel, from 0 to about 1: its difference from the paper."""
    ink = grey - _paper(grey)
    ink = np.maximum(-ink if has_light_border(ink) else ink, 0)
    most = ndimage.uniform_filter(ink, 3).max()  # of a spot, because a single pixel may be noise
    if most < FAINT:
        raise UserError("nothing is drawn on it")
    return ink / most


def _paper(grey: np.ndarray) -> np.ndarray:
    """The brightness of the paper, which may be lit unevenly: a plane fitted to the border."""
    rows, columns = np.nonzero(_border(grey))
    places = np.stack([np.ones(len(rows)), rows, columns], axis=1)
    level, down, across = np.linalg.lstsq(places, grey[rows, columns], rcond=None)[0]
    height, width = grey.shape
    return level + down * np.arange(height)[:, None] + across * np.arange(width)


def _strokes(ink: np.ndarray) -> np.ndarray:
    """Which pixels belong to the digit, (height, width), bool."""
    drawn = ink > max(QUIET, _threshold(ink))
    parts, count = ndimage.label(drawn, np.ones((3, 3)))
    sizes = np.bincount(parts.ravel(), minlength=count + 1)
    sizes[0] = 0
    return (sizes >= SPECK * sizes.max())[parts]


def _threshold(ink: np.ndarray) -> float:
    """The level that separates ink and paper best (Otsu 1979)."""
    counts, edges = np.histogram(np.minimum(ink, 1), 256, (0, 1))
    levels = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)
    above = below[-1] - below
    sums = np.cumsum(counts * levels)
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = below * above * (sums / below - (sums[-1] - sums) / above) ** 2
    return float(edges[1 + int(np.nanargmax(apart))])
