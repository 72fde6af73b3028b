"""Draw what the runs of a study came to: which differences are more than noise.

Reads whatever has been made, and names what is missing. Trains nothing.
"""

import argparse
import sys
from pathlib import Path

from shared.errors import UserError
from shared.files import write_text
from variants.render import render
from variants.runs import read_tables


def study(plan: Path, logs: Path, html: Path, markdown: Path) -> None:
    """Write the page of the planned studies.

    Args:
        plan: the studies and their runs; the folders of the runs are beside it.
        logs: the folder of the runs' logs.
        html, markdown: where to write it.

    Raises:
        UserError: a result is not whole.
        OSError: a result cannot be read, or the page cannot be written.
    """
    page, twin = render(read_tables(plan, logs))
    write_text(html, page)
    write_text(markdown, twin)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--plan", type=Path, required=True, help="the studies' runs, .json")
    parser.add_argument("--logs", type=Path, required=True, help="the folder of the runs' logs")
    parser.add_argument("--html", type=Path, required=True, help="the page, to write, .html")
    parser.add_argument("--markdown", type=Path, required=True, help="its twin, to write, .md")
    try:
        study(**vars(parser.parse_args()))
    except UserError as error:
        sys.exit(f"study: {error}")
    except OSError as error:
        sys.exit(f"study: {error.filename}: {error.strerror}")


if __name__ == "__main__":
    main()
