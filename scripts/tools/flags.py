"""Print a section of params.yaml as flags, quoted for a shell, as DVC would insert it.

DVC compares commands. dvc.yaml leaves it to the shell to insert a section with parameters that do
not affect the result, so that a change of these reruns nothing.
"""

import argparse
from pathlib import Path

from core.errors import UserError
from core.parameters import as_flags, first_error, read_schema, read_sections


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("section", help="such as download")


def run(section: str) -> str:
    """The flags. Raises UserError if params.yaml has no such section, or a value is not allowed."""
    schema, values = read_schema(), read_sections(Path("params.yaml"))
    error = first_error(values, schema)
    if error:
        raise UserError(error)
    sections = [name for name, own in schema["properties"].items() if "properties" in own]
    if section not in sections:
        raise UserError(f"{section}: no such section; allowed: {', '.join(sections)}")
    return as_flags(values[section])
