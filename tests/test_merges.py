"""Two branches that have both trained are merged, as docs/run.md says."""

import re

import pytest

FRESH = "python", "scripts/tool.py", "fresh"


def ran(output: str) -> set[str]:
    return set(re.findall(r"^Running stage '([\w-]+)'", output, re.MULTILINE))


@pytest.mark.long
def test_a_merge_trains_nothing_that_either_branch_has_trained(made_by_dvc, tmp_path):
    project = made_by_dvc.copy(tmp_path / "project")
    project.run("git", "branch", "--move", "main")
    for branch, engine, change in (
        ("mine", ("dvc", "repro"), {"train_mlp": {"epochs": 2}}),
        ("theirs", ("snakemake", "--cores", "2"), {"train_logreg": {"max_iter": 10}}),
    ):
        project.run("git", "checkout", "--quiet", "-b", branch, "main")
        project.run("dvc", "checkout")
        project.change(**change)
        project.run(*engine)
        project.commit()
    project.run("git", "checkout", "--quiet", "mine")
    said = project.run("git", "merge", "theirs", fails=True)
    conflicts = set(re.findall("^CONFLICT .* in (.*)$", said, re.MULTILINE))
    assert {"dvc.lock", "reports/metrics.json"} <= conflicts
    assert "params.yaml" not in conflicts
    assert "must be rerun" in project.run(*FRESH, fails=True)  # and no file has lines of both
    assert ran(project.run("dvc", "repro")) == {"evaluate", "report"}
    project.run("git", "add", "--update")
    project.run("git", "commit", "--quiet", "--message", "merged")
    assert project.run(*FRESH) == "The results are up to date with the parameters and code.\n"
    assert "Every result is up to date" in project.run("python", "scripts/tool.py", "verify")
