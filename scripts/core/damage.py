"""What git or a full disk has left of a text file: why it cannot be used, and what to do."""

import re
from pathlib import Path

from core.errors import UserError

CONFLICT = 'a merge conflict; docs/run.md says what to do under "Merge two branches with results"'
RESTORE = "; git checkout dvc.lock restores the committed file"
WRITTEN = ("params.yaml", "study.yaml", "dvc.yaml", "dvc.lock")  # and texts in reports/


def damage(content: bytes) -> str | None:
    """What is wrong with a text file of this content, whatever its format; None if nothing is."""
    if re.search(rb"^(<<<<<<<|>>>>>>>) ", content, re.MULTILINE):
        return CONFLICT
    return None if content.strip() else "empty"


def refuse_damage() -> None:
    """Raise UserError if a text that git tracks here has a merge conflict, or dvc.lock is empty: a
    result with a conflict must neither be shown nor be replaced unseen.
    """
    reports = sorted(Path("reports").glob("*.*"))
    texts = [path for path in reports if path.suffix in (".json", ".csv", ".md")]
    for path in (*map(Path, WRITTEN), *texts):
        why = damage(path.read_bytes()) if path.is_file() else None
        if why == CONFLICT:
            raise UserError(f"{path}: {why}")
        if why and path.name == "dvc.lock":
            raise UserError(f"{path}: {why}{RESTORE}")
