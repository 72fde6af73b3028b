"""The predictions as CSV, and their accuracy."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from core.text import csv_text
from evaluation.significance import accuracy_interval
from prediction.batches import Predicted
from prediction.models import Model


def header(models: Sequence[Model], pictures: bool, labelled: bool, ask_column: bool) -> str:
    """The first line: the columns of the image, its label if there may be labels, and each model's
    predictions; with `ask_column`, whether to ask a person.
    """
    names = ["file" if pictures else "row", *["label"] * labelled]
    columns = ["", "_probability", "_second", "_second_probability"]
    columns += ["_ask_a_person"] * ask_column
    names += [csv_text(f"{model.name}{column}") for model in models for column in columns]
    return _lines([names])


def rows(
    batch: Predicted,
    models: Sequence[Model],
    labelled: bool,
    thresholds: Sequence[float],
) -> str:
    """A line for each image, with the columns of `header`.

    Args:
        thresholds: for each model, the lowest confidence that needs no person; or empty.
    """
    columns: list[Sequence[str]] = [[csv_text(name) for name in batch.names]]
    if labelled:
        columns.append([csv_text(label or "") for label in batch.labels])
    for place, (model, likely) in enumerate(zip(models, batch.probabilities, strict=True)):
        classes = [csv_text(name) for name in model.classes]
        for choice in best_two(likely):
            columns.append([classes[number] for number in choice.tolist()])
            columns.append([str(one) for one in likely[np.arange(len(likely)), choice]])
        if thresholds:
            asks = likely.max(axis=1) < np.float32(thresholds[place])
            columns.append(["yes" if ask else "no" for ask in asks.tolist()])
    return _lines(zip(*columns, strict=True))


KAGGLE = "ImageId,Label\n"


def kaggle_rows(batch: Predicted, model: Model) -> str:
    """The same in Kaggle's format."""
    best = batch.probabilities[0].argmax(axis=1)
    return _lines(
        [number, csv_text(model.classes[choice])]
        for number, choice in zip(batch.names, best.tolist(), strict=True)
    )


def best_two(likely: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The indices of the most and the second most likely class, (n,) each, given probabilities,
    (n, k); among ties the first, as in evaluate.
    """
    best = likely.argmax(axis=1)
    others = likely.copy()
    others[np.arange(len(likely)), best] = -1
    return best, others.argmax(axis=1)


@dataclass
class Score:
    """Counts of images: labelled, classified correctly, and to ask a person about."""

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
        for label, choice in zip(labels, likely.argmax(axis=1).tolist(), strict=True):
            if label is not None:
                self.labelled += 1
                self.right += label == model.classes[choice]

    def sentences(self, name: str, with_asks: bool) -> Iterator[str]:
        """Sentences on the accuracy and on the images to ask a person about."""
        if self.labelled:
            low, high = (100 * end for end in accuracy_interval(self.right, self.labelled))
            share = 100 * self.right / self.labelled
            yield (
                f"{name}: accuracy {share:.2f} %, {self.right:,} of {self.labelled:,} labelled"
                f" images (95 % interval {low:.2f} to {high:.2f})"
            )
        if with_asks:
            yield f"{name}: ask a person about {self.asks:,} of {self.images:,} images"


def _lines(rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
