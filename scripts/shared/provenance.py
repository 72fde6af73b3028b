"""The provenance of a result: by what command, from what code and inputs it was made."""

import fcntl
import hashlib
import os
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from shared.errors import UserError
from shared.files import write_json

SCRIPTS = Path(__file__).parents[1]


@contextmanager
def recorded(stage: str, record: Path, inputs: list[Path], outputs: list[Path]) -> Iterator[None]:
    """Let the block be the only run of `stage`, and write to `record` what it made of what.

    The record is JSON: `command`, the words of the command line, and `inputs` and `outputs`, the
    SHA-256 of each file by its path from the working directory. Our own modules that were loaded
    are among the inputs, and so is each file below an input that is a folder. The record is written
    last, so that half a result has none that fits it.

    Raises:
        UserError: an input or a module was changed while the block ran, so that nobody can say
            which of its states the outputs come from; or a run that was started later has held
            the lock before.
        OSError: a file cannot be read, or the record cannot be written.
    """
    record.parent.mkdir(parents=True, exist_ok=True)
    with _alone(stage, record.with_name(f".{record.stem}.lock")):
        before = hashes([*inputs, *_own_modules()])
        yield
        after = hashes([*inputs, *_own_modules()])
        for path, digest in before.items():
            if after.get(path) != digest:
                raise UserError(f"{path}: changed while {stage} ran; run it again")
        write_json(record, {"command": sys.argv, "inputs": after, "outputs": hashes(outputs)})


def hashes(paths: Iterable[Path]) -> dict[str, str]:
    """The SHA-256 of each file, or of each file below a folder, by its path from here."""
    digests = {}
    for path in paths:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file() and not (path.is_dir() and file.name.startswith(".")):
                with file.open("rb") as content:
                    name = Path(os.path.relpath(file)).as_posix()
                    digests[name] = hashlib.file_digest(content, "sha256").hexdigest()
    return digests


def _own_modules() -> list[Path]:
    files = (getattr(module, "__file__", None) for module in list(sys.modules.values()))
    return [Path(file) for file in files if file and Path(file).is_relative_to(SCRIPTS)]


@contextmanager
def _alone(stage: str, path: Path) -> Iterator[None]:
    """Hold the lock at `path`. The kernel gives it back, however the process ends.

    A killed engine leaves its stage running. The next run of the stage must not write at the same
    time as that one, and that one, if it comes to the lock second, not at all: what follows the
    stage may be reading. So the file says when the last run to hold it was started.
    """
    started = psutil.Process().create_time()
    with path.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"{stage}: waiting for an earlier run of it to end", file=sys.stderr)
            fcntl.flock(lock, fcntl.LOCK_EX)
        lock.seek(0)
        if started < _seconds(lock.read()) <= time.time():  # of the future, if the clock went back
            raise UserError(f"{stage}: not run, since a later run of it has taken its place")
        lock.truncate(0)
        lock.write(str(started))
        lock.flush()
        yield


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:  # a new file, or one cut short by a full disk
        return 0
