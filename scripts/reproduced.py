"""Check that the results in this folder, made again, are those that are committed; status 1 if not.

Another processor may round differently; docs/trust.md says what may differ.
"""

import os
import sys

from change.github import TITLE
from change.reproduction import differences
from change.revision import Revision, check_folder, find_revision, printable
from shared.errors import UserError


def main() -> None:
    try:
        check_folder()
        found = differences(find_revision("HEAD"), Revision("this folder"))
    except UserError as error:
        found = [str(error)]
    if not found:
        print("The results made here are those committed.")
        return
    lines = list(map(printable, found))
    if os.environ.get("GITHUB_ACTIONS"):  # there the run's page shows it, and the comment reads it
        print(f"::error title={TITLE}::{'; '.join(lines).replace('%', '%25')}")
    sys.exit("\n".join(["The results made here are not those committed:", *lines]))


if __name__ == "__main__":
    main()
