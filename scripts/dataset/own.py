"""A dataset of one's own, of any of the formats that it can have."""

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
SHOWN = 5  # files that are named
LONGEST = 100  # characters of a name that is kept


def read_own(path: Path, size: tuple[int, int] | None = None) -> Found:
    """Read the dataset at `path`, a file or a folder.

    Args:
        size: (height, width) to resize images to that are files of their own, if they are.

    Raises:
        UserError: there is none, or it cannot be read; the message names the file.
        OSError: a file cannot be read.
    """
    with opened(path) as files:
        archives = files.named(".zip")
        if len(archives) == 1 and _format(files) is None:
            with opened(path / archives[0]) as inner:
                return read_files(inner, size)
        return read_files(files, size)


def name_of(path: Path) -> str:
    """What a dataset at `path` is called: its file without suffixes, or its folder."""
    name = path.expanduser().resolve().name
    for suffix in (".gz", ".csv", ".npz", ".npy", ".zip"):
        if name.lower().endswith(suffix):
            name = name[: -len(suffix)]
    return printable(name) or "own"


def read_files(files: Files, size: tuple[int, int] | None = None) -> Found:
    """Read the dataset that `files` hold. Raises what `read_own` does."""
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
        warnings.simplefilter("ignore")  # Pillow's, on what is refused here, or does no harm
        return pictures.read_pictures_of(files, size)


def _format(files: Files) -> tuple[str, list[str]] | None:
    """The format of `files`, and which of them have it; the first that any of them has."""
    for kind, names in (
        ("IDX files", idx.idx_names(files)),
        ("NumPy arrays", files.named(".npz", ".npy")),
        ("CSV", files.named(*table.SUFFIXES)),
        ("images", files.named(*pictures.SUFFIXES)),
    ):
        if names:
            return kind, names
    return None
