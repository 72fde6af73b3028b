"""A change reruns what it affects and nothing else: every key, every script, both engines."""

import contextlib
import copy
import functools
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from conftest import ROOT, Project
from dvc.repo import Repo
from dvc.utils.serialize import parse_yaml
from expected_reruns import (
    ENVIRONMENTS,
    PARAMETERS,
    affected_by_folder,
    affected_by_key,
    affected_by_script,
    change_key,
    with_followers,
)
from test_dags import STAGES

from freshness.dvc_files import read_stages
from freshness.records import Stage, downstream, stale_reasons
from freshness.revision import Revision

KEYS = [
    f"{section}.{key}"
    for section, values in PARAMETERS.items()
    if isinstance(values, dict)
    for key in values
] + ["seed"]
# The engines themselves are asked about the first and the last key of each section, and DVC about
# one file of each folder, since it depends on folders. What `make fresh` and Snakemake go by is
# asked in process, about the other keys and about every file.
KEYS_OF_EACH_SECTION = [
    f"{section}.{key}"
    for section, values in PARAMETERS.items()
    if isinstance(values, dict)
    for key in dict.fromkeys([next(iter(values)), next(reversed(values))])
] + ["seed"]
SCRIPTS = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (ROOT / "scripts").rglob("*")
    if path.is_file() and "__pycache__" not in path.parts
)
ONE_OF_EACH_FOLDER = [script for script in SCRIPTS if script.count("/") == 1]  # each for itself
ONE_OF_EACH_FOLDER += {
    Path(script).parent: script for script in SCRIPTS if script.count("/") > 1
}.values()


@pytest.fixture
def restored(request) -> Iterator[None]:
    """Undo what a test does to the project's sources."""
    project = request.getfixturevalue(request.param)
    kept = project.folder.with_name(f"{project.folder.name}-kept")
    shutil.rmtree(kept, ignore_errors=True)
    for name in ("scripts", "envs"):
        shutil.copytree(project.folder / name, kept / name)
    shutil.copy(project.folder / "params.yaml", kept)
    yield
    shutil.copytree(kept, project.folder, dirs_exist_ok=True)


with_dvc = pytest.mark.parametrize("restored", ["dvc_project"], indirect=True)
with_snakemake = pytest.mark.parametrize("restored", ["snakemake_project"], indirect=True)


@pytest.fixture(scope="module")
def dvc_project(made_by_dvc, tmp_path_factory) -> Project:
    return made_by_dvc.copy(tmp_path_factory.mktemp("dvc"))


@pytest.fixture(scope="module")
def snakemake_project(made_by_snakemake, tmp_path_factory) -> Project:
    return made_by_snakemake.copy(tmp_path_factory.mktemp("snakemake"))


def changed_for_dvc(project: Project) -> set[str]:
    """The stages that DVC finds changed, and those after them in DVC's own graph."""
    with parsing_once():
        repo = Repo(project.folder)
        changed, index = set(repo.status()), repo.index
        graph = index.graph
    for stage in index.stages:
        if any(other.addressing in changed for other in _upstream(graph, stage)):
            changed.add(stage.addressing)
    # Outside the current directory, DVC puts the path of dvc.yaml before a stage's name.
    return {name.rpartition(":")[2].replace("-", "_") for name in changed}


@functools.cache
def parsed(text: str, path: str, typ: str = "safe") -> Any:
    return parse_yaml(text, path, typ)


@contextlib.contextmanager
def parsing_once() -> Iterator[None]:
    """Let DVC parse no text a second time: that is most of what it does, a dozen times a case."""

    def parse(*arguments: str, **options: str) -> Any:
        return copy.deepcopy(parsed(*arguments, **options))

    with (
        mock.patch("dvc.utils.strictyaml.parse_yaml", parse),
        mock.patch("dvc.utils.serialize._yaml.parse_yaml", parse),
    ):
        yield


def _upstream(graph, stage) -> set:
    """What `stage` depends on: DVC's edges point from a stage to those that it reads from."""
    found, waiting = set(), [stage]
    while waiting:
        for needed in graph.successors(waiting.pop()):
            if needed not in found:
                found.add(needed)
                waiting.append(needed)
    return found


def changed_by_the_lock(project: Project, monkeypatch) -> set[str]:
    """What `make fresh` and `make review` go by, without DVC; and what is downstream."""
    monkeypatch.chdir(project.folder)
    states = read_stages(Revision("this folder")).items()
    return with_followers({name.replace("-", "_") for name, state in states if state.stale})


def planned_by_snakemake(project: Project) -> set[str]:
    """The rules of a dry run."""
    plan = project.run("snakemake", "--cores", "1", "--dry-run")
    return set(re.findall(r"^rule (\w+):", plan, re.M)) - {"all"}


@pytest.mark.xdist_group("dvc")
class TestDvc:
    def test_second_run_does_nothing(self, dvc_project, monkeypatch):
        output = dvc_project.run("dvc", "repro")
        assert "Running" not in output
        assert json.loads(dvc_project.run("dvc", "status", "--json")) == {}
        assert not changed_by_the_lock(dvc_project, monkeypatch)

    @with_dvc
    @pytest.mark.parametrize("key", KEYS_OF_EACH_SECTION)
    def test_key_affects_its_stage_and_followers(self, key, dvc_project, restored):
        change_key(dvc_project, key)
        assert changed_for_dvc(dvc_project) == affected_by_key(key)

    @with_dvc
    @pytest.mark.parametrize("script", ONE_OF_EACH_FOLDER)
    def test_script_affects_its_stages_and_followers(self, script, dvc_project, restored):
        append_newline(dvc_project.folder / script)
        assert changed_for_dvc(dvc_project) == affected_by_folder(script)

    @with_dvc
    @pytest.mark.parametrize("key", [key for key in KEYS if key not in KEYS_OF_EACH_SECTION])
    def test_the_lock_names_what_a_key_affects(self, key, dvc_project, restored, monkeypatch):
        change_key(dvc_project, key)
        assert changed_by_the_lock(dvc_project, monkeypatch) == affected_by_key(key)

    def test_no_script_is_ignored(self, dvc_project):
        """So that in a folder each file counts as the one that is changed above."""
        ignore = Repo(dvc_project.folder).dvcignore
        paths = [dvc_project.folder / script for script in SCRIPTS]
        assert not [path for path in paths if ignore.is_ignored_file(str(path))]
        assert ignore.is_ignored_file(str(dvc_project.folder / "scripts/core/__pycache__/a.pyc"))

    @with_dvc
    @pytest.mark.parametrize("name", ENVIRONMENTS)
    def test_other_versions_affect_what_uses_them(self, name, dvc_project, restored):
        append_newline(dvc_project.folder / "envs" / f"{name}.yaml")
        assert changed_for_dvc(dvc_project) == with_followers(ENVIRONMENTS[name])

    @with_dvc
    def test_a_wrong_parameter_keeps_the_report(self, dvc_project, restored):
        reports = dvc_project.folder / "reports"
        before = {path: path.read_bytes() for path in reports.rglob("*") if path.is_file()}
        dvc_project.change(report={"failures": -1})
        output = dvc_project.run("dvc", "repro", fails=True)
        assert "report.failures: -1 is not allowed; allowed: a whole number" in output
        assert {path: path.read_bytes() for path in before} == before

    @pytest.mark.long
    def test_epochs_there_and_back(self, dvc_project):
        """A real run: only the CNN trains, and back again nothing does."""
        dvc_project.change(train_cnn={"epochs": 2})
        output = dvc_project.run("dvc", "repro")
        assert stages_run(output) == {"train-cnn", "evaluate", "report"}
        dvc_project.change(train_cnn={"epochs": 1})
        assert not {
            stage for stage in stages_run(dvc_project.run("dvc", "repro")) if "train" in stage
        }


@pytest.mark.xdist_group("snakemake")
class TestSnakemake:
    def test_second_run_does_nothing(self, snakemake_project):
        output = snakemake_project.run("snakemake", "--cores", "8", "--use-conda")
        assert "Nothing to be done" in output

    @with_snakemake
    @pytest.mark.parametrize("key", KEYS_OF_EACH_SECTION)
    def test_key_affects_its_stage_and_followers(self, key, snakemake_project, restored):
        change_key(snakemake_project, key)
        assert planned_by_snakemake(snakemake_project) == affected_by_key(key)

    @with_snakemake
    @pytest.mark.parametrize(
        "script", ["scripts/drawing/escaping.py", "scripts/templates/style.css"]
    )
    def test_script_affects_its_stages_and_followers(self, script, snakemake_project, restored):
        append_newline(snakemake_project.folder / script)
        assert planned_by_snakemake(snakemake_project) == affected_by_script(script)

    @with_snakemake
    @pytest.mark.parametrize("script", SCRIPTS)
    def test_records_name_what_a_script_affects(
        self, script, snakemake_project, restored, monkeypatch
    ):
        """What Snakemake goes by, without Snakemake."""
        monkeypatch.chdir(snakemake_project.folder)
        stages = list(map(recorded_stage, STAGES))
        assert not stale_reasons(stages)
        append_newline(Path(script))
        assert set(downstream(stages, stale_reasons(stages))) == affected_by_script(script)

    @with_snakemake
    @pytest.mark.parametrize("name", ENVIRONMENTS)
    def test_other_versions_affect_what_uses_them(self, name, snakemake_project, restored):
        append_newline(snakemake_project.folder / "envs" / f"{name}.yaml")
        assert planned_by_snakemake(snakemake_project) == with_followers(ENVIRONMENTS[name])

    def test_deleted_intermediate_is_made_again(self, snakemake_project):
        path = snakemake_project.folder / "models" / "logreg" / "history.csv"
        content = path.read_bytes()
        path.unlink()
        assert "train_logreg" in planned_by_snakemake(snakemake_project)
        path.write_bytes(content)

    @pytest.mark.long
    def test_epochs_run_the_cnn_and_what_follows(self, snakemake_project):
        snakemake_project.change(train_cnn={"epochs": 2})
        output = snakemake_project.run("snakemake", "--cores", "8", "--use-conda")
        run = set(re.findall(r"^(?:local)?rule (\w+):", output, re.M)) - {"all"}
        assert run == {"train_cnn", "evaluate", "report"}


def recorded_stage(name: str) -> Stage:
    """A stage as its record has it."""
    path = f"provenance/{name}.json"
    record = json.loads(Path(path).read_text())
    inputs = [file for file in record["inputs"] if not file.startswith("scripts/")]
    return Stage(name, path, record["command"], inputs, list(record["outputs"]))


def append_newline(path: Path) -> None:
    with path.open("a") as file:
        file.write("\n")


def stages_run(output: str) -> set[str]:
    return set(re.findall(r"^Running stage '([\w-]+)'", output, re.M))
