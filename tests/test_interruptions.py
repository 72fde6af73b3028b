"""Killed, out of space or out of memory: the next run ends as if nothing had happened."""

import json
import os
import random
import signal
import subprocess
from pathlib import Path

import pytest
from conftest import TINY, Project
from killing import killed

ENGINES = {
    "dvc": ("dvc", "repro"),
    "snakemake": ("snakemake", "--cores", "8", "--use-conda"),
}
SECONDS = 25  # of an undisturbed run, about
WHOM = ("all", "engine")  # whom a kill takes; with the engine alone, its stage goes on


@pytest.fixture(scope="session")
def unrun(make_project) -> Project:
    project = make_project()
    project.change(**TINY)
    project.commit()
    return project


@pytest.mark.long
@pytest.mark.parametrize("engine", ENGINES)
def test_same_bytes_from_scratch(engine, unrun, made_by_dvc, tmp_path):
    project = unrun.copy(tmp_path / "project")
    project.run(*ENGINES[engine])
    assert project.outputs() == made_by_dvc.outputs()


# Each is hit on purpose: while outputs are replaced, hashed and recorded, while DVC moves them to
# its cache and enters them into dvc.lock, and while Snakemake notes what is complete.
IN_THE_STAGE = (
    "explore_stats writes provenance/.explore_stats.lock",
    "explore_stats writes reports/.partial.stats.json",
    "explore_stats renames reports/.partial.stats.json to .*",
    "explore_stats writes reports/figures/.partial.test_samples.svg",
    "explore_stats reads reports/labels.csv",  # to hash it, when all outputs are written
    "explore_stats renames provenance/.partial.explore_stats.json to .*",
    "report renames reports/.partial.comparison.md to .*",
)
IN_THE_ENGINE = {
    "dvc": (
        "dvc writes .dvc/tmp/rwlock",
        "dvc renames .dvc/cache/.*",
        "dvc removes provenance/explore_stats.json",
        "dvc renames reports/figures/.* to reports/figures/class_histogram.svg",
        "dvc writes dvc.lock",
    ),
    "snakemake": (
        "snakemake writes .snakemake/incomplete/.*",
        "snakemake removes .snakemake/backups/reports/labels.csv",
        "snakemake writes .snakemake/metadata/.*",
        "snakemake removes .snakemake/incomplete/.*",
        "snakemake removes logs/report.log",
        "snakemake writes dvc.lock",
        "snakemake renames .dvc/cache/.*",
    ),
}
POINTS = [
    *((engine, point, whom) for engine in ENGINES for point in IN_THE_STAGE for whom in WHOM),
    *((engine, point, "all") for engine, points in IN_THE_ENGINE.items() for point in points),
]


@pytest.fixture(scope="session")
def changed(made_by_dvc, tmp_path_factory) -> dict[str, object]:
    """The outputs of an undisturbed run after the change of `test_killed_at_a_named_point`."""
    project = made_by_dvc.copy(tmp_path_factory.mktemp("changed") / "project")
    project.change(explore_stats={"samples": 9})
    project.run(*ENGINES["dvc"])
    return project.outputs()


@pytest.mark.long
@pytest.mark.parametrize(("engine", "point", "whom"), POINTS)
def test_killed_at_a_named_point(engine, point, whom, made_by_dvc, changed, tmp_path):
    project = made_by_dvc.copy(tmp_path / "project")
    project.change(explore_stats={"samples": 9})
    killed(ENGINES[engine], project.folder, project.environment(), point, whom)
    delete_half_a_lock(project.folder / ".dvc/tmp/rwlock")
    project.run(*ENGINES[engine])
    assert project.outputs() == changed
    assert not list(project.folder.rglob(".partial.*"))


@pytest.mark.long
@pytest.mark.parametrize("engine", ENGINES)
def test_killed_at_a_random_moment(engine, unrun, made_by_dvc, tmp_path):
    """In the whole pipeline, with all processes."""
    project = unrun.copy(tmp_path / "project")
    moment = random.Random(engine).uniform(0, SECONDS)  # noqa: S311
    with (tmp_path / "log").open("w") as log:
        running = subprocess.Popen(
            ENGINES[engine],
            cwd=project.folder,
            env=project.environment(),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            running.wait(moment)
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, signal.SIGKILL)
            running.wait()
    delete_half_a_lock(project.folder / ".dvc/tmp/rwlock")
    project.run(*ENGINES[engine])
    assert project.outputs() == made_by_dvc.outputs()
    assert not list(project.folder.rglob(".partial.*"))


def delete_half_a_lock(path: Path) -> None:
    """What docs/trust.md advises where DVC was killed as it wrote its own lock file."""
    try:
        json.loads(path.read_bytes())
    except FileNotFoundError:
        pass
    except ValueError:
        path.unlink()


# Within a mount namespace of its own, no privilege is needed: the project on a small disk.
FULL_DISK = """
mount -t tmpfs -o size=40m none "$1" && cp -a "$2/." "$1" && cd "$1" || exit 99
sed -i 's/max_iter: 20/max_iter: 21/' params.yaml
sha256sum reports/*.* > ../before
head -c 100m /dev/zero > filler 2> /dev/null; truncate -s -$4 filler
$3 > ../first 2>&1 && exit 98
sha256sum --quiet --check ../before || exit 97
rm filler
$3 > ../second 2>&1 || exit 96
"""
READ_ONLY = """
mount --bind "$2" "$1" && cd "$1" || exit 99
sed -i 's/max_iter: 20/max_iter: 21/' params.yaml
sha256sum reports/*.* > ../before
mount --bind reports reports && mount -o remount,ro,bind reports || exit 99
$3 > ../first 2>&1 && exit 98
sha256sum --quiet --check ../before || exit 97
umount reports
$3 > ../second 2>&1 || exit 96
"""


def in_namespace(script: str, project: Project, tmp_path: Path, *arguments: str) -> str:
    """What the first run said, after the second one has succeeded."""
    (tmp_path / "disk").mkdir()
    words = ["bash", "-c", script, "bash", str(tmp_path / "disk"), str(project.folder), *arguments]
    run = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", *words],
        env=project.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    logs = {path.name: path.read_text() for path in tmp_path.iterdir() if path.is_file()}
    if run.returncode in (1, 99):
        pytest.skip(f"no mount namespaces here: {run.stderr}")
    assert run.returncode == 0, (run.returncode, logs)
    return logs["first"]


@pytest.mark.long
@pytest.mark.parametrize("room", ["0", "20k"])
@pytest.mark.parametrize("engine", ENGINES)
def test_disk_full(engine, room, made_by_snakemake, tmp_path):
    project = made_by_snakemake.copy(tmp_path / "project")
    output = in_namespace(FULL_DISK, project, tmp_path, " ".join(ENGINES[engine]), room)
    assert "No space left on device" in output
    assert engine == "snakemake" or "Traceback" not in output  # it cannot write its own log


@pytest.mark.long
@pytest.mark.parametrize("engine", ["dvc", "snakemake"])
def test_read_only_folder(engine, made_by_snakemake, tmp_path):
    project = made_by_snakemake.copy(tmp_path / "project")
    output = in_namespace(READ_ONLY, project, tmp_path, " ".join(ENGINES[engine]))
    assert "Read-only file system" in output or "Write-protected output files" in output
    assert "Traceback" not in output


@pytest.mark.long
@pytest.mark.parametrize("engine", ENGINES)
def test_too_little_memory(engine, made_by_snakemake, tmp_path):
    """A limit on the address space, and a network that would need far more."""
    project = made_by_snakemake.copy(tmp_path / "project")
    before = project.outputs()
    project.change(train_mlp={"hidden": [90_000, 90_000]})
    limited = ("prlimit", f"--as={8 * 2**30}", *ENGINES[engine])
    output = project.run(*limited, fails=True)
    assert "train_mlp: not enough memory; use fewer images or a smaller batch" in output
    assert "Traceback" not in output
    after = project.outputs()
    assert {path: before[path] for path in after} == after
    assert all(path in after for path in before if path.startswith("reports/"))
