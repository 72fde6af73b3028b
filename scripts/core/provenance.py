"""The provenance of a result: the command, code and inputs that it was made with."""

import fcntl
import hashlib
import os
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from core import imported
from core.errors import UserError
from core.files import write_json


@contextmanager
def recorded(
    stage: str, record: Path, inputs: list[Path], outputs: list[Path], own: Path | None = None
) -> Iterator[None]:
    """Run the block as the only run of `stage`, and record in `record` what it read and wrote.

    The record is JSON: `command`, the words of the command line, and `inputs` and `outputs`, the
    SHA-256 of each file by its path from the working directory. The inputs include the imported
    modules of the project and each file in an input folder. The record is written last, so that an
    incomplete result never matches its record. `own`, the user's own file or folder, which can
    contain very many files, has a single digest.

    Raises:
        UserError: a module has changed since it was imported, or an input while the block ran, so
            that an engine would record a state that the outputs were not made from; or a run that
            started later has already held the lock.
        OSError: a file cannot be read, or the record cannot be written.
    """
    record.parent.mkdir(parents=True, exist_ok=True)
    with _alone(stage, record.with_name(f".{record.stem}.lock")):
        _refuse_changes(stage, _modules())
        read = hashes(inputs)
        if own and own.exists():
            read[_from_here(own)] = digest(own)
        yield
        used = {**read, **_modules()}
        _refuse_changes(stage, used)
        write_json(record, {"command": sys.argv, "inputs": used, "outputs": hashes(outputs)})


def hashes(paths: Iterable[Path]) -> dict[str, str]:
    """The SHA-256 of each file, and of each file in a folder, by its path from here."""
    digests = {}
    for path in paths:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file() and not (path.is_dir() and file.name.startswith(".")):
                digests[_from_here(file)] = _sha256(file)
    return digests


def digest(path: Path) -> str:
    """The SHA-256 of a file; for a folder, that of the list of its files, without hidden ones."""
    if not path.is_dir():
        return _sha256(path)
    listed = hashlib.sha256()
    for folder, folders, names in os.walk(path):
        folders.sort()
        inside = os.fsencode(os.path.relpath(folder, path))
        for name in sorted(name for name in names if not name.startswith(".")):
            file = Path(folder, name)
            if file.is_file():
                listed.update(b"%s/%s\0%s\n" % (inside, os.fsencode(name), _sha256(file).encode()))
    return listed.hexdigest()


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _modules() -> dict[str, str | None]:
    """The project's modules, with their hashes when they were imported."""
    return {_from_here(path): digest for path, digest in imported.items()}


def _refuse_changes(stage: str, used: dict[str, str | None]) -> None:
    """Raise UserError if a file has changed since it was used."""
    for path, before in used.items():
        if before is None or not Path(path).exists() or digest(Path(path)) != before:
            raise UserError(f"{path}: changed while {stage} ran; rerun {stage}")


def _from_here(path: Path) -> str:
    return Path(os.path.relpath(path)).as_posix()


@contextmanager
def _alone(stage: str, path: Path) -> Iterator[None]:
    """Hold the lock at `path`. The kernel releases it however the process ends.

    A killed engine leaves its stage running. The next run of the stage must not write at the same
    time. And the old run must not write after the next one, whose outputs later stages may already
    be reading. So the file contains the start time of the last run that held the lock.
    """
    started = psutil.Process().create_time()
    with path.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"{stage}: waiting for an earlier run to end", file=sys.stderr)
            fcntl.flock(lock, fcntl.LOCK_EX)
        lock.seek(0)
        if started < _seconds(lock.read()) <= time.time():  # else the clock was set back
            raise UserError(f"{stage}: not run, because a later run has replaced this one")
        lock.truncate(0)
        lock.write(str(started))
        lock.flush()
        yield


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:  # a new file, or one truncated by a full disk
        return 0
