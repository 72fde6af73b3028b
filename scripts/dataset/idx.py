"""The IDX format, the format of MNIST (LeCun, "The MNIST database", 1998)."""

import gzip
import io
import math
import re
import struct
from typing import IO

import numpy as np

from core.errors import UserError
from core.npz import CHUNK_BYTES, MAXIMUM_BYTES, reason
from core.text import printable
from dataset.files import Files
from dataset.found import Found
from dataset.parts import PARTS
from dataset.shapes import as_grey

DTYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
DEFLATE = 1_032  # the largest compression ratio of deflate
# MNIST calls the test part "t10k"; QMNIST has eight whole numbers per label.
NAME = re.compile(
    r"(?P<before>.*?)(?P<part>train|test|t10k)[-_.](?P<kind>images|labels)[-_.]idx\d[-_.]"
    r"(ubyte|int)(\.gz)?",
    re.IGNORECASE,
)
SHOWN = 10


def parse_idx(content: bytes) -> np.ndarray:
    """Parse an IDX file into an array. Raises ValueError as `read_idx` does."""
    return read_idx(io.BytesIO(content), len(content))


def read_idx(file: IO[bytes], longest: int) -> np.ndarray:
    """Read an IDX file into an array.

    The format is two zero bytes, the dtype, the number of axes, the length of each axis as a
    big-endian uint32, and the values.

    Args:
        file: read from its current position to its end.
        longest: the largest possible size of the content, in bytes.

    Raises:
        ValueError: the content is not IDX, or its length is not what its header says.
    """
    start = file.read(4)
    if len(start) < 4 or start[:2] != bytes(2) or start[2] not in DTYPES:
        raise ValueError("not an IDX file")
    lengths = file.read(4 * start[3])
    if len(lengths) < 4 * start[3]:
        raise ValueError("an IDX file that ends within its header")
    shape = struct.unpack(f">{start[3]}I", lengths)
    dtype = np.dtype(DTYPES[start[2]])
    size = math.prod(shape) * dtype.itemsize
    if size > longest:
        raise ValueError(f"an IDX file with fewer than the {size} bytes of its header")
    content = np.empty(size, np.uint8)
    for place in range(0, size, CHUNK_BYTES):
        chunk = file.read(min(CHUNK_BYTES, size - place))
        if len(chunk) < min(CHUNK_BYTES, size - place):
            raise ValueError(f"an IDX file with fewer than the {size} bytes of its header")
        content[place : place + len(chunk)] = np.frombuffer(chunk, np.uint8)
    if file.read(1):
        raise ValueError(f"an IDX file with more than the {size} bytes of its header")
    try:
        return content.view(dtype).astype(dtype.newbyteorder("="), copy=False).reshape(shape)
    except ValueError as error:  # too many axes, or no values but a huge axis
        raise ValueError(f"an IDX file of a shape that NumPy cannot hold ({error})") from error


def idx_names(files: Files) -> list[str]:
    """The files with names like IDX files, such as train-images-idx3-ubyte.gz."""
    return [name for name in files.sizes if NAME.fullmatch(name)]


def read_idx_of(files: Files) -> Found:
    """Read the IDX files of images and labels among `files`, gzipped or not.

    Raises:
        UserError: they belong to several datasets, one is missing, or one is damaged.
    """
    sets: dict[str, dict[tuple[str, str], str]] = {}
    for name in idx_names(files):
        match = NAME.fullmatch(name)
        found = sets.setdefault(match["before"], {})
        found[match["kind"].lower(), PARTS[match["part"].lower()]] = name
    whole = [
        found for found in sets.values() if {("images", "train"), ("labels", "train")} <= {*found}
    ]
    if len(whole) > 1:
        some = printable(", ".join(sorted(sets)[:SHOWN]))
        raise UserError(
            f"{printable(files.source)}: IDX files of several datasets ({some}); allowed:"
            " those of one"
        )
    names = (
        whole[0] if whole else {key: name for found in sets.values() for key, name in found.items()}
    )
    parts = sorted({"train"} | {part for _, part in names}, reverse=True)
    images, labels, left = {}, {}, MAXIMUM_BYTES
    for part in parts:
        for kind, arrays in (("images", images), ("labels", labels)):
            if (kind, part) not in names:
                raise UserError(
                    f"{printable(files.source)}: no IDX file with the {kind} of {part};"
                    f" allowed: {part}-{kind}-idx{3 if kind == 'images' else 1}-ubyte.gz or similar"
                )
            arrays[part] = _read(files, names[kind, part], left)
            left -= arrays[part].nbytes
        images[part], _ = as_grey(images[part], printable(files.source), f"the images of {part}")
        if labels[part].ndim == 2:
            labels[part] = labels[part][:, :1]  # QMNIST: the class, then the writer and others
    return Found(images, labels, origin={"format": "idx"})


def _read(files: Files, name: str, most: int) -> np.ndarray:
    try:
        with files.open_file(name) as file:
            if file.read(2) != b"\x1f\x8b":
                file.seek(0)
                return read_idx(file, min(most, files.sizes[name]))
            file.seek(0)
            with gzip.open(file) as content:
                return read_idx(content, min(most, DEFLATE * files.sizes[name]))
    except (UserError, MemoryError):
        raise
    except Exception as error:  # from zipfile, gzip, zlib and read_idx
        raise UserError(f"{files.place(name)}: {reason(error)}") from error
