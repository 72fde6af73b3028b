"""Read the user's own dataset in any of the supported formats."""

import sys
import warnings
from dataclasses import replace
from pathlib import Path

from core.errors import UserError
from core.text import printable
from dataset import arrays, idx, pictures, table
from dataset.files import Files, opened
from dataset.found import Found

ALLOWED = (
    ".npz or .npy with x_train, y_train and the like, four IDX files, .csv with a column label,"
    " folders of images (train/CLASS, test/CLASS), or a .zip of one of these"
)
SHOWN = 5  # file names in messages
LONGEST = 100  # characters of a file name


def read_own(path: Path, size: tuple[int, int] | None = None) -> Found:
    """Read the dataset at `path`, a file or a folder.

    Args:
        path: the file or folder.
        size: (height, width) to resize image files to, or None.

    Raises:
        UserError: there is no dataset, or it is invalid; the message names the file.
        OSError: a file cannot be read.
    """
    with opened(path) as files:
        archives = files.named(".zip")
        if len(archives) == 1 and _format(files) is None:
            with opened(path / archives[0]) as inner:
                return read_files(inner, size)
        return read_files(files, size)


def name_of(path: Path) -> str:
    """The name of the dataset at `path`: that of its file without suffixes, or of its folder."""
    name = path.expanduser().resolve().name
    for suffix in (".gz", ".csv", ".npz", ".npy", ".zip"):
        if name.lower().endswith(suffix):
            name = name[: -len(suffix)]
    return printable(name) or "own"


def read_files(files: Files, size: tuple[int, int] | None = None) -> Found:
    """Read the dataset in `files`. Raises UserError and OSError as `read_own` does."""
    found = _format(files)
    if found is None:
        some = printable(", ".join(list(files.sizes)[:SHOWN])) or "nothing"
        raise UserError(f"{printable(files.source)}: no dataset (found {some}); allowed: {ALLOWED}")
    kind, names = found
    used = {*names, "README.md"}
    others = [name for name in files.sizes if name not in used]
    if others:
        more = f", and {len(others) - SHOWN} more" if len(others) > SHOWN else ""
        some = printable(", ".join(others[:SHOWN]))
        print(f"{printable(files.source)}: read as {kind}; not used: {some}{more}", file=sys.stderr)
    dataset = _read(kind, files, size)
    unused = [*dataset.origin.get("unused", []), *others]
    origin = {"unused": [printable(name)[:LONGEST] for name in unused[:SHOWN]]}
    origin |= {"unused_files": len(unused)}
    return replace(dataset, origin={**dataset.origin, **origin})


def _read(kind: str, files: Files, size: tuple[int, int] | None) -> Found:
    if kind == "IDX files":
        return idx.read_idx_of(files)
    if kind == "NumPy arrays":
        return arrays.read_arrays_of(files)
    if kind == "CSV":
        return table.read_tables_of(files)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's: refused below, or harmless
        return pictures.read_pictures_of(files, size)


def _format(files: Files) -> tuple[str, list[str]] | None:
    """The first format that any of `files` has, and the files of this format."""
    for kind, names in (
        ("IDX files", idx.idx_names(files)),
        ("NumPy arrays", files.named(".npz", ".npy")),
        ("CSV", files.named(*table.SUFFIXES)),
        ("images", files.named(*pictures.SUFFIXES)),
    ):
        if names:
            return kind, names
    return None
