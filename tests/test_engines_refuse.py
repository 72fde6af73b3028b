"""Parameters that are not allowed, and what both engines say of them before any stage runs."""

import re
import shutil

import pytest
from conftest import Project


def test_snakemake_refuses_before_any_job(params):
    params.change(report={"failures": -1})
    *_, line = params.run("snakemake", "--cores", "1", fails=True).splitlines()
    assert line == "report.failures: -1 is not allowed; allowed: a whole number from 1 to 1000000"
    assert not (params.folder / "data" / "raw").exists()


@pytest.mark.parametrize("content", ["", "- 1\n", "seed: [\n", "seed: 1\nseed: 2\n"])
def test_broken_params_file_is_one_line(content, params):
    (params.folder / "params.yaml").write_text(content)
    *_, line = params.run("snakemake", "--cores", "1", fails=True).splitlines()
    assert line.startswith("params.yaml: ")


def test_a_misspelt_section_is_named(params):
    path = params.folder / "params.yaml"
    path.write_text(path.read_text().replace("train_mlp:", "train_mpl:"))
    assert "train_mlp: missing" in params.run("snakemake", "--cores", "1", fails=True)
    assert "train_mlp" in params.run("dvc", "repro", fails=True)


def test_a_section_that_no_stage_reads_is_named(params):
    params.change(train_svm={"C": 1})
    output = params.run("snakemake", "--cores", "1", "-n")
    assert "train_svm: no stage reads this section" in output


@pytest.mark.parametrize(
    ("written", "wrong", "line"),
    [
        ("dataset: digits", "dataset: mnits", "download.dataset: 'mnits' is not allowed; allowed"),
        ("failures: 25", "failures: -1", "report.failures: -1 is not allowed; allowed: a whole"),
        (
            "seed: 1",
            """seed: "1'; touch X; echo '\"""",
            """seed: "1'; touch X; echo '" is not allowed; allowed: a whole number""",
        ),
        (
            "attempts: 2",
            'attempts: 2\n  "x; touch X; #": 1',
            "download.x; touch X; #: unknown parameter (1); allowed: dataset, path, test_size",
        ),
        (
            "dataset: digits",
            'dataset: "own\\n.npz"',
            r"download.dataset: 'own\n.npz' is not allowed; allowed: digits, mnist, or own",
        ),
    ],
)
def test_both_engines_refuse_before_any_stage(written, wrong, line, params):
    """A key or value that is the shell's to run is not run, whichever stage would read it."""
    path = params.folder / "params.yaml"
    path.write_text(path.read_text().replace(written, wrong))
    outputs = [
        params.run(*command, fails=True)
        for command in (("dvc", "repro"), ("snakemake", "--cores", "1"))
    ]
    said = [[one for one in output.splitlines() if line in one] for output in outputs]
    assert said[0] == said[1] != []
    assert all("Traceback" not in output for output in outputs)
    assert not any((params.folder / name).exists() for name in ("X", "data/raw", "provenance"))


def test_dvc_checks_without_snakemakes_part(params, tmp_path):
    project = params.copy(tmp_path / "project")
    shutil.rmtree(project.folder / "workflow")
    assert project.run("python", "scripts/tool.py", "check_parameters") == ""
    project.change(train_mlp={"epochs": 0})
    assert project.run("python", "scripts/tool.py", "check_parameters", fails=True).startswith(
        "train_mlp.epochs: 0 is not allowed; allowed: a whole number from 1"
    )


def test_dvc_refuses_a_linked_folder_of_results_before_any_stage(params, tmp_path):
    """It would fail once the first model is trained."""
    project = params.copy(tmp_path / "project")
    (tmp_path / "elsewhere").mkdir()
    (project.folder / "models").symlink_to(tmp_path / "elsewhere")
    output = project.run("dvc", "repro", fails=True)
    assert "\nmodels: a symbolic link, which DVC does not support; allowed: a folder\n" in output
    assert not (project.folder / "data" / "raw").exists()


def test_dvc_refuses_a_folder_with_braces_in_one_line(params, tmp_path):
    """Its own messages fail there."""
    project = params.copy(tmp_path / "pro{ject}")
    output = project.run("dvc", "repro", fails=True)
    assert "pro{ject}: DVC cannot run in a folder with braces; rename it\n" in output
    assert "Traceback" not in output


@pytest.mark.parametrize("spelling", ["1e-5", "0.00001", "1.0e-05", "1E-5"])
def test_small_numbers_reach_the_stage_from_any_spelling(spelling, params):
    path = params.folder / "params.yaml"
    path.write_text(path.read_text().replace("tol: 0.0001", f"tol: {spelling}"))
    for plan in (
        params.run("snakemake", "--cores", "1", "-n", "-p", "--forceall"),
        params.run("dvc", "repro", "--dry", "--force", "train-logreg"),
    ):
        assert "--tol 1e-05 " in plan


def test_overrides_reach_the_stages(params, tmp_path):
    quick = tmp_path / "quick.yaml"
    quick.write_text("train_mlp: {learning_rate: 1e-05}\ntrain_cnn: {epochs: 3}\n")
    plan = params.run(
        *("snakemake", "--cores", "1", "-n", "-p", "--configfile", str(quick)),
        *("--config", "seed=7", "train_cnn={epochs: 4}", "train_mlp={hidden: [5, 6]}"),
    )
    assert "--learning_rate 1e-05 " in plan
    assert "--hidden 5 6 --activation relu" in plan
    assert "--epochs 4 " in plan
    assert "--seed '7' " in plan


@pytest.mark.parametrize("snakefile", ["Snakefile", "study.smk"])
def test_snakemakes_cache_is_refused(snakefile, params, tmp_path):
    """Results would become links into it."""
    snakefile = f"workflow/{snakefile}"
    run = ("snakemake", "--snakefile", snakefile, "--cores", "1", "--cache", "evaluate")
    output = params.run(*run, fails=True, SNAKEMAKE_OUTPUT_CACHE=str(tmp_path))
    assert output.splitlines()[-1].startswith("--cache: Snakemake would replace results by links")
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    "command",
    [
        "snakemake --cores 1 --snakefile {}/workflow/Snakefile",
        "snakemake --cores 1 --snakefile {}/workflow/study.smk",
        "snakemake --cores 1 --snakefile {0}/workflow/Snakefile --directory {0}/workflow",
        "python {}/scripts/tool.py check_parameters",
    ],
)
def test_another_folder_is_named_with_the_one_to_run_in(command, params, tmp_path):
    words = command.format(params.folder).split()
    output = Project(tmp_path).run(*words, fails=True)
    folder = params.folder / "workflow" if "--directory" in words else tmp_path
    assert output.splitlines()[-1] == (
        f"params.yaml: no such file in {folder}; run this in the project's folder, {params.folder}"
    )
    assert "Traceback" not in output


def test_the_profile_for_slurm_runs_a_failing_stage_twice_with_more_memory(params):
    """What Snakemake decides, here with jobs on this machine."""
    params.change(download={"dataset": "own"})
    profile = ("--workflow-profile", "workflow/profiles/slurm")
    run = ("snakemake", *profile, "--executor", "local", "--cores", "1", "download")
    output = params.run(*run, fails=True)
    assert re.findall(r"\bmem_mb=(\d+)", output) == ["1000", "2000"]
