"""Draw the results of a study: which differences are more than noise.

Reads the finished runs, and lists the missing ones. Trains nothing.
"""

import argparse
from pathlib import Path

from core.files import write_text
from study.runs import read_tables
from study.study_page import render


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--plan", type=Path, required=True, help="the studies' runs, .json")
    parser.add_argument("--logs", type=Path, required=True, help="the folder of the runs' logs")
    parser.add_argument("--html", type=Path, required=True, help="the page, .html (output)")
    parser.add_argument("--markdown", type=Path, required=True, help="the same as Markdown, .md")


def run(plan: Path, logs: Path, html: Path, markdown: Path) -> None:
    """Write the page of the planned studies.

    Args:
        plan: the studies and their runs; the folders of the runs are beside it.
        logs: the folder of the runs' logs.
        html, markdown: the files to write.

    Raises:
        UserError: a result is incomplete or damaged.
        OSError: a result cannot be read, or the page cannot be written.
    """
    page, text = render(read_tables(plan, logs))
    write_text(html, page)
    write_text(markdown, text)
