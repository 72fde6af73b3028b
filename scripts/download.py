"""Fetch the dataset, check it, and store it as one file."""

import core.environment  # noqa: F401 - before any library

import os
import sys
from dataclasses import replace
from pathlib import Path

from core.command_line import StageParser
from core.errors import UserError
from core.text import printable
from dataset.dataset import checked_dataset, write_dataset
from dataset.digits import load_digits
from dataset.mnist import fetch_mnist
from dataset.own import name_of, read_own
from dataset.own_file import own_file
from dataset.shapes import resized, transposed
from dataset.test_part import with_test_part

DEFAULTS = {"test_size": 0.2, "test_seed": 1}  # as in params.yaml; others were set by the user
# The start of files that write_dataset writes: the header of a zip member with this name.
HEADER, LENGTHS, FIRST = b"PK\x03\x04", 26, b"name.npy"


def download(
    output: Path,
    dataset: str,
    path: Path,
    test_size: float,
    test_seed: int,
    resize: list[int] | str,
    transpose: bool,
    timeout: int,
    attempts: int,
    mirror: str | None,
) -> None:
    """Write the dataset called `dataset` to `output`.

    Args:
        output: the `.npz` to write; an existing file must be from this stage.
        dataset: "digits", "mnist", or "own" for the dataset at `path`.
        path: the file or folder of the user's own dataset; `~` is the home folder.
        test_size: share of the images for the test part, if the dataset has none.
        test_seed: chooses these images.
        resize: [height, width] to resize images to, or "none".
        transpose: whether to swap rows and columns.
        timeout: seconds that one mirror may take.
        attempts: rounds through the mirrors.
        mirror: a folder or URL to try before the public mirrors.

    Raises:
        UserError: the dataset does not exist, cannot be fetched, or is invalid; or `output` is
            a file that this stage did not write.
    """
    _check_place(output)
    size = None if resize == "none" else (resize[0], resize[1])
    name, source = dataset, dataset
    if dataset == "digits":
        found = load_digits()
    elif dataset == "mnist":
        found = fetch_mnist(mirror, timeout, attempts)
    else:
        name, source = name_of(path), printable(path)
        found = read_own(path.expanduser(), size and (size[::-1] if transpose else size))
    images = found.images
    if transpose:
        images = {part: transposed(own) for part, own in images.items()}
    if size:
        images = {part: resized(own, *size) for part, own in images.items()}
    done = {"transposed": transpose, "resized": size and list(size)}
    found = replace(found, images=images, origin={**found.origin, **done})
    for key, value in {"test_size": test_size, "test_seed": test_seed}.items():
        if "test" in found.images and value != DEFAULTS[key]:
            why = "has no effect, because the dataset has test images"
            print(f"download.{key}: {value} {why}", file=sys.stderr)
    found = with_test_part(found, source, test_size, test_seed)
    write_dataset(output, checked_dataset(name, source, found))


def _check_place(output: Path) -> None:
    """Raise UserError if `output` is a file that this stage did not write, of which there may be no
    other copy.

    A file of this stage begins with the array `name`, even if it is damaged. The provenance record
    does not help here: a killed run leaves none.
    """
    try:
        with output.open("rb") as file:
            header = file.read(len(HEADER) + LENGTHS + len(FIRST))
    except FileNotFoundError:
        return
    if header and not (header.startswith(HEADER) and header.endswith(FIRST)):
        raise UserError(
            f"{output}: download did not write this file and does not overwrite it; move it, and"
            " set download.path to its new path to use it"
        )


def main() -> None:
    parser = StageParser("download", __doc__)
    parser.add_output("output", "the dataset, .npz")
    parser.run(download, own_file=own_file, mirror=os.environ.get("DATA_MIRROR"))


if __name__ == "__main__":
    main()
