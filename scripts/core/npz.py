"""Read NumPy archives safely: without pickle, and without trusting the sizes that they state."""

import io
import math
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy

from core.errors import UserError
from core.files import written_whole

# Far more than any dataset of small images, far less than the memory of a workstation.
MAXIMUM_BYTES = 4 * 2**30
HEADER_BYTES = 2**14  # more than NumPy reads of a header
CHUNK_BYTES = 2**20  # to unpack at a time


def read_arrays(path: Path, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Read the arrays `names` from an `.npz` archive.

    Headers are compared with the sizes in the archive before memory is allocated, so that neither
    a false header nor a zip bomb can take more than `MAXIMUM_BYTES`. Content is unpacked directly
    into the arrays, which is all the memory that reading takes.

    Raises:
        UserError: this is not an archive, or an array is missing, contains objects, states a false
            size, or is damaged.
        OSError: the file cannot be read.
    """
    with path.open("rb") as file, opened_archive(file, str(path)) as archive:
        return read_members(archive, str(path), names)


@contextmanager
def opened_archive(file: IO[bytes], source: str) -> Iterator[zipfile.ZipFile]:
    """Yield the `.npz` archive in `file`, which messages call `source`. Raises UserError if it is
    not an archive, and for any other error in the block.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            yield archive
    except (UserError, MemoryError):
        raise
    except Exception as error:  # zipfile raises many types for damaged archives
        raise UserError(f"{source}: not a complete .npz archive ({reason(error)})") from error


def members_of(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """The members of an `.npz` archive, by array name."""
    return {info.filename.removesuffix(".npy"): info for info in archive.infolist()}


def read_members(
    archive: zipfile.ZipFile, source: str, names: tuple[str, ...], most: int | None = None
) -> dict[str, np.ndarray]:
    """Read the arrays `names`, with at most `most` bytes in total, by default `MAXIMUM_BYTES`.
    Raises UserError as `read_arrays` does.
    """
    most = MAXIMUM_BYTES if most is None else most
    members = members_of(archive)
    missing = [name for name in names if name not in members]
    if missing:
        found = _in_a_line(", ".join(sorted(members)[:10])) or "nothing"
        raise UserError(
            f"{source}: no array {missing[0]} (found {found}); needed: {', '.join(names)}"
        )
    total = sum(members[name].file_size for name in names)
    if total > most:
        raise UserError(f"{source}: {total} bytes of arrays; allowed: at most {most}")
    arrays = {}
    for name in names:
        open_file, length = member_of(archive, source, name)
        arrays[name] = read_array(open_file, length, source, name)
    return arrays


def member_of(
    archive: zipfile.ZipFile, source: str, name: str
) -> tuple[Callable[[], IO[bytes]], int]:
    """A function that opens the array `name` of an archive, and the array's size in bytes. Raises
    UserError for a compression method that NumPy does not use.
    """
    member = members_of(archive)[name]
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        # zipfile unpacks the other methods without a limit.
        why = "its compression method is not one that NumPy uses"
        raise UserError(f"{source}: array {_in_a_line(name)} cannot be read ({why})")
    return lambda: archive.open(member), member.file_size


def read_array(
    open_file: Callable[[], IO[bytes]], length: int, source: str, name: str
) -> np.ndarray:
    """Read one array in NumPy's format from the file of `length` bytes that `open_file` opens.

    Raises:
        UserError: it contains objects, is not `length` bytes long, or is damaged.
    """
    with _array_errors(source, name):
        shape, by_columns, dtype, start = _header(open_file, length)
        content = np.empty(length - start, np.uint8)
        with open_file() as file:
            file.read(start)
            _fill(content, file)
        return np.ndarray(shape, dtype, content, order="F" if by_columns else "C")


def shape_of(
    open_file: Callable[[], IO[bytes]], length: int, source: str, name: str
) -> tuple[int, ...]:
    """The shape of an array, from its header. Raises UserError as `read_array` does."""
    with _array_errors(source, name):
        return _header(open_file, length)[0]


def read_rows(
    open_file: Callable[[], IO[bytes]], length: int, source: str, name: str, most: int
) -> Iterator[np.ndarray]:
    """Read one array as `read_array` does, but in blocks of rows of at most `most` bytes, or of one
    row. An array in Fortran order is read completely first.
    """
    with _array_errors(source, name):
        shape, by_columns, dtype, start = _header(open_file, length)
        row = math.prod(shape[1:]) * dtype.itemsize
        rows = max(1, most // max(1, row))
        if by_columns or not row:
            whole = read_array(open_file, length, source, name)
            for place in range(0, len(whole), rows):
                yield np.ascontiguousarray(whole[place : place + rows])
            return
        with open_file() as file:
            file.read(start)
            for place in range(0, shape[0], rows):
                count = min(rows, shape[0] - place)
                content = np.empty(count * row, np.uint8)
                _fill(content, file)
                yield content.view(dtype).reshape(count, *shape[1:])


def write_arrays(path: Path, **arrays: np.ndarray) -> None:
    """Write an uncompressed `.npz` archive; the same arrays always give the same bytes."""
    with written_whole(path) as partial, partial.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


@contextmanager
def _array_errors(source: str, name: str) -> Iterator[None]:
    """Turn every error in the block into a UserError that names the array."""
    try:
        yield
    except (UserError, MemoryError):
        raise
    except Exception as error:  # NumPy and zlib raise many types
        where = f"{source}: array {_in_a_line(name)}"
        raise UserError(f"{where} cannot be read ({reason(error)})") from error


def _header(
    open_file: Callable[[], IO[bytes]], length: int
) -> tuple[tuple[int, ...], bool, np.dtype, int]:
    """The shape of an array, whether it is in Fortran order, its dtype, and its data's start."""
    with open_file() as file:
        start = io.BytesIO(file.read(HEADER_BYTES))
    version = npy.read_magic(start)
    read_header = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
    if version not in read_header:
        raise ValueError(f"version {version}; allowed: 1.0 and 2.0")
    shape, by_columns, dtype = read_header[version](start)
    if dtype.hasobject:
        raise ValueError("it contains Python objects; allowed: numbers, or text as by .astype(str)")
    size = math.prod(shape) * dtype.itemsize
    if size + start.tell() != length:
        raise ValueError("its length is not what its header says")
    return shape, by_columns, dtype, start.tell()


def _fill(content: np.ndarray, file: IO[bytes]) -> None:
    """Fill `content` from `file`. Raises ValueError if the file is too short."""
    for place in range(0, len(content), CHUNK_BYTES):
        chunk = memoryview(content)[place : place + CHUNK_BYTES]
        if file.readinto(chunk) != len(chunk):
            raise ValueError("it is truncated")


def reason(error: Exception) -> str:
    """The message of `error`, as one short line."""
    return _in_a_line(str(error)) or type(error).__name__


def _in_a_line(text: str) -> str:
    """`text` as one short line, without control characters."""
    return ascii(" ".join(text[:200].split()))[1:-1][:200]
