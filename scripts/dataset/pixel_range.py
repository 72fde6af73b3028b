"""The range of an image's pixels, without what lies far outside of the rest."""

import math

import numpy as np

FAR = 1.0  # ranges of the others, beyond their lowest or highest pixel
OTHERS = 0.99  # of the images


def robust_range(images: np.ndarray) -> tuple[float, float]:
    """The lowest and the highest pixel of `images`, (n, height, width), without those images
    whose pixels lie far outside of the rest.

    The rest are, for the highest pixel, the 99 of 100 images where that is lowest, and for the
    lowest pixel those where that is highest. Far outside is beyond these by more than their range.
    So a single pixel of 65535 among 0 to 255 leaves 0 to 255, and where no image is so different,
    or there are fewer than a hundred, all pixels count.
    """
    lowest, highest = (
        extreme(axis=(1, 2)).astype(np.float64) for extreme in (images.min, images.max)
    )
    place = math.ceil(OTHERS * len(images)) - 1
    low, high = -np.partition(-lowest, place)[place], np.partition(highest, place)[place]
    beyond = FAR * (high - low)
    if beyond <= 0:  # most images have one value, or each its own
        return float(lowest.min()), float(highest.max())
    return (
        float(lowest[lowest >= low - beyond].min()),
        float(highest[highest <= high + beyond].max()),
    )
