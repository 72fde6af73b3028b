"""A pull request from end to end: a real repository, two branches, and what the workflows run."""

import json
import re
import shlex
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
from review.verdict import CHANGED_CODE, HIDING, NOT_REPRODUCED, REPRODUCED

pytestmark = pytest.mark.xdist_group("dvc")


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
    order = sorted(scores, key=lambda name: (scores[name]["failures"], scores[name]["loss"]))
    kept = ", ".join(name for name in order if name != "logreg")
    base = project.run("git", "rev-parse", "main").strip()
    rows = ""
    for name in order:
        score = scores[name]
        low, high = said(score["accuracy_low"]), said(score["accuracy_high"])
        before = said(score["accuracy"] - difference * (name == "logreg"))
        rows += f"| {name} | {before} | {said(score['accuracy'])} | {low} to {high} | "
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
            f"Test image {index}: labelled {row['label']:.0f}, now predicted as "
            f"{row['logreg']:.0f} by logreg (confidence {said(row['logreg_confidence'], 1)}).\n\n"
            f"```text\n{image_as_text(part.images[index], part.pixel_range)}\n```\n\n"
        )
    return (
        f"**logreg is worse by {100 * -difference:.2f} points, more than chance ({chance}): "
        f"{len(fixed)} fixed, {len(broken)} broken.** Same mistakes as before: {kept}. "
        "The results are up to date.\n"
        "\n"
        f"Commit `{head[:8]}` compared with main (`{base[:8]}`, “change”) on {images} "
        "test images of digits.\n"
        "\n"
        "| model | accuracy before | now | 95 % interval | change, points | fixed | broken | "
        "verdict |\n"
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |\n"
        f"{rows}"
        "\n"
        "Fixed and broken count test images. The p-values are from exact McNemar tests with Holm's "
        "correction; training with another seed would add further variation.\n"
        "\n"
        "| parameter | before | now |\n"
        "| --- | --- | --- |\n"
        "| train\\_logreg.max\\_iter | 20 | 1 |\n"
        "\n"
        "Stages with different results, and their changed dependencies:\n"
        "\n"
        "- train-logreg: train\\_logreg.max\\_iter\n"
        "- evaluate: models/logreg/model.npz\n"
        "- report: models/logreg/history.csv, reports/evaluation.npz, reports/failures.csv "
        "and 1 more\n"
        "\n"
        f"Newly broken, 5 of {len(broken)}:\n"
        "\n"
        f"{digits}"
        f"Details: {workflow_links(head)}\n"
    )


def workflow_links(commit: str) -> str:
    files = f"{SITE}/blob/{commit}/reports"
    return (
        f"[this run and its pages]({RUN}) · [comparison of the models]({files}/comparison.md) "
        f"· [metrics]({files}/metrics.json) · [failures]({files}/failures.csv)"
    )


def test_the_targets_of_the_workflow(change, tmp_path):
    project = change.copy(tmp_path / "project")
    assert "The results are up to date with the parameters and code." in project.run(
        "make", "fresh"
    )
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
        "The results are up to date with the parameters and code.\n"
    )
    project.run(
        *("python", "scripts/tool.py", "review", "--base", "origin/main"),
        *("--test", "data/processed/test.npz"),
        *("--markdown", "reports/review.md", "--html", "reports/review.html"),
    )
    text = (clone / "reports" / "review.md").read_text()
    assert "worse, more than chance" in text
    assert "- train-logreg: train\\_logreg.max\\_iter\n" in text
    assert (
        "No images are shown, because the test images of these results are not available here."
        in text
    )


def test_dvc_shows_what_has_changed(change):
    parameters = json.loads(change.run("dvc", "params", "diff", "main", "--json"))
    assert parameters == {
        "params.yaml": {"train_logreg.max_iter": {"old": 20, "new": 1, "diff": -19}}
    }
    metrics = json.loads(change.run("dvc", "metrics", "diff", "main", "--json"))
    assert {key.split(".")[0] for key in metrics["reports/summary.json"]} == {"logreg"}
    plots = json.loads(change.run("dvc", "plots", "diff", "main", "--json"))
    assert not plots.get("errors")
    names = ("logreg", "mlp", "cnn")
    wanted = {"Accuracy by confidence", *(f"Mistakes of {name}" for name in names)}
    wanted |= {f"Loss of {name} while training" for name in names}
    assert wanted <= plots["data"].keys()
    for name in wanted:
        (plot,) = plots["data"][name]
        assert sorted(plot["revisions"]) == ["main", "workspace"], name


@pytest.mark.parametrize(
    "command",
    [
        "dvc metrics show",
        "dvc metrics diff main --all",
        "dvc exp show --only-changed --drop '.*/' --all-branches --no-pager",
    ],
)
def test_tables_of_dvc_fit_100_columns(command, change):
    """Each number has a column, as wide as its name."""
    table = change.run(*shlex.split(command), COLUMNS="100")
    assert "logreg.acc" in table
    assert "logreg.loss" in table
    assert "…" not in table  # where rich has cut a column
    assert max(len(line.rstrip()) for line in table.splitlines()) <= 100


def test_mistakes_are_counted_and_no_correct_prediction(change):
    """failures.csv also has images that only another model gets wrong."""
    plots = json.loads(change.run("dvc", "plots", "show", "--json"))
    (plot,) = plots["data"]["Mistakes of cnn"]
    filtered = plot["content"]["spec"]["transform"][0]["filter"]
    assert filtered == "datum['cnn'] != datum['label']"


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
    comment = ("python", "scripts/tool.py", "comment", "--test", "data/processed/test.npz")
    post = ("python", "scripts/tool.py", "post")
    for first, second in (("make", "comment"), ("make", "post")), (comment, post):  # which replaces
        output.unlink(missing_ok=True)
        said = project.run(*first, **given)
        assert said.startswith(f"Comment: {HIDING}: sitecustomize.py. Models: 1 worse, ")
        assert not [line for line in github.asked if not line.startswith("GET ")]
        said += project.run(*second, **given, COMMENT=outputs(output)["text"])
        assert said.endswith("Post: posted on pull request 7\n")
        assert "a-secret" not in said
        assert len(github.comments) == 121
        github.asked.clear()
    _, rest = expected_review(fork, head).split("\n\n", 1)
    expected = (
        f"**{HIDING}: sitecustomize.py.** Models: 1 worse, more than chance, 2 with the same "
        f"mistakes. The results are up to date. {REPRODUCED}, {CHANGED_CODE}.\n\n"
    ) + rest.replace(
        "\n\n| model",
        "\n\nPython would import this file in place of other modules, such as those of its "
        "standard library: sitecustomize.py.\n\n"
        "5 changed files that a run executes, installs or is configured by: scripts/tool.py, "
        "scripts/tools/comment.py, scripts/tools/post.py, scripts/tools/review.py, "
        "sitecustomize.py. What the run of this change reports is only as reliable as "
        "these files. Read them before you trust it.\n\n| model",
        1,
    )
    assert github.comments[-1]["body"] == f"{expected}\n{MARK}\n"
    assert all(comment["user"]["login"] == "them" for comment in github.comments[:-1])
    assert github.tokens == {"Bearer a-secret"}
    assert not list(tmp_path.rglob("stolen"))
    assert project.run("git", "status", "--porcelain") == ""

    github.steps[STEP] = "failure"
    github.notes = [{"title": TITLE, "message": "cnn gets 9 images wrong"}]
    assert project.run(*comment, **given).startswith(
        f"Comment: {HIDING}: sitecustomize.py. {NOT_REPRODUCED}. logreg is worse by "
    )
    assert "The run of this change reports: “cnn gets 9 images wrong”." in output.read_text()

    newer = {**given, "HEAD_SHA": "0" * 40, "COMMENT": "text"}
    assert "no open pull request ends with this commit" in project.run(*comment, **newer)
    assert "no open pull request ends with this commit" in project.run(*post, **newer)
    output_text = project.run(*post, **{**newer, "COMMENT": "@them"}, fails=True)
    assert output_text == "the text contains a mention\n"
    github.pulls[0]["head"]["sha"] = project.run("git", "rev-parse", "main").strip()
    moved = {**given, "HEAD_SHA": github.pulls[0]["head"]["sha"]}
    assert "the pull request has newer commits" in project.run(*comment, **moved)
    github.status = 403
    refused = project.run(*comment, fails=True, **given)
    assert re.fullmatch(r"GET http://[\w.:]+/repos/o/r/pulls: 403 Forbidden\n", refused)
    for script in (comment, post):
        refused = project.run(*script, fails=True, **{**newer, "HEAD_SHA": ""})
        assert refused == "environment variables are missing: HEAD_SHA\n"
    assert len(github.comments) == 121
