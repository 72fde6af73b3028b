"""A check for files beside the dataset that were not read."""

from collections.abc import Iterator, Mapping
from typing import Any

from data_checks.finding import NOTE, WARN, Data, finding

MANY = 0.01  # of the images


def check_unused(data: Data, origin: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The finding on unused files, if any.

    Args:
        data: the dataset.
        origin: its origin, as `Dataset` describes it.
    """
    count = origin.get("unused_files", 0)
    if count:
        images = sum(len(part.images) for part in data.parts.values())
        yield finding(
            "unused_files",
            WARN if count >= MANY * images else NOTE,
            f"{count:,} {'files were' if count > 1 else 'file was'} not used, such as"
            f" {', '.join(origin['unused'])}.",
            "Images in them are missing from every part, and so are classes without other images.",
            "Save them in a format that README.md lists, or remove them.",
        )
