"""Read the images to predict, block by block: from pictures, a table, or arrays."""

import sys
import warnings
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from core.errors import UserError
from core.text import printable
from dataset import arrays, pictures, table
from dataset.files import Files, opened
from dataset.pictures import read_picture

BLOCK_BYTES = 2**22  # of images to read at a time
SHOWN = 5  # files named in a message
ALLOWED = "a picture (PNG, JPEG, BMP, GIF, TIFF), a folder of them, .csv, .npz or .npy, or a .zip"


@dataclass(frozen=True)
class Block:
    """Some images of one size.

    Attributes:
        names: for each image, the path of its file, or the number of its row, from 1.
        images: (n, height, width), grey, of any real dtype.
        labels: the label of each image, or None.
    """

    names: list[str]
    images: np.ndarray
    labels: list[str | None]

    def single(self) -> Iterator["Block"]:
        """A block for each image."""
        for place, (name, label) in enumerate(zip(self.names, self.labels, strict=True)):
            yield Block([name], self.images[place : place + 1], [label])


@dataclass(frozen=True)
class Images:
    """All images.

    Attributes:
        place: the name of the input in messages.
        called: returns the name of one image in messages.
        pictures: whether each image is a file of its own.
        labelled: whether there may be labels.
        total: the number of images, if it is known before they are read.
        blocks: an iterator that reads them, once.
    """

    place: str
    called: Callable[[str], str]
    pictures: bool
    labelled: bool
    total: int | None
    blocks: Iterator[Block]


@contextmanager
def read_images(
    path: Path, classes: Collection[str], report: Callable[[str], None]
) -> Iterator[Images]:
    """Yield the images at `path`.

    Args:
        classes: a folder of pictures with one of these names gives them this label.
        report: called with a line for each image that cannot be read, which is skipped.

    Raises:
        UserError: there are no images, or the archive or table is damaged.
    """
    if not (path.is_file() or path.is_dir()):
        raise UserError(f"{printable(path)}: no such file or folder; allowed: {ALLOWED}")
    with opened(path, report) as files:
        names = files.named(*pictures.SUFFIXES)
        tables = files.named(*table.SUFFIXES, ".npz", ".npy")
        if names:
            others = len(files.sizes) - len(names)
            if others:
                print(
                    f"{printable(files.source)}: other files not used: {others}",
                    file=sys.stderr,
                )
            yield _pictures(files, names, classes, report)
        elif len(tables) == 1:
            is_table = tables[0].lower().endswith(table.SUFFIXES)
            yield _table(files, tables[0], report) if is_table else _arrays(files)
        else:
            some = printable(", ".join([*tables, *files.sizes][:SHOWN])) or "nothing"
            many = f"{len(tables)} tables and arrays" if tables else "no images"
            raise UserError(f"{printable(files.source)}: {many} (found {some}); allowed: {ALLOWED}")


def _pictures(
    files: Files, names: list[str], classes: Collection[str], report: Callable[[str], None]
) -> Images:
    def label(name: str) -> str | None:
        folder = printable(PurePosixPath(name).parent.name)
        return folder if folder in classes else None

    def blocks() -> Iterator[Block]:
        for name in names:
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # Pillow's harmless warnings
                    image, _ = read_picture(files, name)
            except UserError as error:
                report(f"{files.place(name)}: {error}")
                continue
            yield Block([name], image[None], [label(name)])

    is_labelled = any(label(name) is not None for name in names)
    return Images(printable(files.source), files.place, True, is_labelled, len(names), blocks())


def _table(files: Files, name: str, report: Callable[[str], None]) -> Images:
    found = table.read_table_blocks(files, name, report)
    first = next(found, None)

    def blocks() -> Iterator[Block]:
        for numbers, images, labels in _with(first, found):
            yield _numbered(numbers, images, labels)

    is_labelled = first is not None and first[2] is not None
    place = files.place(name)
    return Images(place, _row_of(place), False, is_labelled, None, blocks())


def _arrays(files: Files) -> Images:
    found = arrays.read_array_blocks(files, BLOCK_BYTES)
    first = next(found, None)
    if first is None:
        raise UserError(f"{printable(files.source)}: no images; allowed: at least one")

    def blocks() -> Iterator[Block]:
        row = 1
        for _, images, labels in _with(first, found):
            if images.dtype.kind not in "buif":
                raise UserError(
                    f"{printable(files.source)}: images of dtype {images.dtype}; allowed: numbers"
                )
            yield _numbered(np.arange(row, row + len(images)), images, labels)
            row += len(images)

    place = printable(files.source)
    return Images(place, _row_of(place), False, first[2] is not None, first[0], blocks())


def _row_of(place: str) -> Callable[[str], str]:
    return lambda number: f"{place}, row {number}"


def _numbered(numbers: np.ndarray, images: np.ndarray, labels: np.ndarray | None) -> Block:
    texts = [None] * len(images) if labels is None else list(map(printable, labels.tolist()))
    return Block(list(map(str, numbers.tolist())), images, texts)


def _with(first: Any, others: Iterator[Any]) -> Iterator[Any]:
    if first is not None:
        yield first
    yield from others
