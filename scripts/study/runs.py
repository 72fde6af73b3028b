"""The runs of a study: their results, and why some are missing."""

import re
from pathlib import Path
from typing import Any, NamedTuple

from core.errors import UserError
from core.files import read_json

LONGEST = 200  # characters of a reason, at most
CHATTER = re.compile(r"[IWE]\d{4} |WARNING: All log")  # TensorFlow's log messages


class Run(NamedTuple):
    """A model that was trained and measured.

    Attributes:
        seed: the seed of the data split and the training.
        right: the number of test images classified correctly.
        images: the number of test images.
        test: the SHA-256 of the test images.
        parameters: the number of the model's parameters.
        size: the size of its files in bytes.
        fit_seconds: the duration of its training.
        corrupted: its accuracy on corrupted test images, if it was measured.
    """

    seed: int
    right: int
    images: int
    test: str
    parameters: int
    size: int
    fit_seconds: float
    corrupted: float | None = None


class Variant(NamedTuple):
    """A variant of one model.

    Attributes:
        name: its name.
        changes: its values by key of params.yaml, as text.
        dataset: the dataset of its models.
        runs: the finished runs, in the order of the study's seeds.
        missing: the seeds of the other runs, each with the reason.
    """

    name: str
    changes: dict[str, str]
    dataset: str
    runs: list[Run]
    missing: dict[int, str]


class Table(NamedTuple):
    """The variants of a model in a study; the others are compared with the first.

    Attributes:
        study, model: their names.
        variants: the variants that train different models.
        same: the names of the other variants, which train the same model as one of these.
    """

    study: str
    model: str
    variants: list[Variant]
    same: list[str]


def read_tables(plan: Path, logs: Path) -> list[Table]:
    """The available results of the planned studies.

    Args:
        plan: the studies and their runs; the folders STAGE/ID of the runs are beside it.
        logs: the folder of the logs STAGE_ID.log.

    Raises:
        UserError: a file is damaged, or the code changed between two runs.
        OSError: a file cannot be read.
    """
    tables = []
    studies = read_json(plan)
    _check_code(plan.parent, studies)
    for study in studies:
        planned: dict[str, dict[int, list[dict[str, Any]]]] = {}  # by model and variant
        for run in study["runs"]:
            planned.setdefault(run["model"], {}).setdefault(run["variant"], []).append(run)
        for model, by_variant in planned.items():
            listed: dict[tuple[str, ...], Variant] = {}  # by the last steps of its runs
            same = []
            for place, runs in by_variant.items():
                variant = study["variants"][place]
                ends = tuple(run["chain"][-1]["id"] for run in runs)
                if ends in listed:
                    same.append(variant["name"])
                else:
                    listed[ends] = _read_variant(variant, runs, plan.parent, logs)
            tables.append(Table(study["name"], model, [*listed.values()], same))
    return tables


def _check_code(folder: Path, studies: list[dict[str, Any]]) -> None:
    """Raise UserError if the runs of a stage used different code: they cannot be compared."""
    code: dict[tuple[str, str], str] = {}
    steps = [step for study in studies for run in study["runs"] for step in run["chain"]]
    for stage, key in dict.fromkeys((step["stage"], step["id"]) for step in steps):
        record = folder / stage / key / "provenance.json"
        inputs = read_json(record)["inputs"] if record.exists() else {}
        for path, digest in inputs.items():
            if path.endswith(".py") and code.setdefault((stage, path), digest) != digest:
                raise UserError(f"{path} was changed while the study ran; rerun make study")


def _read_variant(
    variant: dict[str, Any], planned: list[dict[str, Any]], folder: Path, logs: Path
) -> Variant:
    runs, missing = [], {}
    for run in planned:
        unfinished = [step for step in run["chain"] if not _ended(folder, step)]
        if unfinished:
            missing[run["seed"]] = _reason(unfinished[0], logs)
        else:
            runs.append(_read_run(run, folder))
    return Variant(variant["name"], variant["changes"], variant["dataset"], runs, missing)


def _ended(folder: Path, step: dict[str, str]) -> bool:
    """A stage writes its provenance last."""
    return (folder / step["stage"] / step["id"] / "provenance.json").exists()


def _read_run(run: dict[str, Any], folder: Path) -> Run:
    trained, evaluated = (folder / step["stage"] / step["id"] for step in run["chain"][-2:])
    scores = next(iter(read_json(evaluated / "metrics.json").values()))
    inputs = read_json(evaluated / "provenance.json")["inputs"]
    return Run(
        seed=run["seed"],
        right=scores["successes"],
        images=scores["successes"] + scores["failures"],
        test=next(digest for path, digest in inputs.items() if path.endswith("/test.npz")),
        parameters=scores["parameters"],
        size=scores["bytes"],
        fit_seconds=read_json(trained / "training.json")["fit_seconds"],
        corrupted=scores.get("corrupted_accuracy"),
    )


def _reason(step: dict[str, str], logs: Path) -> str:
    """The last line of a stage's log."""
    log = logs / f"{step['stage']}_{step['id']}.log"
    text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    lines = [line.strip() for line in text.split("\n") if not CHATTER.match(line)]
    lines = [line for line in lines if line] or ["it has not run"]
    last = lines[-1] if lines[-1].startswith(step["stage"]) else f"{step['stage']}: {lines[-1]}"
    return "".join(char for char in last if char.isprintable())[:LONGEST]
