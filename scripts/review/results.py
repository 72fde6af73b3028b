"""The results of a revision, from its metrics.json, failures.csv and stats.json in git."""

import csv
import io
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from core.damage import damage
from core.errors import UserError
from core.files import parse_json
from core.text import csv_text, from_csv_text
from evaluation.validation import check_validation
from freshness.processor_time import limited_time
from freshness.revision import Revision
from review.quoting import quoted

METRICS = "reports/metrics.json"
FAILURES = "reports/failures.csv"
STATS = "reports/stats.json"
# These limit the time and the memory of a review.
MOST_MODELS = 100
MOST_IMAGES = 1_000_000
MOST_PREDICTIONS = 1_000_000  # in failures.csv: rows times models
LONGEST_ROW = 1_000_000  # characters
MOST_CLASSES = 10_000
MOST_CHECKS = 100
MOST_VALUES = 2_000_000  # in a JSON file


class Mistake(NamedTuple):
    """A wrong prediction for a test image, with its probability from 0 to 1."""

    label: str
    answer: str
    confidence: float


class Alarm(NamedTuple):
    """What a check found: "stop" or "warn", and sentences; those from a file are quoted."""

    severity: str
    found: str
    meaning: str
    action: str


@dataclass(frozen=True)
class Results:
    """What the models of a revision predict for the test images.

    Attributes:
        dataset: its name.
        sha256: of its content.
        images: the number of test images.
        mistakes: each model's mistakes, by the number of the image.
        correct: the confidence of each model's correct predictions, by the number of the image,
            where another model is wrong.
        losses: each model's log loss, which ranks equally accurate ones.
        alarms: why the data may not say which model to trust, the worst first.
    """

    dataset: str
    sha256: str
    images: int
    mistakes: dict[str, dict[int, Mistake]]
    correct: dict[str, dict[int, float]] = field(default_factory=dict)
    losses: dict[str, float] = field(default_factory=dict)
    alarms: list[Alarm] = field(default_factory=list)


def read_results(revision: Revision) -> Results | None:
    """The results of `revision`; None if it has none. The files are not trusted.

    Raises:
        UserError: they are damaged, too large, or do not match each other.
    """
    with limited_time(f"the results of {revision.name}"):
        texts = {path: revision.read(path) for path in (METRICS, FAILURES, STATS)}
        if texts[METRICS] is None:
            return None
        for path, text in texts.items():
            if text is None:
                raise UserError(f"{path} of {revision.name} is missing")
            is_cut = path == FAILURES and not text.endswith(b"\n")
            why = damage(text) or ("cut off" if is_cut else None)
            if why:
                raise UserError(f"{path} of {revision.name}: {why}")
        metrics, stats = (_parsed(path, revision, texts[path]) for path in (METRICS, STATS))
        counts = _checked(METRICS, revision, lambda: _counts(metrics))
        gaps = _checked(METRICS, revision, lambda: _gaps(metrics))
        images = next(iter(counts.values()))[1]
        dataset = _checked(STATS, revision, lambda: _dataset(stats))
        alarms = _checked(STATS, revision, lambda: _alarms(stats))
        losses = _checked(METRICS, revision, lambda: _losses(metrics))
        mistakes, correct = _checked(
            FAILURES, revision, lambda: _mistakes(texts[FAILURES], list(counts), images)
        )
        for name, (failures, total) in counts.items():
            if total != images or failures != len(mistakes[name]):
                raise UserError(f"{FAILURES} of {revision.name} does not match {METRICS}")
        return Results(*dataset, images, mistakes, correct, losses, [*gaps, *alarms])


class _RefusedError(Exception):
    """The file is valid, but too large for a review."""


def _parsed(path: str, revision: Revision, text: bytes) -> Any:
    """The content of a JSON file. Its values are counted first, because each takes more memory
    than text.
    """
    if sum(map(text.count, (b",", b"[", b"{"))) > MOST_VALUES:
        raise UserError(
            f"{path} of {revision.name} has too many values; allowed: up to {MOST_VALUES:,}"
        )
    return parse_json(text, f"{path} of {revision.name}")


def _checked(path: str, revision: Revision, read: Callable[[], Any]) -> Any:
    try:
        return read()
    except _RefusedError as error:
        raise UserError(f"{path} of {revision.name} has {error}") from None
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError, csv.Error):
        raise UserError(f"{path} of {revision.name} is not in the pipeline's format") from None


def _counts(metrics: Any) -> dict[str, tuple[int, int]]:
    """How many images each model gets wrong, and of how many."""
    if len(metrics) > MOST_MODELS:
        raise _RefusedError(f"{len(metrics):,} models; allowed: up to {MOST_MODELS}")
    counts = {}
    for name, scores in metrics.items():
        name.encode()  # raises ValueError for half a character, which JSON may hold
        failures, successes = scores["failures"], scores["successes"]
        if type(failures) is not int or type(successes) is not int:
            raise TypeError(name)
        if min(failures, successes) < 0 or failures + successes == 0:
            raise ValueError(name)
        if failures + successes > MOST_IMAGES:
            raise _RefusedError(f"too many test images; allowed: up to {MOST_IMAGES:,}")
        counts[name] = failures, failures + successes
    if not counts:
        raise ValueError(metrics)
    return counts


def _dataset(stats: Any) -> tuple[str, str]:
    name, digest = stats["dataset"], stats["sha256"]
    name.encode(), digest.encode()  # raises for what is no text
    return name, digest


def _gaps(metrics: Any) -> list[Alarm]:
    """Alarms about models that are much worse on test images than on validation images."""
    for name, scores in metrics.items():
        keys = ("validation_right", "validation_images")  # older results have none
        right, images = (scores.get(key, 0) for key in keys)
        if not (type(right) is type(images) is int and 0 <= right <= images):
            raise ValueError(name)
        if images > MOST_IMAGES:
            raise _RefusedError(f"too many validation images; allowed: up to {MOST_IMAGES:,}")
    return _as_alarms(check_validation(metrics))


def _as_alarms(checks: Any) -> list[Alarm]:
    return [Alarm(*(one[key] for key in Alarm._fields)) for one in checks.values()]


def _alarms(stats: Any) -> list[Alarm]:
    checks = stats.get("checks", {})  # older results have none
    if len(checks) > MOST_CHECKS:
        raise _RefusedError(f"{len(checks):,} checks of the data; allowed: up to {MOST_CHECKS}")
    alarms = _as_alarms(checks)
    for alarm in alarms:
        if alarm.severity not in ("stop", "warn", "note"):
            raise ValueError(alarm.severity)
        for text in alarm:
            text.encode()  # raises for what is no text
    return [
        Alarm(severity, f"{STATS} says {quoted(found.removesuffix('.'))}.", *map(quoted, others))
        for wanted in ("stop", "warn")
        for severity, found, *others in alarms
        if severity == wanted
    ]


def _losses(metrics: Any) -> dict[str, float]:
    """Each model's log loss, used only to order models; 0 if it is not a number."""
    losses = {name: scores.get("loss") for name, scores in metrics.items()}
    return {
        name: loss if type(loss) is float and math.isfinite(loss) else 0.0
        for name, loss in losses.items()
    }


def _mistakes(
    text: bytes, names: list[str], images: int
) -> tuple[dict[str, dict[int, Mistake]], dict[str, dict[int, float]]]:
    """The mistakes of the models `names`, and the confidence of their correct predictions, from
    the table that evaluate writes.
    """
    rows = _rows(text)
    header = next(rows, [])
    columns = {name: header.index(csv_text(name)) for name in names}
    mistakes: dict[str, dict[int, Mistake]] = {name: {} for name in names}
    correct: dict[str, dict[int, float]] = {name: {} for name in names}
    classes: dict[str, str] = {}  # each name once in memory
    for number, row in enumerate(rows, 1):
        if number > images:
            raise _RefusedError(f"over {images:,} rows; allowed: one for each test image")
        if number * len(names) > MOST_PREDICTIONS:
            raise _RefusedError(f"too many predictions; allowed: up to {MOST_PREDICTIONS:,}")
        if len(classes) > MOST_CLASSES:
            raise _RefusedError(f"too many classes; allowed: up to {MOST_CLASSES:,}")
        index, label = int(row[0]), from_csv_text(row[1])
        if not 0 <= index < images:
            raise ValueError(index)
        for name, column in columns.items():
            answer, confidence = from_csv_text(row[column]), float(row[column + 1])
            if not 0 <= confidence <= 1:  # nor NaN
                raise ValueError(confidence)
            if answer != label:
                both = (classes.setdefault(each, each) for each in (label, answer))
                mistakes[name][index] = Mistake(*both, confidence)
            else:
                correct[name][index] = confidence
    return mistakes, correct


def _rows(text: bytes) -> Iterator[list[str]]:
    """The rows of a CSV file, one at a time."""
    file, left = io.TextIOWrapper(io.BytesIO(text), "utf-8", newline="\n"), LONGEST_ROW

    def lines() -> Iterator[str]:
        nonlocal left
        while line := file.readline(left + 1):
            left -= len(line)
            if left < 0:
                raise _RefusedError(
                    f"a row that is too long; allowed: up to {LONGEST_ROW:,} characters"
                )
            yield line

    for row in csv.reader(lines(), strict=True):
        left = LONGEST_ROW
        yield row
