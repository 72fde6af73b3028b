"""Post a text as the comment on a pull request; for a workflow on GitHub.

The one step that may write. It reads nothing of the pull request, and installs nothing. The
environment says what and where: GITHUB_API_URL, GITHUB_SERVER_URL, GITHUB_REPOSITORY and
GITHUB_TOKEN are GitHub's own; HEAD_OWNER, HEAD_BRANCH and HEAD_SHA are of the pull request's last
commit, by GitHub's event; COMMENT is what comment.py has written.
"""

import argparse

from review.github import Repository, environment
from review.posting import check_text

NAMES = (
    *("GITHUB_API_URL", "GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_TOKEN"),
    *("HEAD_OWNER", "HEAD_BRANCH", "HEAD_SHA", "COMMENT"),
)


def add_arguments(_: argparse.ArgumentParser) -> None:
    """It takes none."""


def run() -> str:
    """Write or replace the comment, and return what was done.

    Raises:
        UserError: something is missing in the environment; the text may not be posted; or GitHub
            refuses.
    """
    api, server, name, token, owner, branch, commit, text = environment(NAMES)
    check_text(text, f"{server}/{name}/")
    repository = Repository(api, name, token)
    pull = repository.open_pull(owner, branch, commit)
    if pull is None:
        return "Post: no open pull request ends with this commit, so nothing is posted"
    repository.put_comment(pull["number"], f"{text.rstrip()}\n")
    return f"Post: posted on pull request {pull['number']}"
