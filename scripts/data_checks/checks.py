"""Whether a dataset can say which model to trust: all checks, before any model is trained."""

from collections.abc import Mapping, Sequence
from typing import Any

from data_checks.classes import check_classes
from data_checks.duplicates import check_duplicates
from data_checks.finding import WARN, Part, in_order
from data_checks.likeness import check_likeness
from data_checks.pixels import check_greys, check_pixels
from data_checks.unused import check_unused


def check_data(
    parts: Mapping[str, Part], classes: Sequence[str], origin: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """What all checks have found, as `finding` has it, by the name of the check.

    By name, because DVC takes each list of objects in a file that it plots for points to draw.

    Args:
        parts: "train" and "test", and "validation" if there is one.
        classes: the names of the labels.
        origin: what was found and done, as the dataset has it.
    """
    dtypes = origin.get("dtypes", {})
    data = in_order(parts, classes)
    greys = check_greys(data, dtypes)
    is_cut = greys is not None and greys["severity"] == WARN  # so that many images are equal
    found = [
        *([greys] if greys else []),
        *check_likeness(data, dtypes),
        *([] if is_cut else check_duplicates(data)),
        *check_classes(data),
        *check_pixels(data),
        *check_unused(data, origin),
    ]
    return {one.pop("check"): one for one in found}
