"""Checks for duplicate images: in both test and train, within a part, or with different labels."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from data_checks.finding import MOST_PICTURES, NOTE, STOP, WARN, Data, finding, kind, picture, share
from data_checks.matches import EQUAL, MOVED, NEAR, NEARNESS, Matches, find_matches

MANY, SOME = 0.01, 0.001  # of the images of a part
WORDS = {
    EQUAL: "equal",
    MOVED: "moved by one pixel",
    NEAR: f"nearly equal (their distance is at most {NEARNESS:.0%} of the distance of each from the"
    " mean image of its part)".replace("%", " %"),
}


def check_duplicates(data: Data) -> Iterator[dict[str, Any]]:
    """The findings on duplicate images."""
    names = list(data.parts)
    matches = find_matches([part.images for part in data.parts.values()])
    starts = np.cumsum([0, *(len(part.images) for part in data.parts.values())])
    parts = [np.searchsorted(starts, each, side="right") - 1 for each in matches[:2]]
    for place, name in enumerate(names):
        before = (parts[1] == place) & (parts[0] < place)
        if before.any():
            others = " or ".join(names[:place])
            yield _leak(data, name, others, *_described(data, matches, before, starts))
        within = (parts[1] == place) & (parts[0] == place)
        if within.any():
            yield _repeated(data, name, *_described(data, matches, within, starts))
    labels = np.concatenate([part.labels for part in data.parts.values()])
    other = labels[matches.first] != labels[matches.second]
    if other.any():
        yield _contested(data, len(labels), *_described(data, matches, other, starts))


def _described(
    data: Data, matches: Matches, chosen: np.ndarray, starts: np.ndarray
) -> tuple[dict[int, int], list[list[dict[str, Any]]]]:
    """The number of images with a match of each kind, counted under the first kind that fits, and
    pictures of some of them.

    Args:
        chosen: which pairs; their second images are counted.
        starts: the number of the first image of each part.
    """
    order = np.lexsort([matches.second[chosen], matches.kind[chosen]])
    first, second, kind = (each[chosen][order] for each in matches)
    _, once = np.unique(second, return_index=True)
    counts = np.bincount(kind[once], minlength=len(WORDS))
    rows = [
        [_numbered(data, starts, number) for number in (first[at], second[at])]
        for at in sorted(once.tolist())[:MOST_PICTURES]
    ]
    return dict(enumerate(counts.tolist())), rows


def _numbered(data: Data, starts: np.ndarray, number: int) -> dict[str, Any]:
    part = int(np.searchsorted(starts, number, side="right")) - 1
    return picture(data, list(data.parts)[part], int(number - starts[part]))


def _kinds(counts: dict[int, int]) -> str:
    return ", ".join(f"{count:,} {WORDS[each]}" for each, count in counts.items() if count)


def _leak(data: Data, name: str, others: str, counts: dict[int, int], rows: list) -> dict[str, Any]:
    images, total = len(data.parts[name].images), sum(counts.values())
    certain = total - counts[NEAR]
    severity = STOP if name == "test" and certain >= MANY * images else WARN
    if total < SOME * images or (certain < SOME * images and total < MANY * images):
        severity = NOTE
    return finding(
        f"{name}_in_{others.replace(' ', '_')}",
        severity,
        f"{share(total, images)} {kind(name)} images are also in {others}: {_kinds(counts)}.",
        "A model may have memorized them. Accuracy on them says nothing about new images, and it"
        " favours the model that memorizes best.",
        f"Remove them from {name} or from {others}. Keep images that show the same object, such as"
        " the frames of a video, in one part.",
        rows,
    )


def _repeated(data: Data, name: str, counts: dict[int, int], rows: list) -> dict[str, Any]:
    images, total = len(data.parts[name].images), sum(counts.values())
    certain = total - counts[NEAR]
    meaning = {
        "train": "They count twice in training. If validation images are split off, copies may be"
        " on both sides, which makes the validation accuracy too high.",
    }.get(name, "They count twice in every accuracy, so the intervals are too narrow.")
    return finding(
        f"repeated_in_{name}",
        WARN if certain >= MANY * images else NOTE,
        f"{share(total, images)} {kind(name)} images repeat an earlier one: {_kinds(counts)}.",
        meaning,
        "Keep one copy of each, unless the repetition is intended.",
        rows,
    )


def _contested(data: Data, images: int, counts: dict[int, int], rows: list) -> dict[str, Any]:
    total = counts[EQUAL] + counts[MOVED]
    return finding(
        "other_label",
        WARN if total >= SOME * images else NOTE,
        f"{share(sum(counts.values()), images)} images repeat an earlier one with another label:"
        f" {_kinds(counts)}.",
        "One of the two labels is wrong, or the image is ambiguous. No model can predict both"
        " labels correctly.",
        "Look at these images; correct the labels, or remove the images.",
        rows,
    )
