"""Letters of one's own, 26 classes of 12x12, from an .npz to the page; and no such file is lost."""

import html
import json
import os
import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import TINY, Project
from own_datasets import fetched, write_pictures
from ruamel.yaml import YAML

from core.errors import UserError
from core.parameters import as_flags
from dataset.own_file import overwriting
from dataset.own_file import own_file as own_file_of
from tools.verify import lock_problems

CLASSES, SIDE = 26, 12


@pytest.mark.long
@pytest.mark.xdist_group("dvc")
@pytest.mark.parametrize("name", ["letters.npz", "letters.zip"])
def test_letters_reach_the_page(name, make_project, tmp_path):
    """From arrays in two parts, and from images in folders, of which a test part is taken."""
    random = np.random.default_rng(0)
    shapes = random.integers(0, 2, (CLASSES, SIDE, SIDE)) * 180
    parts = {}
    for part, count in (("train", 520), ("test", 130)):
        y = np.arange(count) % CLASSES
        noise = random.integers(0, 75, (count, SIDE, SIDE))
        parts |= {f"x_{part}": (shapes[y] + noise).astype(np.uint8), f"y_{part}": y}

    def write() -> None:
        if name == "letters.npz":
            return np.savez(tmp_path / name, **parts)
        images = np.concatenate([parts["x_test"], parts["x_train"]])
        labels = np.concatenate([parts["y_test"], parts["y_train"]])
        names = np.array([f"letter {chr(65 + label)}" for label in labels])
        write_pictures(tmp_path / "letters", images, names)
        return shutil.make_archive(tmp_path / "letters", "zip", tmp_path, "letters")

    write()
    project = make_project()
    project.change(**{**TINY, "preprocess": {"train_size": 400}})
    project.change(download={"dataset": "own", "path": str(tmp_path / name)})
    project.run("snakemake", "--cores", "2")

    reports = project.folder / "reports"
    metrics = json.loads((reports / "metrics.json").read_text())
    assert metrics["logreg"]["accuracy"] > 0.9
    assert metrics["logreg"]["parameters"] == SIDE * SIDE * CLASSES + CLASSES
    assert len(metrics["cnn"]["confusion"]) == CLASSES
    page = html.unescape((reports / "comparison.html").read_text())
    assert "letters: which model to trust" in page
    assert "12\u00d712 pixels in 26 classes" in page
    assert "Nothing to be done" in project.run("snakemake", "--cores", "2")
    assert "up to date" in project.run("dvc", "repro")

    parts["x_test"][0] = 0
    write()
    plan = project.run("snakemake", "--cores", "2", "--dry-run")
    assert re.search(rf"^download must be rerun: .*{re.escape(name)} has changed$", plan, re.M)
    assert f"modified:           {tmp_path}/{name}" in project.run("dvc", "status", "download")


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
@pytest.mark.parametrize("dataset", ["digits", "own"])
def test_a_file_where_the_dataset_goes_is_kept(dataset, engine, project):
    content = own_file(project.folder / OWN)
    own_file(project.folder / "mine.npz")
    project.change(download={"dataset": dataset, "path": "mine.npz"})
    line = f"{OWN}: download did not write this file and does not overwrite it; move it, and set"
    assert line in project.run(*engine, fails=True)
    assert (project.folder / OWN).read_bytes() == content


@pytest.mark.parametrize("output", [OWN, "models/mlp/network.weights.npz"])
def test_a_path_that_a_stage_writes_is_no_input(output, project):
    """Both engines refuse it: DVC itself, before it asks anybody, and so in its own words."""
    content = own_file(project.folder / output)
    before = sorted(project.folder.glob("[!.]*/**/*"))
    project.change(download={"dataset": "own", "path": f"./data/../{output}"})
    line = f"download.path: './data/../{output}' is not allowed (a stage writes {output}); allow"
    assert line in project.run("snakemake", "--cores", "1", fails=True)
    said = project.run("dvc", "repro", fails=True)
    assert re.search("Same item.*both a dependency and an output|Pipeline has a cycle", said)
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
    names += ["data", "data/raw/", "folder", str(tmp_path.parent)]  # with all that is in them
    for name in [*names, "hard.npz", "data/raw/.partial.dataset.npz"]:
        assert f"(a stage writes {OWN})" in overwriting(name, outputs[1:]), name
    assert "(a stage writes provenance/download.json)" in overwriting(".", outputs)
    for name in ["mine.npz", "data/raw/mine.npz", "data/own", "missing.npz", None]:
        assert overwriting(name, outputs) is None
    Path(OWN).unlink()
    assert f"(a stage writes {OWN})" in overwriting(OWN, outputs)


def test_own_data_is_what_the_parameters_say(monkeypatch):
    monkeypatch.setenv("HOME", "/home/somebody")
    assert own_file_of({"dataset": "own", "path": "~/x.npz"}) == "/home/somebody/x.npz"
    assert own_file_of({"dataset": ["own"], "path": "data/own"}) == "data/own"
    assert own_file_of({"dataset": "mnist", "path": "data/own"}) is None


@pytest.mark.xdist_group("dvc")
@pytest.mark.parametrize(
    ("kind", "places"),
    [
        ("folder", ["absolute", "data/own"]),
        pytest.param("folder", ["../outside", "mine"], marks=pytest.mark.long),
        pytest.param("file", ["absolute", "data/own", "../outside"], marks=pytest.mark.long),
    ],
)
def test_dvc_notices_a_change_wherever_the_data_lies(kind, places, project, tmp_path, monkeypatch):
    """And Snakemake; and neither when nothing has changed."""
    project = project.copy(tmp_path / "project")
    monkeypatch.chdir(project.folder)
    for number, place in enumerate(places):
        top = tmp_path / "absolute" if place == "absolute" else project.folder / place
        path = top / "x.npz"
        content = own_file(path)
        named = path if kind == "file" else top
        asked = str(named if place == "absolute" else Path(place) / named.relative_to(top))
        project.change(download={"dataset": "own", "path": asked})
        plan = ("snakemake", "--cores", "1", "data/raw/dataset.npz")
        if number % 2:
            project.run(*plan)
        else:
            project.run("dvc", "repro", "download")
        assert "up to date" in project.run("dvc", "status", "download")
        assert "Nothing to be done" in project.run(*plan, "--dry-run")
        record = json.loads((project.folder / "provenance/download.json").read_text())
        recorded = [name for name in record["inputs"] if not name.startswith(("scripts/", "envs"))]
        assert list(lock_problems()) == []
        assert recorded == [os.path.relpath(named, project.folder)]
        other = np.load(path)
        np.savez(path, **{name: other[name][::-1] for name in other})
        assert "modified:" in project.run("dvc", "status", "download")
        assert f"{recorded[0]} has changed" in project.run(*plan, "--dry-run")
        assert path.read_bytes() != content
        assert (top / "x.npz").exists()


@pytest.mark.parametrize(
    "path", ["~/none.npz", pytest.param("data/own/none.npz", marks=pytest.mark.long)]
)
def test_data_that_is_not_there_is_named(path, project, tmp_path, monkeypatch):
    """DVC takes ~ for the name of a folder."""
    (project.folder / OWN).unlink(missing_ok=True)
    project.change(download={"dataset": "own", "path": path})
    said = project.run("snakemake", "--cores", "1", fails=True)
    found = os.path.expanduser(path)  # noqa: PTH111
    log = (project.folder / "logs" / "download.log").read_text()
    assert f"download.path: '{found}' is not allowed (no such file or folder); allowed: the" in log
    assert "Traceback" not in said + log
    said = project.run("dvc", "repro", fails=True)
    assert f"No such file or directory: '{project.folder}/{path}'" in said
    why = "DVC does not expand ~" if path[0] == "~" else "no such file or folder"
    said = project.run("python", "scripts/tool.py", "check_parameters", fails=True)
    assert said == (
        f"download.path: '{path}' is not allowed ({why}); allowed: the path of a file or folder,"
        " such as data/own\n"
    )
    if path[0] == "~":
        monkeypatch.setenv("HOME", str(tmp_path))
        own_file(tmp_path / "none.npz")
        said = project.run("python", "scripts/tool.py", "check_parameters", fails=True)
        assert said.endswith(f"({why}); allowed: {tmp_path}/none.npz\n")


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
    with pytest.raises(
        UserError, match=r"did not write this file and does not overwrite it; move it"
    ):
        fetched(path, dataset="digits")
    assert path.read_bytes() == before


def test_a_built_in_dataset_is_no_path(make_project):
    """Even where a file or folder has its name."""
    project = make_project()
    (project.folder / "digits").mkdir()
    (project.folder / "digits" / "notes").write_text("mine")
    (project.folder / "mnist").write_text("mine")
    values = {**YAML(typ="safe").load(project.folder / "params.yaml")["download"], "path": "digits"}
    words = ["--output", "dataset.npz", "--environment", "envs/light.yaml"]
    words += ["--provenance", "record.json", *shlex.split(as_flags(values))]
    project.run("python", "scripts/download.py", *words)
    record = json.loads((project.folder / "record.json").read_text())
    assert all(path.startswith(("scripts/", "envs/")) for path in record["inputs"])
    project.change(download={"dataset": "mnist"})
    plan = project.run("snakemake", "--cores", "1", "--dry-run")
    inputs = re.search(r"^rule download:\n    input: (.*)$", plan, re.M)[1]
    assert all(path.startswith(("scripts/", "envs/")) for path in inputs.split(", "))
