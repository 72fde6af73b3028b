"""`--use-conda` with a conda on PATH: each rule asks for its environment, and runs in it.

The conda here is a stand-in of a few lines that makes empty environments, so that the test needs no
gigabytes, and checks our side of the bargain. That the environments can be solved is not tested.
"""

import os
import sys
from pathlib import Path

import pytest
from conftest import ROOT, TINY

CONDA = """\
#!/bin/sh
case "$*" in
    --version) echo "conda 25.1.0" ;;
    "info --json") echo '{"conda_prefix": "@ROOT@", "platform": "linux-64"}' ;;
    "config --get channel_priority"*) echo '{"get": {"channel_priority": "strict"}}' ;;
    "env create"*)
        while [ $# -gt 0 ]; do
            case "$1" in
                --file) file=$2 ;;
                --prefix) prefix=$2 ;;
            esac
            shift
        done
        mkdir -p "$prefix/bin" "$prefix/conda-meta"
        cp "$file" "$prefix/environment.yaml"
        printf '#!/bin/sh\\necho "$1" >> "%s/used"\\nexec @PYTHON@ "$@"\\n' "$prefix" \\
            > "$prefix/bin/python"
        chmod +x "$prefix/bin/python"
        touch "$prefix/conda-meta/history" ;;
esac
"""


@pytest.fixture
def conda(tmp_path: Path) -> str:
    """PATH with the stand-in in front."""
    programs = {"conda": CONDA, "activate": 'export PATH="$1/bin:$PATH" CONDA_PREFIX="$1"\n'}
    for name, text in programs.items():
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        text = text.replace("@ROOT@", str(tmp_path)).replace("@PYTHON@", sys.executable)
        path.write_text(text)
        path.chmod(0o755)
    folders = [tmp_path / "bin", Path(sys.executable).parent, "/usr/bin", "/bin"]
    return os.pathsep.join(map(str, folders))


STUDY = "studies: {small: {seeds: [1], models: [logreg]}}"


@pytest.mark.long
@pytest.mark.xdist_group("snakemake")
@pytest.mark.parametrize(
    ("arguments", "light", "tensorflow"),
    [
        (["models/mlp/network.json"], ["download", "preprocess"], ["train_mlp"]),
        (
            ["--snakefile", "workflow/study.smk"],
            ["download", "preprocess", "train_logreg", "tool"],
            ["evaluate"],
        ),
    ],
    ids=["pipeline", "study"],
)
def test_rules_run_in_their_environments(arguments, light, tensorflow, conda, make_project):
    project = make_project()
    project.change(**TINY)
    (project.folder / "study.yaml").write_text(STUDY)
    project.run("snakemake", "--cores", "2", "--use-conda", *arguments, PATH=conda)
    used = {}
    for environment in (project.folder / ".snakemake" / "conda").glob("*/used"):
        content = (environment.parent / "environment.yaml").read_text()
        used[content] = set(environment.read_text().split())
    folder = ROOT / "envs"
    assert used == {
        (folder / f"{name}.yaml").read_text(): {f"scripts/{stage}.py" for stage in stages}
        for name, stages in (("light", light), ("tensorflow", tensorflow))
    }
