"""What the documents and the environments say is what is there."""

import json
import re
import tomllib
from itertools import pairwise
from pathlib import Path

import mutants
import pytest
from conftest import ROOT
from dvc.repo import Repo
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from ruamel.yaml import YAML

import growth
import labels
import mnist_page
import pictures
import recipes
from core.parameters import first_error
from layers.architectures import ARCHITECTURES
from train_mlp import TRAINING

README = (ROOT / "README.md").read_text()
LOCK = (ROOT / "requirements.lock").read_text()
TOOLS_LOCK = (ROOT / "requirements-dev.lock").read_text()
PYTHON = {"python_full_version": "3.12.1", "python_version": "3.12", "sys_platform": "linux"}


def locked() -> dict[str, str]:
    """Versions in the lock, for the Python of the conda environments."""
    versions = {}
    for line in re.findall(r"^([a-z].*==.*?) *\\$", LOCK, re.M):
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate(PYTHON):
            versions[requirement.name] = str(requirement.specifier).removeprefix("==")
    return versions


@pytest.mark.parametrize(
    ("page", "name", "table"),
    [
        ("README.md", "recipes", recipes.table),
        ("README.md", "mnist_page", mnist_page.table),
        ("docs/training.md", "recipes_digits", recipes.table),
        ("docs/training.md", "growth", growth.table),
        ("docs/training.md", "pictures", pictures.table),
        ("docs/data.md", "labels", labels.table),
    ],
)
def test_results_are_those_of_the_saved_run(page, name, table):
    saved = json.loads((ROOT / "benchmarks" / f"{name}.json").read_text())
    if table is recipes.table:
        assert saved["recipes"] == recipes.summaries(saved["runs"])
    marks = rf"<!-- results: benchmarks/{name}\.json -->\n(.*?)\n<!-- end -->"
    assert re.search(marks, (ROOT / page).read_text(), re.S)[1] == table(saved)


def test_mutants_are_those_of_the_saved_run():
    """Each survivor is listed with one reason, and stands for a line that is in its module."""
    saved = json.loads((ROOT / "tests" / "mutants.json").read_text())
    listed = tomllib.loads((ROOT / "tests" / "mutants.toml").read_text())["survivors"]
    marks = r"<!-- results: tests/mutants\.json -->\n(.*?)\n<!-- end -->"
    page = (ROOT / "docs" / "trust.md").read_text()
    assert re.search(marks, page, re.S)[1] == mutants.table(saved, listed)
    assert mutants.problems(saved, listed) == []
    for one in listed:
        assert len({"equivalent", "survived"} & set(one)) == 1, one
        lines = [" ".join(line.split()) for line in (ROOT / one["module"]).read_text().splitlines()]
        assert one["before"] in lines, one


def test_the_recipes_written_down_are_those_in_use():
    page = (ROOT / "docs" / "training.md").read_text()
    rows = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| ")]
    written = {row[0]: row[1:] for row in rows}
    used = [TRAINING, *(ARCHITECTURES[name].recipe for name in ("tutorial", "fast", "compact"))]
    for column, recipe in enumerate(used):
        assert written["optimizer"][column].split(",")[0] == recipe.optimizer
        assert float(written["highest learning rate of one cycle"][column]) == recipe.learning_rate
        sizes = written["epochs, batch size"][column]
        assert sizes == f"{recipe.epochs}, {recipe.batch_size}"
        assert float(written["label smoothing"][column]) == recipe.label_smoothing
        moves = f"1 pixel, {recipe.rotation}°, {recipe.zoom:.0%}".replace("%", " %")
        moves = moves if recipe.rotation else "1 pixel"
        assert written["random shift, rotation and shear, zoom"][column] == moves
        assert recipe.rotation == recipe.shear


def test_the_written_settings_of_the_tutorial_are_allowed():
    page = (ROOT / "docs" / "training.md").read_text()
    text = page.split("## The tutorial's own settings")[1].split("```")[1].removeprefix("yaml")
    recipes = YAML(typ="safe").load(text)
    shared = {**recipes["train_mlp"], "optimizer": "adadelta", "learning_rate": 1.0}
    del shared["dropout"]
    own = {**recipes, "train_cnn": {**shared, **recipes["train_cnn"]}}
    parameters = YAML(typ="safe").load(ROOT / "params.yaml")
    schema = YAML(typ="safe").load(ROOT / "schemas" / "params.schema.yaml")
    for section, values in own.items():
        assert {key for key, value in parameters[section].items() if value == "recipe"} == set(
            values
        )
        parameters[section].update(values)
    assert first_error(parameters, schema) is None


@pytest.mark.parametrize(
    ("page", "heading"),
    [("README.md", "## What is where"), ("CONTRIBUTING.md", "## Where things go")],
)
def test_the_tree_names_what_is_there(page, heading):
    """Names stand in the first 21 columns; two spaces before them mean the folder above."""
    tree = (ROOT / page).read_text().split(heading)[1].split("```")[1]
    folder = ROOT
    for line in tree.strip("\n").splitlines():
        names = line[:21].split()
        if names and not line.startswith(" "):
            folder = ROOT / names[0]
        for name in names:
            path = folder / name if line.startswith(" ") else ROOT / name
            assert path.exists() or name in ("data/", "models/", "provenance/"), line


def test_the_drawn_edges_are_dvcs():
    graph = Repo(ROOT).index.graph
    edges = {(needed.name, stage.name) for stage in graph for needed in graph[stage]}
    drawing = README.split("```mermaid")[1].split("```")[0]
    drawn = set()
    for line in drawing.strip().splitlines()[1:]:
        groups = [group.split(" & ") for group in line.strip().split(" --> ")]
        for sources, targets in pairwise(groups):
            drawn |= {(source, target) for source in sources for target in targets}
    assert drawn <= edges
    # What is not drawn is said in the sentence below the drawing.
    rest = {("preprocess", "evaluate"), ("preprocess", "report")}
    assert edges - drawn == rest | {
        (f"train-{name}", "report") for name in ("logreg", "mlp", "cnn")
    }


@pytest.mark.parametrize("name", ["light", "tensorflow"])
def test_conda_environments_have_the_locked_versions(name):
    environment = YAML(typ="safe").load(ROOT / "envs" / f"{name}.yaml")
    versions = locked()
    for entry in environment["dependencies"]:
        for requirement in entry["pip"] if isinstance(entry, dict) else [entry]:
            package, _, version = requirement.replace("==", "=").partition("=")
            if package not in ("python", "pip"):
                name = canonicalize_name(package.removesuffix("-base"))
                assert versions[name] == version, requirement


@pytest.mark.parametrize("lock", [LOCK, TOOLS_LOCK], ids=["run", "tools"])
def test_the_locks_are_complete_and_name_no_index(lock):
    assert not re.search(r"https?://|index-url|find-links", lock)
    assert lock.count("--hash=sha256:") > 500


def test_the_locks_agree_and_have_what_is_declared():
    run, tools = (set(re.findall(r"^[\w.-]+==\S+", lock, re.M)) for lock in (LOCK, TOOLS_LOCK))
    assert run <= tools
    project = (ROOT / "pyproject.toml").read_text()
    declared = re.findall(r'^ *"([A-Za-z][\w.-]*)[^"]*"', project.split("[tool.")[0], re.M)
    names = {canonicalize_name(name) for name in re.findall(r"^([\w.-]+)==", TOOLS_LOCK, re.M)}
    assert {canonicalize_name(name) for name in declared if name[0].islower()} <= names


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub and GitLab make them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.M)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize(
    "page",
    [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))],
    ids=lambda page: page.name,
)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\((?!https?://)([^)\s]+)\)", page.read_text()):
        path, _, anchor = target.partition("#")
        linked = (page.parent / path).resolve() if path else page
        assert linked.exists(), target
        assert not anchor or anchor in anchors(linked), target


def test_the_readme_is_short_and_links_every_page():
    assert len(README.splitlines()) <= 200
    for page in (ROOT / "docs").glob("*.md"):
        assert f"(docs/{page.name})" in README, page.name
