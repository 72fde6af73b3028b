"""A pull request whose results are not up to date, or whose files are made to confuse."""

from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Project

from freshness.revision import Revision, find_revision
from review.review_page import draw_review

pytestmark = pytest.mark.xdist_group("dvc")


def append(path: Path, text: str) -> None:
    path.write_text(path.read_text() + text)


def rewrite(path: str, old: str, new: str) -> Callable[[Path], object]:
    def change(folder: Path) -> None:
        text = (folder / path).read_text()
        assert old in text
        (folder / path).write_text(text.replace(old, new, 1))

    return change


STALE = {
    "parameter": (
        rewrite("params.yaml", "max_iter: 1", "max_iter: 3"),
        "train-logreg must be rerun: train_logreg.max_iter was 1 and is 3\n",
    ),
    "script": (
        rewrite("scripts/evaluate.py", "and compare", "and contrast"),
        "evaluate must be rerun: scripts/evaluate.py has changed\n",
    ),
    "metrics": (
        rewrite("reports/metrics.json", '"failures": ', '"failures": 1'),
        "evaluate must be rerun: reports/metrics.json has changed\n",
    ),
    "command": (
        rewrite("dvc.yaml", "--metrics reports/metrics.json", "--metrics ./reports/metrics.json"),
        "evaluate must be rerun: its command has changed\n",
    ),
    "stages taken out": (
        lambda folder: (folder / "dvc.yaml").write_text(
            (folder / "dvc.yaml").read_text().split("  evaluate:\n")[0]
        ),
        "evaluate must be rerun: it is in dvc.lock but not in dvc.yaml; delete it from dvc.lock\n"
        "report must be rerun: it is in dvc.lock but not in dvc.yaml; delete it from dvc.lock\n"
        "reports/metrics.json is no output of a stage in dvc.yaml\n"
        "reports/failures.csv is no output of a stage in dvc.yaml\n"
        "reports/comparison.md is no output of a stage in dvc.yaml\n",
    ),
    "output taken out": (
        rewrite(
            "dvc.yaml",
            "      - reports/metrics.json: {cache: false, persist: true}\n",
            "",
        ),
        "evaluate must be rerun: dvc.yaml no longer lists reports/metrics.json; "
        "run dvc repro --force evaluate\n"
        "reports/metrics.json is no output of a stage in dvc.yaml\n",
    ),
    "module taken out": (
        rewrite("dvc.yaml", "      - scripts/train_logreg.py\n", ""),
        "train-logreg must be rerun: dvc.yaml no longer lists scripts/train_logreg.py; ",
    ),
    "new input": (
        rewrite(
            "dvc.yaml", "      - scripts/report.py", "      - README.md\n      - scripts/report.py"
        ),
        "report must be rerun: README.md has changed\n",
    ),
    "lock of two runs": (
        rewrite(
            "dvc.lock",
            "path: models/logreg/model.npz\n      hash: md5\n      md5: ",
            "path: models/logreg/model.npz\n      hash: md5\n      md5: 00",
        ),
        "evaluate must be rerun: models/logreg/model.npz has changed\n",
    ),
    "no lock": (
        lambda folder: (folder / "dvc.lock").unlink(),
        "download must be rerun: it is not in dvc.lock\n",
    ),
    "damaged lock": (
        lambda folder: (folder / "dvc.lock").write_text("        assert "The results are up to date" not in drawn.verdict
        assert "Not known: " in drawn.markdown or "must be rerun" in drawn.markdown


def test_a_stale_change_is_said_first(change, tmp_path):
    project = change.copy(tmp_path / "project")
    project.change(train_cnn={"epochs": 7})
    output = project.run("make", "review")
    assert output.startswith(
        "Review: The results are out of date: "
        "train-cnn must be rerun: train_cnn.epochs was 1 and is 7. logreg is worse by "
    )
    text = (project.folder / "reports" / "review.md").read_text()
    assert "| train\\_cnn.epochs | 1 | 7 |" in text
    project.run("git", "checkout", "--quiet", "params.yaml")
    project.run("git", "checkout", "--quiet", "main")
    project.change(evaluate={"batch_size": 7})
    project.commit()
    project.run("git", "checkout", "--quiet", "change")
    project.run("make", "review")
    text = (project.folder / "reports" / "review.md").read_text()
    assert (
        "The results of main are out of date themselves: "
        "evaluate must be rerun: evaluate.batch\\_size was 1000 and is 7."
    ) in text
