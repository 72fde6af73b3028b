"""What a stage records of itself, and one run at a time."""

import hashlib
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from conftest import ROOT, Project

import dvc_door
from shared.errors import UserError
from shared.provenance import recorded


@pytest.fixture
def files(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    for name in ("input", "folder/inner"):
        (tmp_path / name).write_text(name)
    return tmp_path


def record(stage: str = "stage"):
    return recorded(stage, Path("made/stage.json"), [Path("input"), Path("folder")], [Path("out")])


def test_record_names_command_inputs_and_outputs(files, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["stage.py", "--key", "1"])
    with record():
        Path("out").write_text("result")
    made = json.loads(Path("made/stage.json").read_text())
    assert made["command"] == ["stage.py", "--key", "1"]
    assert made["outputs"] == {"out": hashlib.sha256(b"result").hexdigest()}
    assert made["inputs"]["folder/inner"] == hashlib.sha256(b"folder/inner").hexdigest()
    assert any(path.endswith("scripts/shared/provenance.py") for path in made["inputs"])


@pytest.mark.parametrize("path", ["input", "folder/inner"])
@pytest.mark.parametrize("change", ["edited", "deleted"])
def test_an_input_changed_meanwhile_leaves_no_record(path, change, files):
    def run() -> None:
        with record():
            Path(path).write_text("other") if change == "edited" else Path(path).unlink()

    with pytest.raises(UserError, match=f"^{path}: changed while stage ran; run it again$"):
        run()
    assert not Path("made/stage.json").exists()


def test_a_failure_leaves_no_record(files):
    def run() -> None:
        with record():
            raise UserError("wrong")

    with pytest.raises(UserError, match="wrong"):
        run()
    assert not Path("made/stage.json").exists()


def test_a_second_run_waits_for_the_first(files, capsys):
    order = []

    def second() -> None:
        with record():
            order.append("second")

    with record():
        waiting = threading.Thread(target=second)
        waiting.start()
        while "waiting for an earlier run" not in capsys.readouterr().err:
            time.sleep(0.01)
        order.append("first")
    waiting.join()
    assert order == ["first", "second"]


RUN = """
import sys
sys.path.insert(0, {scripts!r})
input()
from pathlib import Path
from shared.errors import UserError
from shared.provenance import recorded
try:
    with recorded("stage", Path("made/stage.json"), [Path("input")], [Path("out")]):
        Path("out").write_text(sys.argv[1])
except UserError as error:
    print(error)
"""


def test_a_run_that_a_later_one_has_overtaken_does_not_run(files):
    """As when its engine was killed while it still loaded TensorFlow."""
    program = [sys.executable, "-c", RUN.format(scripts=str(ROOT / "scripts"))]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    first = subprocess.Popen([*program, "first"], **pipes)
    time.sleep(0.1)  # the kernel counts hundredths of a second
    for run in ("second", "third"):
        subprocess.run([*program, run], input="\n", text=True, check=True)
        assert Path("out").read_text() == run
    output, _ = first.communicate("\n")
    assert output == "stage: not run, since a later run of it has taken its place\n"
    assert Path("out").read_text() == "third"


@pytest.mark.xdist_group("dvc")
def test_a_script_edited_while_it_runs_does_not_count(made_by_dvc, tmp_path):
    """DVC would record the code that it finds afterwards."""
    project = made_by_dvc.copy(tmp_path / "project")
    slow_down(project)
    running = start(project, "dvc", "repro")
    wait_for_stage(project)
    with (project.folder / "scripts/shared/drawing.py").open("a") as file:
        file.write("# edited\n")
    output, _ = running.communicate(timeout=120)
    assert running.returncode != 0
    assert "scripts/shared/drawing.py: changed while explore_stats ran; run it again" in output
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


@pytest.mark.xdist_group("dvc")
@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (DVC, SNAKEMAKE, "DVC is at work in this folder: (PID "),
        (SNAKEMAKE, DVC, "is busy, it is being blocked by"),
        pytest.param(DVC, DVC, "is busy, it is being blocked by", marks=pytest.mark.long),
        pytest.param(SNAKEMAKE, SNAKEMAKE, "Snakemake is at work", marks=pytest.mark.long),
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


@pytest.mark.xdist_group("dvc")
def test_snakemake_waits_for_what_a_killed_run_left_behind(made_by_dvc, tmp_path):
    """Or that would put its results over those that the next run has found to hold."""
    project = made_by_dvc.copy(tmp_path / "project")
    project.change(explore_stats={"samples": 9})
    slow_down(project)
    running = start(project, *DVC)
    wait_for_stage(project)
    running.kill()
    running.wait()
    project.run("git", "checkout", "--quiet", ".")
    output = project.run(*SNAKEMAKE)
    assert "waiting for explore_stats, which a killed run has left behind" in output
    assert "explore_stats has to run: " in output
    assert "Nothing to be done" in project.run(*SNAKEMAKE)


@pytest.mark.long
@pytest.mark.xdist_group("dvc")
def test_old_sources_do_not_hide_a_change(made_by_dvc, tmp_path):
    """Reproducible archives give every file the first second of 1970."""
    project = made_by_dvc.copy(tmp_path / "project")
    for path in (project.folder / "scripts").rglob("*"):
        os.utime(path, (0, 0))
    project.change(explore_stats={"samples": 9})
    assert "rule explore_stats:" in project.run(*SNAKEMAKE)


@pytest.mark.xdist_group("snakemake")
@pytest.mark.parametrize("edited", [True, False])
def test_an_edit_while_results_are_entered_undoes_the_entry(
    edited, made_by_snakemake, tmp_path, monkeypatch
):
    project = made_by_snakemake.copy(tmp_path / "project")
    monkeypatch.chdir(project.folder)
    lock = project.folder / "dvc.lock"
    before = lock.read_bytes()
    project.change(report={"failures": 24})
    dvc_door.commit(["report"], still_hold=lambda: not edited)
    assert (lock.read_bytes() == before) == edited
