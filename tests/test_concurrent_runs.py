"""One engine at a time, and what is edited or killed while it runs."""

import errno
import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from conftest import Project

import dvc_lock


@pytest.mark.long  # a shorter one is near
def test_a_script_edited_while_it_runs_does_not_count(made_by_dvc, tmp_path):
    """DVC would record the code that it finds afterwards."""
    project = made_by_dvc.copy(tmp_path / "project")
    slow_down(project)
    running = start(project, "dvc", "repro")
    wait_for_stage(project)
    with (project.folder / "scripts/drawing/figures.py").open("a") as file:
        file.write("# edited\n")
    output, _ = running.communicate(timeout=120)
    assert running.returncode != 0
    assert (
        "scripts/drawing/figures.py: changed while explore_stats ran; rerun explore_stats" in output
    )
    assert "Running stage 'explore-stats'" in project.run("dvc", "repro")


MET = "provenance/.met"  # is there when explore-stats is met


def slow_down(project: Project) -> None:
    """Give explore-stats something to change, and five seconds to be met in."""
    path = project.folder / "scripts" / "explore_stats.py"
    text = path.read_text().replace(
        "    data = read_dataset(",
        f"    Path({MET!r}).touch()\n    sleep(5)\n    data = read_dataset(",
    )
    path.write_text(text.replace('"""\n', '"""\nfrom time import sleep\n', 1))


def start(project: Project, *command: str) -> subprocess.Popen:
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return subprocess.Popen(command, cwd=project.folder, env=project.environment(), **pipes)


def wait_for_stage(project: Project) -> None:
    """Until explore-stats runs and has noted what it is made of."""
    deadline = time.monotonic() + 60
    while not (project.folder / MET).exists():
        assert time.monotonic() < deadline, "the stage did not start"
        time.sleep(0.05)


DVC = ("dvc", "repro")
SNAKEMAKE = ("snakemake", "--cores", "8", "--use-conda")


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (DVC, SNAKEMAKE, "DVC is running in this folder: (PID "),
        pytest.param(SNAKEMAKE, DVC, "is busy, it is being blocked by", marks=pytest.mark.long),
        pytest.param(DVC, DVC, "is busy, it is being blocked by", marks=pytest.mark.long),
        pytest.param(SNAKEMAKE, SNAKEMAKE, "Snakemake is already running", marks=pytest.mark.long),
    ],
)
def test_one_engine_at_a_time(first, second, message, made_by_dvc, tmp_path):
    project = made_by_dvc.copy(tmp_path / "project")
    slow_down(project)
    running = start(project, *first)
    wait_for_stage(project)
    output = project.run(*second, fails=True)
    assert message in output
    assert "Traceback" not in output
    output, _ = running.communicate(timeout=120)
    assert running.returncode == 0, output
    assert "Nothing to be done" in project.run(*SNAKEMAKE)


@pytest.mark.long  # a shorter one is near
def test_snakemake_waits_for_what_a_killed_run_left_behind(made_by_dvc, tmp_path):
    """Or that would put its results over those that the next run has found up to date."""
    project = made_by_dvc.copy(tmp_path / "project")
    project.change(explore_stats={"samples": 9})
    slow_down(project)
    running = start(project, *DVC)
    wait_for_stage(project)
    running.kill()
    running.wait()
    project.run("git", "checkout", "--quiet", ".")
    output = project.run(*SNAKEMAKE)
    assert "waiting for explore_stats, which a killed run left running" in output
    assert "explore_stats must be rerun: " in output
    assert "Nothing to be done" in project.run(*SNAKEMAKE)


@pytest.mark.long
def test_old_sources_do_not_hide_a_change(made_by_dvc, tmp_path):
    """Reproducible archives give every file the first second of 1970."""
    project = made_by_dvc.copy(tmp_path / "project")
    for path in (project.folder / "scripts").rglob("*"):
        os.utime(path, (0, 0))
    project.change(explore_stats={"samples": 9})
    assert "rule explore_stats:" in project.run(*SNAKEMAKE)


@pytest.mark.parametrize("edited", [True, False])
def test_an_edit_while_results_are_entered_undoes_the_entry(
    edited, made_by_snakemake, tmp_path, monkeypatch
):
    project = made_by_snakemake.copy(tmp_path / "project")
    monkeypatch.chdir(project.folder)
    lock = project.folder / "dvc.lock"
    before = lock.read_bytes()
    project.change(report={"failures": 24})
    up_to_date = iter([["report"], [] if edited else ["report"]])
    dvc_lock.commit(lambda: next(up_to_date))
    assert (lock.read_bytes() == before) == edited


@pytest.fixture
def rwlock(made_by_snakemake, tmp_path, monkeypatch) -> Path:
    """The lock file of DVC in a copy of the project."""
    monkeypatch.chdir(made_by_snakemake.copy(tmp_path / "project").folder)
    return Path(".dvc/tmp/rwlock")


def failing(*_) -> Iterator[None]:
    raise OSError(errno.ENOSPC, "No space left on device", "somewhere")
    yield


@pytest.mark.xdist_group("snakemake")
def test_entries_of_others_stay_in_dvcs_lock_when_it_cannot_be_taken(rwlock, monkeypatch):
    entry = json.dumps({"write": {"other": {"pid": os.getpid(), "cmd": "dvc repro"}}})
    monkeypatch.setattr(dvc_lock, "rwlock", contextmanager(failing))
    for content, left in ((entry, entry), (entry[:-9], None)):
        rwlock.write_text(content)
        with pytest.raises(SystemExit, match="DVC's lock cannot be acquired"), dvc_lock.held():
            pass
        assert (rwlock.read_text() if rwlock.exists() else None) == left


@pytest.mark.xdist_group("snakemake")
def test_dvc_that_cannot_be_asked_is_named(rwlock, monkeypatch):
    monkeypatch.setattr(dvc_lock, "Repo", lambda: next(failing()))
    with pytest.raises(SystemExit, match=r"DVC: .*No space left on device"), dvc_lock.held():
        pass
