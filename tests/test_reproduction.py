"""Whether results made again are those committed, and what is said of it."""

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from changed_results import Repository
from conftest import ROOT

from core.errors import UserError
from freshness.revision import Revision, find_revision
from review.github import TITLE
from review.reproduction import SHOWN, differences
from review.results import FAILURES, METRICS, STATS

HERE = Revision("this folder")
COMMITTED = {"a": [*range(20)], "b": [5]}


@dataclass(frozen=True)
class Remembered(Revision):
    """What was in the folder, without a commit, since there is much to compare."""

    files: dict[str, bytes] = field(default_factory=dict)

    def read(self, path: str) -> bytes | None:
        return self.files.get(path)


def remember() -> Remembered:
    return Remembered("main", files={path: HERE.read(path) for path in SHOWN})


@pytest.fixture
def repository(tmp_path, monkeypatch) -> Repository:
    """Results of 400 test images, of which one in a hundred may be another."""
    repository = Repository(tmp_path / "repository")
    monkeypatch.chdir(repository.folder)
    for path in SHOWN:
        (repository.folder / path).write_text("{}")
    write(repository, COMMITTED)
    return repository


@pytest.fixture
def committed(repository) -> Remembered:
    return remember()


def write(repository: Repository, mistakes: dict[str, list[int]], **figures: object) -> None:
    repository.write(mistakes, images=400)
    path = repository.folder / METRICS
    scores = json.loads(path.read_text())
    for name in scores:
        scores[name] |= {"loss": 0.1, "calibration_error": 0.05, "parameters": 9, **figures}
    path.write_text(json.dumps(scores))


def test_the_same_bytes(repository, committed):
    assert differences(committed, HERE) == []
    repository.commit("results")
    assert differences(find_revision("main"), HERE) == []
    write(repository, {"b": [5]})
    assert differences(find_revision("main"), HERE) == ["a is only in one of the two"]


SAME = {
    "four other images of 400": {"a": [*range(2, 22)], "b": [5]},
    "one broken": {"a": [*range(21)], "b": [5]},
    "four broken, as chance might": {"a": [*range(24)], "b": [5]},
    "of each model a few": {"a": [*range(1, 20)], "b": [6, 7]},
}


@pytest.mark.parametrize("kind", SAME)
def test_what_another_processor_may_come_to(kind, repository, committed):
    write(repository, SAME[kind], loss=0.1001)
    assert differences(committed, HERE) == []


OTHER = {
    "a better model": (
        {"a": [*range(8, 20)], "b": [5]},
        ["a misclassifies 12 of 400 images, 20 in the committed results; 8 images differ"],
    ),
    "a worse model": (
        {"a": [*range(26)], "b": [5]},
        ["a misclassifies 26 of 400 images, 20 in the committed results; 6 images differ"],
    ),
    "as many mistakes, but others": (
        {"a": [*range(3, 23)], "b": [5]},
        ["a misclassifies 20 of 400 images, 20 in the committed results; 6 images differ"],
    ),
    "five images": (
        {"a": [*range(3, 22)], "b": [5]},
        ["a misclassifies 19 of 400 images, 20 in the committed results; 5 images differ"],
    ),
    "a new model": ({**COMMITTED, "c": [9]}, ["c is only in one of the two"]),
    "a model gone": ({"b": [5]}, ["a is only in one of the two"]),
    "a model renamed": ({"a": [*range(20)], "c": [5]}, ["c is only in one of the two"]),
    "two models": (
        {"a": [*range(40)], "b": [*range(100, 140)]},
        [
            "a misclassifies 40 of 400 images, 20 in the committed results; 20 images differ",
            "b misclassifies 40 of 400 images, 1 in the committed results; 41 images differ",
        ],
    ),
}


@pytest.mark.parametrize("kind", OTHER)
def test_what_is_not_the_same_is_named_with_its_numbers(kind, repository, committed):
    mistakes, said = OTHER[kind]
    write(repository, mistakes, loss=0.1001)
    assert differences(committed, HERE) == said


def test_few_images_may_differ_by_two(repository):
    repository.write({"a": [1, 2]})
    committed = remember()
    repository.write({"a": []})
    assert differences(committed, HERE) == []
    repository.write({"a": [3]})
    assert len(differences(committed, HERE)) == 1


@pytest.mark.parametrize(
    ("figures", "said"),
    [
        ({"loss": 0.1149}, None),
        ({"loss": 0.1151}, "loss is 0.1151, but 0.1"),
        ({"loss": 0.0865}, None),
        ({"loss": 0.0863}, "loss is 0.0863, but 0.1"),
        ({"calibration_error": 0.0599}, None),
        ({"calibration_error": 0.0601}, "calibration_error is 0.0601, but 0.05"),
        ({"parameters": 10}, "parameters is 10, but 9"),
        ({"loss": float("nan")}, "loss is nan, but 0.1"),
        ({"loss": "0.1"}, "loss is 0.1, but 0.1"),
        ({"loss": None}, "loss is None, but 0.1"),
        ({"other": 3}, None),
    ],
)
def test_figures_may_differ_a_little(figures, said, repository, committed):
    write(repository, COMMITTED, **figures)
    line = f": {said} in the committed results"
    assert differences(committed, HERE) == ([] if said is None else [f"b{line}", f"a{line}"])


def test_the_largest_distance_is_still_near(repository):
    write(repository, COMMITTED, loss=0.0)
    committed = remember()
    write(repository, COMMITTED, loss=0.005)
    assert differences(committed, HERE) == []


@pytest.mark.parametrize("path", SHOWN)
def test_what_the_metrics_do_not_explain_is_another(path, repository, committed):
    file = repository.folder / path
    if path != METRICS:
        file.write_text(file.read_text() + ("399,9,9,0.5,9,0.5" if path == FAILURES else "\n"))
        assert differences(committed, HERE) == [f"{path} differs"]
    repository.write(COMMITTED, content="1", images=400)
    assert STATS in "".join(differences(committed, HERE))


def test_without_results(repository):
    repository.commit("results")
    repository.git("rm", "--quiet", "-r", "reports")
    repository.commit("none")
    with pytest.raises(UserError, match=r"^main has no results$"):
        differences(find_revision("main"), HERE)
    (repository.folder / "reports").mkdir()
    write(repository, COMMITTED)
    with pytest.raises(UserError, match=r"^main has no results$"):
        differences(find_revision("main"), HERE)
    with pytest.raises(UserError, match=r"^main has no results$"):
        differences(HERE, find_revision("main"))


def test_other_counts_of_the_same_images(repository, committed):
    """As a forger may write them beside an honest stats.json."""
    for path in (METRICS, FAILURES):
        (repository.folder / path).unlink()
    stats = (repository.folder / STATS).read_bytes()
    repository.write(COMMITTED, images=500)
    (repository.folder / STATS).write_bytes(stats)
    assert differences(committed, HERE)[0] == f"{METRICS} differs"


def run(folder: Path, **environment: str) -> tuple[int, str, str]:
    command = [sys.executable, str(ROOT / "scripts" / "tool.py"), "reproduced"]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout, done.stderr


def test_a_run_fails_and_says_why(repository):
    repository.commit("results")
    path = {"PATH": "/usr/bin:/bin"}
    assert run(repository.folder, **path) == (
        0,
        "The results made here equal the committed ones.\n",
        "",
    )
    write(repository, {"a\n::x::": [*range(40)], "b": [5]})
    lines = ["a ::x:: is only in one of the two", "a is only in one of the two"]
    wanted = "\n".join(["The results made here differ from the committed ones:", *lines, ""])
    assert run(repository.folder, **path) == (1, "", wanted)
    note = f"::error title={TITLE}::{'; '.join(lines)}\n"
    assert run(repository.folder, **path, GITHUB_ACTIONS="true") == (1, note, wanted)
    write(repository, {"100%": [*range(40)], "b": [5]})
    assert "::100%25 is only in" in run(repository.folder, **path, GITHUB_ACTIONS="true")[1]
    (repository.folder / METRICS).write_text("[")
    status, _, said = run(repository.folder, **path)
    assert status == 1
    assert said.endswith(": not valid JSON (line 1: Expecting value)\n")


@pytest.mark.long
def test_forged_results_are_found_by_a_rerun(made_by_dvc, tmp_path):
    """Metrics, failures and the hashes in dvc.lock, changed together, deceive make fresh,
    where there is no record of the stages, as in a clone.
    """
    import hashlib

    project = made_by_dvc.copy(tmp_path / "project")
    lock = (project.folder / "dvc.lock").read_text()
    table, metrics = project.folder / FAILURES, project.folder / METRICS
    recorded = [hashlib.md5(path.read_bytes()).hexdigest() for path in (table, metrics)]  # noqa: S324
    scores = json.loads(metrics.read_text())
    header, *rows = table.read_text().splitlines()
    place = header.split(",").index("logreg")
    cells = [row.split(",") for row in rows]
    for row in cells:
        row[place] = row[1]
    table.write_text("\n".join([header, *map(",".join, cells), ""]))
    images = scores["logreg"]["failures"] + scores["logreg"]["successes"]
    scores["logreg"] |= {"failures": 0, "successes": images, "accuracy": 1.0}
    metrics.write_text(json.dumps(scores))
    for path, old in zip((table, metrics), recorded, strict=True):
        lock = lock.replace(old, hashlib.md5(path.read_bytes()).hexdigest())  # noqa: S324
    (project.folder / "dvc.lock").write_text(lock)
    project.commit()
    changed = "evaluate must be rerun: reports/failures.csv has changed\n"
    assert project.run("python", "scripts/tool.py", "fresh", fails=True) == changed
    shutil.rmtree(project.folder / "provenance")
    assert project.run("python", "scripts/tool.py", "fresh").startswith(
        "The results are up to date"
    )
    project.run("dvc", "repro", "--force")
    output = project.run("python", "scripts/tool.py", "reproduced", fails=True)
    assert "The results made here differ from the committed ones:\nlogreg misclassifies " in output
    assert f"of {images} images, 0 in the committed results; " in output
    assert "cnn" not in output
    assert "mlp" not in output
