"""Cut the dataset into training, validation and test parts, and find the range to scale by."""

import sys
from pathlib import Path

import numpy as np

from core.command_line import StageParser
from core.errors import UserError
from core.split import Split, write_split
from dataset.dataset import Dataset, read_dataset
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

    A validation part that the dataset has of its own is the validation part.

    Args:
        validation_size: share of the training images to hold out, in [0, 1), else.
        train_size: training images to use, those to hold out included, or "all".
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
        kept, _ = _stratified(kept, data, train_size, seed, "train_size", train_size)
    count = round(validation_size * len(kept))
    if data.x_validation is not None:
        print(
            f"preprocess: {len(data.x_validation)} images are the dataset's own validation part, so"
            " that validation_size does not apply",
            file=sys.stderr,
        )
    elif count:
        held_out, kept = _stratified(kept, data, count, seed, "validation_size", validation_size)
    write_split(train, split(data.x_train[kept], y_train[kept]))
    if data.x_validation is None:
        write_split(validation, split(data.x_train[held_out], y_train[held_out]))
    else:
        write_split(validation, split(data.x_validation, data.y_validation))
    write_split(test, split(data.x_test, data.y_test))


def _stratified(
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
    ways = ["0, to hold out none" if key == "validation_size" else "all"]
    if counts[least] > 1:
        ways.append("a larger value" if 2 * count < len(indices) else "a smaller value")
    raise UserError(
        f"preprocess.{key}: {value} gives {count} of {len(indices)} images, which leaves a class"
        f" without an image on one side, as class {data.classes[least]}, which has {counts[least]};"
        f" allowed: {', '.join(ways)}, or more images of the class"
    )


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
