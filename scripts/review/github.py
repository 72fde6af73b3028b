"""The calls of GitHub's REST API that a comment needs, with the standard library only: the job with
write access installs no packages.
"""

import json
import os
from collections.abc import Sequence
from typing import Any, NamedTuple
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPRedirectHandler, Request, build_opener

from core.errors import UserError

TIMEOUT = 30  # seconds for one answer
MOST_PAGES = 30  # of comments, 100 each
BOT = "github-actions[bot]"  # the author of comments written with the token of a workflow
MARK = "<!-- the review of the results -->"
STEP = "Reproduce"  # of review.yml; its annotation TITLE lists the differences
TITLE = "Not reproduced"


class Reproduction(NamedTuple):
    """What a run reports: whether it reproduced the committed results, and if not, why.

    Do not trust it: a fork can change its run. `succeeded` is None if the step did not end.
    """

    succeeded: bool | None
    why: str = ""


def environment(names: Sequence[str]) -> list[str]:
    """The values of the environment variables `names`. Raises UserError if one is missing."""
    missing = [name for name in names if not os.environ.get(name)]
    if missing:
        raise UserError(f"environment variables are missing: {', '.join(missing)}")
    return [os.environ[name] for name in names]


class Repository:
    """A repository on GitHub, as seen with a token."""

    def __init__(self, api: str, name: str, token: str) -> None:
        self.address = f"{api}/repos/{name}"
        self.headers = {
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
        }

    def open_pull(self, owner: str, branch: str, commit: str) -> dict[str, Any] | None:
        """The open pull request of `owner`'s branch whose last commit is `commit`, if any."""
        found = self._ask("GET", "pulls", {"state": "open", "head": f"{owner}:{branch}"})
        return next((pull for pull in found if pull["head"]["sha"] == commit), None)

    def reproduction(self, run: str) -> Reproduction:
        """What the run with the number `run` reports of its step STEP."""
        for job in self._ask("GET", f"actions/runs/{run}/jobs", {"per_page": 100})["jobs"]:
            ends = {step["name"]: step["conclusion"] for step in job.get("steps") or []}
            if ends.get(STEP) == "success":
                return Reproduction(True)
            if ends.get(STEP) == "failure":
                notes = self._ask("GET", f"check-runs/{job['id']}/annotations")
                said = [note["message"] for note in notes if note["title"] == TITLE]
                return Reproduction(False, said[0] if said else "")
        return Reproduction(None)

    def put_comment(self, pull: int, text: str) -> None:
        """Create or replace our comment on a pull request."""
        body = {"body": f"{text}\n{MARK}\n"}
        comment = self._our_comment(pull)
        if comment is None:
            self._ask("POST", f"issues/{pull}/comments", body=body)
        else:
            self._ask("PATCH", f"issues/comments/{comment}", body=body)

    def _our_comment(self, pull: int) -> int | None:
        """The number of the comment to replace; comments of others may contain the mark, too."""
        for page in range(1, MOST_PAGES + 1):
            query = {"per_page": 100, "page": page}
            comments = self._ask("GET", f"issues/{pull}/comments", query)
            for comment in comments:
                if comment["user"]["login"] == BOT and MARK in comment["body"]:
                    return comment["id"]
            if len(comments) < query["per_page"]:
                break
        return None

    def _ask(
        self,
        method: str,
        path: str,
        query: dict[str, Any] | None = None,
        body: dict[str, Any] | None = None,
    ) -> Any:
        address = f"{self.address}/{path}"
        full = f"{address}?{urlencode(query)}" if query else address
        data = None if body is None else json.dumps(body).encode()
        request = Request(full, data, self.headers, method=method)  # noqa: S310 - GitHub's own
        try:
            with build_opener(_NowhereElse).open(request, timeout=TIMEOUT) as response:
                return json.load(response)
        except HTTPError as error:
            raise UserError(f"{method} {address}: {error.code} {error.reason}") from error
        except (OSError, ValueError) as error:
            raise UserError(f"{method} {address}: {type(error).__name__}") from error


class _NowhereElse(HTTPRedirectHandler):
    """Follows no redirects: the token is for this address only."""

    def redirect_request(self, *_: Any) -> None:
        return None
