"""Fetch the dataset, check it, and store it as one file."""

import os
from pathlib import Path

from core.command_line import StageParser
from core.errors import UserError
from core.npz import read_arrays
from dataset.dataset import checked_dataset, write_dataset
from dataset.digits import load_digits
from dataset.found import found_in
from dataset.mnist import fetch_mnist

ARRAYS = ("x_train", "y_train", "x_test", "y_test")
ALLOWED = "digits, mnist, or the path of an .npz with x_train, y_train, x_test and y_test"
# How write_dataset's files begin: a member of a zip archive, with this name.
HEADER, LENGTHS, FIRST = b"PK\x03\x04", 26, b"name.npy"


def download(
    output: Path, dataset: str | Path, timeout: int, attempts: int, mirror: str | None
) -> None:
    """Write the dataset called `dataset` to `output`.

    Args:
        output: the `.npz` to write; what is there must be made by this stage, too.
        dataset: "digits", "mnist", or the path of an `.npz` of one's own.
        timeout: seconds that one mirror may take.
        attempts: how many times to go through the mirrors.
        mirror: a folder or URL to ask before the public mirrors.

    Raises:
        UserError: there is no such dataset, it cannot be fetched, or its content is wrong; or a
            file of somebody's own is in the way.
    """
    _check_place(output)
    dataset = str(dataset)
    if dataset == "digits":
        name, found = dataset, load_digits()
    elif dataset == "mnist":
        name, found = dataset, fetch_mnist(mirror, timeout, attempts)
    elif dataset.endswith(".npz") and Path(dataset).is_file():
        name, found = Path(dataset).stem, found_in(read_arrays(Path(dataset), ARRAYS), "npz")
    else:
        problem = "no such file" if dataset.endswith(".npz") else "unknown dataset"
        raise UserError(
            f"download.dataset: {dataset!r} is not allowed ({problem}); allowed: {ALLOWED}"
        )
    write_dataset(output, checked_dataset(name, dataset, found))


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
            f"{output}: a file that download did not make, and would overwrite; move it, and name"
            " its new path in download.dataset to use it"
        )


def main() -> None:
    parser = StageParser("download", __doc__)
    parser.add_output("output", "the dataset, .npz")
    parser.run(download, mirror=os.environ.get("DATA_MIRROR"))


if __name__ == "__main__":
    main()
