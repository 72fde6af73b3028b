"""Fetch the dataset, check it, and store it as one file."""

import os
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

# How write_dataset's files begin: a member of a zip archive, with this name.
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
        output: the `.npz` to write; what is there must be made by this stage, too.
        dataset: "digits", "mnist", or "own", which is what `path` leads to.
        path: a file or folder with a dataset of one's own; `~` is the home folder.
        test_size: share of the images for a test part, where the dataset has none.
        test_seed: which ones.
        resize: [height, width] to give the images, or "none".
        transpose: whether to turn rows into columns.
        timeout: seconds that one mirror may take.
        attempts: how many times to go through the mirrors.
        mirror: a folder or URL to ask before the public mirrors.

    Raises:
        UserError: the dataset is not there, cannot be fetched, or its content is wrong; or a file
            of somebody's own is in the way.
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
    found = with_test_part(found, source, test_size, test_seed)
    write_dataset(output, checked_dataset(name, source, found))


def _check_place(output: Path) -> None:
    """Refuse to write over a file that no run of this stage has made: it has no other copy.

    An archive of ours begins with the array `name`, even if it was damaged since. Records say less:
    a killed run leaves none.
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
