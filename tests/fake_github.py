"""A stand-in for GitHub, and what the jobs of comment.yml have in their environment."""

import json
import re
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import pytest

from review.github import BOT, STEP

SITE = "https://git.example/o/r"
RUN = f"{SITE}/actions/runs/1"


class GitHub(BaseHTTPRequestHandler):
    """What comments need of GitHub; the server holds pulls, comments, and what a run says."""

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(address.query).items()}
        if address.path == "/repos/o/r/pulls":
            found = [pull for pull in self.server.pulls if pull["head"]["label"] == query["head"]]
            return self._answer(found)
        if address.path == "/repos/o/r/actions/runs/1/jobs":
            steps = [{"name": name, "conclusion": end} for name, end in self.server.steps.items()]
            return self._answer({"jobs": [{"id": 2, "steps": []}, {"id": 3, "steps": steps}]})
        if address.path == "/repos/o/r/check-runs/3/annotations":
            return self._answer(self.server.notes)
        start = 100 * (int(query["page"]) - 1)
        return self._answer(self.server.comments[start : start + 100])

    def do_POST(self) -> None:
        comment = {"id": len(self.server.comments), "user": {"login": BOT}, **self._content()}
        self.server.comments.append(comment)
        self._answer(comment)

    def do_PATCH(self) -> None:
        comment = self.server.comments[int(self.path.rsplit("/", 1)[1])]
        comment |= self._content()
        self._answer(comment)

    def _content(self) -> dict:
        return json.loads(self.rfile.read(int(self.headers["Content-Length"])))

    def _answer(self, value: object) -> None:
        self.server.asked.append(f"{self.command} {self.path}")
        self.server.tokens.add(self.headers["Authorization"])
        self.send_response(self.server.status)
        if self.server.status == 302:
            self.send_header("Location", f"http://127.0.0.1:{self.server.server_port}/elsewhere")
        self.end_headers()
        self.wfile.write(json.dumps(value).encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def github() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), GitHub)
    server.pulls, server.comments, server.tokens, server.status = [], [], set(), 200
    server.steps, server.notes, server.asked = {STEP: "success"}, [], []
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()


def environment(
    server: ThreadingHTTPServer, branch: str, commit: str, output: Path
) -> dict[str, str]:
    """What comment.yml gives both of its jobs."""
    return {
        "GITHUB_API_URL": f"http://127.0.0.1:{server.server_port}",
        "GITHUB_SERVER_URL": "https://git.example",
        "GITHUB_REPOSITORY": "o/r",
        "GITHUB_TOKEN": "a-secret",
        "GITHUB_OUTPUT": str(output),
        "HEAD_OWNER": "them",
        "HEAD_BRANCH": branch,
        "HEAD_SHA": commit,
        "RUN_ID": "1",
        "RUN_URL": RUN,
    }


def outputs(output: Path) -> dict[str, str]:
    """What steps have written to GITHUB_OUTPUT, as GitHub reads it."""
    found = re.findall(r"^(\w+)<<(\w+)\n(.*?)\n\2$", output.read_text(), re.M | re.S)
    return {name: text for name, _, text in found}
