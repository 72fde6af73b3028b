"""The 1,797 digits of 8x8 pixels that come with scikit-learn (Alpaydin and Kaynak, UCI, 1998)."""

import numpy as np

# The images of one writer follow each other. Splitting without shuffling keeps most writers on one
# side, as MNIST does: the test asks for hands that training has not seen.
TEST_IMAGES = 360


def load_digits() -> dict[str, np.ndarray]:
    """The four arrays: 1,437 and 360 images of 8x8 whole numbers from 0 to 16."""
    from sklearn import datasets  # takes seconds, and only this dataset needs it

    digits = datasets.load_digits()
    images, labels = digits.images.astype(np.uint8), digits.target
    return {
        "x_train": images[:-TEST_IMAGES],
        "y_train": labels[:-TEST_IMAGES],
        "x_test": images[-TEST_IMAGES:],
        "y_test": labels[-TEST_IMAGES:],
    }
