"""The changed files that a run executes, installs or is configured by: what it reports is only as
reliable as they are.
"""

import os
import re
import site
import stat
import sys
from collections import Counter
from collections.abc import Collection, Sequence
from importlib.machinery import BYTECODE_SUFFIXES, SOURCE_SUFFIXES, PathFinder
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from freshness.git import git
from freshness.processor_time import limited_time
from freshness.revision import Revision

# Parameters, results and texts: all other files are code, so that a new kind of file is named
# without anyone thinking of it. DVC would run a dvc.yaml in any folder, and fetch for a .dvc file.
NO_CODE = re.compile(
    r"(?:params|study)\.yaml|dvc\.lock|[^/]*\.md|reports/.*\.(?:csv|json|md)|docs/.*\.(?:md|png)",
    re.DOTALL,
)
NO_FILE, PLAIN_FILE = "000000", "100644"  # git's modes
COMPILED = (*BYTECODE_SUFFIXES, ".pyo", ".so", ".pyd", ".dylib", ".pth")
LOADED_AT_START = ("sitecustomize", "usercustomize")


class ChangedCode(NamedTuple):
    """The paths of changed files, from the project's folder.

    Attributes:
        files: all that are code, those that are not in `hiding` first, and so sorted that many
            files in one folder do not crowd out the others.
        hiding: those that Python imports in place of another module, for example of its library.
    """

    files: Sequence[str]
    hiding: Sequence[str]


UNCHANGED = ChangedCode((), ())


def changed_code(base: Revision, here: Revision, read: Collection[str] = ()) -> ChangedCode:
    """The code that differs between `base`, a commit, and `here`.

    Args:
        read: files and folders that stages read, which are code whatever their name is.

    Raises:
        UserError: git cannot compare the two.
    """
    with limited_time("the changed files"):
        modes = _changed(base, here)
        files = [path for path, mode in modes.items() if _is_code(path, mode, read)]
        hiding = {path for path in files if _hides_a_module(path, modes[path][1])}
        places: Counter[str] = Counter()
        order = {}
        for path in sorted(files):
            folder = path.partition("/")[0] if "/" in path else ""
            places[folder] += 1
            order[path] = path in hiding, places[folder], path
        return ChangedCode(sorted(files, key=order.__getitem__), sorted(hiding))


def _changed(base: Revision, here: Revision) -> dict[str, tuple[str, str]]:
    """The mode of each changed file in git, before and now, by its path from this folder."""
    options = (
        "--raw",
        "-z",
        "--no-renames",
        "--ignore-submodules=dirty",
        "--no-ext-diff",
        "--no-color",
    )
    revisions = (base.commit or "", *([here.commit] if here.commit else []))
    listed = _text("diff", *options, "--no-relative", *revisions, "--").split("\0")
    found = {
        path: (before.lstrip(":"), now)
        for (before, now, *_), path in zip(map(str.split, listed[:-1:2]), listed[1::2], strict=True)
    }
    if here.commit is None:
        words = "ls-files", "--others", "--exclude-standard", "--full-name", "-z"
        root = Path(_text("rev-parse", "--show-toplevel").rstrip("\n"))
        for path in _text(*words).split("\0")[:-1]:
            found[path] = NO_FILE, _mode(root / path)
    folder = _text("rev-parse", "--show-prefix").rstrip("\n") or "."
    return {PurePosixPath(os.path.relpath(path, folder)).as_posix(): found[path] for path in found}


def _mode(path: Path) -> str:
    mode = path.lstat().st_mode
    return PLAIN_FILE if stat.S_ISREG(mode) and not mode & stat.S_IXUSR else "other"


def _is_code(path: str, modes: tuple[str, str], read: Collection[str]) -> bool:
    """Whether a run may execute a changed file, or read it as an input. A link, a submodule and an
    executable file are code whatever their name is.
    """
    is_read = any(path == name or path.startswith(f"{name}/") for name in read)
    plain = set(modes) <= {NO_FILE, PLAIN_FILE}
    return is_read or not (plain and NO_CODE.fullmatch(path))


def _hides_a_module(path: str, mode: str) -> bool:
    """Whether Python may import the file in place of a module of its library, of an installed
    package or, if the file is compiled, of this project.

    Python looks for modules beside the script that it runs, in folders that pyproject.toml names,
    and in the working directory: here in all folders of the project, and in the project itself.
    """
    if mode == NO_FILE:
        return False
    *folders, name = parts = PurePosixPath(path).parts
    if {".venv", "site-packages", "dist-packages", "__pycache__"} & {*folders}:
        return True
    if name.endswith(COMPILED):
        return True
    if mode in (PLAIN_FILE, "100755") and not name.endswith((*SOURCE_SUFFIXES, ".pyw")):
        return False
    return any(_is_a_module(part.partition(".")[0]) for part in parts[:2])


def _is_a_module(name: str) -> bool:
    """Whether Python's library or an installed package has a module of this name."""
    if name in sys.stdlib_module_names or name in LOADED_AT_START:
        return True
    return name.isidentifier() and bool(PathFinder.find_spec(name, site.getsitepackages()))


def _text(*words: str) -> str:
    return os.fsdecode(git(*words, GIT_OPTIONAL_LOCKS="0"))
