"""Check that the results in this folder, made again, are those that are committed; status 1 if not.

Another processor may round differently; docs/trust.md says what may differ.
"""

import argparse
import os

from core.errors import UserError
from core.text import printable
from freshness.revision import Revision, check_folder, find_revision
from review.github import TITLE
from review.reproduction import differences


def add_arguments(_: argparse.ArgumentParser) -> None:
    """It takes none."""


def run() -> str:
    """Raise UserError with what is not the same, in lines."""
    check_folder()
    try:
        found = differences(find_revision("HEAD"), Revision("this folder"))
    except UserError as error:
        found = [str(error)]
    if not found:
        return "The results made here are those committed."
    lines = list(map(printable, found))
    if os.environ.get("GITHUB_ACTIONS"):  # there the run's page shows it, and the comment reads it
        print(f"::error title={TITLE}::{'; '.join(lines).replace('%', '%25')}")
    raise UserError("\n".join(["The results made here are not those committed:", *lines]))
