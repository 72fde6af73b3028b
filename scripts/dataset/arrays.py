"""Read datasets from NumPy files, `.npz` archives and `.npy` files, by the names of the arrays."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO

import numpy as np

from core.errors import UserError
from core.npz import (
    MAXIMUM_BYTES,
    member_of,
    members_of,
    opened_archive,
    read_array,
    read_rows,
    shape_of,
)
from core.text import printable
from dataset.files import Files
from dataset.found import Found
from dataset.labels import indexed
from dataset.parts import role_of, words
from dataset.shapes import as_grey

NAMES = {"class names", "classes", "label names"}
UNNAMED = "arr_0"  # NumPy's name for an unnamed array, as in KMNIST's files
SHOWN = 10


@dataclass(frozen=True)
class StoredArray:
    """An array that has not been read.

    Attributes:
        place, called: the names of its file and of itself in messages.
        name: the name that gives its role.
        only: whether this name may have no words besides the role.
        open_file: opens the array's own file or member, of `length` bytes.
        length: its size in bytes, with the header.
    """

    place: str
    called: str
    name: str
    only: bool
    open_file: Callable[[], IO[bytes]]
    length: int

    def read(self, most: int) -> np.ndarray:
        """The array, of at most `most` bytes. Raises UserError."""
        self._check(most)
        return read_array(self.open_file, self.length, self.place, self.called)

    def read_rows(self, most: int) -> Iterator[np.ndarray]:
        """The array, in blocks of rows of at most `most` bytes. Raises UserError."""
        self._check(MAXIMUM_BYTES)
        return read_rows(self.open_file, self.length, self.place, self.called, most)

    def shape(self) -> tuple[int, ...]:
        """Its shape, from its header. Raises UserError."""
        return shape_of(self.open_file, self.length, self.place, self.called)

    def _check(self, most: int) -> None:
        if self.length > most:
            raise UserError(f"{self.place}: {self.length} bytes of arrays; allowed: at most {most}")


def read_arrays_of(files: Files) -> Found:
    """Read the images, labels and class names in the NumPy files among `files`.

    The role of an array follows from its name: `x_train`, `X_train`, `train_images` or similar; a
    name without "train" or "test", such as `X`, is the training part. For an archive with a single
    unnamed array, and for an `.npy` file, the name of the file counts. Other arrays are listed on
    standard error.

    Raises:
        UserError: a required array is missing or exists twice, or an array contains objects, states
            a false size, or is damaged.
    """
    with ExitStack() as stack:
        stored, unused = _by_role(files, stack)
        _check(files, stored, unused)
        if unused:
            some = printable(", ".join(array.name for array in unused[:SHOWN]))
            print(f"{printable(files.source)}: not used: {some}", file=sys.stderr)
        left, read = MAXIMUM_BYTES, {}
        for role, array in stored.items():
            read[role] = array.read(left)
            left -= read[role].nbytes
    images, is_coloured = {}, False
    for part in [part for kind, part in stored if kind == "images"]:
        role = ("images", part)
        name = printable(stored[role].name)
        images[part], coloured = as_grey(read.pop(role), files.source, name)
        is_coloured = is_coloured or coloured
    labels = {part: read["labels", part] for part in images}
    names = read.get(("names", ""))
    origin = {"format": "npz", "colour": is_coloured}
    return Found(images, labels, None if names is None else _class_names(files, names), origin)


def read_array_blocks(
    files: Files, most: int
) -> Iterator[tuple[int, np.ndarray, np.ndarray | None]]:
    """The images in the NumPy files among `files`, which need no labels: those of test, else those
    of train or without a part, else those of validation; or the only array, whatever its name.

    Args:
        files: the files.
        most: bytes of images to read at a time; at least one image is read.

    Yields:
        The total number of images, a block of them in grey, (n, height, width), and their labels,
        (n,), as text, or None.

    Raises:
        UserError: there are no images, or an array is damaged; blocks yielded before are valid.
    """
    with ExitStack() as stack:
        stored, unused = _by_role(files, stack)
        parts = [part for kind, part in stored if kind == "images"]
        if not stored and len(unused) == 1:
            stored, parts = {("images", "test"): unused[0]}, ["test"]
        if not parts:
            found = _listed([*stored.values(), *unused])
            raise UserError(
                f"{printable(files.source)}: no images (found {found}); allowed: x_test, images, or"
                " a similar name"
            )
        part = min(parts, key=["test", "train", "validation"].index)
        if len(parts) > 1:
            print(f"{printable(files.source)}: predicting the images of {part}", file=sys.stderr)
        array, labels = stored["images", part], stored.get(("labels", part))
        shape, names = array.shape(), stored.get(("names", ""))
        count = shape[0] if shape else 0
        labels = None if labels is None else labels.read(MAXIMUM_BYTES)
        if labels is not None and labels.shape[:1] != (count,):
            raise UserError(
                f"{array.place}: {count} images and labels of shape {labels.shape}; allowed: one"
                " label per image"
            )
        if labels is not None:
            own = None if names is None else _class_names(files, names.read(MAXIMUM_BYTES))
            classes, places = indexed(array.place, {"train": labels}, own)
            labels = classes[places["train"]]
        place = 0
        for rows in array.read_rows(most):
            grey, _ = as_grey(rows, array.place, printable(array.name))
            end = place + len(rows)
            yield count, grey, None if labels is None else labels[place:end]
            place = end


def _by_role(
    files: Files, stack: ExitStack
) -> tuple[dict[tuple[str, str], StoredArray], list[StoredArray]]:
    """Arrays by role ("images", "labels" or "names") and part, and the arrays without a role."""
    stored: dict[tuple[str, str], StoredArray] = {}
    unused = []
    for array in _arrays(files, stack):
        is_names = " ".join(words(array.name)) in NAMES
        role = ("names", "") if is_names else role_of(array.name, array.only)
        if role is None:
            unused.append(array)
        elif role in stored:
            raise UserError(
                f"{array.place}: {printable(array.name)} and {printable(stored[role].name)} are"
                f" both the {role[0]} of {role[1]}; allowed: one array for each"
            )
        else:
            stored[role] = array
    return stored, unused


def _arrays(files: Files, stack: ExitStack) -> Iterator[StoredArray]:
    for file in files.named(".npy"):

        def open_file(file: str = file) -> IO[bytes]:
            return files.open_file(file)

        name, length = PurePosixPath(file).stem, files.sizes[file]
        yield StoredArray(files.place(file), name, name, False, open_file, length)
    for file in files.named(".npz"):
        place = files.place(file)
        archive = stack.enter_context(
            opened_archive(stack.enter_context(files.open_file(file)), place)
        )
        names = list(members_of(archive))
        for name in names:
            is_nameless = names == [UNNAMED]
            known = PurePosixPath(file).stem if is_nameless else name
            opener = member_of(archive, place, name)
            yield StoredArray(place, name, known, not is_nameless, *opener)


def _listed(arrays: list[StoredArray]) -> str:
    return printable(", ".join(array.name for array in arrays[:SHOWN])) or "nothing"


def _check(
    files: Files, stored: dict[tuple[str, str], StoredArray], unused: list[StoredArray]
) -> None:
    """Raise UserError unless there is a training part and each part has images and labels."""
    parts = {part for kind, part in stored if kind != "names"} | {"train"}
    for part in sorted(parts, key=["train", "test", "validation"].index):
        for kind, name in (("images", "x"), ("labels", "y")):
            if (kind, part) not in stored:
                raise UserError(
                    f"{printable(files.source)}: no {kind} of {part}"
                    f" (found {_listed([*stored.values(), *unused])});"
                    f" allowed: {name}_{part}, {part}_{kind}, or a similar name"
                )


def _class_names(files: Files, names: np.ndarray) -> list[str]:
    if names.ndim != 1 or names.dtype.kind not in "SUiu":
        raise UserError(
            f"{printable(files.source)}: the class names are of shape {names.shape} and"
            f" dtype {names.dtype}; allowed: text, (classes,)"
        )
    if names.dtype.kind == "S":
        names = np.char.decode(names, "utf-8", "backslashreplace")
    try:
        return [str(name) for name in names.tolist()]
    except ValueError as error:  # a number that is not a character
        raise UserError(f"{printable(files.source)}: the class names are not text") from error
