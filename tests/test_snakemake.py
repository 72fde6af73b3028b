"""What Snakemake runs depends on the records of the stages alone; and looking changes nothing."""

import fcntl
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import Project

pytestmark = pytest.mark.xdist_group("snakemake")
LOOK = ("snakemake", "--dry-run", "--cores", "1")


@pytest.fixture
def project(made_by_snakemake, tmp_path) -> Project:
    return made_by_snakemake.copy(tmp_path / "project")


def planned(project: Project, *options: str) -> set[str]:
    return set(re.findall(r"^rule (\w+):", project.run(*LOOK, *options), re.M)) - {"all"}


def state(folder: Path) -> dict[str, tuple]:
    """Times and content of all files, those aside that Snakemake keeps for itself."""
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    return {
        str(path): (path.stat().st_mtime_ns, path.stat().st_ctime_ns, path.read_bytes())
        for path in files
        # Python writes its own cache where a file has another time.
        if not {".snakemake", "__pycache__"} & set(path.parts)
    }


def test_looking_changes_nothing(project, tmp_path):
    """Where something has to run, and every file has another time than its stages gave it."""
    for place, path in enumerate(sorted((project.folder / "scripts").rglob("*"), reverse=True)):
        os.utime(path, (2e9 + place, 2e9 + place))
    os.utime(project.folder / "data/processed/train.npz", (0, 0))
    project.change(explore_stats={"samples": 9})
    before = state(project.folder)
    assert planned(project) == {"explore_stats", "report"}
    for words in (["--summary"], ["--dag"], ["--report", str(tmp_path / "report.html")]):
        project.run("snakemake", *words)
    assert state(project.folder) == before


def test_looking_waits_for_nobody(project):
    """Neither for a run nor for a stage that a killed one has left behind."""
    for name in (".snakemake/running", "provenance/.report.lock"):
        with (project.folder / name).open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            assert planned(project) == set()


def test_a_run_waits_for_one_that_was_left_behind_and_looks_again(project):
    """What that one has meanwhile damaged is found."""
    words = ("snakemake", "--cores", "1")
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with (project.folder / "provenance/.report.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        running = subprocess.Popen(words, cwd=project.folder, env=project.environment(), **pipes)
        waiting = "waiting for report, which a killed run left running\n"
        assert waiting in iter(running.stdout.readline, "")
        (project.folder / "reports/comparison.md").write_text("damaged")
    output, _ = running.communicate()
    assert "report must be rerun: reports/comparison.md has changed" in output
    assert "rule report:" in output
    assert running.returncode == 0


@pytest.mark.parametrize(
    "profile", ["none", pytest.param("workflow/profiles/slurm", marks=pytest.mark.long)]
)
def test_another_profile_runs_the_same(profile, project):
    options = ("--workflow-profile", profile)
    assert planned(project, *options) == set()
    project.change(report={"failures": 24})
    assert planned(project, *options) == {"report"}
    assert planned(project, *options, "--forcerun", "train_mlp") == {
        *("train_mlp", "evaluate", "report")
    }


def test_a_target_runs_no_more_than_it_needs(project):
    project.change(explore_stats={"samples": 9}, report={"failures": 24})
    assert planned(project, "preprocess") == set()
    assert planned(project, "reports/stats.json") == {"explore_stats"}
    assert planned(project, "preprocess", "--prioritize", "report") == {"explore_stats", "report"}


@pytest.mark.long
def test_links_into_dvcs_cache_are_the_files(project):
    project.run("dvc", "config", "--local", "cache.type", "symlink")
    project.run("dvc", "checkout", "--relink")
    assert (project.folder / "models/cnn/network.json").is_symlink()
    assert planned(project) == set()
    assert "Every result is up to date" in project.run("python", "scripts/tool.py", "verify")


def test_without_git_snakemake_runs_and_says_what_dvc_lacks(project):
    shutil.rmtree(project.folder / ".git")
    project.change(report={"failures": 24})
    advice = "is not a git repository; run git init, or dvc config --local core.no_scm true"
    output = project.run("snakemake", "--cores", "1")
    assert advice in output
    assert "2 of 2 steps (100%) done" in output
    assert advice in project.run("python", "scripts/tool.py", "verify", fails=True)


def test_what_snakemake_cannot_do_is_said_in_one_line(project):
    """As where the folder is another user's, where HOME is none, or its name has braces."""
    running = project.folder / ".snakemake/running"
    running.unlink()
    running.mkdir()
    output = project.run("snakemake", "--cores", "1", fails=True)
    assert ".snakemake/running: Is a directory; a run needs write access to its folder" in output
    assert "Traceback" not in output
    output = project.run("python", "scripts/tool.py", "verify", fails=True, HOME="/proc")
    assert output.startswith("snakemake: ")
    assert "/proc" in output
    project.folder = project.folder.rename(project.folder.with_name("pro{ject}"))
    output = project.run("python", "scripts/tool.py", "verify", fails=True)
    assert "Snakemake reads braces as wildcards; rename the folder" in output


def test_verify_outside_of_the_projects_folder(project):
    project.folder /= "scripts"
    output = project.run("python", "tool.py", "verify", fails=True)
    assert output == "no params.yaml here; run this in the project's folder\n"
