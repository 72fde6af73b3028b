"""The files of the user's own dataset: a folder, a zip archive, or a single file."""

import os
import stat
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, NoReturn

from core.errors import UserError
from core.npz import MAXIMUM_BYTES, reason
from core.text import printable

METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # others unpack without a limit


@dataclass(frozen=True)
class Files:
    """Files to read.

    Attributes:
        source: their common name in messages.
        joint: the text between this name and the path of a file in messages; None for a single
            file.
        sizes: the size in bytes that the folder or archive states for each file, by path with
            slashes, sorted; without hidden files and the files that macOS adds to archives.
        open_file: opens one of them for reading.
    """

    source: str
    joint: str | None
    sizes: dict[str, int]
    open_file: Callable[[str], IO[bytes]]

    def place(self, name: str) -> str:
        """The name of the file `name` in messages."""
        return printable(self.source if self.joint is None else f"{self.source}{self.joint}{name}")

    def named(self, *suffixes: str) -> list[str]:
        """The files whose names end with one of `suffixes`, in upper or lower case."""
        return [name for name in self.sizes if name.lower().endswith(suffixes)]


@contextmanager
def opened(path: Path, report: Callable[[str], None] | None = None) -> Iterator[Files]:
    """Yield the files at `path`: a folder, a zip archive, or a single file.

    Args:
        path: of the folder or file.
        report: called with a line for each link to a folder, dangling link or special file in a
            folder, which is then skipped; without it they raise UserError.

    Raises:
        UserError: `path` does not exist; the folder contains a link to a folder or something that
            is not a file; or the archive is damaged, contains links or paths that lead out of it,
            or unpacks to more than `MAXIMUM_BYTES`.
        OSError: the file or folder cannot be read.
    """
    if path.is_dir():
        folder = str(path)
        sizes = _sorted(_in_folder(folder, report or _refuse))
        yield Files(folder, "/", sizes, lambda name: Path(folder, name).open("rb"))  # noqa: SIM115
    elif not path.is_file():
        raise UserError(
            f"download.path: {str(path)!r} is not allowed (no such file or folder);"
            " allowed: the path of a file or folder with a dataset"
        )
    elif path.suffix.lower() == ".zip":
        with path.open("rb") as file, _archive(file, str(path)) as files:
            yield files
    else:
        yield Files(str(path), None, {path.name: path.stat().st_size}, lambda _: path.open("rb"))


@contextmanager
def _archive(file: IO[bytes], source: str) -> Iterator[Files]:
    try:
        archive = zipfile.ZipFile(file)
        members = archive.infolist()
    except MemoryError:
        raise
    except Exception as error:  # zipfile raises many types for damaged archives
        raise UserError(
            f"{printable(source)}: not a complete .zip archive ({reason(error)})"
        ) from error
    for member in members:
        problem = _problem(member)
        if problem:
            raise UserError(f"{printable(f'{source}: {member.filename}')}: {problem}")
    sizes = {member.filename: member.file_size for member in members if not member.is_dir()}
    if sum(sizes.values()) > MAXIMUM_BYTES:
        raise UserError(
            f"{printable(source)}: unpacks to {sum(sizes.values())} bytes; allowed: at"
            f" most {MAXIMUM_BYTES}"
        )

    def open_member(name: str) -> IO[bytes]:
        try:
            return archive.open(name)
        except MemoryError:
            raise
        except Exception as error:  # as above
            raise UserError(f"{printable(f'{source}: {name}')}: {reason(error)}") from error

    with archive:
        yield Files(source, ": ", _sorted(sizes), open_member)


def _problem(member: zipfile.ZipInfo) -> str | None:
    """Why `member` is refused, if it is."""
    if not member.filename:
        return "a file without a name; allowed: files with one"
    path = PurePosixPath(member.filename)
    if path.is_absolute() or ".." in path.parts:
        return "a path that leads out of the archive; allowed: files within"
    if stat.S_ISLNK(member.external_attr >> 16):
        return "a link; allowed: files"
    if member.flag_bits & 1:
        return "encrypted; allowed: files that need no password"
    if not member.is_dir() and member.compress_type not in METHODS:
        return "compressed in a way that unpacks without limit; allowed: deflate, or none"
    return None


def _in_folder(top: str, report: Callable[[str], None]) -> dict[str, int]:
    sizes = {}
    for folder, folders, names in os.walk(top, onerror=_fail):
        inside = "" if folder == top else f"{os.path.relpath(folder, top)}/"
        folders[:] = [name for name in folders if not _is_hidden(name)]
        for name in folders:
            if Path(folder, name).is_symlink():
                report(
                    f"{printable(f'{folder}/{name}')}: a link to a folder, whose changes DVC would"
                    " not notice; allowed: folders and files"
                )
        for name in names:
            if _is_hidden(name):
                continue
            path = Path(folder, name)
            if path.is_file():
                sizes[inside + name] = path.stat().st_size
            else:
                report(f"{printable(path)}: not a file; allowed: folders and files")
    return sizes


def _refuse(line: str) -> NoReturn:
    raise UserError(line)


def _fail(error: OSError) -> NoReturn:
    raise error


def _sorted(sizes: dict[str, int]) -> dict[str, int]:
    return {name: sizes[name] for name in sorted(sizes) if not _is_hidden(name)}


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in name.split("/"))
