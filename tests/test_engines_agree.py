"""Any parameters: both engines run the same commands, or refuse the same key."""

import contextlib
import copy
import importlib
import io
import json
import re
import shlex
import sys
from pathlib import Path
from unittest import mock

import pytest
from conftest import ROOT, Project
from dvc.exceptions import DvcException
from dvc.parsing import DataResolver
from dvc.repo import Repo
from dvc.utils.hydra import apply_overrides
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML
from test_dags import STAGES, as_run
from test_parameters import PARAMETERS, SCHEMA

from core.command_line import StageParser
from core.parameters import as_flags, first_error
from overrides import read_parameters

DVC_YAML = YAML(typ="safe").load(ROOT / "dvc.yaml")


# Values on which readers of YAML 1.1 and 1.2, or of numbers, differ.
SPELLINGS = (
    "1e-5|0.00001|1.0e-05|1E5|010|0o10|0x10|1_000|+3|-3|3.|.5|yes|no|on|True|~|12:30|2026-01-01"
    "|.inf|-.inf|.nan|'7'|'1e-5'|'1_000'|' 7'|'${seed}'|!!str 5|!!float 5|mnist|digits|all|relu"
)
PLAIN = (
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.integers(0, 50)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=6)
)
# What JSON can say, YAML reads alike.
VALUES = st.sampled_from(SPELLINGS.split("|")) | (
    PLAIN
    | st.lists(PLAIN, max_size=3)
    | st.dictionaries(st.text("abc_1", max_size=3), PLAIN, max_size=2)
).map(json.dumps)
KEYS = st.sampled_from(
    [("seed",), *((section,) for section in STAGES)]
    + [(section, key) for section in STAGES for key in PARAMETERS[section]]
)


@st.composite
def documents(draw: st.DrawFn) -> str:
    """params.yaml with one value changed, one key left out, or one key too many."""
    document = {
        key: {**value} if isinstance(value, dict) else value for key, value in PARAMETERS.items()
    }
    *section, key = draw(KEYS)
    place = document[section[0]] if section else document
    change = draw(st.sampled_from(["set", "set", "set", "delete", "add"]))
    if change == "delete":
        del place[key]
    elif change == "add":
        place[draw(st.text("abcxyz_01-", min_size=1, max_size=6))] = draw(PLAIN)
    else:
        place[key] = "@VALUE@"
    return json.dumps(document).replace('"@VALUE@"', draw(VALUES))


@pytest.fixture(scope="module")
def repo(params_project: Project) -> Repo:
    return Repo(params_project.folder)


def dvc_commands(repo: Repo) -> dict[str, list[str]]:
    """The words of each stage's command, as DVC resolves it now."""
    stages = DataResolver(repo, repo.root_dir, copy.deepcopy(DVC_YAML)).resolve()["stages"]
    commands = {name.replace("-", "_"): stage["cmd"][-1] for name, stage in stages.items()}
    params = Path(repo.root_dir) / "params.yaml"
    return {name: shlex.split(as_run(command, params)) for name, command in commands.items()}


def dvc_refusal(repo: Repo) -> str | dict[str, list[str]]:
    """What DVC, or the first stage to get the command, says of params.yaml; else the commands."""
    try:
        commands = dvc_commands(repo)
    except (DvcException, TypeError) as error:
        return str(error)
    except ValueError as error:
        return f"the shell: {error}"
    for stage in STAGES:
        message = io.StringIO()
        with (
            mock.patch.object(sys, "argv", commands[stage][1:]),
            mock.patch.object(StageParser, "run", lambda parser, *_, **__: parser._arguments()),
            contextlib.redirect_stderr(message),
        ):
            try:
                importlib.import_module(stage).main()
            except SystemExit:
                return message.getvalue().strip()
    return commands


def agreed(repo: Repo) -> str | None:
    """Snakemake's refusal, which DVC's has to match; None if both run the same commands."""
    parameters = read_parameters(Path(repo.root_dir) / "params.yaml", (), {})
    line = first_error(parameters, SCHEMA)
    refusal = dvc_refusal(repo)
    if line is None:
        assert isinstance(refusal, dict), refusal
        for stage, words in refusal.items():
            flags = shlex.split(as_flags(parameters[stage]))
            if "--seed" in words:
                flags += ["--seed", str(parameters["seed"])]
            assert words[len(words) - len(flags) :] == flags
    else:
        assert line.isprintable()
        assert isinstance(refusal, str), line
        key = line.partition(":")[0]
        # What cannot be put into a command, DVC or the shell refuses without a name.
        alone = ("seed", "download.path")  # not only among the flags of a section
        unnamed = key in alone and re.search("Cannot interpolate|the shell", refusal)
        named = refusal.replace("explore-", "explore_").replace("train-", "train_")
        assert key in named or unnamed, (line, refusal)
    return line


@pytest.mark.long
@settings(max_examples=200)
@given(documents())
def test_both_engines_agree_on_any_document(repo, document):
    path = Path(repo.root_dir) / "params.yaml"
    before = path.read_text()
    path.write_text(document)
    try:
        agreed(repo)
    finally:
        path.write_text(before)


@pytest.mark.parametrize(
    ("key", "spelling", "refused"),
    [
        ("train_mlp.learning_rate", "1e-5", False),
        ("train_mlp.learning_rate", "0.00001", False),
        ("train_mlp.learning_rate", "1E-5", False),
        ("train_logreg.C", "010", False),
        ("train_mlp.epochs", "010", False),
        ("train_mlp.epochs", "1e1", True),
        ("train_mlp.epochs", "yes", True),
        ("train_mlp.epochs", "true", True),
        ("train_mlp.hidden", "[16,8]", False),
        ("train_mlp.activation", "no", True),
    ],
)
def test_what_dvc_exp_run_sets_is_read_alike(key, spelling, refused, repo, params):
    """`dvc exp run -S` writes params.yaml by this function."""
    apply_overrides(str(params.folder / "params.yaml"), [f"{key}={spelling}"])
    line = agreed(repo)
    assert (line or "").startswith(key) if refused else line is None


def test_an_experiment_gets_the_number(params):
    """The real thing once: a refused value, named by the stage."""
    output = params.run("dvc", "exp", "run", "-S", "download.attempts=yes", fails=True)
    assert "download.attempts: 'yes' is not allowed; allowed: a whole number" in output
