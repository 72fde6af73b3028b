"""What a stage records of itself, and a stage that is edited or overtaken while it runs."""

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
from pathlib import Path

import pytest
from conftest import ROOT
from small_stages import dataset

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

    with pytest.raises(UserError, match=f"^{path}: changed while stage ran; rerun stage$"):
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
    assert output == "stage: not run, because a later run has replaced this one\n"
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
DOWNLOAD += ("--path", "none", "--test_size", "0.2", "--test_seed", "1", "--resize", "none")
DOWNLOAD += ("--no-transpose", "--timeout", "1", "--attempts", "1")
PREPROCESS = ("scripts/preprocess.py", "--dataset", "made/dataset.npz", "--seed", "1")
PREPROCESS += ("--hold_out", "none", "--validation_size", "0.1", "--train_size", "all")
PARTS = ("train", "validation", "test", "held_out")
PREPROCESS += tuple(f"--{part}=made/{part}.npz" for part in PARTS)


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
    assert errors == f"{edited}: changed while {stage} ran; rerun {stage}\n"
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
        assert running.stderr.readline() == "download: waiting for an earlier run to end\n"
        edited = scripts / "dataset/digits.py"
        edited.write_text(edited.read_text().replace("360", "361"))
    _, errors = running.communicate()
    assert errors == "scripts/dataset/digits.py: changed while download ran; rerun download\n"
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
