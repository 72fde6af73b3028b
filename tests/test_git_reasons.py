"""What git cannot read is never reported as what does not exist: its own words are passed on."""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from changed_results import Repository
from small_pipeline import Pipeline

from core.errors import UnreadableError
from freshness.dvc_files import read_stages
from freshness.revision import Revision, find_revision
from review.results import METRICS
from tools.reproduced import run as reproduced
from tools.review import run as review

HERE = Revision("this folder")
DECLARED = f"stages: {{evaluate: {{cmd: x, metrics: [{{{METRICS}: {{cache: false}}}}]}}}}"


def another_owner(_: Repository, monkeypatch) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")


def no_repository(repository: Repository, monkeypatch) -> None:
    (repository.folder / ".git").rename(repository.folder / "moved")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(repository.folder.parent))


def lost_worktree(repository: Repository, _) -> None:
    (repository.folder / ".git").rename(repository.folder / "moved")
    (repository.folder / ".git").write_text("gitdir: /nowhere\n")


def wrong_configuration(repository: Repository, _) -> None:
    with (repository.folder / ".git/config").open("a") as file:
        file.write("[broken\n")


def damaged(name: str) -> Callable[[Repository, object], None]:
    """Damages the object with a git name."""

    def damage(repository: Repository, _) -> None:
        digest = repository.git("rev-parse", name)
        path = repository.folder / ".git/objects" / digest[:2] / digest[2:]
        path.chmod(0o600)
        path.write_bytes(b"x")

    return damage


def missing(name: str) -> Callable[[Repository, object], None]:
    """Deletes the object with a git name, as a partial clone leaves it out."""

    def delete(repository: Repository, _) -> None:
        digest = repository.git("rev-parse", name)
        (repository.folder / ".git/objects" / digest[:2] / digest[2:]).unlink()

    return delete


def not_executable(repository: Repository, monkeypatch) -> None:
    program = repository.folder / "bin/git"
    program.parent.mkdir()
    program.write_text("#!/nowhere")
    monkeypatch.setenv("PATH", str(program.parent))


TROUBLES = {
    "another owner": (another_owner, r"dubious ownership .* git config --global --add safe\.dir"),
    "no repository": (no_repository, "git rev-parse: not a git repository"),
    "a lost worktree": (lost_worktree, "git rev-parse: not a git repository: /nowhere"),
    "a wrong configuration": (wrong_configuration, r"git rev-parse: bad config line \d+ in file"),
    "a damaged commit": (damaged("HEAD"), "is corrupt"),
    "a damaged tree": (damaged("HEAD:reports"), "is corrupt|not a tree object"),
    "a damaged file": (damaged(f"HEAD:{METRICS}"), f"{METRICS} of .* cannot be read"),
    "a missing file": (missing(f"HEAD:{METRICS}"), f"{METRICS} of .* cannot be read .*bad file"),
    "a git that does not start": (not_executable, "git is not installed|git cannot be started"),
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_the_words_of_git_are_passed_on(trouble, repository, monkeypatch, tmp_path):
    make, said = TROUBLES[trouble]
    (repository.folder / "dvc.yaml").write_text(DECLARED)
    repository.commit("base", {"a": [1]})
    make(repository, monkeypatch)
    with pytest.raises(Exception, match=said) as refused:
        reproduced()
    assert "differ" not in str(refused.value)
    text, page = tmp_path / "review.md", tmp_path / "review.html"
    try:
        shown = review("HEAD", "", Path("test.npz"), text, page)
    except UnreadableError as error:
        shown = str(error)
        assert shown.isprintable()
    else:
        shown += text.read_text().replace("\\", "")
    assert re.search(said, shown)
    assert "no results" not in shown


def test_whether_results_are_up_to_date_is_unknown_if_a_file_cannot_be_read(tmp_path, monkeypatch):
    pipeline = Pipeline(tmp_path / "project")
    monkeypatch.chdir(pipeline.folder)
    assert set(pipeline.committed()["evaluate"].inputs) == {"evaluate.py", "model"}
    damaged("HEAD:evaluate.py")(pipeline.repository, monkeypatch)
    with pytest.raises(
        UnreadableError, match=r"^evaluate\.py of main cannot be read .git cat-file: "
    ):
        read_stages(find_revision("main"))


def test_a_partial_clone_without_its_remote(repository, tmp_path, monkeypatch):
    repository.commit("base", {"a": [1]})
    repository.commit("more", {"a": [1, 2]})
    repository.git("config", "uploadpack.allowFilter", "true")
    clone, source = tmp_path / "partial", f"file://{repository.folder}"
    repository.git("clone", "--quiet", "--filter=blob:none", source, str(clone))
    monkeypatch.chdir(clone)
    repository.folder.rename(tmp_path / "moved")
    base = find_revision("HEAD~1")
    for remote in ("moved", "removed"):
        with pytest.raises(UnreadableError, match=f"^({METRICS} of HEAD~1|git ls-tree).*"):
            base.read(METRICS)
        if remote == "moved":
            Repository.git(Here(clone), "remote", "remove", "origin")


class Here:
    """A folder that holds a repository already."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder


@contextmanager
def closed(path: Path) -> Iterator[None]:
    """Nobody may read `path` in the block, not even the superuser."""
    path.chmod(0)
    user = os.geteuid()
    os.seteuid(user or 65534)
    yield
    os.seteuid(user)
    path.chmod(0o700)


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_an_unreadable_file_is_not_missing(kind, repository):
    repository.write({"a": [1]})
    Path("reports/inner").mkdir()
    Path("reports/inner/file").write_text("x")
    path = Path(METRICS if kind == "file" else "reports/inner")
    said = f"^{path} cannot be read .Permission denied.$"
    with closed(path), pytest.raises(UnreadableError, match=said):
        HERE.read(METRICS) if kind == "file" else HERE.md5("reports")
