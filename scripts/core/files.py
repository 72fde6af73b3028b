"""Writing files so that a reader never finds half of one."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from core.errors import UserError


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Give the block a temporary path beside `path`, and move the file into place at its end.

    The temporary name is always the same and keeps the suffixes: what a killed run leaves behind
    is replaced by the next one, and writers that look at the suffix still see it.

    Raises:
        OSError: the folder cannot be made or written, or the disk is full.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".partial.{path.name}")
    try:
        partial.unlink(missing_ok=True)  # it may be a link that leads elsewhere, out of a checkout
        yield partial
        partial.replace(path)
    except OSError as error:
        if error.filename is None:  # writing to an open file does not name it
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise
    finally:
        partial.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8 with its line ends as they are."""
    with written_whole(path) as partial:
        partial.write_text(text, encoding="utf-8", newline="")


def as_json(value: Any) -> str:
    """`value` as JSON with sorted keys. Raises ValueError for NaN, which JSON lacks."""
    return json.dumps(value, indent=2, sort_keys=True, allow_nan=False) + "\n"


def write_json(path: Path, value: Any) -> None:
    """Write `value` to `path` as `as_json` has it."""
    write_text(path, as_json(value))


def read_json(path: Path) -> Any:
    """Read a JSON file that one of the stages wrote. Raises UserError if it is none."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path}: not whole JSON ({type(error).__name__})") from error
