"""Write files so that readers never see an incomplete one."""

import fcntl
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from core.damage import damage
from core.errors import UserError
from core.text import printable, shortened

LONGEST_NUMBER = 18  # digits and sign of a whole number in JSON


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`, and move the file to `path` when the block ends.

    The temporary name is always the same and keeps the suffixes: the next run replaces what a
    killed run left, and writers that look at the suffix still work.

    Raises:
        UserError: another process is writing to `path`.
        OSError: the folder cannot be created or written, or the disk is full.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with only_writer(path, path.with_name(f".partial.{path.name}")) as partial:
            yield partial
            partial.replace(path)
    except OSError as error:
        if error.filename is None:  # errors of an open file do not name it
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise


@contextmanager
def only_writer(path: Path, partial: Path) -> Iterator[Path]:
    """Yield `partial`, a new file that this process alone writes; remove it afterwards. The kernel
    releases the lock on it however the process ends. Links are replaced, never followed.

    Raises:
        UserError: another process is writing to `path`, for which `partial` stands.
        OSError: the file cannot be created.
    """
    if partial.is_symlink():
        partial.unlink()
    with ExitStack() as opened:

        def lock(flags: int) -> int:
            file = os.open(partial, os.O_RDWR | flags, 0o666)
            opened.callback(os.close, file)
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return file

        def is_there(file: int) -> bool:
            return partial.exists() and os.path.samestat(os.fstat(file), partial.lstat())

        try:
            with suppress(FileNotFoundError):
                # What a killed run has left, or another process is writing.
                if not is_there(lock(os.O_NOFOLLOW | os.O_NONBLOCK)):
                    raise FileExistsError
                partial.unlink()
            file = lock(os.O_CREAT | os.O_EXCL)
        except (BlockingIOError, FileExistsError) as error:
            raise UserError(
                f"{path}: another process is writing it; run this again afterwards"
            ) from error
        try:
            yield partial
        finally:
            if is_there(file):  # or it has its place, and the next process may have begun
                partial.unlink()


class Snapshot:
    """The state of files that are read one after the other, while others may replace them."""

    def __init__(self, paths: Iterable[Path]) -> None:
        """Remember files, and all files in folders."""
        self.paths = tuple(paths)
        self.before = self._states()

    def check(self) -> None:
        """Raise UserError if a file has been changed, replaced, added or removed."""
        now = self._states()
        changed = [path for path in self.before | now if self.before.get(path) != now.get(path)]
        if changed:
            raise UserError(
                f"{min(changed)}: changed while it was read; run this again when no stage runs"
            )

    def _states(self) -> dict[Path, tuple[int, ...]]:
        states = {}
        for path in self.paths:
            with suppress(OSError):  # whoever reads it says why that is impossible
                for file in path.iterdir() if path.is_dir() else [path]:
                    state = file.stat()
                    states[file] = state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns
        return states


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8, with its line ends unchanged. Raises OSError."""
    with written_whole(path) as partial:
        partial.write_text(text, encoding="utf-8", newline="")


def as_json(value: Any) -> str:
    """`value` as JSON with sorted keys. Raises ValueError for NaN, which JSON does not have."""
    return json.dumps(value, indent=2, sort_keys=True, allow_nan=False) + "\n"


def write_json(path: Path, value: Any) -> None:
    """Write `as_json(value)` to `path`. Raises ValueError and OSError."""
    write_text(path, as_json(value))


def read_json(path: Path) -> Any:
    """Read a JSON file that a stage wrote. Raises UserError if it is not JSON, and OSError."""
    return parse_json(path.read_bytes(), str(path))


def parse_json(content: bytes, source: str) -> Any:
    """The value of `content`, JSON in UTF-8.

    Raises:
        UserError: it is not JSON, has a whole number of over LONGEST_NUMBER digits, or text that
            cannot be written as UTF-8. The message names `source`.
    """
    why = damage(content)
    if why:
        raise UserError(f"{source}: {why}")
    try:
        text = content.decode()
        value = json.loads(text, parse_int=_whole, object_pairs_hook=_without_long)
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode()  # raises for half a character
    except json.JSONDecodeError as error:
        raise UserError(f"{source}: not valid JSON (line {error.lineno}: {error.msg})") from error
    except _LongNumberError as error:
        raise UserError(f"{source}: {error}") from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"{source}: not valid JSON ({type(error).__name__})") from error
    return value


class _LongNumberError(ValueError):
    """A whole number has too many digits."""


class _Long(str):
    """The digits of a long number."""


def _whole(text: str) -> int | _Long:
    return int(text) if len(text) <= LONGEST_NUMBER else _Long(text)


def _without_long(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    for key, value in pairs:
        for number in value if isinstance(value, list) else [value]:
            if isinstance(number, _Long):
                name = shortened(printable(key), 60)
                raise _LongNumberError(
                    f"{name}: {len(number)} digits; allowed: up to {LONGEST_NUMBER}"
                )
    return dict(pairs)
