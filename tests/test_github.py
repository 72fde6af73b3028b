"""The requests to GitHub, word for word, with a server that returns saved responses."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from core.errors import UserError
from review.github import BOT, MARK, MOST_PAGES, Repository, environment

PAGE = "GET /repos/o/r/issues/7/comments?per_page=100&page="


class Answers(BaseHTTPRequestHandler):
    """Notes the requests, and returns the server's response for each, or an empty list."""

    def _note(self) -> None:
        length = int(self.headers["Content-Length"] or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        self.server.asked.append((f"{self.command} {self.path}", body))
        self.server.headers.append(dict(self.headers))
        status, answer = self.server.answers.get(f"{self.command} {self.path}", (200, "[]"))
        self.send_response(status)
        self.end_headers()
        self.wfile.write(answer.encode())

    def do_GET(self) -> None:
        self._note()

    def do_POST(self) -> None:
        self._note()

    def do_PATCH(self) -> None:
        self._note()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    server = HTTPServer(("127.0.0.1", 0), Answers)
    server.asked, server.headers, server.answers = [], [], {}
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()


@pytest.fixture
def repository(server) -> Repository:
    return Repository(f"http://127.0.0.1:{server.server_port}", "o/r", "a-secret")


def answers(server: HTTPServer, request: str, value: object, status: int = 200) -> None:
    server.answers[request] = status, json.dumps(value)


def comment(number: int, login: str = BOT, body: str = f"x\n{MARK}\n") -> dict:
    return {"id": number, "user": {"login": login}, "body": body}


def test_the_open_pull_that_ends_with_the_commit(server, repository):
    pulls = [{"number": number, "head": {"sha": sha}} for number, sha in ((1, "a"), (2, "b"))]
    answers(server, "GET /repos/o/r/pulls?state=open&head=them%3Atheir%2Fbranch", pulls)
    assert repository.open_pull("them", "their/branch", "b")["number"] == 2
    assert repository.open_pull("them", "their/branch", "c") is None
    assert repository.open_pull("them", "other", "b") is None
    assert server.headers[0]["Authorization"] == "Bearer a-secret"
    assert server.headers[0]["Accept"] == "application/vnd.github+json"


def test_a_first_comment_is_new_and_the_next_takes_its_place(server, repository):
    repository.put_comment(7, "text")
    wanted = {"body": f"text\n{MARK}\n"}
    assert server.asked == [(f"{PAGE}1", None), ("POST /repos/o/r/issues/7/comments", wanted)]
    server.asked.clear()
    answers(server, f"{PAGE}1", [comment(5, "them"), comment(6, body="x"), comment(0), comment(8)])
    repository.put_comment(7, "text")
    assert server.asked == [(f"{PAGE}1", None), ("PATCH /repos/o/r/issues/comments/0", wanted)]


def test_all_pages_are_looked_through_up_to_the_last(server, repository):
    others = [comment(9, "them")] * 100
    for page in range(1, 30):
        answers(server, f"{PAGE}{page}", others)
    answers(server, f"{PAGE}30", [*others[1:], comment(3)])
    repository.put_comment(7, "text")
    assert [line for line, _ in server.asked] == [
        *(f"{PAGE}{page}" for page in range(1, 31)),
        "PATCH /repos/o/r/issues/comments/3",
    ]
    server.asked.clear()
    answers(server, f"{PAGE}30", others)
    answers(server, f"{PAGE}31", [comment(3)])
    repository.put_comment(7, "text")
    assert server.asked[-1][0] == "POST /repos/o/r/issues/7/comments"
    assert len(server.asked) == MOST_PAGES + 1 == 31


def test_a_page_that_is_not_full_is_the_last(server, repository):
    answers(server, f"{PAGE}1", [comment(9, "them")] * 99)
    answers(server, f"{PAGE}2", [comment(3)])
    repository.put_comment(7, "text")
    assert [line for line, _ in server.asked] == [f"{PAGE}1", "POST /repos/o/r/issues/7/comments"]


@pytest.mark.parametrize(
    ("status", "text", "said"),
    [
        (404, "[]", "404 Not Found"),
        (500, "[]", "500 Internal Server Error"),
        (200, "[", "JSONDecodeError"),
        (200, "", "JSONDecodeError"),
    ],
)
def test_an_answer_that_is_none_is_one_line(status, text, said, server, repository):
    server.answers[f"{PAGE}1"] = status, text
    address = f"http://127.0.0.1:{server.server_port}/repos/o/r/issues/7/comments"
    with pytest.raises(UserError) as refused:
        repository.put_comment(7, "text")
    assert str(refused.value) == f"GET {address}: {said}"


def test_jobs_are_asked_for_a_hundred_at_a_time(server, repository):
    jobs = "GET /repos/o/r/actions/runs/4/jobs?per_page=100"
    answers(server, jobs, {"jobs": [{"id": 1, "steps": None}]})
    assert repository.reproduction("4").succeeded is None
    assert server.asked == [(jobs, None)]


def test_an_answer_that_never_comes_is_not_waited_for(monkeypatch):
    """A server that takes the connection and says nothing."""
    monkeypatch.setattr("review.github.TIMEOUT", 0.05)
    silent = HTTPServer(("127.0.0.1", 0), Answers)
    with silent, pytest.raises(UserError, match=r"TimeoutError$"):
        Repository(f"http://127.0.0.1:{silent.server_port}", "o/r", "x").put_comment(7, "text")


def test_what_the_environment_lacks_is_named(monkeypatch):
    for name in ("ONE", "TWO", "THREE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ONE", "1")
    monkeypatch.setenv("TWO", "")
    with pytest.raises(UserError, match=r"^environment variables are missing: TWO, THREE$"):
        environment(["ONE", "TWO", "THREE"])
    monkeypatch.setenv("TWO", "2")
    assert environment(["TWO", "ONE"]) == ["2", "1"]
