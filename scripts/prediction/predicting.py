"""Predict images, and write the table and the page."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from threadpoolctl import threadpool_limits
from tqdm import tqdm

from core.errors import UserError
from core.files import write_text, written_whole
from core.parameters import first_error, read_schema, read_sections
from core.split import read_split
from core.text import printable
from freshness.revision import check_folder
from freshness.staleness import stale_results
from networks.backend import use_threads
from prediction import table
from prediction.batches import predictions
from prediction.fitting import Fitting
from prediction.inputs import Images, read_images
from prediction.models import METRICS, Model, best_model, folders_of, read_models
from prediction.preview import Preview
from prediction.threshold import find_threshold

HALF = "backslashreplace"  # a terminal may not have all letters of class names


@dataclass(frozen=True)
class Request:
    """The options, as in `tool.py predict --help`."""

    images: Path
    models: Sequence[str] = ()
    output: Path | None = None
    seen: Path | None = None
    fit: str = "auto"
    sure: float | None = None
    validation: Path = Path("data/processed/validation.npz")
    kaggle: bool = False


def predict_all(request: Request) -> int:
    """Write the predictions, and remarks on standard error. Returns the number of problems; each
    is a line on standard error.

    Raises:
        UserError: nothing can be predicted.
        OSError: something cannot be read or written.
    """
    problems = []

    def report(line: str) -> None:
        problems.append(1)
        tqdm.write(line, file=sys.stderr)

    check_folder()
    _check(request)
    parameters = _parameters()
    settings = parameters["evaluate"]
    names = request.models or [best_model()]
    for line in [] if request.models else stale_results([METRICS]).values():
        report(printable(f"{METRICS}, which ranks the models, is out of date: {line}"))
    use_threads(settings["threads"])
    with threadpool_limits(settings["threads"]):
        folders = folders_of(names)
        models = read_models(folders, settings["batch_size"], stale_results, report)
        if not request.models:
            _say(f"using {models[0].name}, the best model on the page")
        thresholds = _thresholds(request, models)
        with read_images(request.images, _classes(models), report) as source:
            if request.kaggle and source.pictures:
                raise UserError(
                    "--kaggle: pictures have no row numbers; allowed:"
                    " a table or arrays, such as test.csv"
                )
            fitting = Fitting(request.fit, parameters["download"]["dataset"], source.pictures)
            chunks = predictions(source, models, settings["batch_size"], fitting, report)
            _write(request, models, thresholds, source, chunks)
    for line in fitting.remarks():
        _say(line)
    return len(problems)


def _write(
    request: Request,
    models: Sequence[Model],
    thresholds: list[float],
    source: Images,
    chunks: Iterator[Any],
) -> None:
    scores = [table.Score() for _ in models]
    preview = Preview(models)
    quiet = request.output is None and sys.stdout.isatty()  # the rows show the progress
    with (
        _opened(request.output) as file,
        tqdm(total=source.total, unit=" images", disable=quiet or None) as progress,
    ):
        file.write(
            table.KAGGLE
            if request.kaggle
            else table.header(models, source.pictures, source.labelled, bool(thresholds))
        )
        for chunk in chunks:
            if request.kaggle:
                file.write(table.kaggle_rows(chunk, models[0]))
            else:
                file.write(table.rows(chunk, models, source.labelled, thresholds))
            for place, model in enumerate(models):
                least = thresholds[place] if thresholds else 0
                scores[place].add(model, chunk.probabilities[place], chunk.labels, least)
            if request.seen:
                preview.add(chunk)
            progress.update(len(chunk.names))
    if request.seen:
        write_text(request.seen.resolve(), preview.page())
        _say(f"What the models saw: {request.seen.resolve()}")
    for model, score in zip(models, scores, strict=True):
        for line in score.sentences(model.name, bool(thresholds)):
            _say(line)


def _thresholds(request: Request, models: Sequence[Model]) -> list[float]:
    """The threshold of each model, reported on standard error; empty without --sure."""
    if request.sure is None:
        return []
    if not request.validation.is_file():
        raise UserError(
            f"--sure needs {request.validation}, which is missing; run dvc repro preprocess"
        )
    validation = read_split(request.validation)
    found = [find_threshold(model, validation, request.sure) for model in models]
    for model, threshold in zip(models, found, strict=True):
        _say(threshold.sentence(model.name))
    return [threshold.confidence for threshold in found]


@contextmanager
def _opened(output: Path | None) -> Iterator[IO[str]]:
    """Yield the file `output`, or standard output."""
    if output:
        with (
            written_whole(output.resolve()) as partial,
            partial.open("w", encoding="utf-8", newline="") as file,
        ):
            yield file
        return
    sys.stdout.reconfigure(errors=HALF)
    yield sys.stdout


def _check(request: Request) -> None:
    """Raise UserError if flags exclude each other, or an output is the input."""
    for path in filter(None, (request.output, request.seen)):
        if path.exists() and not path.is_file():
            raise UserError(f"{path}: not a regular file; allowed: a file to write")
        if path.exists() and request.images.exists() and path.samefile(request.images):
            raise UserError(f"{path}: also the input; allowed: another file to write")
    if request.output and request.output == request.seen:
        raise UserError(
            f"{request.output}: both the table and the page; allowed: two different files"
        )
    if request.kaggle and (len(request.models) > 1 or request.sure is not None):
        raise UserError(
            "--kaggle: the format has one prediction per image; allowed: one model, no --sure"
        )


def _parameters() -> dict[str, Any]:
    parameters = read_sections(Path("params.yaml"))
    error = first_error(parameters, read_schema())
    if error:
        raise UserError(error)
    return parameters


def _classes(models: Sequence[Model]) -> set[str]:
    return {name for model in models for name in model.classes}


def _say(line: str) -> None:
    print(printable(line), file=sys.stderr)
