"""A dataset of the user's own: no stage may write over it."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from core.text import printable


def own_file(download: Mapping[str, Any]) -> str | None:
    """The path of the .npz that the section `download` names, if that is what it names."""
    dataset = download["dataset"]
    dataset = dataset[0] if isinstance(dataset, list) else dataset  # the stage cannot tell
    return dataset if dataset.endswith(".npz") else None


def overwriting(file: str | None, outputs: Iterable[str]) -> str | None:
    """Why `file`, a dataset of one's own, would be lost, in one line: it is one of `outputs`, by
    whatever path or link; None if it is not.
    """
    for output in map(Path, outputs if file else ()):
        partial = output.with_name(f".partial.{output.name}")
        if _is_same(Path(file), output) or _is_same(Path(file), partial):
            return printable(
                f"download.dataset: {file!r} is not allowed (a stage writes {output}); allowed: a"
                " path that no stage writes: move the file, and name its new path"
            )
    return None


def _is_same(path: Path, other: Path) -> bool:
    try:
        return os.path.realpath(path) == os.path.realpath(other) or path.samefile(other)
    except OSError:  # one of them does not exist
        return False
