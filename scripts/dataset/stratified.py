"""Two parts of the training images, with the same class shares."""

import numpy as np

from core.errors import UserError
from dataset.dataset import Dataset


def stratified(
    indices: np.ndarray, data: Dataset, count: int, seed: int, key: str, value: float
) -> tuple[np.ndarray, np.ndarray]:
    """Two ascending parts of `indices`, which are training images', the first of `count`, with the
    same class shares.
    """
    from sklearn.model_selection import train_test_split  # takes seconds; not needed for 0 and all

    labels, classes = data.y_train[indices], len(data.classes)
    counts = np.bincount(labels, minlength=classes)
    few = counts
    if counts.min() > 1 and min(count, len(indices) - count) >= classes:  # as scikit-learn asks
        chosen, rest = train_test_split(
            indices, train_size=count, random_state=seed, stratify=labels
        )
        # It keeps shares only as well as rounding lets it.
        few = np.minimum(
            *(np.bincount(data.y_train[part], minlength=classes) for part in (chosen, rest))
        )
        if few.min():
            return np.sort(chosen), np.sort(rest)
    least = few.argmin()
    ways = ["0 for no validation part" if key == "validation_size" else "all"]
    if counts[least] > 1:
        ways.append("a larger value" if 2 * count < len(indices) else "a smaller value")
    raise UserError(
        f"preprocess.{key}: {value} selects {count} of {len(indices)} images, which leaves no image"
        f" of a class on one side (class {data.classes[least]}, with {counts[least]} in all);"
        f" allowed: {', '.join(ways)}, or more images of the class"
    )
