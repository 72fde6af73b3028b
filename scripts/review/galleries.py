"""The test images that a change broke or fixed, where they are at hand."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from core.split import Split, read_split
from drawing.braille import image_as_text
from drawing.images import as_grey, png, reduced, reduction
from freshness.dvc_files import StageState
from review.models import ModelChange

IN_A_GALLERY = 100


def images_at_hand(test: Path, here: dict[str, StageState]) -> Split | None:
    """The test images in the file `test`, if it is the one that the results are of."""
    recorded = {path: md5 for state in here.values() for path, md5 in state.outputs.items()}
    if not test.is_file() or test.as_posix() not in recorded:
        return None
    with test.open("rb") as file:
        if hashlib.file_digest(file, "md5").hexdigest() != recorded[test.as_posix()]:
            return None
    return read_split(test)


def newly_broken(changes: list[ModelChange]) -> Iterator[tuple[ModelChange, int]]:
    """Images that a model broke, each once: the best model's first, where it is surest first."""
    seen: set[int] = set()
    for change in changes:
        for index in surest_first(change, change.broken):
            if index not in seen:
                seen.add(index)
                yield change, index


def surest_first(change: ModelChange, images: list[int]) -> list[int]:
    """`images`, those first of whose wrong answer the model is or was surest."""
    wrong = {**change.base_mistakes, **change.mistakes}
    return sorted(images, key=lambda index: (-wrong[index].confidence, index))


def describe_digit(part: Split, change: ModelChange, index: int) -> dict[str, Any]:
    """An image that a model broke or fixed, and what it says of it."""
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
    """The images that a model broke and fixed, as many as a page bears."""
    return {
        kind: [
            describe_digit(part, change, index)
            for index in surest_first(change, images)[:IN_A_GALLERY]
        ]
        for kind, images in (("broken", change.broken), ("fixed", change.fixed))
    }
