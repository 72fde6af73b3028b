"""make export and dvc artifacts get, on the results of a real run."""

import pytest
from conftest import Project
from ruamel.yaml import YAML

pytestmark = pytest.mark.xdist_group("dvc")
EXPORT = ("python", "scripts/tool.py", "export", "--output", "exports", "--models")


@pytest.fixture
def project(made_by_dvc, tmp_path) -> Project:
    return made_by_dvc.copy(tmp_path / "project")


def last_line(output: str) -> str:
    return output.strip().splitlines()[-1]


def test_models_of_a_run_are_exported(project):
    output = project.run(*EXPORT)
    exported = {path.name for path in (project.folder / "exports").iterdir()}
    assert exported == {"logreg", "mlp", "cnn"}
    for name in exported:
        assert f"exports/{name}: same classes as the model" in output
    assert "cc-by-4.0" in (project.folder / "exports" / "cnn" / "README.md").read_text()
    assert not project.run("git", "status", "--porcelain")


def test_what_is_stale_or_missing_is_one_line(project):
    """And leaves an earlier export."""
    earlier = project.folder / "exports" / "cnn" / "README.md"
    earlier.parent.mkdir(parents=True)
    earlier.write_text("earlier")

    def refused() -> str:
        output = project.run(*EXPORT, "cnn", fails=True)
        assert "Traceback" not in output
        assert earlier.read_text() == "earlier"
        return last_line(output)

    project.change(train_cnn={"epochs": 2})
    assert refused() == "train-cnn must be rerun: train_cnn.epochs was 1 and is 2; run make report"
    project.change(train_cnn={"epochs": 1}, report={"failures": 3})  # no model depends on it
    (project.folder / "models" / "cnn" / "training.json").unlink()
    assert refused() == ("models/cnn/training.json is missing; run make report")
    (project.folder / "reports" / "evaluation.npz").unlink()
    assert refused().startswith("reports/evaluation.npz is missing; run make report")


def test_a_name_that_is_no_model_is_one_line(project):
    output = project.run(*EXPORT, "cmm", fails=True)
    assert last_line(output) == "cmm: not an evaluated model; allowed: logreg, mlp, cnn"


def test_artifacts_can_be_got(project, tmp_path):
    """By name, once they have a version; each with all that its stage writes."""
    project.run("dvc", "remote", "add", "--default", "store", str(tmp_path / "store"))
    project.run("dvc", "push")
    project.commit()
    project.run("gto", "register", "cnn")
    project.run("rm", "-r", "models", ".dvc/cache")  # it comes from the remote
    away = tmp_path / "away"
    away.mkdir()
    project.run("dvc", "artifacts", "get", ".", "cnn", "--out", str(away / "cnn"))
    files = {path.name for path in (away / "cnn").iterdir() if not path.name.startswith(".")}
    assert files == {"history.csv", "network.json", "network.weights.npz", "training.json"}


def test_every_model_is_an_artifact(project):
    declared = YAML(typ="safe").load(project.folder / "dvc.yaml")
    folders = {
        path.rpartition("/")[0]
        for stage in declared["stages"].values()
        for path in stage["outs"]
        if isinstance(path, str) and path.startswith("models/")
    }
    artifacts = declared["artifacts"]
    assert {each["path"] for each in artifacts.values()} == folders
    assert all(name == each["path"].rpartition("/")[2] for name, each in artifacts.items())
    assert {each["type"] for each in artifacts.values()} == {"model"}
