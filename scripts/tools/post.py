"""Post a text as the comment on a pull request, in a GitHub workflow.

This is the only step with write access. It reads no file of the pull request and installs nothing.
It reads environment variables: GITHUB_API_URL, GITHUB_SERVER_URL, GITHUB_REPOSITORY and
GITHUB_TOKEN, which GitHub sets; HEAD_OWNER, HEAD_BRANCH and HEAD_SHA of the pull request's last
commit, from GitHub's event; and COMMENT, the text that comment.py wrote.
"""

import argparse

from review.github import Repository, environment
from review.posting import check_text

NAMES = (
    *("GITHUB_API_URL", "GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_TOKEN"),
    *("HEAD_OWNER", "HEAD_BRANCH", "HEAD_SHA", "COMMENT"),
)


def add_arguments(_: argparse.ArgumentParser) -> None:
    """Add nothing: this tool has no arguments."""


def run() -> str:
    """Create or replace the comment, and return a line that says so.

    Raises:
        UserError: an environment variable is missing, the text is not allowed, or the request to
            GitHub fails.
    """
    api, server, name, token, owner, branch, commit, text = environment(NAMES)
    check_text(text, f"{server}/{name}/")
    repository = Repository(api, name, token)
    pull = repository.open_pull(owner, branch, commit)
    if pull is None:
        return "Post: no open pull request ends with this commit, so nothing is posted"
    repository.put_comment(pull["number"], f"{text.rstrip()}\n")
    return f"Post: posted on pull request {pull['number']}"
