"""A dataset of the user's own: no stage may write over it, or into it."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from core.text import printable


def own_file(download: Mapping[str, Any]) -> str | None:
    """The path of the file or folder that the section `download` has a dataset read from, if that
    is what it names.
    """
    dataset, path = (
        # A list of one is that one, once it is on a command line.
        value[0] if isinstance(value, list) else value
        for value in (download["dataset"], download["path"])
    )
    return os.path.expanduser(path) if dataset == "own" else None  # noqa: PTH111 - not rewritten


def overwriting(file: str | None, outputs: Iterable[str]) -> str | None:
    """Why `file`, a dataset of one's own, would be lost, in one line: it is one of `outputs`, by
    whatever path or link, or a folder that one of them is in; None if it is not.
    """
    for output in map(Path, outputs if file else ()):
        partial = output.with_name(f".partial.{output.name}")
        if any(
            _is_same(Path(file), path) for path in (output, partial, *output.absolute().parents)
        ):
            return printable(
                f"download.path: {file!r} is not allowed (a stage writes {output}); allowed: a"
                " path that no stage writes; move your files there"
            )
    return None


def _is_same(path: Path, other: Path) -> bool:
    try:
        return os.path.realpath(path) == os.path.realpath(other) or path.samefile(other)
    except OSError:  # one of them does not exist
        return False
