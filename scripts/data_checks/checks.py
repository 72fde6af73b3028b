"""Whether a dataset can say which model to trust: all checks, before any model is trained."""

from collections.abc import Mapping, Sequence
from typing import Any

from data_checks.classes import check_classes
from data_checks.duplicates import check_duplicates
from data_checks.finding import Data, Part
from data_checks.likeness import check_likeness
from data_checks.pixels import check_pixels
from dataset.pixel_range import robust_range


def check_data(
    parts: Mapping[str, Part], classes: Sequence[str], dtypes: Mapping[str, str]
) -> dict[str, dict[str, Any]]:
    """What all checks have found, as `finding` has it, by the name of the check.

    By name, because DVC takes each list of objects in a file that it plots for points to draw.

    Args:
        parts: "train" and "test", and "validation" if there is one.
        classes: the names of the labels.
        dtypes: those that the parts had before they became a dataset.
    """
    ordered = {name: parts[name] for name in ("train", "validation", "test") if name in parts}
    data = Data(ordered, classes, robust_range(ordered["train"].images))
    found = [
        *check_likeness(data, dtypes),
        *check_duplicates(data),
        *check_classes(data),
        *check_pixels(data, dtypes),
    ]
    return {one.pop("check"): one for one in found}
