"""Split the training images into two parts with the same class shares."""

import numpy as np

from core.errors import UserError
from dataset.dataset import Dataset


def stratified(
    indices: np.ndarray, data: Dataset, count: int, seed: int, key: str, value: float
) -> tuple[np.ndarray, np.ndarray]:
    """Split `indices` of training images into two stratified parts, both in ascending order.

    Args:
        indices: (n,), indices of training images.
        data: the dataset.
        count: the size of the first part.
        seed: chooses the images.
        key, value: the parameter that asks for this, for messages.

    Raises:
        UserError: a class would have no image in one of the parts.
    """
    from sklearn.model_selection import train_test_split  # imported late, because it takes seconds

    labels, classes = data.y_train[indices], len(data.classes)
    counts = np.bincount(labels, minlength=classes)
    few = counts
    if counts.min() > 1 and min(count, len(indices) - count) >= classes:  # required by scikit-learn
        chosen, rest = train_test_split(
            indices, train_size=count, random_state=seed, stratify=labels
        )
        # Rounding may still have left a class without images.
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
