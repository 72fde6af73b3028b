"""Whatever the order of events, what an engine leaves belongs to the current code and parameters.

Each row is a sequence of events after a first run. A run is given with the stages it has to run,
and leaves the results that a run from the start would.
"""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Project
from ruamel.yaml import YAML

DRAWN = {"explore_stats", "report"}  # what a change of the parameter or of the code affects
CODE = "scripts/explore_stats.py"
PRODUCTS = ("reports/figures/train_samples.svg", "reports/stats.json", "reports/comparison.html")


def parameter_b(project: Project) -> None:
    project.change(explore_stats={"samples": 9})


def parameter_a(project: Project) -> None:
    project.change(explore_stats={"samples": 25})


def code_b(project: Project) -> None:
    replace(project.folder / CODE, '"checks": checks, ', '"checks": checks, "b": 1, ')


def code_a(project: Project) -> None:
    replace(project.folder / CODE, '"checks": checks, "b": 1, ', '"checks": checks, ')


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def dvc(*stages: str) -> Callable[[Project], None]:
    """A run of DVC that has to run `stages`, and to restore or skip the others."""

    def run(project: Project) -> None:
        output = project.run("dvc", "repro")
        ran = re.findall(r"^Running stage '([\w-]+)'", output, re.M)
        assert {stage.replace("-", "_") for stage in ran} == set(stages)

    return run


def snakemake(*stages: str, options: tuple[str, ...] = ()) -> Callable[[Project], None]:
    """A run of Snakemake that has to run `stages` and no others."""

    def run(project: Project) -> None:
        output = project.run("snakemake", "--cores", "8", "--use-conda", *options)
        ran = re.findall(r"^(?:local)?rule (\w+):", output, re.M)
        assert set(ran) - {"all"} == set(stages)
        assert stages or "Nothing to be done" in output

    return run


def git(*words: str) -> Callable[[Project], None]:
    return lambda project: project.run("git", *words)


def commit(project: Project) -> None:
    project.commit()


def restore(project: Project) -> None:
    project.run("dvc", "checkout")


def deleted(path: str) -> Callable[[Project], None]:
    return lambda project: (project.folder / path).unlink()


def tampered(path: str) -> Callable[[Project], None]:
    def change(project: Project) -> None:
        with (project.folder / path).open("ab") as file:
            file.write(b"\n")

    return change


def touched(project: Project) -> None:
    """New times in any order: those of a backup, or of a clone."""
    for path in sorted(project.folder.rglob("*"), reverse=True):
        if path.is_file() and not {".git", ".dvc", ".snakemake"} & set(path.parts):
            path.touch()


def experiment(project: Project) -> None:
    project.run("dvc", "exp", "run", "--set-param", "explore_stats.samples=9")


def cloned(project: Project) -> None:
    """Go on in a fresh clone, with the results from a DVC remote."""
    remote = project.folder.with_name(f"{project.folder.name}-remote")
    project.run("dvc", "remote", "add", "--default", "shelf", str(remote))
    project.commit()
    project.run("dvc", "push")
    clone = project.folder.with_name(f"{project.folder.name}-clone")
    project.run("git", "clone", "--quiet", ".", str(clone))
    project.folder = clone
    project.run("dvc", "pull")


OVERRIDE = ("--config", "explore_stats={samples: 9}")
PAGE = "reports/comparison.html"
STATS = "reports/stats.json"

AFTER_DVC = {
    "the other engine": [snakemake(), dvc(), snakemake()],
    "b by snakemake": [parameter_b, snakemake(*DRAWN), dvc(), snakemake()],
    "b by snakemake, a by dvc": [
        *(parameter_b, snakemake(*DRAWN), parameter_a, dvc(*DRAWN), snakemake())
    ],
    "code b by snakemake, a by dvc": [
        *(code_b, snakemake(*DRAWN), code_a, dvc(*DRAWN), snakemake())
    ],
    "there and back without a run": [parameter_b, code_b, code_a, parameter_a, snakemake(), dvc()],
    "a deleted output, made by snakemake": [deleted(PAGE), snakemake("report"), dvc()],
    "a result changed by hand, then snakemake": [tampered(STATS), snakemake(*DRAWN), dvc()],
    "another commit": [
        *(parameter_b, dvc(*DRAWN), commit, git("checkout", "HEAD~1")),
        *(snakemake(*DRAWN), dvc()),
    ],
    "a clone": [cloned, snakemake(), dvc(), parameter_b, snakemake(*DRAWN)],
    "an experiment": [experiment, snakemake(), dvc()],
    "new times": [touched, snakemake(), dvc()],
}
AFTER_SNAKEMAKE = {
    "the other engine": [dvc(), snakemake(), dvc()],
    "b by dvc": [parameter_b, dvc(*DRAWN), snakemake(), dvc()],
    "b by dvc, a by snakemake": [
        *(parameter_b, dvc(*DRAWN), parameter_a, snakemake(*DRAWN), dvc())
    ],
    "code b by dvc, a by snakemake": [code_b, dvc(*DRAWN), code_a, snakemake(*DRAWN), dvc()],
    "code and parameter": [
        *(code_b, parameter_b, snakemake(*DRAWN), code_a, dvc(*DRAWN), snakemake())
    ],
    "a deleted output, made by dvc": [deleted(PAGE), dvc("report"), snakemake()],
    "a deleted record": [deleted("provenance/report.json"), snakemake("report"), dvc()],
    "a result changed by hand, then dvc": [tampered(STATS), dvc("explore_stats"), snakemake()],
    "results of another commit": [
        *(code_b, dvc(*DRAWN), commit, git("checkout", "HEAD~1", "--", "reports")),
        *(snakemake(*DRAWN), dvc()),
    ],
    "another commit and its results": [
        *(parameter_b, snakemake(*DRAWN), commit, git("checkout", "HEAD~1"), restore),
        *(snakemake(), dvc()),
    ],
    "an override": [
        *(snakemake(*DRAWN, options=OVERRIDE), snakemake(options=OVERRIDE)),
        *(dvc(*DRAWN), snakemake()),
    ],
    "an override, then what params.yaml says": [
        *(snakemake(*DRAWN, options=OVERRIDE), snakemake(*DRAWN), dvc())
    ],
}


# Near to another row each.
LONG = {
    *("b by snakemake", "b by snakemake, a by dvc", "an experiment", "code and parameter"),
    *("b by dvc", "b by dvc, a by snakemake", "new times"),
    "another commit and its results",
    *("an override, then what params.yaml says", "code b by snakemake, a by dvc"),
    *("a result changed by hand, then snakemake", "a deleted record", "results of another commit"),
    *("code b by dvc, a by snakemake", "a deleted output, made by snakemake"),
    *("another commit", "a clone", "an override", "a deleted output, made by dvc"),
}


def rows(table: dict[str, list]) -> list:
    return [pytest.param(row, marks=[pytest.mark.long] * (row in LONG)) for row in table]


def products(project: Project) -> dict[str, bytes]:
    return {path: (project.folder / path).read_bytes() for path in PRODUCTS}


def products_by_hand(project: Project) -> dict[str, bytes]:
    """What the two stages make of the current code and parameters, run without any engine."""
    folder = project.folder.with_name(f"{project.folder.name}-by-hand")
    by_hand = project.copy(folder)
    samples = YAML(typ="safe").load(folder / "params.yaml")["explore_stats"]["samples"]
    for stage in ("explore_stats", "report"):
        words = json.loads((folder / "provenance" / f"{stage}.json").read_text())["command"]
        if "--samples" in words:
            words[words.index("--samples") + 1] = str(samples)
        by_hand.run("python", *words)
    return products(by_hand)


@pytest.mark.parametrize("row", rows(AFTER_DVC))
def test_after_dvc(row, made_by_dvc, tmp_path):
    check(AFTER_DVC[row], made_by_dvc.copy(tmp_path / "project"))


@pytest.mark.parametrize("row", rows(AFTER_SNAKEMAKE))
def test_after_snakemake(row, made_by_snakemake, tmp_path):
    check(AFTER_SNAKEMAKE[row], made_by_snakemake.copy(tmp_path / "project"))


def check(events: list[Callable[[Project], None]], project: Project) -> None:
    for event in events:
        event(project)
    assert products(project) == products_by_hand(project)
