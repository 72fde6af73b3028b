"""Classes that are left out of a dataset and used as out-of-distribution images."""

from dataclasses import replace

import numpy as np

from core.errors import UserError
from core.parameters import as_number
from dataset.dataset import PARTS, Dataset

MOST_NAMED = 20  # classes in a message


def without_classes(
    data: Dataset, wanted: list[str | int | float], source: str
) -> tuple[Dataset, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """`data` without some of its classes, and the test images of these classes.

    Args:
        data: the dataset.
        wanted: the classes to leave out; a number matches every class that reads as this number.
        source: the start of error messages.

    Returns:
        The dataset of the remaining classes; and the test images of the others: their pixels, (n,
        height, width), labels, (n,), and the classes that the labels are indices of.

    Raises:
        UserError: a class does not exist, or fewer than two classes or no test images remain.
    """
    names = data.classes.tolist()
    out = np.zeros(len(names), bool)
    for one in wanted:
        met = [name == one or as_number(name) == one for name in names]
        if not any(met):
            more = ", ..." if len(names) > MOST_NAMED else ""
            raise UserError(
                f"{source}: {one!r} is not a class of the dataset; allowed:"
                f" {', '.join(names[:MOST_NAMED])}{more}"
            )
        out |= met
    if (~out).sum() < 2:
        raise UserError(
            f"{source}: {out.sum()} of {len(names)} classes are too many; allowed: up to"
            f" {len(names) - 2}, so that two remain"
        )
    places = np.where(out, np.cumsum(out), np.cumsum(~out)) - 1  # the new index of each class
    strange = out[data.y_test]
    if strange.all():
        raise UserError(f"{source}: no test images of other classes remain; allowed: fewer classes")
    unknown = data.x_test[strange], places[data.y_test[strange]], data.classes[out]
    if not out.any():
        return data, unknown
    arrays = {}
    for part in PARTS:
        images, labels = getattr(data, f"x_{part}"), getattr(data, f"y_{part}")
        if labels is not None:
            kept = ~out[labels]
            arrays |= {f"x_{part}": images[kept], f"y_{part}": places[labels[kept]]}
    return replace(data, classes=data.classes[~out], **arrays), unknown
