"""A pull request from end to end: a real repository, two branches, and what the workflows run."""

import json
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from conftest import Project
from fake_github import RUN, SITE, environment, github, outputs
from scipy.stats import binomtest

from core.split import read_split
from drawing.braille import image_as_text
from evaluation.significance import difference_interval
from freshness.revision import Revision, find_revision
from review.github import MARK, STEP, TITLE
from review.review_page import draw_review

pytestmark = pytest.mark.xdist_group("dvc")


@pytest.fixture(scope="module")
def change(made_by_dvc, tmp_path_factory) -> Project:
    """A branch `change` from `main` that stops the logistic regression early. Not to be changed."""
    project = made_by_dvc.copy(tmp_path_factory.mktemp("pull") / "project")
    installed = Path(sys.prefix) / ".installed"
    assert installed.exists(), "to be run by make test, which makes the environment"
    (project.folder / ".venv").symlink_to(sys.prefix)
    (project.folder / ".git" / "info" / "exclude").write_text(".venv\n")
    project.run("git", "branch", "--move", "main")
    project.run("git", "checkout", "--quiet", "-b", "change")
    project.change(train_logreg={"max_iter": 1})
    project.run("make", "report")
    project.commit()
    return project


def said(count: float, digits: int = 2) -> str:
    return f"{100 * count:.{digits}f}\N{NO-BREAK SPACE}%"


def signed(share: float) -> str:
    return f"{100 * share:+.2f}".replace("-", "\N{MINUS SIGN}")


def expected_review(project: Project, head: str) -> str:
    """The review of the fixture's change, composed from what git holds of both branches."""
    show = lambda path: project.run("git", "show", f"main:reports/{path}")  # noqa: E731
    reports = project.folder / "reports"
    scores = json.loads((reports / "metrics.json").read_text())
    (project.folder / "base.csv").write_text(show("failures.csv"))
    base = pd.read_csv(project.folder / "base.csv")
    (project.folder / "base.csv").unlink()
    here = pd.read_csv(reports / "failures.csv")
    wrong = [set(table["index"][table["logreg"] != table["label"]]) for table in (base, here)]
    fixed, broken = wrong[0] - wrong[1], sorted(wrong[1] - wrong[0])
    p_value = binomtest(len(fixed), len(fixed) + len(broken)).pvalue
    assert p_value < 0.05
    assert len(broken) > 5
    chance = "p &#60; 0.001" if p_value < 0.001 else f"p = {p_value:.3f}"
    images = scores["logreg"]["failures"] + scores["logreg"]["successes"]
    difference = (len(fixed) - len(broken)) / images
    ends = difference_interval(len(fixed), len(broken), images - len(wrong[0] | wrong[1]), images)
    order = sorted(scores, key=lambda name: (scores[name]["failures"], name))
    kept = ", ".join(name for name in order if name != "logreg")
    base = project.run("git", "rev-parse", "main").strip()
    rows = ""
    for name in order:
        score = scores[name]
        low, high = said(score["accuracy_low"]), said(score["accuracy_high"])
        rows += f"| {name} | {said(score['accuracy'])} | {low} to {high} | "
        if name == "logreg":
            rows += (
                f"{signed(difference)} ({signed(ends[0])} to {signed(ends[1])}) | {len(fixed)} | "
                f"{len(broken)} | worse, more than chance ({chance}) |\n"
            )
        else:
            rows += "0 | 0 | 0 | the same mistakes |\n"
    part = read_split(project.folder / "data" / "processed" / "test.npz")
    surest = here.set_index("index").loc[broken]
    surest = surest.sort_values("logreg_confidence", ascending=False, kind="stable").head(5)
    digits = ""
    for index, row in surest.iterrows():
        digits += (
            f"Test image {index}: {row['label']:.0f}, which logreg now takes for "
            f"{row['logreg']:.0f} ({said(row['logreg_confidence'], 1)} sure).\n\n"
            f"```text\n{image_as_text(part.images[index], part.pixel_range)}\n```\n\n"
        )
    return (
        f"**logreg is worse by {100 * -difference:.2f} points, more than chance ({chance}): "
        f"{len(fixed)} fixed, {len(broken)} broken.** Same mistakes as before: {kept}. "
        "The results belong to the parameters and code.\n"
        "\n"
        f"Commit `{head[:8]}` compared with main (`{base[:8]}`, “change”) on {images} "
        "test images of digits.\n"
        "\n"
        "| model | accuracy | 95 % interval | change, points | fixed | broken | verdict |\n"
        "| --- | ---: | ---: | ---: | ---: | ---: | --- |\n"
        f"{rows}"
        "\n"
        "Fixed and broken count test images; the tests are exact McNemar tests with Holm's "
        "correction. They say nothing of how much another seed would change.\n"
        "\n"
        "| parameter | before | here |\n"
        "| --- | --- | --- |\n"
        "| train\\_logreg.max\\_iter | 20 | 1 |\n"
        "\n"
        "Stages that ran again, and what was changed for them:\n"
        "\n"
        "- train-logreg: train\\_logreg.max\\_iter\n"
        "- evaluate: models/logreg/model.npz\n"
        "- report: models/logreg/history.csv, models/logreg/training.json, "
        "reports/evaluation.npz and 2 more\n"
        "\n"
        f"Newly broken, 5 of {len(broken)}:\n"
        "\n"
        f"{digits}"
        f"Look closer: {workflow_links(head)}\n"
    )


def workflow_links(commit: str) -> str:
    files = f"{SITE}/blob/{commit}/reports"
    return (
        f"[this run, with the pages to open]({RUN}) · [the models compared]({files}/comparison.md) "
        f"· [metrics]({files}/metrics.json) · [failures]({files}/failures.csv)"
    )


def test_the_targets_of_the_workflow(change, tmp_path):
    project = change.copy(tmp_path / "project")
    assert "The results belong to the parameters and code." in project.run("make", "fresh")
    assert "Data and pipelines are up to date." in project.run("make", "report")
    head = project.run("git", "rev-parse", "HEAD").strip()
    output = project.run(
        "make", "review", BASE="main", HEAD="HEAD", REPOSITORY_URL=SITE, RUN_URL=RUN
    )
    assert output.startswith("Review: logreg is worse by ")
    expected = expected_review(project, head)
    assert (project.folder / "reports" / "review.md").read_text() == expected
    summary = tmp_path / "summary.md"
    project.run("make", "summary", GITHUB_STEP_SUMMARY=str(summary))
    assert summary.read_text() == expected
    assert "Every model makes the same" in project.run("make", "review", "BASE=HEAD")
    assert project.run("git", "status", "--porcelain") == ""


def test_a_branch_may_have_any_name(change, tmp_path):
    project = change.copy(tmp_path / "project")
    name = "a$(touch${IFS}stolen)`touch${IFS}stolen`"
    project.run("git", "branch", name, "main")
    assert "logreg is worse" in project.run("make", "review", f"BASE={name}")
    assert "logreg is worse" in project.run("make", "review", BASE=name)
    output = project.run("make", "review", "BASE=$(shell touch stolen)", fails=True)
    assert "no such revision; allowed" in output
    assert "Traceback" not in output
    assert not (project.folder / "stolen").exists()


def test_a_clone_needs_neither_data_nor_models(change, tmp_path):
    clone = tmp_path / "clone"
    change.run("git", "clone", "--quiet", ".", str(clone))
    project = Project(clone)
    assert project.run("python", "scripts/tool.py", "fresh") == (
        "The results belong to the parameters and code.\n"
    )
    project.run(
        *("python", "scripts/tool.py", "review", "--base", "origin/main"),
        *("--test", "data/processed/test.npz"),
        *("--markdown", "reports/review.md", "--html", "reports/review.html"),
    )
    text = (clone / "reports" / "review.md").read_text()
    assert "worse, more than chance" in text
    assert "- train-logreg: train\\_logreg.max\\_iter\n" in text
    assert "No digit is drawn: the test images of these results are not at hand." in text


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
        "train-logreg has to run: train_logreg.max_iter was 1 and is 3\n",
    ),
    "script": (
        rewrite("scripts/evaluate.py", "float32", "float64"),
        "evaluate has to run: scripts/evaluate.py has changed\n",
    ),
    "metrics": (
        rewrite("reports/metrics.json", '"failures": ', '"failures": 1'),
        "evaluate has to run: reports/metrics.json has changed\n",
    ),
    "command": (
        rewrite("dvc.yaml", "--metrics reports/metrics.json", "--metrics ./reports/metrics.json"),
        "evaluate has to run: its command has changed\n",
    ),
    "stages taken out": (
        lambda folder: (folder / "dvc.yaml").write_text(
            (folder / "dvc.yaml").read_text().split("  evaluate:\n")[0]
        ),
        "evaluate has to run: dvc.lock has it and dvc.yaml has not, so delete it there\n"
        "report has to run: dvc.lock has it and dvc.yaml has not, so delete it there\n"
        "reports/metrics.json is made by no stage of dvc.yaml\n"
        "reports/failures.csv is made by no stage of dvc.yaml\n"
        "reports/comparison.md is made by no stage of dvc.yaml\n",
    ),
    "output taken out": (
        rewrite(
            "dvc.yaml",
            "    metrics:\n      - reports/metrics.json: {cache: false, persist: true}\n",
            "",
        ),
        "evaluate has to run: dvc.yaml no longer lists reports/metrics.json; "
        "dvc repro --force evaluate runs it\n"
        "reports/metrics.json is made by no stage of dvc.yaml\n",
    ),
    "module taken out": (
        rewrite("dvc.yaml", "      - scripts/train_logreg.py\n", ""),
        "train-logreg has to run: dvc.yaml no longer lists scripts/train_logreg.py; ",
    ),
    "new input": (
        rewrite(
            "dvc.yaml", "      - scripts/report.py", "      - README.md\n      - scripts/report.py"
        ),
        "report has to run: README.md has changed\n",
    ),
    "lock of two runs": (
        rewrite(
            "dvc.lock",
            "path: models/logreg/model.npz\n      hash: md5\n      md5: ",
            "path: models/logreg/model.npz\n      hash: md5\n      md5: 00",
        ),
        "evaluate has to run: models/logreg/model.npz has changed\n",
    ),
    "no lock": (
        lambda folder: (folder / "dvc.lock").unlink(),
        "download has to run: dvc.lock does not know it\n",
    ),
    "damaged lock": (
        lambda folder: (folder / "dvc.lock").write_text("<<<<<<< HEAD\n"),
        "dvc.lock of this folder: not a mapping\n",
    ),
    "damaged parameters": (
        lambda folder: (folder / "params.yaml").write_text("a: ["),
        "params.yaml of this folder: while parsing a flow node",
    ),
    "no stages": (
        lambda folder: (folder / "dvc.yaml").unlink(),
        "download has to run: dvc.lock has it and dvc.yaml has not, so delete it there\n",
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
    assert output == f"report has to run: {reason}\n"


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
    monkeypatch.setattr("freshness.parameters.SECONDS", 3)
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
        assert "The results belong" not in drawn.verdict
        assert "Not known: " in drawn.markdown or "has to run" in drawn.markdown


def test_a_stale_change_is_said_first(change, tmp_path):
    project = change.copy(tmp_path / "project")
    project.change(train_cnn={"epochs": 7})
    output = project.run("make", "review")
    assert output.startswith(
        "Review: The results do not belong to the parameters and code: "
        "train-cnn has to run: train_cnn.epochs was 1 and is 7. logreg is worse by "
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
        "The results of main do not belong to its own parameters and code: "
        "evaluate has to run: evaluate.batch\\_size was 1000 and is 7."
    ) in text


def test_dvc_shows_what_has_changed(change):
    parameters = json.loads(change.run("dvc", "params", "diff", "main", "--json"))
    assert parameters == {
        "params.yaml": {"train_logreg.max_iter": {"old": 20, "new": 1, "diff": -19}}
    }
    metrics = json.loads(change.run("dvc", "metrics", "diff", "main", "--json"))
    assert {key.split(".")[0] for key in metrics["reports/metrics.json"]} == {"logreg"}
    plots = json.loads(change.run("dvc", "plots", "diff", "main", "--json"))
    assert not plots.get("errors")
    wanted = {"Loss while training", "Loss of the logistic regression", "Reliability"}
    wanted |= {f"Confusion of {name}" for name in ("logreg", "mlp", "cnn")}
    assert wanted <= plots["data"].keys()
    for name in wanted:
        (plot,) = plots["data"][name]
        assert sorted(plot["revisions"]) == ["main", "workspace"], name


def test_the_comment_on_a_fork(change, github, tmp_path):
    """The fork has a hostile branch name, and code that must not run."""
    fork = change.copy(tmp_path / "fork")
    origin, branch = tmp_path / "origin.git", "x$(touch${IFS}stolen)"
    for script in ("tool", "tools/review", "tools/comment", "tools/post"):
        (fork.folder / "scripts" / f"{script}.py").write_text("open('stolen', 'w')\n")
    shutil.copy(fork.folder / "scripts" / "tool.py", fork.folder / "sitecustomize.py")
    fork.commit()
    head = fork.run("git", "rev-parse", "HEAD").strip()
    fork.run("git", "init", "--quiet", "--bare", str(origin))
    fork.run("git", "push", "--quiet", str(origin), "main", f"{head}:refs/pull/7/head")

    project = change.copy(tmp_path / "project")  # the default branch, as the workflow has it
    project.run("git", "checkout", "--quiet", "main")
    project.run("git", "remote", "add", "origin", str(origin))
    project.run("dvc", "checkout", "--quiet")
    github.pulls = [
        {"number": 7, "head": {"label": f"them:{branch}", "sha": head}, "base": {"ref": "main"}}
    ]
    github.comments = [
        {"id": place, "user": {"login": "them"}, "body": f"{place} {MARK}"} for place in range(120)
    ]
    output = tmp_path / "output"
    given = environment(github, branch, head, output)
    project.run("make", "data")
    for _ in range(2):  # the second replaces the first
        output.unlink(missing_ok=True)
        said = project.run("make", "comment", **given)
        assert said.startswith("Comment: logreg is worse by ")
        assert not [line for line in github.asked if not line.startswith("GET ")]
        said += project.run("make", "post", **given, COMMENT=outputs(output)["text"])
        assert said.endswith("Post: posted on pull request 7\n")
        assert "a-secret" not in said
        assert len(github.comments) == 121
        github.asked.clear()
    expected = expected_review(fork, head).replace(
        "parameters and code.\n",
        "parameters and code. Its run says that it made the same results.\n",
    )
    expected = expected.replace(
        "\n\n| model",
        "\n\nThis change edits what checks it, so read that before you believe its run: "
        "scripts/tool.py, scripts/tools.\n\n| model",
    )
    assert github.comments[-1]["body"] == f"{expected}\n{MARK}\n"
    assert all(comment["user"]["login"] == "them" for comment in github.comments[:-1])
    assert github.tokens == {"Bearer a-secret"}
    assert not list(tmp_path.rglob("stolen"))
    assert project.run("git", "status", "--porcelain") == ""

    comment = ("python", "scripts/tool.py", "comment", "--test", "data/processed/test.npz")
    post = ("python", "scripts/tool.py", "post")
    github.steps[STEP] = "failure"
    github.notes = [{"title": TITLE, "message": "cnn gets 9 images wrong"}]
    assert project.run(*comment, **given).startswith(
        "Comment: The results reproduced in this run are not those committed: cnn gets 9 images "
        "wrong. logreg is worse by"
    )
    assert "Its run says of what it made: cnn gets 9 images wrong." in output.read_text()

    newer = {**given, "HEAD_SHA": "0" * 40, "COMMENT": "text"}
    assert "No open pull request ends with this commit" in project.run(*comment, **newer)
    assert "no open pull request ends with this commit" in project.run(*post, **newer)
    output_text = project.run(*post, **{**newer, "COMMENT": "@them"}, fails=True)
    assert output_text == "the text has a mention in it\n"
    github.pulls[0]["head"]["sha"] = project.run("git", "rev-parse", "main").strip()
    moved = {**given, "HEAD_SHA": github.pulls[0]["head"]["sha"]}
    assert "The pull request has moved on" in project.run(*comment, **moved)
    github.status = 403
    refused = project.run(*comment, fails=True, **given)
    assert re.fullmatch(r"GET http://[\w.:]+/repos/o/r/pulls: 403 Forbidden\n", refused)
    for script in (comment, post):
        refused = project.run(*script, fails=True, **{**newer, "HEAD_SHA": ""})
        assert refused == "HEAD_SHA missing in the environment\n"
    assert len(github.comments) == 121
