"""Split the dataset into training, validation and test parts, and find the range to scale by."""

import core.environment  # noqa: F401 - before any library

import sys
from pathlib import Path

import numpy as np

from core.command_line import StageParser
from core.errors import UserError
from core.split import Split, write_split
from dataset.dataset import read_dataset
from dataset.held_out import without_classes
from dataset.pixel_range import robust_range
from dataset.stratified import stratified


def preprocess(
    dataset: Path,
    train: Path,
    validation: Path,
    test: Path,
    held_out: Path,
    hold_out: str | float | list[str | float],
    validation_size: float,
    train_size: int | str,
    seed: int,
) -> None:
    """Write the three parts of `dataset`, and the test images of classes that are left out.

    Images keep their dtype and units, which takes a quarter of the space of scaled float32 images.
    Each model scales them with the pixel range of the training images, and flattens them or adds a
    channel axis as needed. This range excludes outliers; pixels beyond it are clipped in all parts.

    If the dataset has its own validation part, it is used.

    Args:
        dataset: the dataset, `.npz`.
        train, validation, test: the parts to write, `.npz`.
        held_out: the test images of the classes that are left out, to write, `.npz`.
        hold_out: a class or classes to leave out of the three parts, or "none".
        validation_size: share of the training images for validation, in [0, 1).
        train_size: number of training images, validation included, or "all".
        seed: chooses the images.

    Raises:
        UserError: there are too few images of a class, or classes cannot be left out.
        OSError: a file cannot be read or written.
    """
    names = hold_out if isinstance(hold_out, list) else [] if hold_out == "none" else [hold_out]
    data, unknown = without_classes(read_dataset(dataset), names, "preprocess.hold_out")
    y_train = data.y_train
    low, high = robust_range(data.x_train)
    if low == high:
        raise UserError(f"{dataset}: each pixel of x_train is {low:g}; allowed: two or more values")
    cut = data.x_train.min() < low or data.x_train.max() > high

    def split(images: np.ndarray, labels: np.ndarray, classes: np.ndarray = data.classes) -> Split:
        images = images.clip(low, high) if cut else images
        return Split(images, labels, classes, np.array([low, high]))

    kept, watched = np.arange(len(y_train)), np.arange(0)
    if train_size != "all" and train_size < len(kept):
        kept, _ = stratified(kept, data, train_size, seed, "train_size", train_size)
    count = round(validation_size * len(kept))
    own = data.x_validation is not None
    if own:
        print(
            f"preprocess: the dataset has its own validation part of {len(data.x_validation)}"
            " images, so validation_size is ignored",
            file=sys.stderr,
        )
    elif count:
        watched, kept = stratified(kept, data, count, seed, "validation_size", validation_size)
    write_split(train, split(data.x_train[kept], y_train[kept]))
    part = split(data.x_train[watched], y_train[watched])
    write_split(validation, split(data.x_validation, data.y_validation) if own else part)
    write_split(test, split(data.x_test, data.y_test))
    write_split(held_out, split(*unknown))


def main() -> None:
    parser = StageParser("preprocess", __doc__)
    parser.add_input("dataset", "the dataset, .npz")
    parser.add_output("train", "the training part, .npz")
    parser.add_output("validation", "the validation part, .npz")
    parser.add_output("test", "the test part, .npz")
    parser.add_output("held_out", "test images of the classes held out, .npz")
    parser.add_seed()
    parser.run(preprocess)


if __name__ == "__main__":
    main()
