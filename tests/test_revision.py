"""Which revision a review is against, and where it is looked for."""

import re
import shutil
from pathlib import Path

import pytest
from changed_results import Repository
from test_review import against

from core.errors import UserError
from freshness.revision import find_revision
from tools.review import run as review


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("no-such-branch", "allowed: a branch, a tag or a commit"),
        ("", "allowed: a branch, a tag or a commit"),
        ("--output=stolen", "allowed: a branch, a tag or a commit"),
        ("^main", "allowed: a branch, a tag or a commit"),
        ("main:reports", "allowed: a branch, a tag or a commit"),
        ("theirs", "allowed: origin/theirs"),
    ],
)
def test_an_unknown_base(name, advice, repository):
    repository.commit("base", {"a": []})
    repository.git("update-ref", "refs/remotes/origin/theirs", "HEAD")
    with pytest.raises(
        UserError, match=f"^{re.escape(name) or 'no name'}: no such revision; {advice}"
    ):
        find_revision(name)
    assert not list(repository.folder.glob("stolen*"))


def test_a_shallow_clone_says_so(repository, tmp_path, monkeypatch):
    first = repository.commit("base", {"a": []})
    repository.commit("more", {"a": [1]})
    clone = f"file://{repository.folder}"
    repository.git("clone", "--quiet", "--depth=1", clone, str(tmp_path / "shallow"))
    monkeypatch.chdir(tmp_path / "shallow")
    with pytest.raises(UserError, match=r"no such revision; this clone is shallow; git fetch"):
        find_revision(first)


def test_outside_of_git(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    with pytest.raises(UserError, match="not a git repository"):
        find_revision("main")


def test_another_folder_than_the_projects(repository, tmp_path, monkeypatch):
    repository.commit("base", {"a": []})
    monkeypatch.chdir(repository.folder / "reports")
    with pytest.raises(UserError, match=r"no params\.yaml here; run this in the project's folder"):
        review("main", "", Path("test.npz"), tmp_path / "review.md", tmp_path / "review.html")


def test_a_project_within_a_larger_repository(tmp_path, monkeypatch):
    repository = Repository(tmp_path / "larger")
    inner = Repository(tmp_path / "larger" / "inner")
    shutil.rmtree(inner.folder / ".git")
    inner.commit("base", {"a": [1]})
    inner.write({"a": []})
    assert repository.git("log", "--format=%s") == "base"
    monkeypatch.chdir(inner.folder)
    assert against("main").verdict.startswith("a: 1 fixed, 0 broken")


def test_nothing_is_written_where_the_base_is_unknown(repository, tmp_path):
    repository.commit("base", {"a": []})
    text, page = tmp_path / "review.md", tmp_path / "review.html"
    text.write_text("earlier")
    with pytest.raises(UserError):
        review("nowhere", "", Path("test.npz"), text, page)
    assert text.read_text() == "earlier"
    assert not page.exists()
    assert review("main", "main", Path("test.npz"), text, page).startswith("Review: Every model")
    assert "Every model makes the same mistakes" in text.read_text()
    assert "Every model makes the same mistakes" in page.read_text()
