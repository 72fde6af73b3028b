"""The range of the pixels of images, without outliers."""

import math

import numpy as np

FAR = 1.0  # how far beyond the range of the others outliers lie, relative to that range
OTHERS = 0.99  # the share of images that define this range


def robust_range(images: np.ndarray) -> tuple[float, float]:
    """The lowest and the highest pixel of `images`, (n, height, width), without images that have
    outliers.

    The reference range is that of 99 % of the images: for the upper end, those with the lowest
    maxima; for the lower end, those with the highest minima. Outliers are beyond it by more than
    its width. So a single pixel of 65535 among pixels from 0 to 255 gives 0 to 255. If there are no
    such images, or fewer than a hundred images, all pixels count.
    """
    lowest, highest = (
        extreme(axis=(1, 2)).astype(np.float64) for extreme in (images.min, images.max)
    )
    place = math.ceil(OTHERS * len(images)) - 1
    low, high = -np.partition(-lowest, place)[place], np.partition(highest, place)[place]
    beyond = FAR * (high - low)
    if beyond <= 0:  # no range: most images are blank
        return float(lowest.min()), float(highest.max())
    return (
        float(lowest[lowest >= low - beyond].min()),
        float(highest[highest <= high + beyond].max()),
    )
