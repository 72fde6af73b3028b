"""Split a test part off the training images of a dataset that has none."""

from dataclasses import replace

import numpy as np

from core.errors import UserError
from dataset.found import Found


def with_test_part(found: Found, source: str, share: float, seed: int) -> Found:
    """`found` with a test part: its own, or a share of each class of the training part.

    A class of two or more images has at least one image in each part; a class of one image stays in
    the training part. Both parts keep the order of the images.

    Args:
        found: the images and labels.
        source: the start of error messages.
        share: the share of each class, greater than 0 and less than 1.
        seed: chooses the images.

    Raises:
        UserError: the numbers of labels and images differ, or no class has two images.
    """
    if "test" in found.images or not len(found.images["train"]):
        return found
    images, labels = found.images["train"], found.labels["train"]
    if images.shape[:1] != labels.shape[:1]:
        raise UserError(
            f"{source}: {len(images)} images and {labels.shape[0] if labels.shape else 'no'} labels"
            " in train; allowed: one label per image"
        )
    random = np.random.default_rng(seed)
    _, classes, counts = np.unique(
        labels.reshape(len(labels), -1), axis=0, return_inverse=True, return_counts=True
    )
    order = np.argsort(classes.ravel(), kind="stable")
    chosen = np.zeros(len(labels), bool)
    for own in np.split(order, np.cumsum(counts)[:-1]):
        count = min(max(round(share * len(own)), 1), len(own) - 1)
        chosen[random.permutation(own)[:count]] = True
    if not chosen.any():
        raise UserError(
            f"{source}: no class has two images, so no image can be held out for testing;"
            " allowed: two or more images of a class, or a test part of your own"
        )
    return replace(
        found,
        images={**found.images, "train": images[~chosen], "test": images[chosen]},
        labels={**found.labels, "train": labels[~chosen], "test": labels[chosen]},
        origin={**found.origin, "test_size": share},
    )
