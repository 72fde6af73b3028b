"""Letters that do not look like digits, drawn as strokes, without a font."""

import math
from itertools import pairwise

import numpy as np

# The corners of each stroke in a unit square, from its upper left. Without B, D, G, I, J, L, O, P,
# Q, S, T, U, Y and Z, which can be mistaken for digits, and without C and R, which are round.
LETTERS = {
    "A": [[(0, 1), (0.5, 0), (1, 1)], [(0.2, 0.6), (0.8, 0.6)]],
    "E": [[(1, 0), (0, 0), (0, 1), (1, 1)], [(0, 0.5), (0.8, 0.5)]],
    "F": [[(1, 0), (0, 0), (0, 1)], [(0, 0.5), (0.8, 0.5)]],
    "H": [[(0, 0), (0, 1)], [(1, 0), (1, 1)], [(0, 0.5), (1, 0.5)]],
    "K": [[(0, 0), (0, 1)], [(1, 0), (0, 0.6)], [(0.35, 0.4), (1, 1)]],
    "M": [[(0, 1), (0, 0), (0.5, 0.6), (1, 0), (1, 1)]],
    "N": [[(0, 1), (0, 0), (1, 1), (1, 0)]],
    "V": [[(0, 0), (0.5, 1), (1, 0)]],
    "W": [[(0, 0), (0.25, 1), (0.5, 0.4), (0.75, 1), (1, 0)]],
    "X": [[(0, 0), (1, 1)], [(1, 0), (0, 1)]],
}
WIDTH = 0.7  # of the height
SIZES = 0.8, 1.1  # relative to the requested height
SLANT = 0.3  # at most, to either side: how far the top moves, relative to the height


def random_letters(
    count: int, size: tuple[int, int], height: float, stroke: float, random: np.random.Generator
) -> np.ndarray:
    """Random letters of several sizes and slants, centred in their images.

    Args:
        count: the number of letters.
        size: (rows, columns) of an image.
        height, stroke: approximate height and stroke width, in pixels.
        random: the generator of all random choices.

    Returns:
        The ink of each pixel, from 0 to 1, (count, rows, columns), float32.
    """
    names = sorted(LETTERS)
    letters = random.integers(0, len(names), count)
    heights = random.uniform(*SIZES, count) * height
    slants = random.uniform(-SLANT, SLANT, count)
    images = [
        draw_letter(names[letter], size, own, stroke, slant)
        for letter, own, slant in zip(letters, heights, slants, strict=True)
    ]
    return np.array(images, np.float32).reshape(count, *size)


def draw_letter(
    letter: str, size: tuple[int, int], height: float, stroke: float, slant: float
) -> np.ndarray:
    """One of `LETTERS` as ink from 0 to 1, of `size`; smaller than `height` if it does not fit.

    Args:
        letter: its name.
        size: (rows, columns) of the image.
        height, stroke: height and stroke width, in pixels.
        slant: how far the top moves to the right, relative to the height.
    """
    rows, columns = size
    tall = max(0.0, min(height, rows) - stroke)  # between the middles of strokes
    wide = max(0.0, min(WIDTH * height, columns) - stroke)
    lean = slant * min(1.0, (columns - stroke - wide) / max(abs(slant) * tall, 1e-9))
    y, x = np.indices(size, np.float32) + np.float32(0.5)  # the middle of each pixel
    distance = np.full(size, math.inf, np.float32)
    for corners in LETTERS[letter]:
        points = [
            (
                columns / 2 + (right - 0.5) * wide + (0.5 - down) * lean * tall,
                rows / 2 + (down - 0.5) * tall,
            )
            for right, down in corners
        ]
        for (x0, y0), (x1, y1) in pairwise(points):
            across, down = x1 - x0, y1 - y0
            along = (x - x0) * across + (y - y0) * down
            share = np.clip(along / max(across**2 + down**2, 1e-9), 0, 1)
            to_stroke = np.hypot(x - x0 - share * across, y - y0 - share * down)
            distance = np.minimum(distance, to_stroke)
    return np.clip(stroke / 2 - distance + 0.5, 0, 1)
