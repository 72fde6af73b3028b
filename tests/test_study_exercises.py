"""The shipped exercises: killed and continued, and on a Slurm whose node dies."""

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from conftest import Project
from ruamel.yaml import YAML
from test_study_runs import STUDY

SLURM = (
    *("snakemake", "--snakefile", "workflow/study.smk", "--profile", "workflow/profiles/slurm"),
    *("--slurm-init-seconds-before-status-checks", "2", "--slurm-no-account"),
    *("--slurm-status-command", "squeue"),  # this Slurm has no accounting
)


def made(project: Project, name: str) -> dict[str, bytes]:
    """The files `name` of all runs."""
    paths = sorted((project.folder / "study").glob(f"*/*/{name}"))
    return {path.relative_to(project.folder).as_posix(): path.read_bytes() for path in paths}


@pytest.fixture(scope="session")
def exercises(make_project) -> Project:
    """The shipped exercises with three seeds, to be run."""
    project = make_project()
    yaml = YAML()
    path = project.folder / "study.yaml"
    shipped = yaml.load(path)
    del shipped["studies"]["seed noise"]
    shipped["studies"]["exercises"]["seeds"] = [1, 2, 3]
    yaml.dump(shipped, path)
    return project


@pytest.fixture(scope="session")
def killed_and_continued(exercises, tmp_path_factory) -> tuple[Project, list[dict[str, bytes]]]:
    """The exercises run here, killed when six models were trained; what these recorded, before and
    after it was run to its end.
    """
    project = exercises.copy(tmp_path_factory.mktemp("exercises") / "project")
    running = start(project, STUDY)
    wait_until(lambda: len(trained(project)) >= 6, running)
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    before = trained(project)
    project.run(*STUDY)
    return project, [before, trained(project)]


def start(project: Project, command: tuple[str, ...]) -> subprocess.Popen:
    with (project.folder / "logs.txt").open("w") as log:
        return subprocess.Popen(
            command,
            cwd=project.folder,
            env=project.environment(),
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )


def trained(project: Project) -> dict[str, bytes]:
    """The records, with their durations, of the models that were trained to the end."""
    records = made(project, "training.json")
    return {
        path: content
        for path, content in records.items()
        if (project.folder / path).with_name("provenance.json").exists()
    }


def wait_until(happened: Callable[[], bool], running: subprocess.Popen) -> None:
    deadline = time.monotonic() + 900
    while not happened():
        assert running.poll() is None, "the study has ended"
        assert time.monotonic() < deadline, "it does not happen"
        time.sleep(0.2)


@pytest.mark.long
def test_a_killed_study_goes_on_where_it_was(killed_and_continued):
    _, (before, after) = killed_and_continued
    assert len(before) >= 6
    assert {path: after[path] for path in before} == before
    assert len(after) == 3 * (4 + 3)


@pytest.mark.long
def test_the_exercises_give_a_table_with_intervals(killed_and_continued):
    project, _ = killed_and_continued
    markdown = (project.folder / "reports" / "study.md").read_text()
    for variant in ("one hidden layer", "tanh", "gelu", "compact", "fast"):
        row = re.search(rf"^\| {variant} \| 3 \| (.*?) \|$", markdown, re.M)[1].split(" | ")
        assert re.fullmatch(r"\d\d\.\d\d\s% ± \d\.\d\d", row[0])
        assert re.fullmatch(r"\d+\.\d\d to \d+\.\d\d", row[1])
        assert re.fullmatch(
            r"[+\u2212]\d\.\d\d( \([+\u2212]\d+\.\d\d to [+\u2212]\d+\.\d\d\))?", row[2]
        )
    assert "missing" not in markdown


@pytest.fixture
def slurm(tmp_path) -> Iterator[Callable[..., None]]:
    """Slurm on two nodes; calls its script."""
    if not shutil.which("slurmctld") or os.geteuid() != 0:
        pytest.skip("no Slurm: install slurm-wlm and munge, and be root")

    def call(*words: str) -> None:
        script = Path(__file__).with_name("slurm_on_loopback.sh")
        subprocess.run([script, words[0], tmp_path / "slurm", *words[1:]], check=True)

    call("start")
    yield call
    call("stop")


def kill_node(folder: Path, name: str) -> None:
    """As when the power fails: its daemon, and all that it runs."""
    victims = [psutil.Process(int((folder / f"{name}.pid").read_text()))]
    for process in psutil.process_iter():
        try:
            if process.environ().get("SLURMD_NODENAME") == name:
                parents = [one for one in process.parents() if one.name() == "slurmstepd"]
                victims += [*parents, process]
        except psutil.Error:
            continue
    for process in victims:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue


@pytest.mark.long
def test_slurm_gives_the_same_bytes_even_if_a_node_dies(
    exercises, killed_and_continued, slurm, tmp_path
):
    here, _ = killed_and_continued
    project = exercises.copy(tmp_path / "project")
    running = start(project, SLURM)
    wait_until(lambda: len(trained(project)) >= 2, running)
    wait_until(lambda: at_work("n1"), running)
    kill_node(tmp_path / "slurm", "n1")
    wait_until(lambda: "NODE_FAIL" in queue("%T"), running)
    slurm("node", "n1")
    assert running.wait(1800) == 0, (project.folder / "logs.txt").read_text()[-9000:]
    assert "Trying to restart job" in (project.folder / "logs.txt").read_text()
    names = ("metrics.json", "failures.csv", "evaluation.npz", "network.weights.npz", "test.npz")
    for name in names:
        assert made(project, name) == made(here, name), name
    texts = [(one.folder / "reports" / "study.md").read_bytes() for one in (project, here)]
    assert texts[0] == texts[1]


def queue(form: str, *options: str) -> str:
    command = ["squeue", "--states=all", "--noheader", f"--format={form}", *options]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def at_work(node: str) -> bool:
    """Whether a stage that trains is at work on the node."""
    for process in psutil.process_iter():
        try:
            on_node = process.environ().get("SLURMD_NODENAME") == node
            if on_node and any("scripts/train_" in word for word in process.cmdline()):
                return True
        except psutil.Error:
            continue
    return False
