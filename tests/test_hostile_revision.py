"""A pull request of data that means no good, through all that reads it, with each file that is
opened and each connection on record.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from conftest import ROOT, Project
from fake_github import environment, github, outputs

# Python says of each file, connection and program what becomes of it; git's own are in the strings.
WATCH = """
import os, sys
out = os.open(os.environ["WATCHED"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
def watch(event, args):
    if event in ("open", "socket.connect", "socket.getaddrinfo", "subprocess.Popen", "os.symlink"):
        os.write(out, f"{event} {args!r}\\n".encode(errors="backslashreplace"))
sys.addaudithook(watch)
"""
HIDDEN = "the content of a file that nobody may read"
STOLEN = "print('stolen')\n"


class Store(BaseHTTPRequestHandler):
    """A store of DVC's that gives whatever it is asked for."""

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(STOLEN.encode())

    do_HEAD = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def store() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Store)
    server.asked = []
    Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()


def parameters_by_dvc(folder: Path, remote: str) -> None:
    """No params.yaml but DVC's word for where it is: a hash that leads out of the cache."""
    (folder / "params.yaml").unlink()
    (folder / "dvc.yaml").write_text(json.dumps({"stages": {"a": {"cmd": "true", "outs": ["b"]}}}))
    out = {
        "md5": "aab/../../../../../../scripts/fractions.py",
        "hash": "md5",
        "path": "params.yaml",
    }
    (folder / "params.yaml.dvc").write_text(json.dumps({"outs": [out]}))
    (folder / ".dvc" / "config").write_text(
        f"['remote \"store\"']\n    url = {remote}\n[core]\n    remote = store\n"
    )


def paths_outside(folder: Path, remote: str) -> None:
    hidden = str(folder.parent / "hidden")
    places = [hidden, "../hidden", remote, "remote://store/hidden", "link", "/dev/zero"]
    (folder / "link").symlink_to(hidden)
    stages = {
        f"stage{place}": {"cmd": "true", "deps": [path], "outs": [f"out{place}"]}
        for place, path in enumerate(places)
    }
    stages |= {"outputs": {"cmd": "true", "outs": places, "metrics": ["../metrics.json"]}}
    lock = {
        name: {
            "cmd": "true",
            "deps": [{"path": path, "md5": "0" * 32} for path in stage.get("deps", [])],
            "outs": [{"path": path, "md5": "0" * 32} for path in stage["outs"]],
        }
        for name, stage in stages.items()
    }
    plots = [{"../hidden": {"x": "a", "y": {hidden: "b"}}}]
    (folder / "dvc.yaml").write_text(
        json.dumps({"stages": stages, "plots": plots, "vars": [hidden]})
    )
    (folder / "dvc.lock").write_text(json.dumps({"schema": "2.0", "stages": lock}))
    (folder / ".dvc" / "config").write_text(f"['remote \"store\"']\n    url = {remote}\n")


def links(folder: Path, remote: str) -> None:
    for name in ("params.yaml", "dvc.yaml", "reports/metrics.json", "reports/failures.csv"):
        (folder / name).unlink()
        (folder / name).symlink_to(folder.parent / "hidden")
    for name in ("reports/.partial.review.md", "reports/.partial.review.html"):
        (folder / name).symlink_to(folder.parent / "made")


def git_of_its_own(folder: Path, remote: str) -> None:
    """What git would run, fetch or convert for somebody who checks it out."""
    (folder / ".gitattributes").write_text("* filter=x diff=x\n")
    (folder / ".gitmodules").write_text(
        f'[submodule "sub"]\n\tpath = sub\n\turl = {remote}\n\tupdate = !touch stolen\n'
    )
    (folder / ".lfsconfig").write_text(f"[lfs]\n\turl = {remote}\n")
    (folder / "reports" / "metrics.json").write_text(
        f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 1\n"
    )


def made_by(make, folder: Path, remote: str) -> tuple[Project, str]:
    """A clone on main beside a remote that has `make`'s doing as a pull request; its commit."""
    fork = Project(folder / "fork")
    fork.folder.mkdir()
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    for name in listed.stdout.splitlines():
        if name.startswith((".dvc", "reports/", "dvc.", "params.yaml", ".git")):
            (fork.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (fork.folder / name).write_bytes((ROOT / name).read_bytes())
    fork.run("git", "init", "--quiet", "--initial-branch=main")
    fork.run("git", "config", "user.name", "test")
    fork.run("git", "config", "user.email", "test@localhost")
    fork.commit()
    fork.run("git", "clone", "--quiet", "--bare", ".", str(folder / "origin.git"))
    fork.run("git", "clone", "--quiet", str(folder / "origin.git"), str(folder / "project"))
    make(fork.folder, remote)
    fork.run("git", "add", "--all", "--force")
    fork.run("git", "commit", "--quiet", "--message", "@everyone #1 GH-1 https://evil.example")
    head = fork.run("git", "rev-parse", "HEAD").strip()
    fork.run("git", "push", "--quiet", str(folder / "origin.git"), "HEAD:refs/pull/7/head")
    return Project(folder / "project"), head


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".git" not in path.parts
    }


@pytest.mark.parametrize(
    ("make", "remote"),
    [
        (parameters_by_dvc, "http"),
        (paths_outside, "http"),
        pytest.param(links, "http", marks=pytest.mark.long),
        pytest.param(parameters_by_dvc, "folder", marks=pytest.mark.long),
        pytest.param(git_of_its_own, "http", marks=pytest.mark.long),
    ],
)
def test_nothing_that_a_revision_names_is_opened(make, remote, store, github, tmp_path):
    (tmp_path / "hidden").write_text(HIDDEN)
    (tmp_path / "store").mkdir()
    served = f"http://127.0.0.1:{store.server_port}/"
    address = served if remote == "http" else str(tmp_path / "store")
    project, head = made_by(make, tmp_path, address)
    (tmp_path / "watch").mkdir()
    (tmp_path / "watch" / "sitecustomize.py").write_text(WATCH)
    watched, output = tmp_path / "watched", tmp_path / "output"
    github.pulls = [
        {"number": 7, "head": {"label": "them:b", "sha": head}, "base": {"ref": "main"}}
    ]
    given = {
        **project.environment(),
        **environment(github, "b", head, output),
        "PYTHONPATH": str(tmp_path / "watch"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "WATCHED": str(watched),
    }
    before = contents(project.folder)

    def run(script: str, *words: str, **more: str) -> str:
        command = [sys.executable, str(ROOT / "scripts" / "tool.py"), script, *words]
        done = subprocess.run(
            command, cwd=project.folder, env={**given, **more}, capture_output=True, check=False
        )
        assert b"Traceback" not in done.stderr, done.stderr.decode()
        return (done.stdout + done.stderr).decode()

    review = (
        "--test",
        "test.npz",
        "--markdown",
        "reports/review.md",
        "--html",
        "reports/review.html",
    )
    said = run("comment", "--test", "test.npz")
    said += run("review", "--base", "main", "--head", head, *review)
    texts = [outputs(output)["text"], (project.folder / "reports/review.md").read_text()]
    run("post", COMMENT=texts[0])
    for name in ("reports/review.md", "reports/review.html"):
        (project.folder / name).unlink()
    assert contents(project.folder) == before
    # And the same of the folder itself, with the hostile commit checked out.
    project.run("git", "fetch", "--quiet", "origin", "pull/7/head")
    project.run("git", "-c", "core.attributesFile=/dev/null", "checkout", "--quiet", head)
    before = contents(project.folder)
    said += run("review", "--base", "main", *review)
    said += run("fresh")
    if (project.folder / "reports/review.md").exists():
        texts.append((project.folder / "reports/review.md").read_text())
        for name in ("reports/review.md", "reports/review.html"):
            (project.folder / name).unlink()
    assert contents(project.folder) == before

    assert "The results belong" not in said
    assert HIDDEN not in said + "".join(texts)
    assert len(github.comments) == 1
    assert store.asked == []
    assert not list((tmp_path / "store").iterdir())
    events = watched.read_text().splitlines()
    assert len([line for line in events if line.startswith("subprocess.Popen")]) > 20
    for line in events:
        event, _, arguments = line.partition(" ")
        if event in ("socket.connect", "socket.getaddrinfo"):
            assert str(github.server_port) in arguments, line
        if event == "open":
            name = arguments[1:].split(",")[0].strip("'\"")
            assert not name.startswith(
                (*map(str, (tmp_path / "store", tmp_path / "made")), "/dev/z")
            )
            assert "hidden" not in name
        if event == "subprocess.Popen":
            assert arguments.startswith("('git', ['git', "), line
    assert (tmp_path / "hidden").read_text() == HIDDEN
    assert not (tmp_path / "made").exists()
