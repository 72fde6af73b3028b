"""make try on the results of a small pipeline: what it writes, and what it refuses in one line."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import ROOT, Project

from core.errors import UserError
from core.files import write_json
from tools.try_models import run

pytestmark = pytest.mark.xdist_group("snakemake")
RECIPE = re.search(r"try_models .*?\n.*?\n", (ROOT / "Makefile").read_text())[0]
WORDS = RECIPE.replace("\\", "").split()
PATHS = {
    flag.removeprefix("--"): Path(path) for flag, path in zip(WORDS[1::2], WORDS[2::2], strict=True)
}


@pytest.fixture(scope="module")
def made(made_by_snakemake, tmp_path_factory) -> Project:
    """A project with the page. Not to be changed."""
    project = made_by_snakemake.copy(tmp_path_factory.mktemp("try") / "project")
    project.run("python", "scripts/tool.py", *WORDS)
    return project


@pytest.fixture
def project(made, tmp_path, monkeypatch) -> Project:
    project = made.copy(tmp_path / "project")
    monkeypatch.chdir(project.folder)
    return project


def test_make_writes_the_page_and_the_same_bytes_each_time(project):
    page = project.folder / "reports" / "try.html"
    first = page.read_bytes()
    assert len(first) <= 2_000_000
    for name in ("cnn", "mlp", "logreg"):
        assert f"<strong>{name}</strong> was trained on 270 images of digits".encode() in first
    page.unlink()
    run(**PATHS)
    assert page.read_bytes() == first
    assert project.run("git", "status", "--porcelain") == ""


CASES = {
    "parameter": (
        lambda project: project.change(train_cnn={"epochs": 2}),
        "train-cnn must be rerun: train_cnn.epochs was 1 and is 2; run make report",
    ),
    "weights": (
        lambda project: (project.folder / "models/mlp/network.json").write_text("{}"),
        "train-mlp must be rerun: models/mlp/network.json has changed; run make report",
    ),
    "model": (
        lambda project: shutil.rmtree(project.folder / "models/cnn"),
        "models/cnn: no trained model; run make report to train it",
    ),
    "clone": (
        lambda project: shutil.rmtree(project.folder / "data"),
        "data/processed/test.npz is missing; run make report",
    ),
    "record": (
        lambda project: (project.folder / "models/mlp/training.json").unlink(),
        "models/mlp/training.json: not in the format of a training; run make report to train it",
    ),
}


@pytest.mark.parametrize(("spoil", "line"), CASES.values(), ids=CASES)
def test_what_is_missing_or_stale_is_said_in_one_line(
    spoil: Callable[[Project], object], line: str, project
):
    before = PATHS["html"].read_bytes()
    spoil(project)
    with pytest.raises(UserError) as refusal:
        run(**PATHS)
    assert str(refusal.value) == line
    assert PATHS["html"].read_bytes() == before


@pytest.mark.parametrize("metrics", [{}, [], {"cnn": 1}, {"cnn": {"accuracy": 1}}, {"../cnn": {}}])
def test_metrics_of_another_kind_are_refused(metrics, project, monkeypatch):
    monkeypatch.setattr("tools.try_models.check_results", lambda _: None)
    write_json(PATHS["metrics"], metrics)
    with pytest.raises(UserError, match=r"^reports/metrics\.json: .*; run make report$"):
        run(**PATHS)
