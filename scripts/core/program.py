"""How each program of the project ends: without a traceback when users or the system are the cause.

Uses only the standard library, because post.py runs without any other.
"""

import argparse
import io
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn, TextIO

from core.errors import UserError

STREAMS = {1: "standard output", 2: "standard error"}
INTERRUPTED = "interrupted; earlier results are complete"
# A copy, because networks.backend redirects standard error while TensorFlow loads.
STDERR = os.dup(2) if sys.stderr else None


class ProgramParser(argparse.ArgumentParser):
    """A command line; --help fails, as all output, if it cannot be written."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, **options)

    def print_help(self, file: Any = None) -> None:
        print(self.format_help(), end="", file=file)  # argparse's own ignores errors


@contextmanager
def one_line_errors(stage: str = "") -> Iterator[None]:
    """End the program with one line, and status 1, if the block fails for a reason that users can
    mend: a UserError, a file, too little memory, or a device that is full. As other programs do,
    end without a word if what reads the output has closed it.

    Args:
        stage: the stage that the lines begin with, if any.
    """
    prefix = f"{stage}: " if stage else ""
    for number in STREAMS:
        _name_in_errors(number)
    earlier = _when_interrupted(_leave)
    try:
        try:
            yield
        finally:
            sys.stdout.flush()  # here, an error of it can still be reported
    except UserError as error:
        sys.exit(str(error))
    except OSError as error:
        if error.filename in STREAMS.values():
            _discard_output()
            if isinstance(error, BrokenPipeError):
                _end_by(signal.SIGPIPE)
        sys.exit(f"{prefix}{_in_words(error)}")
    except MemoryError:
        sys.exit(f"{prefix}not enough memory; use fewer images or a smaller batch")
    except KeyboardInterrupt as error:
        print(INTERRUPTED, file=sys.stderr)
        sys.exit(error.args[0])
    finally:
        _restore(earlier)


def open_closed_streams() -> None:
    """Discard what is written to a standard stream that is closed.

    Else the next file that the program opens would become this stream, and libraries in C would
    write their messages into it; and print(file=sys.stderr) would write to standard output.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode))


def end_when_interrupted() -> None:
    """Let Ctrl-C and SIGTERM end the program at once, with one line, also while libraries load."""
    _when_interrupted(_leave)


@contextmanager
def cleaning_up() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM raise KeyboardInterrupt in the block, so that the files that it is
    writing are removed. When interrupted again, the program ends at once.
    """
    earlier = _when_interrupted(_raise)
    try:
        yield
    finally:
        _restore(earlier)


def _when_interrupted(act: Callable[[int, Any], NoReturn]) -> dict[int, Any]:
    """Set a handler, but not where signals are ignored, as in the background of a shell. Returns
    the earlier handlers.
    """
    earlier = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    earlier = {number: own for number, own in earlier.items() if own != signal.SIG_IGN}
    for number in earlier:
        signal.signal(number, act)
    return earlier


def _restore(handlers: dict[int, Any]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, handler)


def _leave(number: int, _: object) -> NoReturn:
    """Not by an exception: libraries that are being loaded may hide it."""
    if STDERR is not None:
        with suppress(OSError):
            os.write(STDERR, f"{INTERRUPTED}\n".encode())
    os._exit(128 + number)


def _raise(number: int, _: object) -> NoReturn:
    _when_interrupted(_leave)
    raise KeyboardInterrupt(128 + number)


class _Output(io.FileIO):
    """A standard stream whose errors name it, as those of files do."""

    def write(self, data: Any) -> int | None:
        try:
            return super().write(data)
        except OSError as error:
            raise OSError(error.errno, error.strerror, STREAMS[self.fileno()]) from error


def _name_in_errors(number: int) -> None:
    name = "stdout" if number == 1 else "stderr"
    stream: TextIO = getattr(sys, name)
    if stream is getattr(sys, f"__{name}__") and stream is not None and stream.fileno() == number:
        stream.flush()
        named = io.TextIOWrapper(
            io.BufferedWriter(_Output(number, "w", closefd=False)),
            stream.encoding,
            stream.errors,
            line_buffering=stream.line_buffering or stream.write_through,
        )
        setattr(sys, name, named)


def _discard_output() -> None:
    """Let Python's own attempt, at exit, to write what could not be written succeed."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)


def _end_by(number: signal.Signals) -> NoReturn:
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    raise SystemExit(1)


def _in_words(error: OSError) -> str:
    """The file of `error` and what is wrong with it."""
    path, reason = error.filename2 or error.filename, error.strerror or str(error)
    if isinstance(error, FileNotFoundError) and path and not Path(path).is_absolute():
        reason = f"{reason} in {Path.cwd()}"
    return f"{path}: {reason}" if path else reason
