"""dvc.yaml and workflow/ say the same, and both know every module that a stage imports."""

import ast
import base64
import functools
import json
import re
from pathlib import Path

import pytest
from conftest import ROOT, Project
from dvc.repo import Repo

from core.parameters import as_flags, read_sections
from freshness.records import WITHOUT_EFFECT

STAGES = (
    *("download", "explore_stats", "preprocess"),
    *("train_logreg", "train_mlp", "train_cnn", "evaluate", "report"),
)


@pytest.fixture(scope="module")
def dvc_stages(project: Project) -> dict[str, dict]:
    """Each stage as DVC resolves it."""
    stages = {}
    for stage in Repo(project.folder).index.stages:
        parameters, inputs = set(), set()
        for dependency in stage.deps:
            (inputs if not hasattr(dependency, "params") else parameters).update(
                getattr(dependency, "params", None) or [dependency.def_path]
            )
        stages[stage.name.replace("-", "_")] = {
            "check": stage.cmd[:-1],
            "command": as_run(stage.cmd[-1], Path(project.folder / "params.yaml")),
            "inputs": inputs,
            "outputs": {out.def_path for out in stage.outs},
            "parameters": parameters,
        }
    return stages


def as_run(command: str, params: Path) -> str:
    """The command of a stage, as the shell runs it: dvc.yaml leaves flags of download to it."""
    inserted = '"$(python scripts/tool.py flags download)"'
    if inserted not in command:
        return command
    flags = as_flags(read_sections(params)["download"])
    return command.removeprefix("eval ").replace(inserted, flags)


@pytest.fixture(scope="module")
def snakemake_stages(project: Project) -> dict[str, dict]:
    """Each rule as Snakemake would run it."""
    plan = project.run("snakemake", "--cores", "1", "-n", "--forceall", "--printshellcmds")
    plan = plan.replace(" (update)", "")
    stages = {}
    for block in re.split(r"\n(?=rule \w+:\n)", plan)[1:]:
        name = re.match(r"rule (\w+):", block)[1]
        if name != "all":
            command = re.search(r"^Shell command: (.*?) > logs/(\w+)\.log 2>&1$", block, re.M)
            assert command[2] == name
            stages[name] = {
                "command": command[1],
                "inputs": {
                    path
                    for path in re.search(r"^    input: (.*)$", block, re.M)[1].split(", ")
                    if not path.startswith("provenance/")  # what the stages to run wait for
                },
                "outputs": set(re.search(r"^    output: (.*)$", block, re.M)[1].split(", ")),
            }
    return stages


@pytest.fixture(scope="module")
def project(make_project) -> Project:
    """It has a dataset of its own, on which DVC depends in any case, and Snakemake only then."""
    project = make_project()
    project.change(download={"dataset": "own"})
    return project


def test_both_engines_have_the_eight_stages(dvc_stages, snakemake_stages):
    assert set(dvc_stages) == set(snakemake_stages) == set(STAGES)


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("part", ["command", "outputs"])
def test_engines_agree(stage, part, dvc_stages, snakemake_stages):
    assert dvc_stages[stage][part] == snakemake_stages[stage][part]


@pytest.mark.parametrize("stage", STAGES)
def test_engines_agree_on_inputs(stage, dvc_stages, snakemake_stages):
    """Of code, Snakemake's rules name the script; what that imports is in the stage's record."""
    script = f"scripts/{stage}.py"
    inputs = {path for path in dvc_stages[stage]["inputs"] if not path.startswith("scripts/")}
    assert snakemake_stages[stage]["inputs"] == inputs | {script}
    assert script in dvc_stages[stage]["inputs"]


@pytest.mark.parametrize("stage", STAGES)
def test_dvc_checks_the_parameters_first(stage, dvc_stages):
    """Before the shell reads them as a part of the stage's command."""
    assert dvc_stages[stage]["check"] == ["python scripts/tool.py check_parameters"]


@pytest.mark.parametrize("stage", STAGES)
def test_parameters_are_those_of_the_command(stage, dvc_stages):
    with_seed = {"seed"} if "--seed " in dvc_stages[stage]["command"] else set()
    keys = read_sections(ROOT / "params.yaml")[stage]
    own = {f"{stage}.{key}" for key in keys if key not in WITHOUT_EFFECT}
    expected = {stage} if len(own) == len(keys) else own
    assert dvc_stages[stage]["parameters"] == expected | with_seed


@pytest.mark.parametrize("stage", STAGES)
def test_every_path_of_a_command_is_declared(stage, dvc_stages):
    declared = dvc_stages[stage]["inputs"] | dvc_stages[stage]["outputs"]
    for word in dvc_stages[stage]["command"].split():
        if "/" in word:
            assert any(path == word or path.startswith(f"{word}/") for path in declared), word


@pytest.mark.parametrize("stage", STAGES)
def test_dvc_depends_on_the_folders_of_what_is_imported(stage, dvc_stages):
    code = {path for path in dvc_stages[stage]["inputs"] if path.startswith("scripts/")}
    modules = {path for path in imported_modules(stage) if path != f"scripts/{stage}.py"}
    folders = {Path(path).parent.as_posix() for path in modules}
    assert code - {"scripts/templates"} == folders | {f"scripts/{stage}.py"}


@pytest.mark.parametrize("stage", STAGES)
def test_a_record_has_every_imported_module(stage, made_by_snakemake):
    record = json.loads((made_by_snakemake.folder / f"provenance/{stage}.json").read_text())
    assert {path for path in record["inputs"] if path.endswith(".py")} == imported_modules(stage)


def test_scripts_never_import_scripts():
    for stage in STAGES:
        others = {f"scripts/{other}.py" for other in STAGES if other != stage}
        assert not imported_modules(stage) & others


def test_every_stage_uses_all_of_core():
    for stage in STAGES:
        used = {path for path in imported_modules(stage) if path.startswith("scripts/core/")}
        not_by_each = {
            f"scripts/core/{name}.py"
            for name in ("arrays", "measures", "npz", "plotting", "split", "time_limit")
        }
        core = {path.relative_to(ROOT).as_posix() for path in (ROOT / "scripts/core").glob("*.py")}
        assert core - not_by_each <= used


def test_snakemakes_report_has_the_page(made_by_snakemake, tmp_path):
    """With everything else that its rules mark, each under a category, a label and a caption."""
    made_by_snakemake.run("snakemake", "--report", str(tmp_path / "report.html"))
    text = (tmp_path / "report.html").read_text()
    page = (made_by_snakemake.folder / "reports" / "comparison.html").read_bytes()
    assert base64.b64encode(page).decode() in text
    labels = {
        "Comparison": [
            "comparison of the models",
            "metrics",
            "misclassified images",
        ],
        "Data": ["training images", "test images", "classes"],
    }
    for category, shown in labels.items():
        assert f'"{category}"' in text
        for label in shown:
            assert f'"{label}"' in text
    for caption in (ROOT / "workflow" / "report").glob("*.rst"):
        assert caption.read_text().split("*")[0].strip().split("\n")[0] in text


@functools.cache
def imported_modules(stage: str) -> frozenset[str]:
    """The stage's script and every module of ours that it imports, directly or not."""
    found, waiting = set(), [ROOT / "scripts" / f"{stage}.py"]
    while waiting:
        path = waiting.pop()
        name = path.relative_to(ROOT).as_posix()
        if name in found:
            continue
        found.add(name)
        for node in ast.walk(ast.parse(path.read_text())):
            names = []
            if isinstance(node, ast.ImportFrom):
                package = node.module.partition(".")[0]
                inside = (f"{node.module}.{alias.name}" for alias in node.names)
                names = [package, node.module, *inside]
            elif isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            for name in names:
                place = ROOT / "scripts" / name.replace(".", "/")
                files = (place.with_suffix(".py"), place / "__init__.py")
                waiting += [file for file in files if file.is_file()]
    return frozenset(found)
