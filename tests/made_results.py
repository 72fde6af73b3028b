"""Results as the stages before the report write them, made to be difficult, and their page."""

import functools
import math
import re
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from conftest import ROOT

from core.files import write_json, write_text
from core.split import Split, write_split
from drawing.figures import draw_class_counts, draw_samples
from evaluation.corruptions import CORRUPTIONS
from evaluation.evaluation import Evaluation, write_evaluation
from evaluation.findings import findings_of
from evaluation.robustness import SEVERITIES, summary
from evaluation.scores import failures_csv
from evaluation.unknown import ask_unknown
from evaluation.unknown_images import make_unknown
from report import report
from training.training_record import write_record

HOSTILE = '"><img src=x onerror=alert(1)></script>|`@everyone\u2028=cmd()' + "x" * 300


def probabilities_with_mistakes(labels: np.ndarray, wrong: int, classes: int) -> np.ndarray:
    """Probabilities, (n, classes), that are wrong for the first `wrong` images, and more confident
    the later an image comes.
    """
    images = len(labels)
    answers = np.where(np.arange(images) < wrong, (labels + 1) % classes, labels)
    sure = 0.5 + 0.4 * (np.arange(images) + 1) / images
    likely = np.repeat(((1 - sure) / (classes - 1))[:, None], classes, axis=1)
    likely[np.arange(images), answers] = sure
    return likely


class FakeModel(NamedTuple):
    """A model as evaluate runs it, more confident the later it comes and the brighter an image."""

    name: str
    place: int

    def probabilities(self, images: np.ndarray, classes: int) -> np.ndarray:
        sure = np.clip(images.mean(axis=(1, 2)) / 20 + self.place / 10, 1 / classes, 1)
        rest = np.repeat(((1 - sure) / (classes - 1))[:, None], classes - 1, axis=1)
        return np.hstack([sure[:, None], rest]).astype(np.float32)


def make_results(
    folder: Path,
    wrong: dict[str, int],
    dataset: str = "toy",
    images: int = 40,
    shape: tuple[int, int] = (8, 8),
    classes: int = 10,
    likely: np.ndarray | None = None,
    checks: dict[str, dict] | None = None,
    preparation: dict[str, str] | None = None,
    validation: tuple[int, int] = (0, 0),
    calibration: dict | None = None,
    corrupted_right: dict[str, int] | None = None,
    unknown: int = 3,
) -> None:
    """Write what the page is drawn from, for models that get the first `wrong` images wrong, or
    answer with the probabilities `likely`, (models, images, classes); all are right about the
    first number of the second number of `validation` images, and have the `calibration`.

    Of changed images, each model is right about the first `corrupted_right`, at each severity, and
    92 % sure.
    """
    random = np.random.default_rng(0)
    names = list(wrong)
    labels = np.arange(images) % classes
    pixels = random.integers(0, 17, (images, *shape), dtype=np.uint8)
    part = Split(pixels, labels, np.arange(classes).astype(str), np.array([0.0, 16.0]))
    write_split(folder / "test.npz", part)
    if likely is None:
        likely = np.stack(
            [probabilities_with_mistakes(labels, count, classes) for count in wrong.values()]
        )
    likely = likely.astype(np.float32)
    watched = {"validation_right": validation[0], "validation_images": validation[1]}
    sizes = [{"parameters": 650, "bytes": 2600, **watched} for _ in names]
    robustness, changed = {}, np.zeros((0, 6, *shape), np.uint8)
    if corrupted_right:
        shown = (len(CORRUPTIONS), 1 + SEVERITIES, len(names), images)
        right = np.arange(images) < np.array([corrupted_right[name] for name in names])[:, None]
        robustness = summary(names, np.broadcast_to(right, shown), np.full(shown, 0.92))
        changed = random.integers(0, 17, (*shown[:2], *shape), dtype=np.uint8)
    held_out = replace(part, images=pixels[:2], classes=np.array(["x"]))
    kinds = make_unknown(part, held_out, unknown, 1)
    models = [FakeModel(name, place) for place, name in enumerate(names)]
    asked, examples = ask_unknown(models, part, likely, kinds)
    findings = findings_of(names, sizes, likely, part, robustness, asked)
    answered = names, part.classes, labels, likely, findings
    write_evaluation(folder / "evaluation.npz", Evaluation(*answered, changed, examples))
    write_json(folder / "metrics.json", findings["metrics"])
    write_text(folder / "failures.csv", failures_csv(names, likely, part))
    for name in names:
        write_record(
            folder / name / "training.json",
            settings={"epochs": 2, "hidden": [3]},
            defaults={"epochs": 1, "hidden": [3]},
            layers=[{"layer": "Dense", "output_shape": [classes], "parameters": 650}],
            train=_first(100, part),
            validation=_first(validation[1], part),
            fit_seconds=1.5,
            answer_microseconds=2.5,
            calibration=calibration,
            remarks=("stopped early",),
        )
        write_text(folder / name / "history.csv", "epoch,loss,val_loss\n0,2.0,NA\n1,1.0,NA\n")
    counts = np.bincount(labels, minlength=classes)
    write_json(
        folder / "stats.json",
        {
            "dataset": dataset,
            "sha256": "0" * 64,
            "image_shape": list(shape),
            "parts": {"train": {"images": 100}, "test": {"images": images}},
            "class_counts": [
                {"class": str(label), "train": 10, "test": int(count)}
                for label, count in enumerate(counts)
            ],
            "preparation": preparation or {},
            "train_against_test": {"sentence": "Alike."},
            "checks": checks or {},
        },
    )
    samples, histogram = figures(shape, classes)
    write_text(folder / "samples.svg", samples)
    write_text(folder / "histogram.svg", histogram)


@functools.cache
def figures(shape: tuple[int, int], classes: int) -> tuple[str, str]:
    """What explore-stats would draw."""
    images = np.arange(4 * math.prod(shape)).reshape(4, *shape) % 17
    shares = np.full(classes, 1 / classes)
    return (
        draw_samples(images, ["0", "1", "2", "3"], (0, 16)),
        draw_class_counts(list(map(str, range(classes))), {"train": shares, "test": shares}),
    )


def render(folder: Path, wrong: dict[str, int], failures: int = 25, **kinds) -> tuple[str, str]:
    """The page and its Markdown version of `make_results`."""
    folder.mkdir(exist_ok=True)
    make_results(folder, wrong, **kinds)
    return draw(folder, list(wrong), failures)


def draw(folder: Path, models: list[str], failures: int = 25) -> tuple[str, str]:
    """The page and its Markdown version of what is in `folder`."""
    report(
        test=folder / "test.npz",
        models=[folder / name for name in models],
        evaluation=folder / "evaluation.npz",
        metrics=folder / "metrics.json",
        failed=folder / "failures.csv",
        stats=folder / "stats.json",
        train_samples=folder / "samples.svg",
        test_samples=folder / "samples.svg",
        class_histogram=folder / "histogram.svg",
        templates=ROOT / "scripts" / "templates",
        html=folder / "page.html",
        markdown=folder / "page.md",
        failures=failures,
        seed=1,
    )
    html = (folder / "page.html").read_text()
    assert html.isascii()
    readable = re.sub(r"&#(\d{3,});", lambda character: chr(int(character[1])), html)
    return readable, (folder / "page.md").read_text()


def check(severity: str, text: str = "", pictures: int = 0) -> dict:
    """What a check of the data may have found; pictures are of 2x3 pixels."""
    row = [
        {"part": "train", "index": 7, "class": text or "3", "pixels": "000 f0f"},
        {"part": "test", "index": None, "class": text or "3", "pixels": "00f 123"},
    ]
    said = {part: f"{part.capitalize()} {text or severity}." for part in ("found", "meaning")}
    said |= {"severity": severity, "action": f"Act {text or severity}."}
    return {**said, "images": [row] * pictures} if pictures else said


def _first(images: int, part: Split) -> Split:
    """So many images, over and over again those of `part`."""
    places = np.arange(images) % len(part.labels)
    return replace(part, images=part.images[places], labels=part.labels[places])
