"""Run a tool that is not a stage: python scripts/tool.py NAME. Each tool has its own --help."""

import core.environment  # noqa: F401 - before any library

import sys
from importlib import import_module

from core.program import ProgramParser, cleaning_up, one_line_errors

NAMES = (
    *("check_parameters", "flags"),  # what DVC runs with each stage
    *("verify", "fresh", "reproduced"),  # checks of the results
    *("review", "comment", "post"),  # compare results; comment on a pull request
    "study",  # the page of a study
    *("predict", "export"),  # predict images; export models for other tools
    "try_models",  # a page to draw on
)


@one_line_errors()
def main() -> None:
    parser = ProgramParser(description=__doc__)
    parser.add_argument("name", choices=NAMES)
    name = parser.parse_args(sys.argv[1:2]).name
    tool = import_module(f"tools.{name}")
    parser = ProgramParser(prog=f"tool.py {name}", description=tool.__doc__)
    tool.add_arguments(parser)
    arguments = vars(parser.parse_args(sys.argv[2:]))
    with cleaning_up():
        said = tool.run(**arguments)
    if said:
        print(said)


if __name__ == "__main__":
    main()
