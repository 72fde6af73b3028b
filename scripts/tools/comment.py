"""Write the review of a pull request's results for post.py, in a GitHub workflow.

Reads the pull request's files with git, and neither runs nor checks out any of them. The token does
not need write access. Environment variables identify the pull request: GITHUB_API_URL,
GITHUB_SERVER_URL, GITHUB_REPOSITORY, GITHUB_TOKEN and GITHUB_OUTPUT, which GitHub sets; HEAD_OWNER,
HEAD_BRANCH and HEAD_SHA of the pull request's last commit; RUN_ID and RUN_URL of its run.
"""

import argparse
import base64
import secrets
from dataclasses import replace
from pathlib import Path

from freshness.git import git
from freshness.revision import Revision, find_revision
from review.github import Repository, environment
from review.review_page import Links, draw_review

NAMES = (
    *("GITHUB_API_URL", "GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_TOKEN"),
    *("HEAD_OWNER", "HEAD_BRANCH", "HEAD_SHA", "RUN_ID", "RUN_URL", "GITHUB_OUTPUT"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--test", type=Path, required=True, help="the test images, .npz")


def run(test: Path) -> str:
    """Write the comment to GITHUB_OUTPUT, as `text`, and return its verdict.

    Args:
        test: the test images; they are shown if the results were made from them.

    Raises:
        UserError: an environment variable is missing, or a request to GitHub or git fails.
    """
    api, server, name, token, owner, branch, commit, run, run_url, output = environment(NAMES)
    repository = Repository(api, name, token)
    pull = repository.open_pull(owner, branch, commit)
    if pull is None:
        return "Comment: no open pull request ends with this commit, so no comment is written."
    base = pull["base"]["ref"]
    _fetch(f"refs/heads/{base}:refs/review/base", server, token)
    _fetch(f"refs/pull/{pull['number']}/head:refs/review/head", server, token)
    if find_revision("refs/review/head").commit != commit:
        return "Comment: the pull request has newer commits; their run writes the comment."
    common = git("merge-base", "refs/review/base", commit, may_end=(0, 1)).decode().strip()
    revision = replace(find_revision(common or "refs/review/base"), name=base)
    links = Links(f"{server}/{name}", run_url)
    here = Revision("this change", commit)
    review = draw_review(revision, here, test, links, repository.reproduction(run))
    end = secrets.token_hex(16)  # unguessable, so that the text cannot contain it
    with Path(output).open("a", encoding="utf-8") as file:
        file.write(f"text<<{end}\n{review.markdown}{end}\n")
    return f"Comment: {review.verdict}"


def _fetch(reference: str, server: str, token: str) -> None:
    """Fetch commits from origin with the token, which private repositories require."""
    key = base64.b64encode(f"x-access-token:{token}".encode()).decode()
    configuration = {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"http.{server}/.extraheader",
        "GIT_CONFIG_VALUE_0": f"AUTHORIZATION: basic {key}",
    }
    words = ("fetch", "--quiet", "--no-tags", "--force", "--no-recurse-submodules", "origin")
    git(*words, reference, **configuration)
