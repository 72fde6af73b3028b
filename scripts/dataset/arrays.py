"""NumPy's files: `.npz` archives, and `.npy` files beside each other; arrays by their names."""

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
UNNAMED = "arr_0"  # what NumPy calls an array that has no name, as in KMNIST's files
SHOWN = 10


@dataclass(frozen=True)
class StoredArray:
    """An array that has not been read.

    Attributes:
        place: what a message calls its file, and `called` it itself.
        name: by which its role is known.
        only: whether that has no word besides what it is.
        open_file: opens what holds it alone, `length` bytes.
    """

    place: str
    called: str
    name: str
    only: bool
    open_file: Callable[[], IO[bytes]]
    length: int

    def read(self, most: int) -> np.ndarray:
        """The array, which may take `most` bytes. Raises UserError."""
        self._check(most)
        return read_array(self.open_file, self.length, self.place, self.called)

    def read_rows(self, most: int) -> Iterator[np.ndarray]:
        """The array, some rows at a time, of `most` bytes. Raises UserError."""
        self._check(MAXIMUM_BYTES)
        return read_rows(self.open_file, self.length, self.place, self.called, most)

    def shape(self) -> tuple[int, ...]:
        """Its shape, by its header. Raises UserError."""
        return shape_of(self.open_file, self.length, self.place, self.called)

    def _check(self, most: int) -> None:
        if self.length > most:
            raise UserError(f"{self.place}: {self.length} bytes of arrays; allowed: at most {most}")


def read_arrays_of(files: Files) -> Found:
    """Read the images, labels and class names in NumPy's files among `files`.

    An array is known by its name: `x_train`, `X_train`, `train_images` and the like; one without
    "train" or "test", as `X`, is a training part. In an archive with one nameless array, and in an
    `.npy`, the file's own name says what it is. Others are named on standard error.

    Raises:
        UserError: an array that is needed is missing, is there twice, holds objects, lies about its
            size, or is damaged.
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
    """The images of NumPy's files among `files`, which need no labels: those of test, else those
    of no part or of train, else those of validation; or the only array, whatever its name.

    Args:
        most: bytes of images to read at a time, or one image.

    Yields:
        The number of images, then some of them as grey ones, (n, height, width), and their labels,
        (n,), as text, or None.

    Raises:
        UserError: there are none, or one is damaged; what was given before is right.
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
    """Arrays by what they are, "images", "labels" or "names", and of which part; and the others."""
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
        yield StoredArray(files.place(file), "of it", name, False, open_file, length)
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
    """Raise UserError unless there is a training part, and each part has images and labels."""
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
    except ValueError as error:  # a number that is no character's
        raise UserError(f"{printable(files.source)}: the class names are not text") from error
