"""Studies as they run: here and on a Slurm, killed and continued, with variants that fail."""

import fcntl
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
from conftest import TINY, Project
from ruamel.yaml import YAML

STUDY = ("snakemake", "--snakefile", "workflow/study.smk", "--cores", "2")
SLURM = (
    *("snakemake", "--snakefile", "workflow/study.smk", "--profile", "workflow/profiles/slurm"),
    *("--slurm-init-seconds-before-status-checks", "2", "--slurm-no-account"),
    *("--slurm-status-command", "squeue"),  # this Slurm has no accounting
)
SMALL = """
studies:
  small:
    seeds: [1, 2]
    models: [logreg]
    variants:
      plain:
      strong: {train_logreg.C: 0.001}
"""


def write(project: Project, text: str) -> None:
    (project.folder / "study.yaml").write_text(text)


def jobs(project: Project) -> dict[str, int]:
    """How many runs of each stage are still to do."""
    plan = project.run(*STUDY, "--dry-run", "--quiet", "rules")
    return {name: int(number) for name, number in re.findall(r"^(\w+) +(\d+)$", plan, re.M)}


def made(project: Project, name: str) -> dict[str, bytes]:
    """The files `name` of all runs."""
    paths = sorted((project.folder / "study").glob(f"*/*/{name}"))
    return {path.relative_to(project.folder).as_posix(): path.read_bytes() for path in paths}


def test_a_million_runs_are_refused(make_project):
    project = make_project()
    write(
        project,
        """
studies:
  many:
    models: [mlp]
    seeds: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
    grid:
      train_mlp.epochs: &many [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
      train_mlp.batch_size: *many
      train_mlp.shift: *many
      train_mlp.rotation: *many
      train_mlp.hidden: *many
""",
    )
    output = project.run(*STUDY, fails=True)
    assert "study.yaml: 1,000,000 models to train; allowed: up to 20,000\n" in output
    assert "Traceback" not in output
    assert not (project.folder / "study").exists()


def test_it_asks_before_it_starts_and_not_in_a_dry_run(make_project):
    project = make_project()
    write(project, f"ask_above: 3\n{SMALL}")
    assert jobs(project)["train_logreg"] == 4
    output = project.run(*STUDY, fails=True)
    assert "study.yaml: 4 models to train, one after another in more than 40 seconds" in output
    assert "Traceback" not in output
    assert not list((project.folder / "study").glob("*/"))


def test_a_study_takes_its_values_from_its_files_alone(make_project):
    output = make_project().run(*STUDY, "--config", "train_logreg={C: 3}", fails=True)
    assert output.splitlines()[-1].startswith("--config: a study has its values from params.yaml")


def test_each_different_run_is_planned_once(make_project):
    """The shipped studies: both have the runs of the parameters as they are."""
    expected = {"download": 1, "preprocess": 5, "train_logreg": 5, "train_mlp": 20, "train_cnn": 15}
    assert jobs(make_project()) == {**expected, "evaluate": 40, "study": 1, "total": 87}


@pytest.fixture(scope="session")
def small(make_project) -> Project:
    """A small study that has been run. To be copied, not changed."""
    project = make_project()
    project.change(**TINY)
    write(project, SMALL)
    project.run(*STUDY)
    return project


@pytest.mark.long
@pytest.mark.xdist_group("study")
def test_only_what_is_new_or_not_up_to_date_is_run(small, tmp_path):
    project = small.copy(tmp_path / "project")
    assert jobs(project) == {"study": 1, "total": 1}
    project.change(download={"timeout": 9})
    assert jobs(project) == {"study": 1, "total": 1}

    write(project, SMALL.replace("[1, 2]", "[1, 2, 3]"))
    new_seed = {"preprocess": 1, "train_logreg": 2, "evaluate": 2, "study": 1, "total": 6}
    assert jobs(project) == new_seed
    write(project, SMALL + "      weak: {train_logreg.C: 9}\n")
    assert jobs(project) == {"train_logreg": 2, "evaluate": 2, "study": 1, "total": 5}
    write(project, SMALL)
    assert jobs(project) == {"study": 1, "total": 1}

    script = project.folder / "scripts" / "train_logreg.py"
    before = script.read_text()
    script.write_text(f"{before}# edited\n")
    assert jobs(project) == {"train_logreg": 4, "evaluate": 4, "study": 1, "total": 9}
    script.write_text(before)
    assert jobs(project) == {"study": 1, "total": 1}

    ahead = time.time() + 3600  # as copied from a machine whose clock is ahead
    for path in (project.folder / "study").rglob("*"):
        os.utime(path, (ahead, ahead))
    assert jobs(project) == {"study": 1, "total": 1}

    model = next((project.folder / "study" / "train_logreg").glob("*/model.npz"))
    model.write_bytes(model.read_bytes()[:-1] + b"x")
    assert "model.npz has changed" in project.run(*STUDY, "--dry-run")
    assert jobs(project) == {"train_logreg": 1, "evaluate": 1, "study": 1, "total": 3}


@pytest.mark.long
@pytest.mark.xdist_group("study")
def test_a_failed_variant_does_not_stop_the_others(small, tmp_path):
    project = small.copy(tmp_path / "project")
    failing = "      tiny: {preprocess.train_size: 5}\n      weak: {train_logreg.C: 9}\n"
    write(project, SMALL + failing)
    output = project.run(*STUDY, fails=True)
    assert "preprocess.train_size: 5 gives" in output
    markdown = (project.folder / "reports" / "study.md").read_text()
    assert "2 runs are missing" in markdown
    assert re.search(
        r"small, logreg, tiny, seed 2: preprocess\.train.*size: 5 gives 5 of", markdown
    )
    assert re.search(r"^\| weak \| 2 \| \d\d\.\d\d\s% ± ", markdown, re.M)
    assert jobs(project) == {
        "preprocess": 2,
        "train_logreg": 2,
        "evaluate": 2,
        "study": 1,
        "total": 7,
    }
    write(project, SMALL)
    project.run(*STUDY)
    markdown = (project.folder / "reports" / "study.md").read_text()
    assert "tiny" not in markdown
    assert "weak" not in markdown
    assert markdown == (small.folder / "reports" / "study.md").read_text()


@pytest.mark.long
@pytest.mark.xdist_group("study")
def test_an_earlier_result_does_not_stand_in_for_a_failed_one(small, tmp_path):
    """The code is broken after all has been run."""
    project = small.copy(tmp_path / "project")
    script = project.folder / "scripts" / "train_logreg.py"
    script.write_text(script.read_text().replace('parser = StageParser("', "raise OSError # "))
    project.run(*STUDY, fails=True)
    assert "4 runs are missing" in (project.folder / "reports" / "study.md").read_text()


@pytest.mark.long
@pytest.mark.xdist_group("study")
def test_one_study_at_a_time(small, tmp_path):
    project = small.copy(tmp_path / "project")
    with (project.folder / "study" / ".running").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert "a study is at work in this folder" in project.run(*STUDY, fails=True)


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
@pytest.mark.xdist_group("study")
def test_a_killed_study_goes_on_where_it_was(killed_and_continued):
    _, (before, after) = killed_and_continued
    assert len(before) >= 6
    assert {path: after[path] for path in before} == before
    assert len(after) == 3 * (4 + 3)


@pytest.mark.long
@pytest.mark.xdist_group("study")
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
@pytest.mark.xdist_group("study")
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
