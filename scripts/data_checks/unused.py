"""A check of files that are in the place of the dataset, and were not read."""

from collections.abc import Iterator, Mapping
from typing import Any

from data_checks.finding import NOTE, WARN, Data, finding

MANY = 0.01  # of the images


def check_unused(data: Data, origin: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """What there is to say of files that were left out.

    Args:
        origin: what was found, as the dataset has it.
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
