"""All checks of a dataset, before any model is trained: can it show which model to trust?"""

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
    """The findings of all checks, as `finding` returns them, by the name of the check.

    This is not a list, because DVC plots every list of objects in a file as data points.

    Args:
        parts: "train" and "test", and "validation" if there is one.
        classes: the names of the classes.
        origin: the origin of the dataset, as `Dataset` describes it.
    """
    dtypes = origin.get("dtypes", {})
    data = in_order(parts, classes)
    greys = check_greys(data, dtypes)
    is_cut = greys is not None and greys["severity"] == WARN  # which makes many images equal
    found = [
        *([greys] if greys else []),
        *check_likeness(data, dtypes),
        *([] if is_cut else check_duplicates(data)),
        *check_classes(data),
        *check_pixels(data),
        *check_unused(data, origin),
    ]
    return {one.pop("check"): one for one in found}
