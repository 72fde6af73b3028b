"""The same bytes whatever variables and settings files of the libraries are around."""

from core.environment import KEPT, PREFIXES, VALUES, known

import ast
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import nbformat
import pytest
from conftest import ROOT, Project
from hypothesis import given, settings
from hypothesis import strategies as st
from surroundings import NUMBERS, SWITCHES, write_settings

STAGES = ("download", "explore_stats", "preprocess", "train_logreg", "train_mlp", "train_cnn")
STAGES += ("evaluate", "report")
NEEDED = {
    **{"DATA_MIRROR": "/mirror", "HTTPS_PROXY": "http://proxy", "no_proxy": "host"},
    **{"SSL_CERT_FILE": "/certificates", "TMPDIR": "/scratch", "LD_LIBRARY_PATH": "/opt/lib"},
    **{"CONDA_PREFIX": "/conda", "SLURM_JOB_ID": "1", "CUDA_VISIBLE_DEVICES": "", "LANG": "tr_TR"},
    **{"GITHUB_ACTIONS": "true", "GIT_DIR": ".git", "PYTHONPATH": "/packages"},
}
FEW = NUMBERS | {name: SWITCHES[name] for name in ("MPLBACKEND", "TF_ENABLE_ONEDNN_OPTS")}


def disturbed(project: Project, folder: Path, variables: dict[str, str]) -> dict[str, str]:
    """An environment with `variables` and a HOME in `folder`, where settings files are written."""
    write_settings(folder / "home", project.folder)
    added = {
        name: value.replace("FOLDER", str(project.folder)) for name, value in variables.items()
    }
    return {**project.environment(), "HOME": str(folder / "home"), **added}


def rerun(project: Project, stage: str, variables: dict[str, str]) -> None:
    """Run a stage in a new process, after its outputs have been deleted."""
    record = project.folder / f"provenance/{stage}.json"
    content = json.loads(record.read_text())
    for output in (*content["outputs"], record):
        (project.folder / output).unlink()
    command = [sys.executable, *content["command"]]
    run = subprocess.run(command, cwd=project.folder, env=variables, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize(
    ("variables", "stages"),
    [
        (FEW, ("explore_stats", "train_logreg", "train_mlp")),
        *(pytest.param(table, STAGES, marks=pytest.mark.long) for table in (NUMBERS, SWITCHES)),
    ],
    ids=["few stages", "numbers", "switches"],
)
def test_what_is_around_changes_no_byte(variables, stages, made_by_dvc, tmp_path):
    """All variables and files at once: if this fails, try halves of the table."""
    project = made_by_dvc.copy(tmp_path / "project")
    surrounding = disturbed(project, tmp_path, variables)
    before = project.outputs()
    for stage in stages:
        rerun(project, stage, surrounding)
    assert project.outputs() == before


@pytest.mark.long
def test_a_notebook_runs_both_engines(made_by_dvc, tmp_path):
    project = made_by_dvc.copy(tmp_path / "project")
    before = project.outputs()
    cells = (
        "import os, subprocess\nassert 'inline' in os.environ['MPLBACKEND']",
        # As with %matplotlib widget, whose package is not in the pipeline's environment.
        f"%env MPLBACKEND={SWITCHES['MPLBACKEND']}",
        "!dvc repro --single-item --force explore-stats\nassert _exit_code == 0",
        "!snakemake --cores 1 --forcerun report\nassert _exit_code == 0",
        "subprocess.run(['dvc', 'repro', '--single-item', '--force', 'train-mlp'], check=True)",
        "subprocess.run(['snakemake', '--cores', '1', '--forcerun', 'evaluate'], check=True)",
        "!python scripts/tool.py verify\nassert _exit_code == 0",
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbformat.write(notebook, project.folder / "notebook.ipynb")
    project.run("jupyter", "nbconvert", "--to", "notebook", "--execute", "notebook.ipynb")
    assert project.outputs() == before


@pytest.mark.parametrize("script", [*STAGES, "tool"])
def test_variables_are_set_before_anything_is_imported(script):
    """A library may stop the process when it is imported."""
    body = ast.parse((ROOT / f"scripts/{script}.py").read_text()).body
    first = next(node for node in body if isinstance(node, ast.Import | ast.ImportFrom))
    assert ast.unparse(first) == "import core.environment"


@settings(max_examples=30)
@given(st.sampled_from(PREFIXES), st.text("ABC_", max_size=5), st.text(max_size=5))
def test_a_variable_that_nobody_knows_is_removed(prefix, rest, value):
    name = prefix + rest
    assert known({name: value}) == VALUES | ({name: value} if name in KEPT else {})


def test_what_runs_need_is_kept():
    assert known(NEEDED) == NEEDED | VALUES


def test_a_variable_that_python_sets_as_it_starts_is_named(tmp_path):
    """It is not started to starting again."""
    (tmp_path / "sitecustomize.py").write_text("import os\nos.environ['TF_NEW'] = '1'\n")
    command = (sys.executable, "scripts/tool.py", "check_parameters")
    variables = os.environ | {"PYTHONPATH": str(tmp_path)}
    run = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True)
    assert run.stderr.startswith("TF_NEW=1: set by a file that Python runs when it starts (")
    assert (run.returncode, run.stderr.count("\n")) == (1, 1)


def test_packages_in_home_are_not_used_with_conda(tmp_path):
    """A stand-in for conda's environment: unlike in an ordinary .venv, HOME would come first."""
    home, prefix = tmp_path / "home", tmp_path / "prefix"
    venv.create(prefix, system_site_packages=True, symlinks=True)
    (prefix / "conda-meta").mkdir()
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    packages = home / f".local/lib/{version}/site-packages"
    packages.mkdir(parents=True)
    said = f"open({str(tmp_path / 'starts')!r}, 'a').write('started with packages in HOME\\n')"
    (packages / "usercustomize.py").write_text(said)
    variables = {"HOME": str(home), "PYTHONPATH": sysconfig.get_path("purelib")}
    command = (prefix / "bin/python", "scripts/tool.py", "check_parameters")
    subprocess.run(command, cwd=ROOT, env=variables, check=True)
    assert (tmp_path / "starts").read_text().count("\n") == 1, "only before it starts again"


@pytest.mark.parametrize("name", ["random.py", "queue", "stat.cpython-311-x86_64-linux-gnu.so"])
def test_a_file_that_hides_a_module_of_python_is_refused(name, tmp_path):
    for folder in ("scripts", "schemas"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    shutil.copy(ROOT / "params.yaml", tmp_path)
    hiding = tmp_path / "scripts" / name
    hiding.touch() if "." in name else hiding.mkdir()
    run = subprocess.run(
        [sys.executable, "scripts/tool.py", "flags", "download"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1
    assert run.stderr.endswith(
        f"scripts/{name}: hides a module of Python's standard library; allowed: other names\n"
    )
    assert "Traceback" not in run.stderr
