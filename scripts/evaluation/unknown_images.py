"""Out-of-distribution images: images that show none of the classes."""

import re
from collections.abc import Iterator

import numpy as np

from core.split import Split, background
from evaluation.letters import random_letters

MOST_PIXELS = 2**24  # per kind, which limits the memory
GREYS = 11


def make_unknown(
    part: Split, held_out: Split, count: int, seed: int
) -> Iterator[tuple[str, np.ndarray]]:
    """Out-of-distribution images of the size, dtype and range of the test images, kind by kind.

    "noise": random pixels. "grey": uniform images, from one end of the range to the other.
    "shuffled": test images with their pixels in random order. "letters", if all classes are
    digits: letters of the height and stroke width of the test images. "held_out", if there are
    any: images of the classes that were left out.

    Args:
        part: the test images.
        held_out: images of classes that the models were not trained on.
        count: images of each kind, at most; 0 for none.
        seed: of all random choices.
    """
    size = part.images.shape[1:]
    count = min(count, 1 + MOST_PIXELS // part.images[0].size)
    if not count:
        return
    random = np.random.default_rng(seed)
    some = _some(part.images, count, random)
    yield "noise", _pixels(random.random((count, *size), np.float32), part, *part.pixel_range)
    greys = np.linspace(0, 1, GREYS, dtype=np.float32)[:, None, None]
    yield "grey", _pixels(np.tile(greys, (1, *size)), part, *part.pixel_range)
    yield "shuffled", random.permuted(some.reshape(len(some), -1), axis=1).reshape(some.shape)
    if all(re.fullmatch("[0-9]", name) for name in part.classes.tolist()):
        paper = background(some)
        pen = float(max(part.pixel_range, key=lambda end: abs(end - paper)))
        ink = np.clip((some.astype(np.float32) - paper) / np.float32(pen - paper), 0, 1)
        letters = random_letters(count, size, *height_and_stroke(ink), random)
        yield "letters", _pixels(letters, part, paper, pen)
    if len(held_out.images):
        yield "held_out", _some(held_out.images, count, random)


def height_and_stroke(ink: np.ndarray) -> tuple[float, float]:
    """The height and the stroke width of drawings, in pixels: medians over the images.

    The length of an outline is the sum of the differences of neighbouring pixels, times pi / 4 to
    correct for slanted lines. The stroke width is the area divided by half of the outline.

    Args:
        ink: the ink of each pixel, from 0 to 1, (n, rows, columns).
    """
    rows = (ink > 0.5).any(axis=2)
    heights = rows.shape[1] - rows.argmax(axis=1) - rows[:, ::-1].argmax(axis=1)
    edged = np.pad(ink, ((0, 0), (1, 1), (1, 1)))
    outline = sum(np.abs(np.diff(edged, axis=axis)).sum(axis=(1, 2)) for axis in (1, 2))
    strokes = 2 * ink.sum(axis=(1, 2)) / np.maximum(outline * np.pi / 4, 1e-9)
    height = float(np.median(heights))
    return height, float(np.clip(np.median(strokes), 1, max(1, height / 4)))


def _some(images: np.ndarray, count: int, random: np.random.Generator) -> np.ndarray:
    return images[np.sort(random.choice(len(images), min(count, len(images)), replace=False))]


def _pixels(shares: np.ndarray, part: Split, low: float, high: float) -> np.ndarray:
    """Shares from 0 to 1 as pixels from `low` to `high`, in the dtype of `part`'s images."""
    pixels = low + shares * np.float32(high - low)
    return (pixels.round() if part.images.dtype.kind == "u" else pixels).astype(part.images.dtype)
