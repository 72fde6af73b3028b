"""A program whose output cannot be written, or that is interrupted, ends without a traceback."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT
from ruamel.yaml import YAML

from tool import NAMES

STAGES = [
    name
    for name in YAML(typ="safe").load(ROOT / "schemas/params.schema.yaml")["properties"]
    if name != "seed"
]
COMMANDS = [f"{name}.py" for name in STAGES] + [f"tool.py {name}" for name in NAMES] + ["tool.py"]
# They import TensorFlow, pandas or Matplotlib, which takes seconds.
SLOW = ("train_mlp", "train_cnn", "evaluate", "predict", "try_models", "explore", "report", "study")
FULL = "standard output: No space left on device\n"


def run(command: str, folder: Path = ROOT) -> tuple[int, str]:
    """The exit status of a command in bash, and its standard error."""
    words = ["bash", "-c", f"set -o pipefail; PATH={Path(sys.executable).parent}:$PATH; {command}"]
    ended = subprocess.run(words, cwd=folder, stderr=subprocess.PIPE, text=True, check=False)
    return ended.returncode, ended.stderr


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(command, marks=[pytest.mark.long] * any(name in command for name in SLOW))
        for command in COMMANDS
    ],
)
def test_a_full_device_is_named_and_a_closed_pipe_ends_the_program_in_silence(command):
    """Also where Python does not buffer, so that the first write fails and not the last."""
    program = f"python scripts/{command} --help"
    for setting in ("", "PYTHONUNBUFFERED=1"):
        status, error = run(f"{setting} {program} > /dev/full")
        prefix = "" if command.startswith("tool") else f"{command.removesuffix('.py')}: "
        assert (status, error) == (1, prefix + FULL)
    assert run(f"{program} | true") == (128 + signal.SIGPIPE, "")


@pytest.mark.parametrize("stream", ["&-", "/dev/full"])
def test_standard_error_that_takes_nothing(stream, tmp_path):
    """What belongs there appears nowhere else, such as in a table on standard output."""
    for command in ("tool.py nonsense", "download.py", "tool.py post"):
        output = tmp_path / "output"
        status, _ = run(f"python scripts/{command} > {output} 2>{stream}")
        assert (status != 0, output.read_text()) == (True, "")


@pytest.mark.parametrize(
    ("command", "module"),
    [("preprocess.py", "dataset/dataset.py"), ("tool.py fresh", "freshness/records.py")],
)
def test_an_interrupt_while_libraries_are_loaded_is_one_line(command, module, tmp_path):
    """A module that waits for a pipe stands for a library that takes long to load."""
    for name in ("scripts", "schemas"):
        shutil.copytree(ROOT / name, tmp_path / name)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "scripts" / module).write_text("open('pipe').read()")
    words = [sys.executable, *f"scripts/{command}".split()]
    running = subprocess.Popen(words, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    with (tmp_path / "pipe").open("w"):  # waits until the program reads it
        running.send_signal(signal.SIGINT)
        _, error = running.communicate()
    assert error == "interrupted; earlier results are complete\n"
    assert running.returncode == 128 + signal.SIGINT
