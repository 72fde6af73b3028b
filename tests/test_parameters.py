"""A parameter that is not allowed is refused in one line, by the schema and by its stage."""

import importlib
import re
import shlex
import sys

import pytest
from conftest import ROOT
from ruamel.yaml import YAML
from test_dags import STAGES

from core.parameters import as_flags, first_error, read_schema

SCHEMA = read_schema()
PARAMETERS = YAML(typ="safe").load(ROOT / "params.yaml")
REFUSED = [
    *[("train_mlp", "epochs", value) for value in (0, -1, 1.5, 3.0, "many", "1_000", 10**20)],
    *[("train_mlp", "learning_rate", value) for value in (0, -0.1, -1e-5, "fast")],
    *[("train_mlp", "learning_rate", float(value)) for value in ("nan", "inf")],
    *[("train_mlp", "dropout", value) for value in (1, -0.1, 2)],
    *[("train_mlp", "hidden", value) for value in ([0], [16, "x"], [1.5])],
    *[("train_mlp", "activation", value) for value in ("ReLU", "relu6", 3)],
    *[("train_cnn", "architecture", value) for value in ("huge", 1, "recipe")],
    *[("train_cnn", "members", value) for value in (0, 101, "recipe")],
    *[("train_cnn", "precision", value) for value in ("float16", 32)],
    *[("train_cnn", "rotation", value) for value in (180, -1, "some")],
    *[("preprocess", "train_size", value) for value in (0, "some", 2.5)],
    *[("preprocess", "validation_size", value) for value in (1, -0.5, "half")],
    *[("preprocess", "hold_out", value) for value in ("a\nb", "{x}", "")],
    *[("evaluate", "unknown_images", value) for value in (-1, 1.5, "some")],
    *[("download", "dataset", value) for value in ("mnits", "digits ", "own.npz", "a\n.npz")],
    *[("download", "path", value) for value in ("", "a\n.npz", "{x}", "s3://store/x", 3)],
    *[("download", "test_size", value) for value in (0, 1, "some")],
    *[("download", "resize", value) for value in ("28x28", "all")],
]
# What never reaches a stage: DVC turns a truth value into a flag, and drops an empty list.
REFUSED_AS_YAML = [
    ("train_mlp", "epochs", True),
    ("train_mlp", "hidden", []),
    ("report", "failures", None),
]


def allowed(section: str, key: str) -> str:
    return SCHEMA["properties"][section]["properties"][key]["description"]


def stage_error(stage: str, words: list[str], monkeypatch, capsys) -> str:
    """What the stage's own command line says."""
    monkeypatch.setattr(sys, "argv", [f"{stage}.py", *words])
    with pytest.raises(SystemExit) as ending:
        importlib.import_module(stage).main()
    assert ending.value.code == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    return lines[0]


def as_words(values: dict) -> list[str]:
    return shlex.split(as_flags(values))


@pytest.mark.parametrize(("section", "key", "value"), REFUSED)
def test_stage_refuses(section, key, value, monkeypatch, capsys):
    words = as_words({**PARAMETERS[section], key: value})
    line = stage_error(section, words, monkeypatch, capsys)
    shown = str(value[-1] if isinstance(value, list) else value)
    assert line.endswith(f"; allowed: {allowed(section, key)}")
    assert line.startswith(f"{section}.{key}: {shown!r} is not allowed")


@pytest.mark.parametrize(("section", "key", "value"), [*REFUSED, *REFUSED_AS_YAML])
def test_schema_refuses(section, key, value):
    values = {**PARAMETERS, section: {**PARAMETERS[section], key: value}}
    shown = value[-1] if isinstance(value, list) and value else value
    line = f"{section}.{key}: {shown!r} is not allowed; allowed: {allowed(section, key)}"
    assert first_error(values, SCHEMA) == line


@pytest.mark.parametrize("value", [[28], [28, 28, 28], [0, 5], [28, "x"], ["none", "none"]])
def test_a_list_of_the_wrong_numbers_is_refused(value, monkeypatch, capsys):
    values = {**PARAMETERS["download"], "resize": value}
    line = first_error({**PARAMETERS, "download": values}, SCHEMA)
    for said in (line, stage_error("download", as_words(values), monkeypatch, capsys)):
        assert said.startswith("download.resize: ")
        assert said.endswith(" is not allowed; allowed: none, or two whole numbers from 1 to 10000")


def test_unknown_keys_are_named(monkeypatch, capsys):
    section = {**PARAMETERS["train_mlp"], "epohcs": 3}
    expected = "train_mlp.epohcs: unknown parameter (3); allowed: hidden, activation, dropout, opt"
    assert first_error({**PARAMETERS, "train_mlp": section}, SCHEMA).startswith(expected)
    line = stage_error("train_mlp", as_words(section), monkeypatch, capsys)
    assert line.startswith(expected)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--epochs", "1", "2"], "train_mlp.epochs: '2' is one value too many; allowed: a whole"),
        (["--no-epochs"], "train_mlp.epochs: False is not allowed; allowed: a whole number"),
        (["--epochs"], "train_mlp.epochs: no value; allowed: a whole number"),
        (["stray"], "train_mlp: 'stray' follows no parameter"),
    ],
)
def test_what_dvc_makes_of_other_types_is_named(words, expected, monkeypatch, capsys):
    assert stage_error("train_mlp", words, monkeypatch, capsys).startswith(expected)


def test_missing_keys_are_named(monkeypatch, capsys):
    section = {key: value for key, value in PARAMETERS["train_mlp"].items() if key != "epochs"}
    expected = "train_mlp.epochs: missing; allowed: a whole number from 1 to 1000000, or recipe"
    assert first_error({**PARAMETERS, "train_mlp": section}, SCHEMA) == expected
    assert stage_error("train_mlp", as_words(section), monkeypatch, capsys) == expected


@pytest.mark.parametrize("stage", STAGES)
def test_schema_and_command_line_allow_the_same(stage, monkeypatch, capsys):
    """`--help` offers each key of the schema in the schema's words."""
    monkeypatch.setattr(sys, "argv", [f"{stage}.py", "--help"])
    monkeypatch.setenv("COLUMNS", "1000")
    with pytest.raises(SystemExit):
        importlib.import_module(stage).main()
    text = " ".join(capsys.readouterr().out.split())
    section = SCHEMA["properties"][stage]
    assert section["required"] == list(section["properties"]) == list(PARAMETERS[stage])
    for key in section["properties"]:
        words = re.escape(allowed(stage, key))
        flag = "--transpose, --no-transpose" if key == "transpose" else f"--{key} VALUE"
        assert re.search(rf"{flag}[^;]*; {words}( --|$)", text)
