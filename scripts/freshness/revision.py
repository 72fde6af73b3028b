"""A revision of the project, or the working tree: read, never run or checked out."""

import hashlib
import io
import json
import os
import re
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, NoReturn

from core.damage import refuse_damage
from core.errors import UnreadableError, UserError
from core.text import printable
from freshness.git import git

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
            UserError: it is too large, cannot be read, or is not a regular file of the project.
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
            names = _listed_here(folder) if Path(folder).is_dir() else []
        else:
            words = ("ls-tree", "-r", "-z", "--name-only", self.commit, "--", f"{folder}/")
            names = git(*words).decode(errors="replace").split("\0")[:-1]
        return [name for name in names if "__pycache__" not in PurePosixPath(name).parts]

    def _opened(self, path: str) -> AbstractContextManager[IO[bytes] | None]:
        """The file `path`, or None. Links are not followed: they may lead out of the project."""
        if not in_project(path):
            raise _not_in_project(path)
        if self.commit is None:
            return _opened_here(path)
        # Relative to this folder, as above. For a folder, git lists the folder itself.
        listed = git("ls-tree", "-z", "--long", self.commit, "--", str(PurePosixPath(path)))
        mode, kind, digest, size = listed.split(b"\t")[0].decode().split() or [""] * 4
        if mode == "120000":
            raise _not_in_project(path)
        if kind != "blob":
            return nullcontext()
        if size != "BAD" and int(size) > LARGEST_FILE:
            raise _too_large(path, self.name)
        try:
            return io.BytesIO(git("cat-file", "blob", digest))
        except UnreadableError as error:
            raise UnreadableError(
                f"{path} of {self.name} cannot be read ({error}); a new, complete clone has it"
            ) from error


def _opened_here(path: str) -> AbstractContextManager[IO[bytes] | None]:
    """The file `path` of this folder, or None."""
    place = Path(path)
    try:
        if any(part.is_symlink() for part in (place, *place.parents)):
            raise _not_in_project(path)
        return place.open("rb") if place.is_file() else nullcontext()
    except OSError as error:
        raise unreadable(path, error) from error


def _listed_here(folder: str) -> list[str]:
    """The paths of the files in `folder`, at any depth."""

    def refuse(error: OSError) -> NoReturn:
        raise unreadable(str(error.filename), error) from error

    return [
        PurePosixPath(place, name).as_posix()
        for place, _, names in os.walk(folder, onerror=refuse)
        for name in names
    ]


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


def unreadable(path: str, error: OSError) -> UnreadableError:
    """An error that says why the file `path` cannot be read."""
    return UnreadableError(printable(f"{path} cannot be read ({error.strerror})"))


def _not_in_project(path: str) -> UserError:
    return UserError(f"{path} is not in this project")


def _too_large(path: str, name: str) -> UserError:
    return UserError(f"{path} of {name} is too large; allowed: up to {LARGEST_FILE} bytes")


def find_revision(name: str) -> Revision:
    """The commit with the git name `name`. Raises UserError if there is none, or git says why it
    cannot be read.
    """
    git("rev-parse", "--git-dir")  # its words are about the repository, not about the name
    commit = _commit(name)
    if commit is None:
        raise UserError(f"{in_a_line(name) or 'no name'}: no such revision; {_advice(name)}")
    subject = git("log", "-1", "--no-show-signature", "--format=%s", commit)
    called = commit[:8] if name == commit else in_a_line(name)
    return Revision(called, commit, in_a_line(subject.decode(errors="replace")))


def check_folder() -> None:
    """Raise UserError if the working directory is not the project's folder, or a file of it is
    damaged.
    """
    if not Path("params.yaml").is_file():
        raise UserError("no params.yaml here; run this in the project's folder")
    refuse_damage()


def commits_only_in(base: Revision, here: Revision) -> int:
    """The number of commits in `base` that are not in `here`."""
    return int(git("rev-list", "--count", f"{here.commit or 'HEAD'}..{base.commit}"))


def in_a_line(text: str) -> str:
    """`printable(text)`, cut off at LONGEST_NAME characters."""
    line = printable(text)
    return line if len(line) <= LONGEST_NAME else f"{line[:LONGEST_NAME]}…"


def _advice(name: str) -> str:
    if name and _commit(f"origin/{name}"):
        return f"allowed: origin/{in_a_line(name)}"
    if git("rev-parse", "--is-shallow-repository").strip() == b"true":
        return "this clone is shallow; git fetch --unshallow fetches the rest"
    return "allowed: a branch, a tag or a commit that git knows here"


def _commit(name: str) -> str | None:
    if name.startswith("-"):  # an option
        return None
    found = git("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}", may_end=(0, 1))
    answer = found.decode().strip()
    return answer if re.fullmatch("[0-9a-f]{40,64}", answer) else None  # and not "^1234", for ^main
