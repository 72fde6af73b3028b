"""Cut the dataset into training, validation and test parts, and find the range to scale by."""

from pathlib import Path

import numpy as np

from core.command_line import StageParser
from core.errors import UserError
from core.split import Split, write_split
from dataset.dataset import read_dataset
from dataset.pixel_range import robust_range


def preprocess(
    dataset: Path,
    train: Path,
    validation: Path,
    test: Path,
    validation_size: float,
    train_size: int | str,
    seed: int,
) -> None:
    """Write the three parts of `dataset`.

    Images keep their dtype and units, a quarter of the bytes of scaled ones; each model scales with
    the pixel range of the training images, and flattens or adds the channel axis as it needs. Where
    a few pixels of those lie far outside of the rest, the range is that of the rest, and pixels
    beyond it are cut to it in all parts.

    Args:
        validation_size: share of the training images to hold out, in [0, 1).
        train_size: training images to use, validation included, or "all".
        seed: which ones.

    Raises:
        UserError: too few images to give each class its place.
    """
    data = read_dataset(dataset)
    y_train = data.y_train
    low, high = robust_range(data.x_train)
    if low == high:
        raise UserError(f"{dataset}: each pixel of x_train is {low:g}; allowed: two or more values")
    cut = data.x_train.min() < low or data.x_train.max() > high

    def split(images: np.ndarray, labels: np.ndarray) -> Split:
        images = images.clip(low, high) if cut else images
        return Split(images, labels, data.classes, np.array([low, high]))

    kept, held_out = np.arange(len(y_train)), np.arange(0)
    if train_size != "all" and train_size < len(kept):
        kept, _ = _stratified(kept, y_train, train_size, seed, "preprocess.train_size", train_size)
    count = round(validation_size * len(kept))
    if count:
        held_out, kept = _stratified(
            kept, y_train, count, seed, "preprocess.validation_size", validation_size
        )
    write_split(train, split(data.x_train[kept], y_train[kept]))
    write_split(validation, split(data.x_train[held_out], y_train[held_out]))
    write_split(test, split(data.x_test, data.y_test))


def _stratified(
    indices: np.ndarray, labels: np.ndarray, count: int, seed: int, key: str, value: float
) -> tuple[np.ndarray, np.ndarray]:
    """Two ascending parts of `indices`, the first of `count`, with the same class shares."""
    from sklearn.model_selection import train_test_split  # takes seconds; not needed for 0 and all

    refusal = UserError(
        f"{key}: {value} gives {count} of {len(indices)} images, which leaves a class without an"
        " image on one side; allowed: sizes that leave each class at least one on both"
    )
    classes = len(np.unique(labels))
    smallest = np.bincount(labels[indices], minlength=classes).min()
    if smallest < 2 or min(count, len(indices) - count) < classes:  # as scikit-learn asks
        raise refusal
    chosen, rest = train_test_split(
        indices, train_size=count, random_state=seed, stratify=labels[indices]
    )
    if min(len(np.unique(labels[chosen])), len(np.unique(labels[rest]))) < classes:
        raise refusal  # it keeps shares only as well as rounding lets it
    return np.sort(chosen), np.sort(rest)


def main() -> None:
    parser = StageParser("preprocess", __doc__)
    parser.add_input("dataset", "the dataset, .npz")
    parser.add_output("train", "the training part, .npz")
    parser.add_output("validation", "the validation part, .npz")
    parser.add_output("test", "the test part, .npz")
    parser.add_seed()
    parser.run(preprocess)


if __name__ == "__main__":
    main()
