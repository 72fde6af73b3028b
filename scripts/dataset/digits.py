"""The 1,797 digits of 8x8 pixels that come with scikit-learn (Alpaydin and Kaynak, UCI, 1998)."""

import numpy as np

from dataset.found import Found

# Images of a writer are consecutive. Splitting without shuffling keeps most writers in one part,
# as in MNIST, so that most test images are from writers that training has not seen.
TEST_IMAGES = 360


def load_digits() -> Found:
    """1,437 training and 360 test images of 8x8 whole numbers from 0 to 16."""
    from sklearn import (
        datasets,
    )  # imported late, because it takes seconds and only this dataset needs it

    digits = datasets.load_digits()
    images, labels = digits.images.astype(np.uint8), digits.target
    return Found(
        {"train": images[:-TEST_IMAGES], "test": images[-TEST_IMAGES:]},
        {"train": labels[:-TEST_IMAGES], "test": labels[-TEST_IMAGES:]},
        origin={"format": "sklearn"},
    )
