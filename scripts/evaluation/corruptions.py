"""Image corruptions like those from cameras, pens and handwriting, at several severities.

The kinds follow MNIST-C (Mu and Gilmer 2019) and, for the width of strokes, Morpho-MNIST (Castro
et al. 2019). SciPy computes them.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

# Strokes change by fractions of a pixel, so this is done on an image enlarged to about this side.
CANVAS = 112

# A function of the ink, (n, height, width), float32 from 0 to 1, a severity, the random generator
# and the ink of the background; it returns the corrupted ink.
Change = Callable[[np.ndarray, float, np.random.Generator, float], np.ndarray]


class Corruption(NamedTuple):
    """A kind of corruption.

    Attributes:
        name: the name on the page.
        unit: the unit of the severities.
        severities: the severities, the mildest first.
        change: the function that corrupts the ink.
    """

    name: str
    unit: str
    severities: tuple[float, ...]
    change: Change


def corrupted(
    images: np.ndarray,
    pixel_range: np.ndarray,
    background: float,
    corruption: Corruption,
    severity: float,
    random: np.random.Generator,
) -> np.ndarray:
    """Corrupted copies of images, (n, height, width), in their own units and dtype.

    The background is the paper and the other end of the range the ink, whichever is darker.

    Args:
        images: the images to corrupt.
        pixel_range: (2,), the range that pixels stay in.
        background: the pixel value around the digits.
        corruption: what to do.
        severity: one of the corruption's severities.
        random: the generator of all random choices.
    """
    low, high = (float(bound) for bound in pixel_range)
    ink = np.clip((images.astype(np.float32) - low) / (high - low), 0, 1)
    paper = min(max((background - low) / (high - low), 0.0), 1.0)
    light = paper > 0.5
    if light:
        ink, paper = 1 - ink, 1 - paper
    ink = np.clip(corruption.change(ink, severity, random, paper), 0, 1)
    pixels = low + (1 - ink if light else ink) * (high - low)
    return (np.rint(pixels) if images.dtype.kind in "iu" else pixels).astype(images.dtype)


def _rotated(
    ink: np.ndarray, degrees: float, random: np.random.Generator, paper: float
) -> np.ndarray:
    """Rotate to the left or to the right at random."""
    angles = np.deg2rad(degrees) * random.choice((-1, 1), len(ink))
    turns = np.array([[np.cos(angles), -np.sin(angles)], [np.sin(angles), np.cos(angles)]])
    return _mapped(ink, turns.transpose(2, 0, 1), np.zeros((len(ink), 2)), paper)


def _shifted(
    ink: np.ndarray, percent: float, random: np.random.Generator, paper: float
) -> np.ndarray:
    """Shift in a random direction."""
    directions = random.uniform(0, 2 * np.pi, len(ink))
    distance = percent / 100 * min(ink.shape[1:])
    shifts = distance * np.stack([np.sin(directions), np.cos(directions)], axis=1)
    return _mapped(ink, np.broadcast_to(np.eye(2), (len(ink), 2, 2)), shifts, paper)


def _scaled(ink: np.ndarray, percent: float, _: np.random.Generator, paper: float) -> np.ndarray:
    matrices = np.broadcast_to(100 / percent * np.eye(2), (len(ink), 2, 2))
    return _mapped(ink, matrices, np.zeros((len(ink), 2)), paper)


def _mapped(ink: np.ndarray, matrices: np.ndarray, shifts: np.ndarray, paper: float) -> np.ndarray:
    """Images transformed about their centres by inverse `matrices`, (n, 2, 2), after `shifts`,
    (n, 2), in rows and columns.
    """
    from scipy.ndimage import affine_transform  # takes long to import

    centre = (np.array(ink.shape[1:]) - 1) / 2
    offsets = centre - np.einsum("nab,nb->na", matrices, centre + shifts)
    return np.stack(
        [
            affine_transform(image, matrix, offset, order=1, mode="constant", cval=paper)
            for image, matrix, offset in zip(ink, matrices, offsets, strict=True)
        ]
    )


def _thicker(ink: np.ndarray, percent: float, *_: object) -> np.ndarray:
    from scipy.ndimage import maximum_filter

    return _of_strokes(ink, percent, maximum_filter)


def _thinner(ink: np.ndarray, percent: float, *_: object) -> np.ndarray:
    from scipy.ndimage import minimum_filter

    return _of_strokes(ink, percent, minimum_filter)


def _of_strokes(ink: np.ndarray, percent: float, extreme: Callable[..., np.ndarray]) -> np.ndarray:
    """Change the stroke width by a percentage of the shorter side, half of it on either side."""
    count, height, width = ink.shape
    factor = max(1, round(CANVAS / min(height, width)))
    reach = round(percent / 200 * factor * min(height, width))
    large = ink.repeat(factor, axis=1).repeat(factor, axis=2)
    changed = extreme(large, size=(1, 2 * reach + 1, 2 * reach + 1), mode="nearest")
    return changed.reshape(count, height, factor, width, factor).mean(axis=(2, 4))


def _blurred(ink: np.ndarray, percent: float, *_: object) -> np.ndarray:
    """Blur with a Gaussian of this standard deviation."""
    from scipy.ndimage import gaussian_filter

    deviation = percent / 100 * min(ink.shape[1:])
    return gaussian_filter(ink, (0, deviation, deviation), mode="nearest")


def _noisy(ink: np.ndarray, percent: float, random: np.random.Generator, _: float) -> np.ndarray:
    """Add Gaussian noise of this standard deviation to each pixel."""
    return ink + percent / 100 * random.standard_normal(ink.shape, dtype=np.float32)


def _fainter(ink: np.ndarray, percent: float, _: np.random.Generator, paper: float) -> np.ndarray:
    return paper + percent / 100 * (ink - paper)


def _inverted(ink: np.ndarray, percent: float, *_: object) -> np.ndarray:
    """Invert a band in the middle: inverting all pixels by half would give a grey image."""
    width = ink.shape[2]
    columns = round(percent / 100 * width)
    start = (width - columns) // 2
    changed = ink.copy()
    changed[:, :, start : start + columns] = 1 - ink[:, :, start : start + columns]
    return changed


def _covered(
    ink: np.ndarray, percent: float, random: np.random.Generator, paper: float
) -> np.ndarray:
    """Cover a random place with a square of the background."""
    side = max(1, round(percent / 100 * min(ink.shape[1:])))
    changed = ink.copy()
    tops, lefts = (random.integers(0, room - side + 1, len(ink)) for room in ink.shape[1:])
    for image, top, left in zip(changed, tops, lefts, strict=True):
        image[top : top + side, left : left + side] = paper
    return changed


OF_SIDE = "% of the side"
CORRUPTIONS = (
    Corruption("rotated", "degrees", (10, 20, 30, 40, 50), _rotated),
    Corruption("shifted", OF_SIDE, (5, 10, 15, 20, 25), _shifted),
    Corruption("shrunk", "% of the size", (90, 80, 70, 60, 50), _scaled),
    Corruption("enlarged", "% of the size", (110, 120, 130, 140, 150), _scaled),
    Corruption("thicker strokes", OF_SIDE, (2, 4, 6, 8, 10), _thicker),
    Corruption("thinner strokes", OF_SIDE, (2, 4, 6, 8, 10), _thinner),
    Corruption("blurred", OF_SIDE, (2, 4, 6, 8, 10), _blurred),
    Corruption("noisy", "% of the range", (10, 20, 30, 40, 50), _noisy),
    Corruption("fainter ink", "% of the ink", (80, 60, 40, 20, 10), _fainter),
    Corruption("inverted", "% of the width", (20, 40, 60, 80, 100), _inverted),
    Corruption("covered", OF_SIDE, (20, 30, 40, 50, 60), _covered),
)
