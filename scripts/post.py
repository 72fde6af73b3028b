"""Post a text as the comment on a pull request; for a workflow on GitHub.

The one step that may write. It reads nothing of the pull request, and installs nothing. The
environment says what and where: GITHUB_API_URL, GITHUB_SERVER_URL, GITHUB_REPOSITORY and
GITHUB_TOKEN are GitHub's own; HEAD_OWNER, HEAD_BRANCH and HEAD_SHA are of the pull request's last
commit, by GitHub's event; COMMENT is what comment.py has written.
"""

import os
import sys

from change.github import Repository
from change.posting import check_text
from shared.errors import UserError

NAMES = (
    *("GITHUB_API_URL", "GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_TOKEN"),
    *("HEAD_OWNER", "HEAD_BRANCH", "HEAD_SHA", "COMMENT"),
)


def post(given: dict[str, str]) -> str:
    """Write or replace the comment, and return what was done.

    Args:
        given: the environment, by NAMES.

    Raises:
        UserError: the text may not be posted, or GitHub refuses.
    """
    api, server, name, token, owner, branch, commit, text = (given[key] for key in NAMES)
    check_text(text, f"{server}/{name}/")
    repository = Repository(api, name, token)
    pull = repository.open_pull(owner, branch, commit)
    if pull is None:
        return "no open pull request ends with this commit, so nothing is posted"
    repository.put_comment(pull["number"], f"{text.rstrip()}\n")
    return f"posted on pull request {pull['number']}"


def main() -> None:
    missing = [name for name in NAMES if not os.environ.get(name)]
    if missing:
        sys.exit(f"post: {', '.join(missing)} missing in the environment")
    try:
        print(f"Post: {post({name: os.environ[name] for name in NAMES})}")
    except (UserError, OSError) as error:
        sys.exit(f"post: {error}")


if __name__ == "__main__":
    main()
