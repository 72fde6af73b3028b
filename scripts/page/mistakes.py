"""Sentences on where a model fails, with links to the images."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from core.text import shortened

LONGEST = 24  # columns of a class's name in a sentence, at most


class Words(NamedTuple):
    """Part of a sentence, and the address on the page that it links to, or empty."""

    text: str
    address: str = ""


def mistake_sentences(
    found: dict[str, Any] | None, classes: list[str], key: str
) -> list[list[Words]]:
    """A sentence each on the most frequent mistakes, the weakest class and the most confident
    mistake, in parts. Empty for a model without mistakes.

    Args:
        found: the result of `evaluation.mistakes`; None in older evaluations, too.
        classes: the names of the classes.
        key: the model's name in addresses.
    """
    if found is None:
        return []
    names = [shortened(name, LONGEST) for name in classes]
    images = f"#images?model={key}"
    weakest, worst = found["weakest"], found["surest"]
    missed = f"{images}&label={weakest['class']}&outcome=wrong"
    most_confident = f"{images}&outcome=wrong&image={worst['image']}"
    return [
        list(_most_often(found["frequent"], names, images)),
        [
            Words("Weakest class: "),
            Words(names[weakest["class"]], missed if weakest["right"] < weakest["images"] else ""),
            Words(
                f", {_percent(weakest['recall'], 1)} of {weakest['images']:,} right (95\u00a0%"
                f" interval {100 * weakest['recall_low']:.1f} to"
                f" {_percent(weakest['recall_high'], 1)})."
            ),
        ],
        [
            Words("Most confident mistake: "),
            Words(f"image {worst['image']}", most_confident),
            Words(
                f", labelled {names[worst['label']]}, predicted as {names[worst['answer']]}"
                f" ({_percent(worst['confidence'], 2)})."
            ),
        ],
    ]


def _most_often(frequent: list[dict[str, int]], names: list[str], images: str) -> Iterator[Words]:
    if not frequent:
        yield Words("It makes no mistake more than once.")
        return
    yield Words("Most frequent mistakes: ")
    for place, one in enumerate(frequent):
        label, answer = one["label"], one["answer"]
        address = f"{images}&label={label}&answer={answer}"
        yield Words(f"{names[label]} predicted as {names[answer]}", address)
        last = place == len(frequent) - 1
        after = "." if last else " and " if place == len(frequent) - 2 else ", "
        yield Words(f" ({one['images']:,}{'' if place else ' times'}){after}")


def _percent(share: float, digits: int) -> str:
    return f"{100 * share:.{digits}f}\u00a0%"
