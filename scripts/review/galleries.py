"""The test images that a change broke or fixed, where they are available."""

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from core.split import Split, read_split
from drawing.braille import image_as_text
from drawing.escaping import address_name
from drawing.images import as_grey, png, reduced, reduction
from freshness.dvc_files import StageState
from review.models import ModelChange
from review.results import Mistake

IN_A_GALLERY = 100


def available_images(test: Path, here: dict[str, StageState]) -> Split | None:
    """The test images in the file `test`, if the results were made from it."""
    recorded = {path: md5 for state in here.values() for path, md5 in state.outputs.items()}
    if not test.is_file() or test.as_posix() not in recorded:
        return None
    with test.open("rb") as file:
        if hashlib.file_digest(file, "md5").hexdigest() != recorded[test.as_posix()]:
            return None
    return read_split(test)


def newly_broken(changes: list[ModelChange]) -> Iterator[tuple[ModelChange, int]]:
    """The newly misclassified images, each once: by model, the best first, then by confidence."""
    seen: set[int] = set()
    for change in changes:
        for index in most_confident_first(change, change.broken):
            if index not in seen:
                seen.add(index)
                yield change, index


def most_confident_first(change: ModelChange, images: list[int]) -> list[int]:
    """`images`, sorted by the confidence of the wrong prediction, the most confident first."""
    wrong = {**change.base_mistakes, **change.mistakes}
    return sorted(images, key=lambda index: (-wrong[index].confidence, index))


def describe_digit(part: Split, change: ModelChange, index: int) -> dict[str, Any]:
    """An image that a model broke or fixed, and its wrong prediction."""
    mistake = change.mistakes.get(index) or change.base_mistakes[index]
    shown = reduced(part.images[index : index + 1], reduction(*part.images.shape[1:]))[0]
    return {
        "index": index,
        "model": change.name,
        "label": mistake.label,
        "answer": mistake.answer,
        "confidence": mistake.confidence,
        "png": png(as_grey(shown, part.pixel_range)),
        "braille": image_as_text(part.images[index], part.pixel_range),
    }


def galleries(part: Split, change: ModelChange) -> dict[str, list[dict[str, Any]]]:
    """The images that a model broke and fixed, up to IN_A_GALLERY of each."""
    return {
        kind: [
            describe_digit(part, change, index)
            for index in most_confident_first(change, images)[:IN_A_GALLERY]
        ]
        for kind, images in (("broken", change.broken), ("fixed", change.fixed))
    }


def predictions(changes: list[ModelChange], indices: Iterable[int]) -> dict[str, Any]:
    """What each model predicted for images, before and now, for the page's script.

    `models` has their names and their keys on the comparison page, empty for a removed model.
    `images` has, by number, the label and a row for each model: the predicted class and its
    confidence before, and the same now. The class is None if the model did not exist. The
    confidence is None if it is not known, because no model was wrong.
    """
    images = {}
    for index in indices:
        known = [both.get(index) for one in changes for both in (one.mistakes, one.base_mistakes)]
        label = next(mistake.label for mistake in known if mistake)
        images[str(index)] = {
            "label": label,
            "rows": [
                [
                    *_predicted(
                        label, one.base_mistakes, one.base_correct, index, one.kind != "new"
                    ),
                    *_predicted(label, one.mistakes, one.correct, index, one.kind != "removed"),
                ]
                for one in changes
            ],
        }
    models = [
        {"name": one.name, "key": "" if one.place is None else address_name(one.name, one.place)}
        for one in changes
    ]
    return {"models": models, "images": images}


def _predicted(
    label: str, mistakes: dict[int, Mistake], correct: dict[int, float], index: int, is_there: bool
) -> tuple[str | None, float | None]:
    if not is_there:
        return None, None
    if index in mistakes:
        return mistakes[index].answer, mistakes[index].confidence
    return label, correct.get(index)
