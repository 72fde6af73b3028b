"""make verify names what is off, and ends with a status that says so."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest
from conftest import Project

VERIFY = ("python", "scripts/tool.py", "verify")
FRESH = ("python", "scripts/tool.py", "fresh")


@pytest.fixture
def project(made_by_snakemake, tmp_path) -> Project:
    return made_by_snakemake.copy(tmp_path / "project")


def rewrite(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def flip_a_bit(path: Path) -> None:
    """Change one bit, and nothing that a look at size and times would show."""
    before = path.stat()
    path.chmod(0o644)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    path.chmod(before.st_mode)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def cached(project: Project, path: str) -> Path:
    """The object of DVC's cache that holds the file `path`."""
    digest = hashlib.md5((project.folder / path).read_bytes()).hexdigest()  # noqa: S324
    return project.folder / ".dvc" / "cache" / "files" / "md5" / digest[:2] / digest[2:]


def forge(project: Project, name: str, key: str) -> None:
    """A better figure of the CNN, with every record brought to agree."""
    metrics = project.folder / "reports" / name
    scores = json.loads(metrics.read_text())
    scores["cnn"][key] = 0
    metrics.write_text(json.dumps(scores))
    digest = hashlib.sha256(metrics.read_bytes()).hexdigest()
    for stage, part in (("evaluate", "outputs"), ("report", "inputs")):
        path = project.folder / "provenance" / f"{stage}.json"
        record = json.loads(path.read_text())
        if f"reports/{name}" in record[part]:
            record[part][f"reports/{name}"] = digest
            path.write_text(json.dumps(record))
    project.run("dvc", "commit", "--force", "--quiet")


CHANGES: dict[str, tuple[Callable[[Project], None], str]] = {
    "other versions": (
        lambda project: rewrite(
            project.folder / "requirements.lock", "\njinja2==3.", "\njinja2==2."
        ),
        f"jinja2: {version('jinja2')} is installed; requirements.lock has ==2.",
    ),
    "parameter": (
        lambda project: project.change(train_cnn={"epochs": 2}),
        "train_cnn must be rerun: --epochs was 1 and is 2",
    ),
    "wrong parameter": (
        lambda project: project.change(report={"failures": -1}),
        "report.failures: -1 is not allowed",
    ),
    "code": (
        lambda project: rewrite(
            project.folder / "scripts/evaluate.py", "and compare", "and contrast"
        ),
        "evaluate must be rerun: scripts/evaluate.py has changed",
    ),
    "data": (
        lambda project: flip_a_bit(project.folder / "data/raw/dataset.npz"),
        "download must be rerun: data/raw/dataset.npz has changed",
    ),
    "model": (
        lambda project: flip_a_bit(project.folder / "models/cnn/network.weights.npz"),
        "train-cnn must be rerun: models/cnn/network.weights.npz has changed",
    ),
    "missing model": (
        lambda project: (project.folder / "models/mlp/network.json").unlink(),
        "train-mlp must be rerun: models/mlp/network.json is missing",
    ),
    "cache": (
        lambda project: flip_a_bit(cached(project, "models/logreg/model.npz")),
        ": damaged; delete it, then run dvc commit",
    ),
    "metrics": (
        lambda project: rewrite(project.folder / "reports/metrics.json", '"loss": 0', '"loss": 1'),
        "evaluate must be rerun: reports/metrics.json has changed",
    ),
    "metrics with all records": (
        lambda project: forge(project, "metrics.json", "failures"),
        "reports/metrics.json: does not match reports/evaluation.npz",
    ),
    "summary with all records": (
        lambda project: forge(project, "summary.json", "loss"),
        "reports/summary.json: does not match reports/evaluation.npz",
    ),
    "page": (
        lambda project: flip_a_bit(project.folder / "reports/comparison.html"),
        "report must be rerun: reports/comparison.html has changed",
    ),
    "record": (
        lambda project: rewrite(project.folder / "provenance/report.json", "{", "["),
        "report must be rerun: provenance/report.json is damaged",
    ),
    "lock": (
        lambda project: (project.folder / "dvc.lock").write_text("<<<<<<< HEAD\n"),
        "dvc.lock",
    ),
}


# Near to another one each.
LONG = {"data", "missing model", "lock", "page"}


@pytest.mark.parametrize(
    "change", [pytest.param(name, marks=[pytest.mark.long] * (name in LONG)) for name in CHANGES]
)
def test_what_is_off_is_named(change, project):
    make, message = CHANGES[change]
    make(project)
    output = project.run(*VERIFY, fails=True)
    assert message in output
    assert "Traceback" not in output


@pytest.mark.parametrize(
    "engine", [pytest.param("both", marks=pytest.mark.long), "dvc", "snakemake"]
)
def test_true_results_pass(engine, project):
    """Also where somebody has deleted the other engine's files."""
    if engine == "snakemake":
        for name in ("dvc.yaml", "dvc.lock"):
            (project.folder / name).unlink()
        shutil.rmtree(project.folder / ".dvc")
    elif engine == "dvc":
        shutil.rmtree(project.folder / "workflow")
    assert project.run(*VERIFY).startswith("Every result is up to date with the current parameters")
    if engine == "snakemake":
        assert project.run(*FRESH) == "The results are up to date with the parameters and code.\n"
        (project.folder / "provenance/train_mlp.json").unlink()
        missing = "train_mlp must be rerun: provenance/train_mlp.json is missing\n"
        assert project.run(*FRESH, fails=True) == missing


@pytest.mark.long
def test_results_of_dvc_pass(made_by_dvc, tmp_path):
    project = made_by_dvc.copy(tmp_path / "project")
    assert project.run(*VERIFY).startswith("Every result is up to date with the current parameters")
