"""NumPy's files: `.npz` archives, and `.npy` files beside each other; arrays by their names."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import PurePosixPath

import numpy as np

from core.errors import UserError
from core.npz import MAXIMUM_BYTES, members_of, opened_archive, read_array, read_members
from core.text import printable
from dataset.files import Files
from dataset.found import Found
from dataset.parts import role_of, words
from dataset.shapes import as_grey

NAMES = {"class names", "classes", "label names"}
UNNAMED = "arr_0"  # what NumPy calls an array that has no name, as in KMNIST's files
SHOWN = 10


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
        readers: dict[tuple[str, str], tuple[str, Callable[[int], np.ndarray]]] = {}
        unused = []
        for place, name, only, read in _arrays(files, stack):
            is_names = " ".join(words(name)) in NAMES
            role = ("names", "") if is_names else role_of(name, only)
            if role is None:
                unused.append(name)
            elif role in readers:
                raise UserError(
                    f"{place}: {printable(name)} and {readers[role][0]} are both the"
                    f" {role[0]} of {role[1]}; allowed: one array for each"
                )
            else:
                readers[role] = printable(name), read
        _check(files, readers, unused)
        if unused:
            some = printable(", ".join(unused[:SHOWN]))
            print(f"{printable(files.source)}: not used: {some}", file=sys.stderr)
        left, read = MAXIMUM_BYTES, {}
        for role, (_, reader) in readers.items():
            read[role] = reader(left)
            left -= read[role].nbytes
    images, is_coloured = {}, False
    for part in [part for kind, part in readers if kind == "images"]:
        role = ("images", part)
        images[part], coloured = as_grey(read.pop(role), files.source, readers[role][0])
        is_coloured = is_coloured or coloured
    labels = {part: read["labels", part] for part in images}
    names = read.get(("names", ""))
    origin = {"format": "npz", "colour": is_coloured}
    return Found(images, labels, None if names is None else _class_names(files, names), origin)


def _arrays(
    files: Files, stack: ExitStack
) -> Iterator[tuple[str, str, bool, Callable[[int], np.ndarray]]]:
    """Each array: the place of its file, its name, whether that has no word besides what it is, and
    what reads it, given how many bytes it may take.
    """
    for file in files.named(".npy"):
        place, length = files.place(file), files.sizes[file]

        def read(most: int, file: str = file, place: str = place, length: int = length):
            if length > most:
                raise UserError(f"{place}: {length} bytes of arrays; allowed: at most {most}")
            return read_array(lambda: files.open_file(file), length, place, "of it")

        yield place, PurePosixPath(file).stem, False, read
    for file in files.named(".npz"):
        place = files.place(file)
        archive = stack.enter_context(
            opened_archive(stack.enter_context(files.open_file(file)), place)
        )
        names = list(members_of(archive))
        for name in names:

            def read(most: int, archive=archive, place: str = place, name: str = name):
                return read_members(archive, place, (name,), most)[name]

            is_nameless = names == [UNNAMED]
            yield place, PurePosixPath(file).stem if is_nameless else name, not is_nameless, read


def _check(files: Files, readers: dict[tuple[str, str], object], unused: list[str]) -> None:
    """Raise UserError unless there is a training part, and each part has images and labels."""
    parts = {part for kind, part in readers if kind != "names"} | {"train"}
    for part in sorted(parts, key=["train", "test", "validation"].index):
        for kind, name in (("images", "x"), ("labels", "y")):
            if (kind, part) not in readers:
                others = [*(each for each, _ in readers.values()), *unused]
                found = printable(", ".join(others[:SHOWN])) or "nothing"
                raise UserError(
                    f"{printable(files.source)}: no {kind} of {part} (found {found});"
                    f" allowed: {name}_{part}, {part}_{kind}, or the like"
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
        raise UserError(f"{printable(files.source)}: the class names are no text") from error
