"""The models' answers as CSV, and how many of them are right."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from core.text import csv_text
from evaluation.significance import accuracy_interval
from prediction.asking import Answered
from prediction.models import Model


def header(models: Sequence[Model], pictures: bool, labelled: bool, asks: bool) -> str:
    """The first line: what each image is called, its label if it may have one, and each model's
    answers; with `asks`, whether a person should be asked.
    """
    names = ["file" if pictures else "row", *["label"] * labelled]
    for model in models:
        own = csv_text(model.name)
        names += [own, f"{own}_probability", f"{own}_second", f"{own}_second_probability"]
        names += [f"{own}_ask_a_person"] * asks
    return _lines([names])


def rows(
    answered: Answered,
    models: Sequence[Model],
    labelled: bool,
    thresholds: Sequence[float],
) -> str:
    """A line for each image, as `header` has them.

    Args:
        thresholds: of each model, the least confidence with which nobody else has to be asked; or
            none.
    """
    columns: list[Sequence[str]] = [[csv_text(name) for name in answered.names]]
    if labelled:
        columns.append([csv_text(label or "") for label in answered.labels])
    for place, (model, likely) in enumerate(zip(models, answered.probabilities, strict=True)):
        classes = [csv_text(name) for name in model.classes]
        for answer in best_two(likely):
            columns.append([classes[number] for number in answer.tolist()])
            columns.append([str(one) for one in likely[np.arange(len(likely)), answer]])
        if thresholds:
            asks = likely.max(axis=1) < np.float32(thresholds[place])
            columns.append(["yes" if ask else "no" for ask in asks.tolist()])
    return _lines(zip(*columns, strict=True))


KAGGLE = "ImageId,Label\n"


def kaggle_rows(answered: Answered, model: Model) -> str:
    """The same as Kaggle asks for it."""
    best = answered.probabilities[0].argmax(axis=1)
    return _lines(
        [number, csv_text(model.classes[answer])]
        for number, answer in zip(answered.names, best.tolist(), strict=True)
    )


def best_two(likely: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The places of the most and of the second most likely class, (n,), of probabilities, (n, k);
    of equals, the first, as in evaluate.
    """
    best = likely.argmax(axis=1)
    others = likely.copy()
    others[np.arange(len(likely)), best] = -1
    return best, others.argmax(axis=1)


@dataclass
class Score:
    """How many labelled images a model is right about, and how many it leaves to a person."""

    images: int = 0
    labelled: int = 0
    right: int = 0
    asks: int = 0

    def add(
        self, model: Model, likely: np.ndarray, labels: Sequence[str | None], threshold: float
    ) -> None:
        """Count some images."""
        self.images += len(likely)
        self.asks += int((likely.max(axis=1) < np.float32(threshold)).sum())
        for label, answer in zip(labels, likely.argmax(axis=1).tolist(), strict=True):
            if label is not None:
                self.labelled += 1
                self.right += label == model.classes[answer]

    def sentences(self, name: str, asks: bool) -> Iterator[str]:
        """What there is to say of labelled images, and of those that a person should be asked."""
        if self.labelled:
            low, high = (100 * end for end in accuracy_interval(self.right, self.labelled))
            share = 100 * self.right / self.labelled
            yield (
                f"{name}: right about {self.right:,} of {self.labelled:,} labelled images,"
                f" {share:.2f} % (95 % interval {low:.2f} to {high:.2f})"
            )
        if asks:
            yield f"{name}: a person should be asked about {self.asks:,} of {self.images:,} images"


def _lines(rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
