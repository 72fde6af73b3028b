"""A summary of a part of the data, from a sample of its images."""

from typing import NamedTuple

import numpy as np

from data_checks.finding import Part

MOST_IMAGES, MOST_PIXELS = 10_000, 2**24  # of a part


class Look(NamedTuple):
    """A sample of the images of a part, and its summary.

    Attributes:
        part: the sampled images, float32, and their labels.
        low, high: the medians of the images' lowest and highest pixels.
        mean, error: the mean pixel and its standard error.
    """

    part: Part
    low: float
    high: float
    mean: float
    error: float

    @property
    def scaled(self) -> np.ndarray:
        """The images, scaled so that `low` becomes 0 and `high` becomes 1."""
        return (self.part.images - np.float32(self.low)) / np.float32(self.high - self.low)


def look_at(part: Part) -> Look:
    """The `Look` of `part`; the same images always give the same sample."""
    count = min(len(part.images), MOST_IMAGES, MOST_PIXELS // part.images[0].size + 1)
    # A random sample: every sixth image would miss classes in files that cycle through them.
    chosen = np.sort(np.random.default_rng(0).choice(len(part.images), count, replace=False))
    images = part.images[chosen].astype(np.float32)
    low, high = (float(np.median(each(axis=(1, 2)))) for each in (images.min, images.max))
    means = images.mean(axis=(1, 2), dtype=np.float64)
    error = float(means.std() / np.sqrt(count))
    return Look(Part(images, part.labels[chosen]), low, high, float(means.mean()), error)
