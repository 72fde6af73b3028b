"""A pull request whose results are not up to date, or whose files are made to confuse."""

import re
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
        "reports/metrics.json is not an output of a stage in dvc.yaml\n"
        "reports/failures.csv is not an output of a stage in dvc.yaml\n"
        "reports/comparison.md is not an output of a stage in dvc.yaml\n",
    ),
    "output taken out": (
        rewrite(
            "dvc.yaml",
            "      - reports/metrics.json: {cache: false, persist: true}\n",
            "",
        ),
        "evaluate must be rerun: dvc.yaml no longer lists reports/metrics.json; "
        "run dvc repro --force evaluate\n"
        "reports/metrics.json is not an output of a stage in dvc.yaml\n",
    ),
    "module taken out": (
        rewrite("dvc.yaml", "      - scripts/train_logreg.py\n", ""),
        "train-logreg must be rerun: dvc.yaml no longer lists scripts/train_logreg.py; ",
    ),
    "new input": (
        rewrite(
            "dvc.yaml", "      - scripts/report.py", "      - README.md\n      - scripts/report.py"
        ),
        "report must be rerun: dvc.lock does not list README.md\n",
    ),
    "lock of two runs": (
        lambda folder: (folder / "dvc.lock").write_text(
            re.sub(
                r"(path: models/logreg/model\.npz\n      hash: md5\n      md5: )[0-9a-f]{32}",
                rf"\g<1>{'a' * 32}",
                (folder / "dvc.lock").read_text(),
                count=1,
            )
        ),
        "evaluate must be rerun: models/logreg/model.npz has changed\n",
    ),
    "no lock": (
        lambda folder: (folder / "dvc.lock").unlink(),
        "download must be rerun: it is not in dvc.lock\n",
    ),
    "damaged lock": (
        lambda folder: (folder / "dvc.lock").write_text("<<<<<<< HEAD\n"),
        "dvc.lock: a merge conflict; docs/run.md says what to do",
    ),
    "damaged parameters": (
        lambda folder: (folder / "params.yaml").write_text("a: ["),
        "params.yaml of this folder: while parsing a flow node",
    ),
    "no stages": (
        lambda folder: (folder / "dvc.yaml").unlink(),
        "download must be rerun: it is in dvc.lock but not in dvc.yaml; delete it from dvc.lock\n",
    ),
}


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (
            lambda project: append(project.folder / "scripts/page/view.py", "\n"),
            "scripts/page/view.py has changed",
        ),
        (
            lambda project: project.change(report={"failures": 24}),
            "--failures was 25 and is 24",
        ),
    ],
)
def test_a_record_says_that_dvc_was_told_otherwise(edit, reason, change, tmp_path):
    project = change.copy(tmp_path / "project")
    edit(project)
    project.run("dvc", "commit", "--force", "--quiet")
    assert project.run("dvc", "status") == "Data and pipelines are up to date.\n"
    output = project.run("python", "scripts/tool.py", "fresh", fails=True)
    assert output == f"report must be rerun: {reason}\n"


@pytest.mark.parametrize("case", STALE)
def test_what_is_stale_is_named(case, change, tmp_path):
    clone = tmp_path / "clone"
    change.run("git", "clone", "--quiet", ".", str(clone))
    make, message = STALE[case]
    make(clone)
    output = Project(clone).run("python", "scripts/tool.py", "fresh", fails=True)
    assert output.startswith(message)
    assert "Traceback" not in output


BOMB = "".join(
    f"a{i}: &a{i} {{{', '.join(f'k{j}: *a{i - 1}' for j in range(12))}}}\n" for i in range(1, 12)
)
HOSTILE = {
    "a cycle": ("params.yaml", "train_mlp: &a {b: *a}\n"),
    "another cycle": ("params.yaml", "train_mlp: {activation: &a [*a]}\n"),
    "a bomb": ("params.yaml", f"a0: &a0 {{x: 1}}\n{BOMB}train_mlp: *a11\n"),
    "deep": ("params.yaml", '{"a":' * 3000 + "1" + "}" * 3000),
    "deep lock": ("dvc.lock", '{"a":' * 3000 + "1" + "}" * 3000),
    "half a character": ("params.yaml", 'train_mlp: {activation: "\\ud800"}\n'),
}


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(kind, marks=[pytest.mark.long] * (kind in ("another cycle", "deep")))
        for kind in HOSTILE
    ],
)
def test_hostile_files_are_a_sentence(kind, change, tmp_path, monkeypatch):
    monkeypatch.setattr("freshness.processor_time.SECONDS", 3)
    clone = Project(tmp_path / "clone")
    change.run("git", "clone", "--quiet", ".", str(clone.folder))
    monkeypatch.chdir(clone.folder)
    (tmp_path / "outside").write_text("secret")
    path, text = HOSTILE[kind]
    (clone.folder / path).write_text(text)
    clone.run("git", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qam", "hostile")
    for here in (find_revision("HEAD"), Revision("this folder")):
        drawn = draw_review(find_revision("HEAD^"), here, tmp_path / "no.npz")
        drawn.markdown.encode(), drawn.page.encode()
        assert "The results are up to date" not in drawn.verdict
        assert "Not checked: " in drawn.markdown or "must be rerun" in drawn.markdown


def test_a_stale_change_is_said_first(change, tmp_path):
    project = change.copy(tmp_path / "project")
    project.change(train_cnn={"epochs": 7})
    output = project.run("make", "review")
    assert output.startswith(
        "Review: The results are out of date: "
        "“train-cnn must be rerun: train_cnn.epochs was 1 and is 7”. logreg is worse by "
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
        "The results of main itself are out of date: "
        "“evaluate must be rerun: evaluate.batch\\_size was 1000 and is 7”."
    ) in text
