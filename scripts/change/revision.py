"""A revision of the project, or the folder as it is: read, and never run or checked out."""

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from shared.errors import UserError

LARGEST_FILE = 50_000_000  # bytes
LONGEST_NAME = 60


@dataclass(frozen=True)
class Revision:
    """A commit, or the working tree.

    Attributes:
        name: what the reader calls it.
        commit: its SHA-1 in full; None for the working tree.
        subject: the first line of its message.
    """

    name: str
    commit: str | None = None
    subject: str = ""

    def read(self, path: str) -> bytes | None:
        """The content of the file `path`; None if there is none. Raises UserError if it is huge."""
        if self.commit is None:
            file = Path(path)
            size = file.stat().st_size if file.is_file() else None
        else:
            found = git("cat-file", "-s", f"{self.commit}:./{path}")  # from this folder, as above
            size = None if found.returncode else int(found.stdout)
        if size is None:
            return None
        if size > LARGEST_FILE:
            raise UserError(f"{path} of {self.name}: {size} bytes; allowed: up to {LARGEST_FILE}")
        if self.commit is None:
            return file.read_bytes()
        return git("cat-file", "blob", f"{self.commit}:./{path}").stdout


def find_revision(name: str) -> Revision:
    """The commit that git calls `name`. Raises UserError if there is none."""
    inside = git("rev-parse", "--is-inside-work-tree")
    if inside.returncode:
        raise UserError("not a git repository, so there is nothing to compare with")
    commit = _commit(name)
    if commit is None:
        raise UserError(f"{in_a_line(name) or 'no name'}: no such revision; {_advice(name)}")
    shown = git("log", "-1", "--format=%s", commit)
    called = commit[:8] if name == commit else in_a_line(name)
    return Revision(called, commit, in_a_line(shown.stdout.decode(errors="replace")))


def check_folder() -> None:
    """Raise UserError where this is not the project's folder: paths are from there."""
    if not Path("params.yaml").is_file():
        raise UserError("no params.yaml here; allowed: the project's folder")


def commits_only_in(base: Revision, here: Revision) -> int:
    """How many commits `base` has that `here` lacks."""
    count = git("rev-list", "--count", f"{here.commit or 'HEAD'}..{base.commit}")
    return int(count.stdout) if count.returncode == 0 else 0


def printable(text: str) -> str:
    """`text` on one line, with signs that do not print made visible."""
    line = " ".join(text.split())
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in line)


def in_a_line(text: str) -> str:
    """`text` as `printable` has it, and not too long."""
    line = printable(text)
    return line if len(line) <= LONGEST_NAME else f"{line[:LONGEST_NAME]}…"


def _advice(name: str) -> str:
    if name and _commit(f"origin/{name}"):
        return f"there is origin/{in_a_line(name)}"
    if git("rev-parse", "--is-shallow-repository").stdout.strip() == b"true":
        return "this clone is shallow, and git fetch --unshallow gets the rest"
    return "allowed: a branch, a tag or a commit that git knows here"


def _commit(name: str) -> str | None:
    words = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    found = git(*words)
    answer = found.stdout.decode().strip()
    return answer if re.fullmatch("[0-9a-f]{40,64}", answer) else None  # and not "^1234", for ^main


def git(*words: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run git, with `environment` besides; it may fail. Raises UserError if there is no git."""
    env = {**os.environ, **environment}
    try:
        return subprocess.run(["git", *words], capture_output=True, check=False, env=env)
    except FileNotFoundError as error:
        raise UserError("git is not installed, and nothing can be compared without") from error
