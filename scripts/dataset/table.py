"""Read CSV files as on Kaggle: one image per row, a column `label`, and one column per pixel of a
square image.
"""

import csv
import gzip
import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import PurePosixPath
from typing import IO

import numpy as np
from tqdm import tqdm

from core.errors import UserError
from core.npz import MAXIMUM_BYTES, reason
from core.parameters import as_number
from core.text import printable
from dataset.files import Files
from dataset.found import Found
from dataset.parts import part_of

SUFFIXES = (".csv", ".csv.gz")
LABELS = ("label", "class")
BLOCK_BYTES = 2**20  # to read at a time
LONGEST_ROW = 2**24  # bytes
MOST = {np.int64: 2**31, np.float64: np.inf}  # values must be below, which excludes NaN


def read_tables_of(files: Files) -> Found:
    """Read the CSV files among `files`: one, or one per part, such as train.csv and test.csv.

    A file without labels is left out and named on standard error, unless it is the training part.

    Raises:
        UserError: there is no training part, or several; a file has no labels, no square images, or
            rows of different lengths; a cell is not a number; or a file is damaged or too large.
    """
    images, labels, unused, left = {}, {}, [], MAXIMUM_BYTES
    for part, name in _by_part(files).items():
        with _opened(files, name) as file:
            found = _read_table(file, files.place(name), left, needed=part == "train")
        if found is None:
            unused.append(name)
        else:
            images[part], labels[part] = found
            left -= images[part].nbytes
    # One part may happen to contain only whole numbers; use one dtype for all parts.
    if len({own.dtype for own in images.values()}) > 1:
        images = {part: own.astype(np.float32, copy=False) for part, own in images.items()}
    return Found(images, labels, origin={"format": "csv", "unused": unused})


def read_table_blocks(
    files: Files, name: str, refuse: Callable[[str], None]
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray | None]]:
    """The rows of the CSV file `name`, which needs no labels, in blocks: the row numbers, (n,),
    from 1 without empty lines, the images, (n, side, side), and the labels, (n,), text, or None.

    Args:
        files: the files.
        name: the CSV file.
        refuse: called with a message, in one line, for each row that cannot be read.

    Raises:
        UserError: the first line does not name the pixels of square images, or the file is damaged;
            blocks yielded before are valid.
    """
    place = files.place(name)
    with _opened(files, name) as file:
        rows = _rows(file, place)
        first, columns, found = _columns(rows)
        side = math.isqrt(max(len(columns) - len(found), 0))
        if len(found) > 1 or side == 0 or side**2 != len(columns) - len(found):
            raise UserError(
                f"{place}: the first line names {len(columns)} columns, {len(found)} of them label;"
                " allowed: one for each pixel of a square image, such as 784 for 28x28, and at most"
                " one named label, separated by commas"
            )
        numbers = [as_number(name) for name in columns]
        if not any(isinstance(number, str) for number in numbers) and numbers != [
            *range(len(numbers))  # pandas' names for unnamed columns
        ]:
            raise UserError(f"{place}: the first line contains numbers; allowed: column names")
        line, row = 2, 1
        for block in _and(first, rows):
            pixels, labels, kept = _parse(block, columns, found, place, line, refuse)
            yield row + kept, _smallest(pixels).reshape(-1, side, side), labels if found else None
            line, row = line + len(block), row + sum(map(bool, block))


@contextmanager
def _opened(files: Files, name: str) -> Iterator[IO[bytes]]:
    """Yield the opened CSV file, and turn every error in the block into a UserError."""
    place = files.place(name)
    try:
        with files.open_file(name) as packed:
            is_packed = name.lower().endswith(".gz")
            with gzip.open(packed) if is_packed else nullcontext(packed) as file:
                yield file
    except (UserError, MemoryError):
        raise
    except UnicodeDecodeError as error:
        raise UserError(f"{place}: {reason(error)}; allowed: text in UTF-8") from error
    except Exception as error:  # from gzip, zlib, zipfile and csv
        raise UserError(f"{place}: {reason(error)}") from error


def _by_part(files: Files) -> dict[str, str]:
    names = files.named(*SUFFIXES)
    if len(names) == 1:
        return {"train": names[0]}
    found = {}
    for part in ("train", "test", "validation"):
        own = [name for name in names if part_of(PurePosixPath(name).name) == part]
        if len(own) > 1 or (part == "train" and not own):
            some = printable(", ".join((own or names)[:10]))
            raise UserError(
                f"{printable(files.source)}: {len(own)} CSV files of {part} (found {some});"
                f" allowed: one for each part, such as {part}.csv"
            )
        if own:
            found[part] = own[0]
    return found


def _read_table(
    file: IO[bytes], place: str, most: int, needed: bool
) -> tuple[np.ndarray, np.ndarray] | None:
    """The images, of at most `most` bytes, and labels of one file; None if it has no labels and is
    not `needed`.
    """
    rows = _rows(file, place)
    first, columns, found = _columns(rows)
    if not found and not needed:
        print(f"{place}: not used, because it has no label column", file=sys.stderr)
        return None
    side = math.isqrt(max(len(columns) - 1, 0))
    if len(found) != 1 or side == 0 or side**2 != len(columns) - 1:
        raise UserError(
            f"{place}: the first line names {len(columns)} columns, {len(found)} of them label;"
            " allowed: one named label, and one for each pixel of a square image, such as 784 for"
            " 28x28, separated by commas"
        )
    parts, labels, line = [], [], 1
    with tqdm(desc=place, unit=" images", disable=None) as progress:
        for block in _and(first, rows):
            pixels, own, _ = _parse(block, columns, found, place, line + 1)
            line += len(block)
            parts.append(_smallest(pixels))
            labels.append(own)
            most -= parts[-1].nbytes
            if most < 0:
                raise UserError(f"{place}: over {MAXIMUM_BYTES} bytes of images; allowed: fewer")
            progress.update(len(own))
    return _together(parts, len(columns) - 1).reshape(-1, side, side), np.concatenate(labels)


def _rows(file: IO[bytes], place: str) -> Iterator[list[str]]:
    """The lines of `file`, in blocks."""
    rest = b""
    while chunk := file.read(BLOCK_BYTES):
        *lines, rest = (rest + chunk).split(b"\n")
        if len(rest) > LONGEST_ROW:
            raise UserError(f"{place}: a line of over {LONGEST_ROW} bytes; allowed: shorter lines")
        if lines:
            yield [line.decode().removesuffix("\r") for line in lines]
    if rest:
        yield [rest.decode().removesuffix("\r")]


def _columns(rows: Iterator[list[str]]) -> tuple[list[str], list[str], list[int]]:
    """The first lines of a table after its header, the column names, and the indices of the label
    columns.
    """
    first = next(rows, [""])
    columns = [name.strip() for name in next(csv.reader([first[0].removeprefix("\ufeff")]), [])]
    found = [number for number, name in enumerate(columns) if name.lower() in LABELS]
    return first[1:], columns, found


def _and(first: list[str], others: Iterator[list[str]]) -> Iterator[list[str]]:
    yield first
    yield from others


def _parse(
    lines: list[str],
    columns: list[str],
    label: list[int],
    place: str,
    number: int,
    refuse: Callable[[str], None] | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The pixels, (rows, pixels), and labels, (rows,), of `lines`, and the indices of these rows,
    from 0. Empty lines are not rows.

    Args:
        lines: the lines.
        columns: the column names.
        label: the index of the label column, or nothing; then the labels are empty.
        place: the name of the file in messages.
        number: the line number of the first of `lines`.
        refuse: called with a message for each invalid row, which is left out; if None, UserError
            is raised.
    """
    commas, width = len(columns) - 1, len(columns) - len(label)
    plain = [line for line in lines if line]
    if all(line.count(",") == commas and '"' not in line for line in plain):
        labels, pixels = [""] * len(plain), plain
        if label == [0]:
            pairs = [line.split(",", 1) for line in plain]
            labels, pixels = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        elif label:
            cells = [line.split(",") for line in plain]
            labels = [row.pop(*label) for row in cells]
            pixels = [",".join(row) for row in cells]
        text = ",".join(pixels)
        for dtype in (np.int64, np.float64):  # reading integers is ten times as fast
            try:
                found = np.fromstring(text, dtype, sep=",")
            except ValueError:
                continue
            if len(found) == len(plain) * width and (np.abs(found) < MOST[dtype]).all():
                kept = np.arange(len(plain))
                return found.reshape(len(plain), width), np.array(labels, np.str_), kept
    found = np.empty((len(plain), width))
    labels, kept = [], []
    numbered = ((line_number, line) for line_number, line in enumerate(lines, number) if line)
    for row, (line_number, line) in enumerate(numbered):
        where = f"{place}, line {line_number}"
        try:
            labels.append(_parse_line(line, columns, label, where, found[len(kept)]))
        except UserError as error:
            if refuse is None:
                raise
            refuse(str(error))
        else:
            kept.append(row)
    return found[: len(kept)], np.array(labels, np.str_), np.array(kept, int)


def _parse_line(
    line: str, columns: list[str], label: list[int], place: str, pixels: np.ndarray
) -> str:
    """The label of one line, or an empty text; its pixels are written into `pixels`."""
    try:
        cells = next(csv.reader([line]))
    except csv.Error as error:  # a cell of over 131,072 characters
        raise UserError(f"{place}: {reason(error)}") from error
    if len(cells) != len(columns):
        raise UserError(
            f"{place}: {len(cells)} cells; allowed: {len(columns)}, as in the first line"
        )
    text = cells.pop(*label) if label else ""
    names = [name for column, name in enumerate(columns) if column not in label]
    for column, (cell, name) in enumerate(zip(cells, names, strict=True)):
        value = as_number(cell.strip())
        if isinstance(value, str) or not math.isfinite(value):
            raise UserError(f"{place}: {printable(name)} is {cell[:40]!a}; allowed: a number")
        pixels[column] = value
    return text


def _smallest(pixels: np.ndarray) -> np.ndarray:
    """`pixels` as uint8, int32 or float32: the first of these that can represent them."""
    if pixels.dtype.kind == "f" and not (
        (np.abs(pixels) < 2**31).all() and (pixels == np.rint(pixels)).all()
    ):
        with np.errstate(over="ignore"):  # checked_dataset reports it
            return pixels.astype(np.float32)
    small = not pixels.size or (pixels.min() >= 0 and pixels.max() <= 255)
    return pixels.astype(np.uint8 if small else np.int32)


def _together(parts: list[np.ndarray], columns: int) -> np.ndarray:
    """The rows of `parts` in one array. Empties `parts` on the way, to save memory."""
    kinds = {part.dtype.name for part in parts}
    dtype = next((kind for kind in ("float32", "int32") if kind in kinds), "uint8")
    found = np.empty((sum(map(len, parts)), columns), dtype)
    row = 0
    for place, part in enumerate(parts):
        found[row : row + len(part)] = part
        row += len(part)
        parts[place] = part[:0]
    return found
