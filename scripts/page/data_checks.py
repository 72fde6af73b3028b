"""The findings of the data checks and the labels to check, as the page shows them."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from drawing.images import png

SEVERITIES = {"stop": "Stop", "warn": "Warning", "note": "Note"}


def describe_checks(checks: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The findings, the most severe first: "alarms", shown above everything else, and "notes"; and
    whether to "stop": then the page names no model to trust.

    Args:
        checks: the findings in the dataset's statistics.
    """
    severities = list(SEVERITIES)
    found = [
        {
            **one,
            "name": SEVERITIES[one["severity"]],
            "pictures": [[_picture(each) for each in row] for row in one.get("images", [])],
        }
        for one in sorted(checks.values(), key=lambda one: severities.index(one["severity"]))
    ]
    return {
        "stop": any(one["severity"] == "stop" for one in found),
        "alarms": [one for one in found if one["severity"] != "note"],
        "notes": [one for one in found if one["severity"] == "note"],
    }


def describe_doubts(doubts: Mapping[str, Any]) -> dict[str, Any]:
    """The labels to check, with pictures of the most doubtful.

    Args:
        doubts: the labels to check in the dataset's statistics.
    """
    return {
        **doubts,
        "total": sum(doubts["found"].values()),
        "found": [
            {"part": part, "images": doubts["found"][part]}
            for part in ("train", "validation", "test")
            if part in doubts["found"]
        ],
        "images": [{**row[0], **_picture(row[0])} for row in doubts["images"]],
    }


def _picture(each: Mapping[str, Any]) -> dict[str, str]:
    """A picture of an image in the statistics: rows of text, one hexadecimal digit per pixel."""
    rows = [[int(grey, 16) for grey in row] for row in each["pixels"].split(" ")]
    which = "mean" if each["index"] is None else each["index"]
    return {
        "png": png(np.array(rows, np.uint8)),
        "title": f"{each['part']} {which}",
        "label": each["class"],
    }
