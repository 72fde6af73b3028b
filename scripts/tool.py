"""Run a tool that is not a stage: python scripts/tool.py NAME. Each tool has its own --help."""

import core.environment  # noqa: F401 - before any library

import argparse
import os
import signal
import sys
from collections.abc import Callable
from importlib import import_module
from typing import NoReturn

from core.errors import UserError

NAMES = (
    *("check_parameters", "flags"),  # what DVC runs with each stage
    *("verify", "fresh", "reproduced"),  # checks of the results
    *("review", "comment", "post"),  # compare results; comment on a pull request
    "study",  # the page of a study
    *("predict", "export"),  # predict images; export models for other tools
    "try_models",  # a page to draw on
)


INTERRUPTED = "interrupted; earlier results are complete"


def main() -> None:
    _when_interrupted(_leave)
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("name", choices=NAMES)
    name = parser.parse_args(sys.argv[1:2]).name
    tool = import_module(f"tools.{name}")
    parser = argparse.ArgumentParser(
        prog=f"tool.py {name}", description=tool.__doc__, allow_abbrev=False
    )
    tool.add_arguments(parser)
    arguments = vars(parser.parse_args(sys.argv[2:]))
    try:
        _when_interrupted(_clean_up)
        said = tool.run(**arguments)
    except UserError as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(f"{error.filename2 or error.filename}: {error.strerror}")
    except KeyboardInterrupt as interrupt:
        print(INTERRUPTED, file=sys.stderr)
        sys.exit(interrupt.args[0])
    finally:
        _when_interrupted(_leave)
    if said:
        print(said)


def _when_interrupted(act: Callable[[int, object], NoReturn]) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) != signal.SIG_IGN:  # as in the background of a shell
            signal.signal(number, act)


def _leave(number: int, _: object) -> NoReturn:
    """End at once: while libraries load, nothing is written, and they may hide an exception."""
    os.write(2, f"{INTERRUPTED}\n".encode())
    os._exit(128 + number)


def _clean_up(number: int, _: object) -> NoReturn:
    """End after the files that are being written are removed; at once when interrupted again."""
    _when_interrupted(_leave)
    raise KeyboardInterrupt(128 + number)


if __name__ == "__main__":
    main()
