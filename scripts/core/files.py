"""Write files so that readers never see an incomplete one."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
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
        OSError: the folder cannot be created or written, or the disk is full.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".partial.{path.name}")
    try:
        partial.unlink(missing_ok=True)  # it may be a link to a place outside of the checkout
        yield partial
        partial.replace(path)
    except OSError as error:
        if error.filename is None:  # errors of an open file do not name it
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise
    finally:
        partial.unlink(missing_ok=True)


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
