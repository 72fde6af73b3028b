"""Compare the results in this folder, or of a revision, with those of another revision.

Reads the metrics, failures, parameters and dvc.lock of both with git. Writes a text for the pull
request, and a page with every digit that the change broke or fixed. Trains nothing.
"""

import argparse
from pathlib import Path

from core.files import write_text
from freshness.revision import Revision, check_folder, find_revision
from review.review_page import Links, draw_review


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--base", required=True, help="the revision to compare with")
    parser.add_argument("--head", default="", help="the revision to review; default: this folder")
    parser.add_argument("--test", type=Path, required=True, help="the test images, .npz")
    parser.add_argument("--markdown", type=Path, required=True, help="the text, .md (output)")
    parser.add_argument("--html", type=Path, required=True, help="the page, .html (output)")
    parser.add_argument("--repository", default="", help="URL of the repository, for links")
    parser.add_argument("--run", default="", help="URL of the CI run, for links")


def run(
    base: str,
    head: str,
    test: Path,
    markdown: Path,
    html: Path,
    repository: str = "",
    run: str = "",
) -> str:
    """Write the review of a change, and return its verdict.

    Args:
        base: the revision to compare with.
        head: the revision to review; empty for the working tree.
        test: the test images; shown if the file exists.
        markdown, html: the files to write.
        repository, run: URLs to link to; empty for no links.

    Raises:
        UserError: a revision does not exist.
    """
    check_folder()
    here = find_revision(head) if head else Revision("this folder")
    drawn = draw_review(find_revision(base), here, test, Links(repository, run))
    write_text(markdown, drawn.markdown)
    write_text(html, drawn.page)
    return f"Review: {drawn.verdict}"
