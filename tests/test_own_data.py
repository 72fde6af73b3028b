"""Letters of one's own, 26 classes of 12x12, from an .npz to the page."""

import json
import re

import numpy as np
import pytest
from conftest import TINY

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
