"""Whether results that were made again are those of a revision."""

import json
from typing import Any

from core.errors import UserError
from freshness.revision import Revision
from review.models import ModelChange, compare_models
from review.results import FAILURES, METRICS, STATS, read_results
from review.verdict import short

OTHERS = "reports/summary.json", "reports/reliability.json", "reports/comparison.md"
SHOWN = (METRICS, FAILURES, STATS, *OTHERS)
# What another processor may come to; docs/trust.md says what two of them did.
FEWEST, SHARE = 2, 0.01  # of the test images, those that a model is right about in one run only
FIGURES = ("loss", "calibration_error", "parameters")
DISTANCE, PART = 0.005, 0.1  # of a figure: so much, and so much of itself besides


def differences(committed: Revision, made: Revision) -> list[str]:
    """What of the results that were `made` is not what is `committed`, one line each.

    On the same processor the files are the same, byte for byte. Another one may round differently:
    then each model's mistakes may differ in few images and by no more than chance, and its figures
    a little.

    Raises:
        UserError: there are no results, or they are damaged.
    """
    expected, found = read_results(committed), read_results(made)
    if expected is None or found is None:
        raise UserError(f"{(made if expected else committed).name} has no results")
    other = [path for path in SHOWN if committed.read(path) != made.read(path)]
    if not other:
        return []
    if STATS in other or METRICS not in other or expected.images != found.images:
        return [f"{path} is another" for path in other]
    changes = compare_models(expected, found)
    figures = [json.loads(each.read(METRICS)) for each in (committed, made)]
    return [said for change in changes if (said := _difference(change, found.images, *figures))]


def _difference(change: ModelChange, images: int, expected: Any, found: Any) -> str | None:
    name = short(change.name)
    if change.kind != "compared" or change.old_name:
        return f"{name} is in one of them only"
    moved = len(change.fixed) + len(change.broken)
    if change.outcome in ("better", "worse") or moved > max(FEWEST, SHARE * images):
        return (
            f"{name} gets {len(change.mistakes):,} of {images:,} images wrong, and "
            f"{len(change.base_mistakes):,} in what is committed; {moved:,} are not the same"
        )
    for figure in FIGURES:
        one, other = expected[change.name].get(figure), found[change.name].get(figure)
        if not _near(one, other):
            return f"{name}'s {figure} is {other}, and {one} in what is committed"
    return None


def _near(one: Any, other: Any) -> bool:
    """Whether two figures, each a number if the file is what the pipeline writes, are close."""
    if not (type(one) is type(other) is float):
        return one == other
    return abs(one - other) <= DISTANCE + PART * min(abs(one), abs(other))  # false for NaN
