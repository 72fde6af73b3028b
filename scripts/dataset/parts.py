"""The part of a dataset that a file or an array is, by common names."""

import re

PARTS = {
    **{"train": "train", "training": "train"},
    **{"test": "test", "testing": "test", "t10k": "test"},
    **{"validation": "validation", "valid": "validation", "val": "validation"},
}
IMAGES = {"x", "images", "image", "imgs", "img", "data"}
LABELS = {"y", "labels", "label", "targets", "target"}


def words(name: str) -> list[str]:
    """The words of a name in lower case: ["x", "train"] for "X_train"."""
    return re.findall(r"[a-z0-9]+", name.lower())


def part_of(name: str) -> str | None:
    """The part that `name` names; None if it names none or several."""
    parts = {PARTS[word] for word in words(name) if word in PARTS}
    return parts.pop() if len(parts) == 1 else None


def role_of(name: str, only: bool) -> tuple[str, str] | None:
    """Whether an array of this name has "images" or "labels", and of which part: "train" if the
    name does not say. None if the name does not tell.

    Args:
        name: the name of the array.
        only: whether the name may contain no other words.
    """
    found = words(name)
    kinds = [kind for kind, known in (("images", IMAGES), ("labels", LABELS)) if known & {*found}]
    parts = {PARTS[word] for word in found if word in PARTS}
    others = [word for word in found if word not in {*IMAGES, *LABELS, *PARTS}]
    if len(kinds) != 1 or len(parts) > 1 or (only and others):
        return None
    return kinds[0], parts.pop() if parts else "train"
