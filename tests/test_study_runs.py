"""Studies as they run: what is run again, and variants that fail."""

import fcntl
import os
import re
import time

import pytest
from conftest import TINY, Project

STUDY = ("snakemake", "--snakefile", "workflow/study.smk", "--cores", "2")
SMALL = """
studies:
  small:
    seeds: [1, 2]
    models: [logreg]
    variants:
      plain:
      strong: {train_logreg.C: 0.001}
"""


def write(project: Project, text: str) -> None:
    (project.folder / "study.yaml").write_text(text)


def jobs(project: Project) -> dict[str, int]:
    """How many runs of each stage are still to do."""
    plan = project.run(*STUDY, "--dry-run", "--quiet", "rules")
    return {name: int(number) for name, number in re.findall(r"^(\w+) +(\d+)$", plan, re.M)}


def test_a_million_runs_are_refused(make_project):
    project = make_project()
    write(
        project,
        """
studies:
  many:
    models: [mlp]
    seeds: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
    grid:
      train_mlp.epochs: &many [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
      train_mlp.batch_size: *many
      train_mlp.shift: *many
      train_mlp.rotation: *many
      train_mlp.hidden: *many
""",
    )
    output = project.run(*STUDY, fails=True)
    assert "study.yaml: 1,000,000 models to train; allowed: up to 20,000\n" in output
    assert "Traceback" not in output
    assert not (project.folder / "study").exists()


def test_it_asks_before_it_starts_and_not_in_a_dry_run(make_project):
    project = make_project()
    write(project, f"ask_above: 3\n{SMALL}")
    assert jobs(project)["train_logreg"] == 4
    output = project.run(*STUDY, fails=True)
    assert "study.yaml: 4 models to train, which takes more than 40 seconds in sequence" in output
    assert "Traceback" not in output
    assert not list((project.folder / "study").glob("*/"))


def test_a_study_takes_its_values_from_its_files_alone(make_project):
    output = make_project().run(*STUDY, "--config", "train_logreg={C: 3}", fails=True)
    assert output.splitlines()[-1].startswith("--config: a study reads its values from params.yaml")


def test_each_different_run_is_planned_once(make_project):
    """The shipped studies: both have the runs of the parameters as they are."""
    expected = {"download": 1, "preprocess": 5, "train_logreg": 5, "train_mlp": 20, "train_cnn": 15}
    assert jobs(make_project()) == {**expected, "evaluate": 40, "study": 1, "total": 87}


@pytest.fixture(scope="session")
def small(make_project) -> Project:
    """A small study that has been run. To be copied, not changed."""
    project = make_project()
    project.change(**TINY)
    write(project, SMALL)
    project.run(*STUDY)
    return project


@pytest.mark.long
def test_only_what_is_new_or_not_up_to_date_is_run(small, tmp_path):
    project = small.copy(tmp_path / "project")
    assert jobs(project) == {"study": 1, "total": 1}
    project.change(download={"timeout": 9})
    assert jobs(project) == {"study": 1, "total": 1}

    write(project, SMALL.replace("[1, 2]", "[1, 2, 3]"))
    new_seed = {"preprocess": 1, "train_logreg": 2, "evaluate": 2, "study": 1, "total": 6}
    assert jobs(project) == new_seed
    write(project, SMALL + "      weak: {train_logreg.C: 9}\n")
    assert jobs(project) == {"train_logreg": 2, "evaluate": 2, "study": 1, "total": 5}
    write(project, SMALL)
    assert jobs(project) == {"study": 1, "total": 1}

    script = project.folder / "scripts" / "train_logreg.py"
    before = script.read_text()
    script.write_text(f"{before}# edited\n")
    assert jobs(project) == {"train_logreg": 4, "evaluate": 4, "study": 1, "total": 9}
    script.write_text(before)
    assert jobs(project) == {"study": 1, "total": 1}

    ahead = time.time() + 3600  # as copied from a machine whose clock is ahead
    for path in (project.folder / "study").rglob("*"):
        os.utime(path, (ahead, ahead))
    assert jobs(project) == {"study": 1, "total": 1}

    model = next((project.folder / "study" / "train_logreg").glob("*/model.npz"))
    model.write_bytes(model.read_bytes()[:-1] + b"x")
    assert "model.npz has changed" in project.run(*STUDY, "--dry-run")
    assert jobs(project) == {"train_logreg": 1, "evaluate": 1, "study": 1, "total": 3}


@pytest.mark.long
def test_a_failed_variant_does_not_stop_the_others(small, tmp_path):
    project = small.copy(tmp_path / "project")
    failing = "      tiny: {preprocess.train_size: 5}\n      weak: {train_logreg.C: 9}\n"
    write(project, SMALL + failing)
    output = project.run(*STUDY, fails=True)
    assert "preprocess.train_size: 5 selects" in output
    markdown = (project.folder / "reports" / "study.md").read_text()
    assert "2 runs are missing" in markdown
    assert re.search(
        r"small, logreg, tiny, seed 2: preprocess\.train.*size: 5 selects 5 of", markdown
    )
    assert re.search(r"^\| weak \| 2 \| \d\d\.\d\d\s% ± ", markdown, re.M)
    assert jobs(project) == {
        "preprocess": 2,
        "train_logreg": 2,
        "evaluate": 2,
        "study": 1,
        "total": 7,
    }
    write(project, SMALL)
    project.run(*STUDY)
    markdown = (project.folder / "reports" / "study.md").read_text()
    assert "tiny" not in markdown
    assert "weak" not in markdown
    assert markdown == (small.folder / "reports" / "study.md").read_text()


@pytest.mark.long
def test_an_earlier_result_does_not_stand_in_for_a_failed_one(small, tmp_path):
    """The code is broken after all has been run."""
    project = small.copy(tmp_path / "project")
    script = project.folder / "scripts" / "train_logreg.py"
    script.write_text(script.read_text().replace('parser = StageParser("', "raise OSError # "))
    project.run(*STUDY, fails=True)
    assert "4 runs are missing" in (project.folder / "reports" / "study.md").read_text()


@pytest.mark.long
def test_one_study_at_a_time(small, tmp_path):
    project = small.copy(tmp_path / "project")
    with (project.folder / "study" / ".running").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert "a study is already running in this folder" in project.run(*STUDY, fails=True)
