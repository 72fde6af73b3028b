"""Check that every result is up to date and undamaged; otherwise list why, with exit status 1.

Asks both engines whether they would run anything, compares every file and every object of DVC's
cache with its recorded hash, and recomputes the metrics and the page from the models' predictions.
Changes no content.
"""

import argparse
import hashlib
import importlib.metadata
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from ruamel.yaml import YAML

from core.errors import WRONG_FORM, UserError
from core.files import read_json
from core.split import read_split
from evaluation.evaluation import read_evaluation
from evaluation.findings import as_texts, findings_of
from freshness.dvc_files import locked_stages, read_stages
from freshness.records import changed_files
from freshness.revision import Revision, check_folder, md5_of_folder

HERE = Revision("this folder")
LOCK = Path("requirements.lock")
# The metrics that cannot be computed from the predictions for the test images.
SIZES = ("parameters", "bytes", "validation_images", "validation_right")


def add_arguments(_: argparse.ArgumentParser) -> None:
    """Add nothing: this tool has no arguments."""


def run() -> str:
    """Raise UserError with the problems of the results in the working directory, one per line."""
    check_folder()
    gaps = [*lock_gaps()] if Path("dvc.yaml").exists() else []
    problems = [*environment_problems()]
    if Path("workflow/Snakefile").exists():
        problems += snakemake_problems()
    if Path("dvc.yaml").exists():
        # DVC comes last, because it deletes damaged objects of its cache. It blames the files that
        # its lock does not list.
        problems += [*cache_problems(), *lock_problems(), *(gaps or dvc_problems())]
    problems = problems or [*metrics_problems(), *page_problems()]  # if the inputs are right
    if problems:
        raise UserError("\n".join(dict.fromkeys(problems)))  # both engines may report the same
    return "Every result is up to date with the current parameters, code and data."


def environment_problems() -> Iterator[str]:
    """Libraries whose installed version is not the pinned one."""
    pinned = {}
    for line in re.findall(r"^[\w.-]+==[^\\\n]+", LOCK.read_text(encoding="utf-8"), re.MULTILINE):
        requirement = Requirement(line.strip())
        if requirement.marker is None or requirement.marker.evaluate():
            pinned[canonicalize_name(requirement.name)] = requirement.specifier
    names = {
        canonicalize_name(re.split("==?", entry)[0]).removesuffix("-base")
        for path in sorted(Path("envs").glob("*.yaml"))
        for listed in YAML(typ="safe").load(path)["dependencies"]
        for entry in (listed["pip"] if isinstance(listed, dict) else [listed])
    }
    for name in sorted(names & pinned.keys()):
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            yield f"{name}: not installed; {LOCK} has {pinned[name]}"
        else:
            if version not in pinned[name]:
                yield f"{name}: {version} is installed; {LOCK} has {pinned[name]}"


def snakemake_problems() -> Iterator[str]:
    """What Snakemake would run, and why."""
    run = _run("snakemake", "--dry-run", "--cores", "1", stderr=subprocess.STDOUT)
    if run.returncode:
        yield f"snakemake: {_last_line(run)}"
    elif "Nothing to be done" not in run.stdout:
        lines = run.stdout.splitlines()
        reasons = [line for line in lines if " must be rerun: " in line]
        rules = [line[5:-1] for line in lines if line.startswith("rule ") and line != "rule all:"]
        yield from reasons or [f"snakemake: {', '.join(rules)} would run"]


def dvc_problems() -> Iterator[str]:
    """What DVC would run, and why."""
    run = _run("dvc", "status", "--json")
    if run.returncode:
        advice = "; run git init, or dvc config --local core.no_scm true"
        yield f"dvc: {_last_line(run)}{advice * ('is not a git repository' in run.stderr)}"
        return
    for stage, changes in json.loads(run.stdout).items():
        for change in changes:
            if isinstance(change, str):
                yield f"{stage}: {change}"
            else:
                for kind, paths in change.items():
                    yield f"{stage}: {kind}: {_flat(paths)}"


def lock_gaps() -> Iterator[str]:
    """What dvc.lock does not list of the stages. Raises UserError if it is damaged."""
    if not Path("dvc.lock").exists():
        yield "dvc.lock is missing; git checkout dvc.lock restores the committed file"
    for name, stage in read_stages(HERE).items():
        if stage.unlisted:
            yield f"{name} must be rerun: {stage.stale}"


def lock_problems() -> Iterator[str]:
    """Files that differ from dvc.lock; `dvc status` trusts sizes and times instead of hashing."""
    for name, stage in (locked_stages(HERE) or {}).items():
        files = stage.inputs | stage.outputs
        for reason in changed_files(files, files, _md5):
            yield f"{name} must be rerun: {reason}"


def cache_problems() -> Iterator[str]:
    """Objects of DVC's cache whose content does not match their name."""
    cache = Path(_run("dvc", "cache", "dir").stdout.strip()) / "files" / "md5"
    for item in sorted(cache.glob("??/*")):
        if _md5(str(item)) != item.parent.name + item.name.removesuffix(".dir"):
            yield f"{item}: damaged; delete it, then run dvc commit"


def metrics_problems() -> Iterator[str]:
    """Metrics and findings that do not match the models' predictions."""
    part = read_split(Path("data/processed/test.npz"))
    source = Path("reports/evaluation.npz")
    evaluation = read_evaluation(source)
    names, probabilities = evaluation.models, evaluation.probabilities
    metrics = Path("reports/metrics.json")
    try:
        saved = read_json(metrics)
        sizes = [{key: saved[name][key] for key in SIZES} for name in names]
        # Results on other images cannot be recomputed from these predictions.
        others = (evaluation.findings[name] for name in ("robustness", "unknown"))
        findings = findings_of(names, sizes, probabilities, part, *others)
    except WRONG_FORM:
        yield f"{metrics}: not in evaluate's format"
        return
    for name, text in as_texts(names, probabilities, part, findings).items():
        if Path("reports", name).read_text(encoding="utf-8") != text:
            yield f"reports/{name}: does not match {source}"
    if evaluation.findings != findings:
        yield f"{source}: its findings do not match its probabilities"


def page_problems() -> Iterator[str]:
    """A page that does not match the inputs of its stage."""
    words = read_json(Path("provenance/report.json"))["command"]
    with tempfile.TemporaryDirectory() as folder:
        pages = {}
        for flag in ("--html", "--markdown", "--provenance"):
            place = words.index(flag) + 1
            pages[Path(words[place])] = Path(folder) / Path(words[place]).name
            words[place] = str(pages[Path(words[place])])
        run = _run(sys.executable, *words)
        if run.returncode:
            yield f"report: cannot be rerun: {_last_line(run)}"
            return
        for path, again in pages.items():
            if path.suffix != ".json" and path.read_bytes() != again.read_bytes():
                yield f"{path}: does not match the results"


def _run(*words: str, stderr: int = subprocess.PIPE) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, stdout=subprocess.PIPE, stderr=stderr, text=True, check=False)


def _last_line(run: subprocess.CompletedProcess[str]) -> str:
    lines = (run.stdout + (run.stderr or "")).split("\n")
    lines = [line.strip() for line in lines if line.strip()] or ["failed without a message"]
    return next((line for line in lines if line.startswith("ERROR: ")), lines[-1])


def _flat(changes: Any) -> str:
    """The nested changes that DVC reports, in one line."""
    if isinstance(changes, dict):
        return ", ".join(f"{key} {_flat(value)}" for key, value in changes.items())
    return str(changes)


def _md5(path: str) -> str | None:
    folder = Path(path)
    if folder.is_dir():  # also outside of the project, where the user's own data may be
        files = [file for file in folder.rglob("*") if not file.is_dir()]
        names = {file.relative_to(folder).as_posix(): file for file in files}
        return md5_of_folder(
            {name: _md5(str(file)) for name, file in names.items() if "__pycache__" not in name}
        )
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "md5").hexdigest()
    except FileNotFoundError:
        return None
