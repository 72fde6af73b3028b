"""Letters of one's own, 26 classes of 12x12, from an .npz to the page; and no such file is lost."""

import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
from conftest import TINY, Project
from own_datasets import fetched

from core.errors import UserError
from dataset.own_file import overwriting

CLASSES, SIDE = 26, 12


@pytest.mark.long
@pytest.mark.xdist_group("dvc")
def test_letters_reach_the_page(make_project, tmp_path):
    random = np.random.default_rng(0)
    shapes = random.integers(0, 2, (CLASSES, SIDE, SIDE)) * 180
    parts = {}
    for part, count in (("train", 520), ("test", 130)):
        y = np.arange(count) % CLASSES
        noise = random.integers(0, 75, (count, SIDE, SIDE))
        parts |= {f"x_{part}": (shapes[y] + noise).astype(np.uint8), f"y_{part}": y}
    np.savez(tmp_path / "letters.npz", **parts)

    project = make_project()
    project.change(**{**TINY, "preprocess": {"train_size": 400}})
    project.change(download={"dataset": str(tmp_path / "letters.npz")})
    project.run("snakemake", "--cores", "2")

    reports = project.folder / "reports"
    metrics = json.loads((reports / "metrics.json").read_text())
    assert metrics["logreg"]["accuracy"] > 0.9
    assert metrics["logreg"]["parameters"] == SIDE * SIDE * CLASSES + CLASSES
    assert len(metrics["cnn"]["confusion"]) == CLASSES
    page = (reports / "comparison.html").read_text()
    assert "letters: which model to trust" in page
    assert "12\u00d712 pixels in 26 classes" in page
    assert "Nothing to be done" in project.run("snakemake", "--cores", "2")
    assert "up to date" in project.run("dvc", "repro")

    parts["x_test"][0] = 0
    np.savez(tmp_path / "letters.npz", **parts)
    plan = project.run("snakemake", "--cores", "2", "--dry-run")
    assert re.search(r"^download has to run: .*letters\.npz has changed$", plan, re.M)


OWN = "data/raw/dataset.npz"  # where the pipeline has its own
ENGINES = [("dvc", "repro"), ("snakemake", "--cores", "1")]


def own_file(path: Path) -> bytes:
    """A dataset that somebody has made with NumPy."""
    path.parent.mkdir(parents=True, exist_ok=True)
    images, labels = np.arange(4 * 64, dtype=np.uint8).reshape(4, 8, 8), np.array([0, 1, 0, 1])
    np.savez(path, x_train=images, y_train=labels, x_test=images, y_test=labels)
    return path.read_bytes()


@pytest.fixture(scope="module")
def project(make_project) -> Project:
    """Nothing in it is ever made: each run is refused."""
    return make_project()


@pytest.mark.parametrize("engine", ENGINES, ids=["dvc", "snakemake"])
@pytest.mark.parametrize("dataset", ["digits", "mine.npz"])
def test_a_file_where_the_dataset_goes_is_kept(dataset, engine, project):
    content = own_file(project.folder / OWN)
    own_file(project.folder / "mine.npz")
    project.change(download={"dataset": dataset})
    line = f"{OWN}: a file that download did not make, and would overwrite; move it, and name its"
    assert line in project.run(*engine, fails=True)
    assert (project.folder / OWN).read_bytes() == content


@pytest.mark.parametrize("engine", ENGINES, ids=["dvc", "snakemake"])
@pytest.mark.parametrize("output", [OWN, "models/mlp/network.weights.npz"])
def test_a_path_that_a_stage_writes_is_no_input(output, engine, project):
    content = own_file(project.folder / output)
    before = sorted(project.folder.glob("[!.]*/**/*"))
    project.change(download={"dataset": f"./data/../{output}"})
    line = f"download.dataset: './data/../{output}' is not allowed (a stage writes {output}); allow"
    assert line in project.run(*engine, fails=True)
    assert (project.folder / output).read_bytes() == content
    assert {*project.folder.glob("[!.]*/**/*")} - {*before} <= {project.folder / "logs"}


def test_the_same_file_by_any_name_is_no_input(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    own_file(Path(OWN))
    own_file(Path("mine.npz"))
    Path("link.npz").symlink_to(OWN)
    Path("folder").symlink_to("data")
    os.link(OWN, "hard.npz")
    outputs = ["provenance/download.json", OWN]
    names = [OWN, f"data/../{OWN}", str(tmp_path / OWN), "link.npz", "folder/raw/dataset.npz"]
    for name in [*names, "hard.npz", "data/raw/.partial.dataset.npz"]:
        assert f"(a stage writes {OWN})" in overwriting(name, outputs), name
    for name in ["mine.npz", "data/raw/mine.npz", "missing.npz", None]:
        assert overwriting(name, outputs) is None
    Path(OWN).unlink()
    assert f"(a stage writes {OWN})" in overwriting(OWN, outputs)


@pytest.mark.parametrize("damage", ["none", "short", "one byte", "emptied"])
def test_what_download_made_it_overwrites(damage, tmp_path):
    path = tmp_path / "dataset.npz"
    for _ in range(2):
        fetched(path, dataset="digits")
        made = path.read_bytes()
        sizes = {"none": len(made), "short": 99, "one byte": -1, "emptied": 0}
        path.write_bytes(made[: sizes[damage]])
    fetched(path, dataset="digits")
    assert path.read_bytes() == made


@pytest.mark.parametrize("content", ["own", "text", "short"])
def test_what_download_did_not_make_it_keeps(content, tmp_path):
    path = tmp_path / "dataset.npz"
    path.write_bytes({"own": own_file(path), "text": b"mine", "short": b"PK"}[content])
    before = path.read_bytes()
    with pytest.raises(UserError, match=r"did not make, and would overwrite; move it, and name"):
        fetched(path, dataset="digits")
    assert path.read_bytes() == before


def test_a_built_in_dataset_is_no_path(make_project):
    """Even where a file or folder has its name."""
    project = make_project()
    (project.folder / "digits").mkdir()
    (project.folder / "digits" / "notes").write_text("mine")
    (project.folder / "mnist").write_text("mine")
    arguments = ["--timeout", "1", "--attempts", "1", "--provenance", "record.json"]
    arguments += ["--environment", "envs/light.yaml"]
    words = ["--output", "dataset.npz", "--dataset", "digits", *arguments]
    project.run("python", "scripts/download.py", *words)
    record = json.loads((project.folder / "record.json").read_text())
    assert all(path.startswith(("scripts/", "envs/")) for path in record["inputs"])
    project.change(download={"dataset": "mnist"})
    plan = project.run("snakemake", "--cores", "1", "--dry-run")
    inputs = re.search(r"^rule download:\n    input: (.*)$", plan, re.M)[1]
    assert all(path.startswith(("scripts/", "envs/")) for path in inputs.split(", "))
