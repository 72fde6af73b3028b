"""NumPy archives that are safe to read: no pickle, and no size taken on trust."""

import io
import math
import zipfile
from pathlib import Path

import numpy as np
from numpy.lib import format as npy

from core.errors import UserError
from core.files import written_whole

# Far above any dataset of small images, far below what would exhaust a workstation.
MAXIMUM_BYTES = 4 * 2**30
HEADER_BYTES = 2**14  # more than NumPy reads of a header
CHUNK_BYTES = 2**20  # to unpack at a time


def read_arrays(path: Path, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Read the arrays `names` from an `.npz` archive.

    Headers are compared with the archive's sizes before any memory is taken, so that neither a
    lying header nor a compressed bomb can take more than `MAXIMUM_BYTES`. Content is unpacked
    straight into the arrays, so that this is all the memory it takes.

    Raises:
        UserError: not an archive, an array is missing, holds objects, lies about its size, or is
            damaged.
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        try:
            with zipfile.ZipFile(file) as archive:
                return _read_members(archive, path, names)
        except (UserError, MemoryError):
            raise
        except Exception as error:  # zipfile has a dozen kinds for a file that is not what it says
            raise UserError(f"{path}: not a whole .npz archive ({_reason(error)})") from error


def write_arrays(path: Path, **arrays: np.ndarray) -> None:
    """Write an uncompressed `.npz` archive: the same arrays always give the same bytes."""
    with written_whole(path) as partial, partial.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def _read_members(
    archive: zipfile.ZipFile, path: Path, names: tuple[str, ...]
) -> dict[str, np.ndarray]:
    members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
    missing = [name for name in names if name not in members]
    if missing:
        found = _in_a_line(", ".join(sorted(members)[:10])) or "nothing"
        raise UserError(
            f"{path}: no array {missing[0]} (found {found}); needed: {', '.join(names)}"
        )
    total = sum(members[name].file_size for name in names)
    if total > MAXIMUM_BYTES:
        raise UserError(f"{path}: {total} bytes of arrays; allowed: at most {MAXIMUM_BYTES}")
    arrays = {}
    for name in names:
        try:
            arrays[name] = _read_array(archive, members[name])
        except MemoryError:
            raise
        except Exception as error:  # NumPy and zlib have another dozen
            raise UserError(f"{path}: array {name} cannot be read ({_reason(error)})") from error
    return arrays


def _read_array(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> np.ndarray:
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError("compressed in another way than NumPy does")  # these unpack without limit
    with archive.open(member) as file:
        start = io.BytesIO(file.read(HEADER_BYTES))
    version = npy.read_magic(start)
    read_header = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
    if version not in read_header:
        raise ValueError(f"version {version}; allowed: 1.0 and 2.0")
    shape, by_columns, dtype = read_header[version](start)
    if dtype.hasobject:
        raise ValueError("it holds Python objects; allowed: numbers")
    size = math.prod(shape) * dtype.itemsize
    if size + start.tell() != member.file_size:
        raise ValueError("it is not as long as its header says")
    content = np.empty(size, np.uint8)
    with archive.open(member) as file:
        file.read(start.tell())
        for place in range(0, size, CHUNK_BYTES):
            chunk = memoryview(content)[place : place + CHUNK_BYTES]
            if file.readinto(chunk) != len(chunk):
                raise ValueError("it ends too soon")
    return np.ndarray(shape, dtype, content, order="F" if by_columns else "C")


def _reason(error: Exception) -> str:
    return _in_a_line(str(error)) or type(error).__name__


def _in_a_line(text: str) -> str:
    """`text` on one short line, without control characters."""
    return ascii(" ".join(text[:200].split()))[1:-1][:200]
