"""Protect the user's own dataset: no stage may overwrite it or write into it."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from core.text import printable


def own_file(download: Mapping[str, Any]) -> str | None:
    """The path of the user's own dataset, if the section `download` of the parameters names one."""
    dataset, path = (
        # On the command line, a list of one value is that value.
        value[0] if isinstance(value, list) else value
        for value in (download["dataset"], download["path"])
    )
    return os.path.expanduser(path) if dataset == "own" else None  # noqa: PTH111 - not rewritten


def overwriting(file: str | None, outputs: Iterable[str]) -> str | None:
    """An error, in one line, if `file`, the user's own dataset, is one of `outputs`, by any path or
    link, or a folder that contains one of them; else None.
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
