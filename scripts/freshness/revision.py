"""A revision of the project, or the working tree: read, never run or checked out."""

import hashlib
import io
import json
import os
import re
import subprocess
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from core.errors import UserError
from core.text import printable

LARGEST_FILE = 50_000_000  # bytes
LONGEST_NAME = 60


@dataclass(frozen=True)
class Revision:
    """A commit, or the working tree.

    Its files are read as bytes, with git if it is a commit. It is never opened as a DVC repository,
    because its configuration could name any file and any URL.

    Attributes:
        name: the name that messages use.
        commit: the full SHA-1; None for the working tree.
        subject: the first line of the commit message.
    """

    name: str
    commit: str | None = None
    subject: str = ""

    def read(self, path: str) -> bytes | None:
        """The content of the file `path`; None if it does not exist.

        Raises:
            UserError: it is too large, or not a regular file of the project.
        """
        with self._opened(path) as file:
            content = file.read(LARGEST_FILE + 1) if file else None
        if content and len(content) > LARGEST_FILE:
            raise _too_large(path, self.name)
        return content

    def md5(self, path: str) -> str | None:
        """The MD5 of the file `path`, or the MD5 that DVC computes for a folder; None if it does
        not exist. Raises UserError as `read` does.
        """
        with self._opened(path) as file:
            if file:
                return hashlib.file_digest(file, "md5").hexdigest()
        files = {name[len(path) + 1 :]: self.md5(name) for name in self._files(path)}
        return md5_of_folder(files) if files else None

    def _files(self, folder: str) -> list[str]:
        """The files in `folder`, without Python's caches, which .dvcignore excludes."""
        if self.commit is None:
            names = [found.as_posix() for found in Path(folder).rglob("*") if not found.is_dir()]
        else:
            words = ("ls-tree", "-r", "-z", "--name-only", self.commit, "--", f"{folder}/")
            names = git(*words).stdout.decode(errors="replace").split("\0")[:-1]
        return [name for name in names if "__pycache__" not in PurePosixPath(name).parts]

    def _opened(self, path: str) -> AbstractContextManager[IO[bytes] | None]:
        """The file `path`, or None. Links are not followed: they may lead out of the project."""
        place = PurePosixPath(path)
        if not in_project(path):
            raise _not_in_project(path)
        if self.commit is None:
            if any(Path(part).is_symlink() for part in (place, *place.parents)):
                raise _not_in_project(path)
            return Path(place).open("rb") if Path(place).is_file() else nullcontext()
        # Relative to this folder, as above. For a folder, git lists the folder itself.
        listed = git("ls-tree", "-z", "--long", self.commit, "--", str(place)).stdout
        mode, kind, digest, size = listed.split(b"\t")[0].decode().split() or [""] * 4
        if mode == "120000":
            raise _not_in_project(path)
        if kind != "blob":
            return nullcontext()
        if int(size) > LARGEST_FILE:
            raise _too_large(path, self.name)
        return io.BytesIO(git("cat-file", "blob", digest).stdout)


def md5_of_folder(files: Mapping[str, str | None]) -> str:
    """The MD5 that DVC computes for a folder, given the MD5 of each file by its path in it."""
    listed = [{"md5": files[name], "relpath": name} for name in sorted(files)]
    text = json.dumps(listed, sort_keys=True)
    return f"{hashlib.md5(text.encode()).hexdigest()}.dir"  # noqa: S324


def in_project(path: str) -> bool:
    """Whether the untrusted `path` can name a file of the project."""
    parts = PurePosixPath(path).parts
    outside = not parts or path.startswith("/") or "://" in path or {"..", ".git"} & {*parts}
    return path.isprintable() and not outside


def _not_in_project(path: str) -> UserError:
    return UserError(f"{path} is not in this project")


def _too_large(path: str, name: str) -> UserError:
    return UserError(f"{path} of {name} is too large; allowed: up to {LARGEST_FILE} bytes")


def find_revision(name: str) -> Revision:
    """The commit with the git name `name`. Raises UserError if there is none."""
    inside = git("rev-parse", "--is-inside-work-tree")
    if inside.returncode:
        raise UserError("not a git repository, so there is nothing to compare with")
    commit = _commit(name)
    if commit is None:
        raise UserError(f"{in_a_line(name) or 'no name'}: no such revision; {_advice(name)}")
    shown = git("log", "-1", "--no-show-signature", "--format=%s", commit)
    called = commit[:8] if name == commit else in_a_line(name)
    return Revision(called, commit, in_a_line(shown.stdout.decode(errors="replace")))


def check_folder() -> None:
    """Raise UserError if the working directory is not the project's folder."""
    if not Path("params.yaml").is_file():
        raise UserError("no params.yaml here; run this in the project's folder")


def commits_only_in(base: Revision, here: Revision) -> int:
    """The number of commits in `base` that are not in `here`."""
    count = git("rev-list", "--count", f"{here.commit or 'HEAD'}..{base.commit}")
    return int(count.stdout) if count.returncode == 0 else 0


def in_a_line(text: str) -> str:
    """`printable(text)`, cut off at LONGEST_NAME characters."""
    line = printable(text)
    return line if len(line) <= LONGEST_NAME else f"{line[:LONGEST_NAME]}…"


def _advice(name: str) -> str:
    if name and _commit(f"origin/{name}"):
        return f"allowed: origin/{in_a_line(name)}"
    if git("rev-parse", "--is-shallow-repository").stdout.strip() == b"true":
        return "this clone is shallow; git fetch --unshallow fetches the rest"
    return "allowed: a branch, a tag or a commit that git knows here"


def _commit(name: str) -> str | None:
    words = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    found = git(*words)
    answer = found.stdout.decode().strip()
    return answer if re.fullmatch("[0-9a-f]{40,64}", answer) else None  # and not "^1234", for ^main


def git(*words: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run git with the additional variables `environment`; the command may fail. Raises UserError
    if git is not installed.

    Paths are literal: a star in a path, or a colon before it, has no special meaning.
    """
    command, env = ["git", "--literal-pathspecs", *words], {**os.environ, **environment}
    try:
        return subprocess.run(command, capture_output=True, check=False, env=env)
    except FileNotFoundError as error:
        raise UserError("git is not installed; it is needed to compare results") from error
