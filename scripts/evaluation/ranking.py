"""Which model is best."""

from collections.abc import Mapping
from typing import Any


def ranking(metrics: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The models' names, the most accurate first; of equals, the one with the lower loss; of those
    that are still equal, by name.
    """
    return sorted(
        metrics, key=lambda name: (-metrics[name]["accuracy"], metrics[name]["loss"], name)
    )
