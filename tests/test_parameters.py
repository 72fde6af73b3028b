"""A parameter that is not allowed is refused in one line, in the same words by either engine."""

import contextlib
import copy
import importlib
import io
import json
import re
import shlex
import shutil
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
from test_dags import STAGES

from core.command_line import StageParser
from core.parameters import as_flags, first_error, read_schema
from overrides import read_parameters

SCHEMA = read_schema()
PARAMETERS = YAML(typ="safe").load(ROOT / "params.yaml")
DVC_YAML = YAML(typ="safe").load(ROOT / "dvc.yaml")
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
    *[("download", "dataset", value) for value in ("mnits", "digits ", ".npz", "a\n.npz")],
]
# What never reaches a stage: DVC turns a truth value into a flag, and drops an empty list.
REFUSED_AS_YAML = [
    ("train_mlp", "epochs", True),
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
    words = []
    for key, value in values.items():
        words += [f"--{key}", *map(str, value if isinstance(value, list) else [value])]
    return words


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


def test_snakemake_refuses_before_any_job(params):
    params.change(report={"failures": -1})
    *_, line = params.run("snakemake", "--cores", "1", fails=True).splitlines()
    assert line == "report.failures: -1 is not allowed; allowed: a whole number from 1 to 1000000"
    assert not (params.folder / "data").exists()


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
        (["stray"], "train_mlp: 'stray' belongs to no parameter"),
    ],
)
def test_what_dvc_makes_of_other_types_is_named(words, expected, monkeypatch, capsys):
    assert stage_error("train_mlp", words, monkeypatch, capsys).startswith(expected)


def test_missing_keys_are_named(monkeypatch, capsys):
    section = {key: value for key, value in PARAMETERS["train_mlp"].items() if key != "epochs"}
    expected = "train_mlp.epochs: missing; allowed: a whole number from 1 to 1000000, or recipe"
    assert first_error({**PARAMETERS, "train_mlp": section}, SCHEMA) == expected
    assert stage_error("train_mlp", as_words(section), monkeypatch, capsys) == expected


@pytest.mark.parametrize("content", ["", "- 1\n", "seed: [\n", "seed: 1\nseed: 2\n"])
def test_broken_params_file_is_one_line(content, params):
    (params.folder / "params.yaml").write_text(content)
    *_, line = params.run("snakemake", "--cores", "1", fails=True).splitlines()
    assert line.startswith("params.yaml: ")


def test_a_misspelt_section_is_named(params):
    path = params.folder / "params.yaml"
    path.write_text(path.read_text().replace("train_mlp:", "train_mpl:"))
    assert "train_mlp: missing" in params.run("snakemake", "--cores", "1", fails=True)
    assert "train_mlp" in params.run("dvc", "repro", fails=True)


def test_a_section_that_no_stage_reads_is_named(params):
    params.change(train_svm={"C": 1})
    output = params.run("snakemake", "--cores", "1", "-n")
    assert "train_svm: no stage reads this section" in output


@pytest.mark.parametrize(
    ("written", "wrong", "line"),
    [
        ("dataset: digits", "dataset: mnits", "download.dataset: 'mnits' is not allowed; allowed"),
        ("failures: 25", "failures: -1", "report.failures: -1 is not allowed; allowed: a whole"),
        (
            "seed: 1",
            """seed: "1'; touch X; echo '\"""",
            """seed: "1'; touch X; echo '" is not allowed; allowed: a whole number""",
        ),
        (
            "attempts: 2",
            'attempts: 2\n  "x; touch X; #": 1',
            "download.x; touch X; #: unknown parameter (1); allowed: dataset, timeout, attempts",
        ),
        (
            "dataset: digits",
            'dataset: "own\\n.npz"',
            r"download.dataset: 'own\n.npz' is not allowed; allowed: digits, mnist, or the path",
        ),
    ],
)
def test_both_engines_refuse_before_any_stage(written, wrong, line, params):
    """A key or value that is the shell's to run is not run, whichever stage would read it."""
    path = params.folder / "params.yaml"
    path.write_text(path.read_text().replace(written, wrong))
    outputs = [
        params.run(*command, fails=True)
        for command in (("dvc", "repro"), ("snakemake", "--cores", "1"))
    ]
    said = [[one for one in output.splitlines() if line in one] for output in outputs]
    assert said[0] == said[1] != []
    assert all("Traceback" not in output for output in outputs)
    assert not any((params.folder / name).exists() for name in ("X", "data", "provenance"))


def test_dvc_checks_without_snakemakes_part(params, tmp_path):
    project = params.copy(tmp_path / "project")
    shutil.rmtree(project.folder / "workflow")
    assert project.run("python", "scripts/tool.py", "check_parameters") == ""
    project.change(train_mlp={"epochs": 0})
    assert project.run("python", "scripts/tool.py", "check_parameters", fails=True).startswith(
        "train_mlp.epochs: 0 is not allowed; allowed: a whole number from 1"
    )


def test_dvc_refuses_a_linked_folder_of_results_before_any_stage(params, tmp_path):
    """It would fail once the first model is trained."""
    project = params.copy(tmp_path / "project")
    (tmp_path / "elsewhere").mkdir()
    (project.folder / "models").symlink_to(tmp_path / "elsewhere")
    output = project.run("dvc", "repro", fails=True)
    assert "\nmodels: a symbolic link, where DVC keeps nothing; allowed: a folder\n" in output
    assert not (project.folder / "data").exists()


def test_dvc_refuses_a_folder_with_braces_in_one_line(params, tmp_path):
    """Its own messages fail there."""
    project = params.copy(tmp_path / "pro{ject}")
    output = project.run("dvc", "repro", fails=True)
    assert "pro{ject}: DVC cannot work in a folder with braces; rename it\n" in output
    assert "Traceback" not in output


@pytest.mark.parametrize("spelling", ["1e-5", "0.00001", "1.0e-05", "1E-5"])
def test_small_numbers_reach_the_stage_from_any_spelling(spelling, params):
    path = params.folder / "params.yaml"
    path.write_text(path.read_text().replace("tol: 0.0001", f"tol: {spelling}"))
    for plan in (
        params.run("snakemake", "--cores", "1", "-n", "-p", "--forceall"),
        params.run("dvc", "repro", "--dry", "--force", "train-logreg"),
    ):
        assert "--tol 1e-05 " in plan


def test_overrides_reach_the_stages(params, tmp_path):
    quick = tmp_path / "quick.yaml"
    quick.write_text("train_mlp: {learning_rate: 1e-05}\ntrain_cnn: {epochs: 3}\n")
    plan = params.run(
        *("snakemake", "--cores", "1", "-n", "-p", "--configfile", str(quick)),
        *("--config", "seed=7", "train_cnn={epochs: 4}", "train_mlp={hidden: [5, 6]}"),
    )
    assert "--learning_rate 1e-05 " in plan
    assert "--hidden 5 6 --activation relu" in plan
    assert "--epochs 4 " in plan
    assert "--seed '7' " in plan


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
        assert re.search(rf"--{key} VALUE [^;]*; {words}( --|$)", text)


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
def repo(project: Project) -> Repo:
    return Repo(project.folder)


def dvc_commands(repo: Repo) -> dict[str, list[str]]:
    """The words of each stage's command, as DVC resolves it now."""
    stages = DataResolver(repo, repo.root_dir, copy.deepcopy(DVC_YAML)).resolve()["stages"]
    return {name.replace("-", "_"): shlex.split(stage["cmd"][-1]) for name, stage in stages.items()}


def dvc_refusal(repo: Repo) -> str | None:
    """What DVC, or the first stage to get the command, says of params.yaml."""
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
    return None


def agreed(repo: Repo) -> str | None:
    """Snakemake's refusal, which DVC's has to match; None if both run the same commands."""
    line = first_error(read_parameters(Path(repo.root_dir) / "params.yaml", (), {}), SCHEMA)
    refusal = dvc_refusal(repo)
    if line is None:
        assert refusal is None
        parameters = read_parameters(Path(repo.root_dir) / "params.yaml", (), {})
        for stage, words in dvc_commands(repo).items():
            flags = shlex.split(as_flags(parameters[stage]))
            if "--seed" in words:
                flags += ["--seed", str(parameters["seed"])]
            assert words[len(words) - len(flags) :] == flags
    else:
        assert line.isprintable()
        assert refusal, line
        key = line.partition(":")[0]
        # What cannot be put into a command, DVC or the shell refuses without a name.
        unnamed = key == "seed" and re.search("Cannot interpolate|the shell", refusal)
        named = refusal.replace("explore-", "explore_").replace("train-", "train_")
        assert key in named or unnamed, (line, refusal)
    return line


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
