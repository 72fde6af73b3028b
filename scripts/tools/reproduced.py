"""Check that the results in this folder, after a rerun, equal the committed ones; status 1 if not.

Another processor may round differently; docs/trust.md lists the differences that are allowed.
"""

import argparse
import os

from core.errors import UserError
from core.text import printable
from freshness.revision import Revision, check_folder, find_revision
from review.github import TITLE
from review.reproduction import differences


def add_arguments(_: argparse.ArgumentParser) -> None:
    """Add nothing: this tool has no arguments."""


def run() -> str:
    """Raise UserError with the differences, one per line."""
    check_folder()
    title = "The results made here differ from the committed ones:"
    try:
        found = differences(find_revision("HEAD"), Revision("this folder"))
    except UserError as error:
        title = "The results made here cannot be compared with the committed ones:"
        found = [str(error)]
    if not found:
        return "The results made here equal the committed ones."
    lines = list(map(printable, found))
    if os.environ.get("GITHUB_ACTIONS"):  # an annotation, which comment.py reads
        print(f"::error title={TITLE}::{'; '.join(lines).replace('%', '%25')}")
    raise UserError("\n".join([title, *lines]))
