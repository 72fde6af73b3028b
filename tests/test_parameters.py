"""A parameter that is not allowed is refused in one line, in the same words at either door."""

import importlib
import re
import sys

import pytest
from conftest import ROOT, Project
from ruamel.yaml import YAML
from test_dags import STAGES

from parameters import complaint

SCHEMA = YAML(typ="safe").load(ROOT / "workflow" / "schemas" / "params.schema.yaml")
PARAMETERS = YAML(typ="safe").load(ROOT / "params.yaml")
REFUSED = [
    *[("train_mlp", "epochs", value) for value in (0, -1, 1.5, 3.0, "many", "1_000", 10**20)],
    *[("train_mlp", "learning_rate", value) for value in (0, -0.1, -1e-5, "fast")],
    *[("train_mlp", "learning_rate", float(value)) for value in ("nan", "inf")],
    *[("train_mlp", "dropout", value) for value in (1, -0.1, 2)],
    *[("train_mlp", "hidden", value) for value in ([0], [16, "x"], [1.5])],
    *[("train_mlp", "activation", value) for value in ("ReLU", "relu6", 3)],
    *[("train_cnn", "architecture", value) for value in ("huge", 1)],
    *[("preprocess", "train_size", value) for value in (0, "some", 2.5)],
    *[("preprocess", "validation_size", value) for value in (1, -0.5, "half")],
    *[("download", "dataset", value) for value in ("", " ")],
]
# What never reaches a stage: DVC turns a truth value into a flag, and drops an empty list.
REFUSED_AS_YAML = [
    ("train_mlp", "epochs", True),
    ("train_mlp", "hidden", 5),
    ("train_mlp", "hidden", []),
    ("report", "failures", None),
]


def allowed(section: str, key: str) -> str:
    return SCHEMA["properties"][section]["properties"][key]["description"]


@pytest.fixture(scope="module")
def project(make_project) -> Project:
    return make_project()


@pytest.fixture
def params(project: Project):
    """A project whose params.yaml is put back after the test."""
    path = project.folder / "params.yaml"
    content = path.read_text()
    yield project
    path.write_text(content)


def stage_complaint(stage: str, words: list[str], monkeypatch, capsys) -> str:
    """What the stage's own command line says."""
    monkeypatch.setattr(sys, "argv", [f"{stage}.py", *words])
    with pytest.raises(SystemExit) as ending:
        importlib.import_module(stage).main()
    assert ending.value.code == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    return lines[0]


def as_words(values: dict) -> list[str]:
    words = []
    for key, value in values.items():
        words += [f"--{key}", *map(str, value if isinstance(value, list) else [value])]
    return words


@pytest.mark.parametrize(("section", "key", "value"), REFUSED)
def test_stage_refuses(section, key, value, monkeypatch, capsys):
    words = as_words({**PARAMETERS[section], key: value})
    line = stage_complaint(section, words, monkeypatch, capsys)
    shown = str(value[-1] if isinstance(value, list) else value)
    assert line.endswith(f"; allowed: {allowed(section, key).removeprefix('one or more of ')}")
    assert line.startswith(f"{section}.{key}: {shown!r} is not allowed")


@pytest.mark.parametrize(("section", "key", "value"), [*REFUSED, *REFUSED_AS_YAML])
def test_schema_refuses(section, key, value):
    values = {**PARAMETERS, section: {**PARAMETERS[section], key: value}}
    shown = value[-1] if isinstance(value, list) and value else value
    line = f"{section}.{key}: {shown!r} is not allowed; allowed: {allowed(section, key)}"
    assert complaint(values, SCHEMA) == line


def test_snakemake_refuses_before_any_job(params):
    params.change(report={"failures": -1})
    *_, line = params.run("snakemake", "--cores", "1", fails=True).splitlines()
    assert line == "report.failures: -1 is not allowed; allowed: a whole number from 1 to 1000000"
    assert not (params.folder / "data").exists()


def test_unknown_keys_are_named(monkeypatch, capsys):
    section = {**PARAMETERS["train_mlp"], "epohcs": 3}
    expected = "train_mlp.epohcs: unknown parameter (3); allowed: hidden, activation, dropout, opt"
    assert complaint({**PARAMETERS, "train_mlp": section}, SCHEMA).startswith(expected)
    line = stage_complaint("train_mlp", as_words(section), monkeypatch, capsys)
    assert line.startswith(expected)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--epochs", "1", "2"], "train_mlp.epochs: '2' is one value too many; allowed: a whole"),
        (["--no-epochs"], "train_mlp.epochs: False is not allowed; allowed: a whole number"),
        (["--epochs"], "train_mlp.epochs: no value; allowed: a whole number"),
        (["stray"], "train_mlp: 'stray' belongs to no parameter"),
    ],
)
def test_what_dvc_makes_of_other_types_is_named(words, expected, monkeypatch, capsys):
    assert stage_complaint("train_mlp", words, monkeypatch, capsys).startswith(expected)


def test_missing_keys_are_named(monkeypatch, capsys):
    section = {key: value for key, value in PARAMETERS["train_mlp"].items() if key != "epochs"}
    expected = "train_mlp.epochs: missing; allowed: a whole number from 1 to 1000000"
    assert complaint({**PARAMETERS, "train_mlp": section}, SCHEMA) == expected
    assert stage_complaint("train_mlp", as_words(section), monkeypatch, capsys) == expected


@pytest.mark.parametrize("content", ["", "- 1\n", "seed: [\n", "seed: 1\nseed: 2\n"])
def test_broken_params_file_is_one_line(content, params):
    (params.folder / "params.yaml").write_text(content)
    *_, line = params.run("snakemake", "--cores", "1", fails=True).splitlines()
    assert line.startswith("params.yaml: ")


def test_a_misspelt_section_is_named(params):
    path = params.folder / "params.yaml"
    path.write_text(path.read_text().replace("train_mlp:", "train_mpl:"))
    assert "train_mpl: unknown parameter" in params.run("snakemake", "--cores", "1", fails=True)
    assert "train_mlp" in params.run("dvc", "repro", fails=True)


def test_dvc_names_what_is_wrong(params):
    params.change(download={"dataset": "mnits"})
    output = params.run("dvc", "repro", fails=True)
    assert "download.dataset: 'mnits' is not allowed (unknown dataset); allowed: digits" in output
    assert "Traceback" not in output


@pytest.mark.parametrize("spelling", ["1e-5", "0.00001", "1.0e-05", "1E-5"])
def test_small_numbers_reach_the_stage_from_any_spelling(spelling, params):
    path = params.folder / "params.yaml"
    path.write_text(path.read_text().replace("learning_rate: 0.001", f"learning_rate: {spelling}"))
    for plan in (
        params.run("snakemake", "--cores", "1", "-n", "-p", "--forceall"),
        params.run("dvc", "repro", "--dry", "--force", "train-mlp"),
    ):
        assert "--learning_rate 1e-05 " in plan


def test_overrides_reach_the_stages(params, tmp_path):
    quick = tmp_path / "quick.yaml"
    quick.write_text("train_mlp: {learning_rate: 1e-05}\ntrain_cnn: {epochs: 3}\n")
    plan = params.run(
        *("snakemake", "--cores", "1", "-n", "-p", "--configfile", str(quick)),
        *("--config", "seed=7", "train_cnn={epochs: 4}", "train_mlp={hidden: [5, 6]}"),
    )
    assert "--learning_rate 1e-05 " in plan
    assert "--seed 7 --architecture tutorial" in plan
    assert "--epochs 4 " in plan
    assert "--hidden 5 6 " in plan


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
        words = allowed(stage, key).removeprefix("one or more of ")
        assert re.search(rf"--{key} VALUE [^;]*; {re.escape(words)}( --|$)", text)
