"""The few calls of GitHub's REST API that a comment needs."""

from typing import Any

import requests

from shared.errors import UserError

TIMEOUT = 30  # seconds for one answer
MOST_PAGES = 30  # of comments, 100 each
BOT = "github-actions[bot]"  # whose comments the token of a workflow writes
MARK = "<!-- the review of the results -->"


class Repository:
    """A repository on GitHub, as seen with a token."""

    def __init__(self, api: str, name: str, token: str) -> None:
        self.address = f"{api}/repos/{name}"
        self.session = requests.Session()
        self.session.headers["Accept"] = "application/vnd.github+json"
        self.session.headers["Authorization"] = f"Bearer {token}"

    def open_pull(self, owner: str, branch: str, commit: str) -> dict[str, Any] | None:
        """The open pull request of `owner`'s branch whose last commit is `commit`, if any."""
        found = self._ask("GET", "pulls", params={"state": "open", "head": f"{owner}:{branch}"})
        return next((pull for pull in found if pull["head"]["sha"] == commit), None)

    def put_comment(self, pull: int, text: str) -> None:
        """Make `text` the one comment of ours on a pull request."""
        text = f"{text}\n{MARK}\n"
        comment = self._our_comment(pull)
        if comment is None:
            self._ask("POST", f"issues/{pull}/comments", json={"body": text})
        else:
            self._ask("PATCH", f"issues/comments/{comment}", json={"body": text})

    def _our_comment(self, pull: int) -> int | None:
        """The number of the comment to replace. Somebody else's may hold the mark, too."""
        for page in range(1, MOST_PAGES + 1):
            params = {"per_page": 100, "page": page}
            comments = self._ask("GET", f"issues/{pull}/comments", params=params)
            for comment in comments:
                if comment["user"]["login"] == BOT and MARK in comment["body"]:
                    return comment["id"]
            if len(comments) < params["per_page"]:
                break
        return None

    def _ask(self, method: str, path: str, **content: Any) -> Any:
        address = f"{self.address}/{path}"
        try:
            answer = self.session.request(method, address, timeout=TIMEOUT, **content)
            if not answer.ok:
                raise UserError(f"{method} {address}: {answer.status_code} {answer.reason}")
            return answer.json()
        except requests.RequestException as error:
            raise UserError(f"{method} {address}: {type(error).__name__}") from error
