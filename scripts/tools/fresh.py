"""Check that the results belong to the parameters and code beside them; status 1 if they do not.

Reads what git holds, and needs neither the data nor the models nor any training: dvc.lock says what
the results were made of.
"""

import argparse

from core.errors import UserError
from core.text import printable
from freshness.dvc_files import faults, read_stages
from freshness.revision import Revision, check_folder


def add_arguments(_: argparse.ArgumentParser) -> None:
    """It takes none."""


def run() -> str:
    """Raise UserError with why results are not up to date, in lines."""
    check_folder()
    found = faults(read_stages(Revision("this folder")))
    if found:
        raise UserError("\n".join(map(printable, found)))
    return "The results belong to the parameters and code."
