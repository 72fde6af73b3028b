"""What a part of the data looks like, by some of its images."""

from typing import NamedTuple

import numpy as np

from data_checks.finding import Part

MOST_IMAGES, MOST_PIXELS = 10_000, 2**24  # of a part


class Look(NamedTuple):
    """What some images of a part look like.

    Attributes:
        part: the images, float32, with their classes.
        low, high: the medians of each image's lowest and highest pixel.
        mean, error: the mean pixel, and the standard error of that.
    """

    part: Part
    low: float
    high: float
    mean: float
    error: float

    @property
    def scaled(self) -> np.ndarray:
        """The images with the range of a usual one of their part from 0 to 1, if it has one."""
        return (self.part.images - np.float32(self.low)) / np.float32(self.high - self.low)


def look_at(part: Part) -> Look:
    """A look at `part`: the same for the same images."""
    count = min(len(part.images), MOST_IMAGES, MOST_PIXELS // part.images[0].size + 1)
    # By chance: every sixth image of a file that goes round the classes is of half of them.
    chosen = np.sort(np.random.default_rng(0).choice(len(part.images), count, replace=False))
    images = part.images[chosen].astype(np.float32)
    low, high = (float(np.median(each(axis=(1, 2)))) for each in (images.min, images.max))
    means = images.mean(axis=(1, 2), dtype=np.float64)
    error = float(means.std() / np.sqrt(count))
    return Look(Part(images, part.labels[chosen]), low, high, float(means.mean()), error)
