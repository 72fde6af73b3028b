"""Run a tool that is not a stage: python scripts/tool.py NAME. Each tool has its own --help."""

import core.environment  # noqa: F401 - before any library

import argparse
import sys
from importlib import import_module

from core.errors import UserError

NAMES = (
    *("check_parameters", "verify", "fresh", "reproduced"),  # checks of the results
    *("review", "comment", "post"),  # compare results; comment on a pull request
    "study",  # the page of a study
    *("predict", "export"),  # predict images; export models for other tools
    "try_models",  # a page to draw on
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("name", choices=NAMES)
    name = parser.parse_args(sys.argv[1:2]).name
    tool = import_module(f"tools.{name}")
    parser = argparse.ArgumentParser(
        prog=f"tool.py {name}", description=tool.__doc__, allow_abbrev=False
    )
    tool.add_arguments(parser)
    try:
        said = tool.run(**vars(parser.parse_args(sys.argv[2:])))
    except UserError as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(f"{error.filename2 or error.filename}: {error.strerror}")
    except KeyboardInterrupt:
        sys.exit("interrupted; earlier results are complete")
    if said:
        print(said)


if __name__ == "__main__":
    main()
