"""Check that the results belong to the parameters and code beside them; status 1 if they do not.

Reads what git holds, and needs neither the data nor the models nor any training: dvc.lock says what
the results were made of.
"""

import sys

from change.revision import Revision, check_folder, printable
from change.stages import faults, read_stages
from shared.errors import UserError


def main() -> None:
    try:
        check_folder()
        found = faults(read_stages(Revision("this folder")))
    except UserError as error:
        found = [str(error)]
    if found:
        sys.exit("\n".join(map(printable, found)))
    print("The results belong to the parameters and code.")


if __name__ == "__main__":
    main()
