"""The ranking of the models."""

from collections.abc import Mapping
from typing import Any


def ranking(metrics: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The models' names, the most accurate first; ties are ordered by log loss, then by name."""
    return sorted(
        metrics, key=lambda name: (-metrics[name]["accuracy"], metrics[name]["loss"], name)
    )
