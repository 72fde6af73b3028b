"""make predict as the README has it, with the pipeline's own models."""

import csv
import io
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, Project
from PIL import Image

from core.split import read_split

README = (ROOT / "README.md").read_text()


@pytest.fixture(scope="module")
def project(made_by_dvc, tmp_path_factory) -> Project:
    """Results, with photos of digits: photo.png, and scans/ with a folder for each class."""
    project = made_by_dvc.copy(tmp_path_factory.mktemp("predict") / "project")
    assert (Path(sys.prefix) / ".installed").exists(), "to be run by make test"
    (project.folder / ".venv").symlink_to(sys.prefix)
    part = read_split(project.folder / "data" / "processed" / "test.npz")
    random = np.random.default_rng(0)
    for place, (image, label) in enumerate(zip(part.images[:40], part.labels, strict=False)):
        large = Image.fromarray(image * 15).resize((80, 80), Image.Resampling.BICUBIC)
        photo = np.full((200, 300), 230.0) + random.normal(0, 5, (200, 300))
        top, left = random.integers(5, 110), random.integers(5, 210)
        photo[top : top + 80, left : left + 80] -= 0.8 * np.asarray(large)
        path = project.folder / "scans" / str(label) / f"{place}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(photo.clip(0, 255).astype(np.uint8)).save(path)
    path.rename(project.folder / "photo.png")
    return project


def run(project: Project, command: str) -> tuple[list[dict[str, str]], str, int]:
    """The rows that a command prints, what it says besides, and its status."""
    found = subprocess.run(
        ["sh", "-c", command],
        cwd=project.folder,
        env=project.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    return list(csv.DictReader(io.StringIO(found.stdout))), found.stderr, found.returncode


def commands(text: str, heading: str) -> list[str]:
    """The lines of the first block of commands below a heading."""
    block = text.split(f"{heading}\n")[1].split("```")[1].removeprefix("sh\n")
    return [re.sub(" +#.*", "", line) for line in block.strip().splitlines()]


def test_the_readmes_commands(project):
    one, two, export, draw = commands(README, "### Use the model")
    rows, said, status = run(project, one)
    assert (len(rows), rows[0]["file"], status) == (1, "photo.png", 0), said
    assert re.search("^using (logreg|mlp|cnn), the best model on the page$", said, re.M)
    assert f"What the models saw: {project.folder}/reports/predictions.html" in said
    assert (project.folder / "reports" / "predictions.html").read_text().count("<img") == 1
    rows, said, status = run(project, two)
    assert (len(rows), status) == (39, 0), said
    assert set(rows[0]) >= {"file", "label", "cnn", "cnn_probability", "mlp", "mlp_second"}
    assert re.search(r"^cnn: accuracy [\d.]+ %, \d+ of 39 labelled images", said, re.M)
    _, said, status = run(project, export)
    assert status == 0, said
    files = {str(path.relative_to(project.folder)) for path in project.folder.glob("exports/*/*")}
    assert files >= {
        "exports/cnn/model.keras",
        "exports/mlp/model.onnx",
        "exports/logreg/README.md",
    }
    _, said, status = run(project, draw)
    assert status == 0, said
    assert b"<canvas" in (project.folder / "reports" / "try.html").read_bytes()


@pytest.mark.long
def test_the_commands_of_the_documentation(project):
    picture, sure, plain = commands((ROOT / "docs/use.md").read_text(), "## Predict")
    rows, said, status = run(project, picture)
    assert (len(rows), status) == (1, 0), said
    rows, said, status = run(project, plain)
    assert (len(rows), status) == (39, 0), said
    rows, said, status = run(project, sure)
    assert (rows, status) == ([], 0), said
    with (project.folder / "predictions.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 360
    assert {row["logreg_ask_a_person"] for row in rows} <= {"yes", "no"}
    assert re.search(r"^logreg: no person is needed .* at least 0\.\d+\. ", said, re.M)


@pytest.mark.long
def test_photos_are_classified_about_as_well_as_the_images_themselves(project):
    """By the logistic regression, which is trained to the end; the networks are not."""
    command = "python scripts/tool.py predict --models logreg --images "
    rows, said, _ = run(project, f"{command} scans")
    photos = np.mean([row["logreg"] == row["label"] for row in rows])
    rows, said, _ = run(project, f"{command} data/processed/test.npz")
    images = np.mean([row["logreg"] == row["label"] for row in rows[:39]])
    assert photos >= images - 0.1, said
    assert images > 0.8


def test_a_stale_model_is_named_and_predicts(project, tmp_path):
    project = project.copy(tmp_path / "project")
    project.change(train_logreg={"max_iter": 7})
    command = "python scripts/tool.py predict --images photo.png --models logreg mlp"
    rows, said, status = run(project, command)
    assert (len(rows), status) == (1, 1)
    assert (
        "models/logreg is out of date: train-logreg must be rerun: train_logreg.max_iter was 20 and"
        " is 7; run make report" in said.splitlines()
    )
    assert "models/mlp" not in said
    assert said.splitlines()[-1] == "1 problem; everything else was predicted"
    for name in ("dvc.yaml", "dvc.lock"):  # as who works with Snakemake alone
        (project.folder / name).unlink()
    project.change(preprocess={"train_size": 310})
    rows, said, status = run(project, command)
    assert (len(rows), status) == (1, 1)
    assert (
        "models/mlp is out of date: preprocess must be rerun: --train_size was 300 and is 310;"
        in said
    )
    assert "models/logreg is out of date: preprocess must be rerun" in said


@pytest.mark.long
def test_names_that_a_shell_would_run(project):
    (project.folder / "$(touch ran) `touch ran`;touch ran.png").write_bytes(
        (project.folder / "photo.png").read_bytes()
    )
    name = "$(touch ran) `touch ran`;touch ran.png"
    found = subprocess.run(
        ["make", "--silent", "predict", f"IMAGES={name}", "MODEL=logreg *.md;touch ran"],
        cwd=project.folder,
        env=project.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert not (project.folder / "ran").exists()
    assert name in found.stdout
    assert "*.md;touch: no model" in found.stderr
