"""What a stage records of itself, and one run at a time."""

import errno
import fcntl
import hashlib
import json
import os
import py_compile
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from conftest import ROOT, Project
from small_stages import dataset

import dvc_lock
from core.errors import UserError
from core.provenance import recorded
from dataset.dataset import read_dataset


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
    assert any(path.endswith("scripts/core/provenance.py") for path in made["inputs"])


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
from dataset.dataset import read_dataset
from core.errors import UserError
from core.provenance import recorded
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


@pytest.fixture
def scripts(tmp_path) -> Path:
    """A copy of the scripts, to be edited."""
    for name in ("schemas", "envs"):
        shutil.copytree(ROOT / name, tmp_path / name)
    return Path(shutil.copytree(ROOT / "scripts", tmp_path / "scripts"))


# A library that takes long to import: until a line comes.
SLOW = """
import sys
print("importing", flush=True)
sys.stdin.readline()
sys.path.remove({folder!r})
del sys.modules[{name!r}]
import {name}
"""


def start_stage(scripts: Path, *words: str, slow: str = "") -> subprocess.Popen:
    """Start a stage beside `scripts`; if given, up to its import of the library `slow`."""
    folder = scripts.parent / "slow"
    folder.mkdir()
    if slow:
        (folder / f"{slow}.py").write_text(SLOW.format(folder=str(folder), name=slow))
    running = subprocess.Popen(
        [
            *(sys.executable, *words, "--environment", "envs/light.yaml"),
            *("--provenance", "made/stage.json"),
        ],
        cwd=scripts.parent,
        env={**os.environ, "PYTHONPATH": str(folder)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    if slow:
        assert running.stdout.readline() == "importing\n"
    return running


DOWNLOAD = ("scripts/download.py", "--output", "made/dataset.npz", "--dataset", "digits")
DOWNLOAD += ("--timeout", "1", "--attempts", "1")
PREPROCESS = ("scripts/preprocess.py", "--dataset", "made/dataset.npz", "--seed", "1")
PREPROCESS += ("--validation_size", "0.1", "--train_size", "all")
PREPROCESS += tuple(f"--{part}=made/{part}.npz" for part in ("train", "validation", "test"))


@pytest.mark.parametrize(
    ("words", "slow", "edited"),
    [
        (PREPROCESS, "numpy", "scripts/preprocess.py"),  # the script itself
        (DOWNLOAD, "requests", "scripts/core/errors.py"),  # imported before
    ],
)
def test_an_edit_while_a_stage_imports_its_libraries_fails_it(words, slow, edited, scripts):
    (scripts.parent / "made").mkdir()
    shutil.copy(dataset(scripts.parent), scripts.parent / "made/dataset.npz")
    running = start_stage(scripts, *words, slow=slow)
    with (scripts.parent / edited).open("a") as file:
        file.write("other = True\n")
    _, errors = running.communicate("\n")
    stage = Path(words[0]).stem
    assert errors == f"{edited}: changed while {stage} ran; run it again\n"
    assert running.returncode != 0
    assert not (scripts.parent / "made/stage.json").exists()


def test_a_module_edited_before_its_import_is_recorded_as_it_was_used(scripts):
    running = start_stage(scripts, *DOWNLOAD, slow="requests")
    edited = scripts / "dataset/idx.py"
    edited.write_text(edited.read_text() + "# edited\n")
    _, errors = running.communicate("\n")
    assert running.returncode == 0, errors
    record = json.loads((scripts.parent / "made/stage.json").read_text())
    digest = hashlib.sha256(edited.read_bytes()).hexdigest()
    assert record["inputs"]["scripts/dataset/idx.py"] == digest


def test_a_module_edited_while_its_stage_waits_for_another_run_fails_it(scripts):
    (scripts.parent / "made").mkdir()
    with (scripts.parent / "made/.stage.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        running = start_stage(scripts, *DOWNLOAD)
        assert running.stderr.readline() == "download: waiting for an earlier run of it to end\n"
        edited = scripts / "dataset/digits.py"
        edited.write_text(edited.read_text().replace("360", "361"))
    _, errors = running.communicate()
    assert errors == "scripts/dataset/digits.py: changed while download ran; run it again\n"
    assert not (scripts.parent / "made/dataset.npz").exists()


def test_compiled_code_of_another_state_is_not_run(scripts):
    """Python takes a `.pyc` for the file's if second and size are the same."""
    module = scripts / "dataset/digits.py"
    py_compile.compile(str(module))
    before = module.stat()
    module.write_text(module.read_text().replace("TEST_IMAGES = 360", "TEST_IMAGES = 359"))
    os.utime(module, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert module.stat().st_size == before.st_size
    _, errors = start_stage(scripts, *DOWNLOAD).communicate()
    assert not errors
    assert len(read_dataset(scripts.parent / "made/dataset.npz").y_test) == 359


@pytest.mark.long  # a shorter one is near
@pytest.mark.xdist_group("dvc")
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
    assert "scripts/drawing/figures.py: changed while explore_stats ran; run it again" in output
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
        pytest.param(SNAKEMAKE, DVC, "is busy, it is being blocked by", marks=pytest.mark.long),
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


@pytest.mark.long  # a shorter one is near
@pytest.mark.xdist_group("dvc")
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
        with pytest.raises(SystemExit, match="DVC's lock could not be taken"), dvc_lock.held():
            pass
        assert (rwlock.read_text() if rwlock.exists() else None) == left


@pytest.mark.xdist_group("snakemake")
def test_dvc_that_cannot_be_asked_is_named(rwlock, monkeypatch):
    monkeypatch.setattr(dvc_lock, "Repo", lambda: next(failing()))
    with pytest.raises(SystemExit, match=r"DVC: .*No space left on device"), dvc_lock.held():
        pass
