"""Whether reproduced results equal those of a revision."""

import json
from typing import Any

from core.errors import UserError
from freshness.revision import Revision
from review.models import ModelChange, compare_models
from review.results import FAILURES, METRICS, STATS, read_results
from review.verdict import short

OTHERS = "reports/summary.json", "reports/reliability.json", "reports/comparison.md"
SHOWN = (METRICS, FAILURES, STATS, *OTHERS)
# Allowed differences between processors; docs/trust.md has measurements on two.
FEWEST, SHARE = 2, 0.01  # test images, and share of them, that only one run classifies correctly
FIGURES = ("loss", "calibration_error", "parameters")
DISTANCE, PART = 0.005, 0.1  # absolute and relative difference of a figure


def differences(committed: Revision, made: Revision) -> list[str]:
    """The differences between the results that were `made` and those `committed`, a line each.

    On the same processor, the files are identical byte for byte. Another processor may round
    differently. Then each model's mistakes may differ in a few images, by no more than chance, and
    its figures a little.

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
        return [f"{path} differs" for path in other]
    changes = compare_models(expected, found)
    figures = [json.loads(each.read(METRICS)) for each in (committed, made)]
    return [said for change in changes if (said := _difference(change, found.images, *figures))]


def _difference(change: ModelChange, images: int, expected: Any, found: Any) -> str | None:
    name = short(change.name)
    if change.kind != "compared" or change.old_name:
        return f"{name} is only in one of the two"
    moved = len(change.fixed) + len(change.broken)
    if change.outcome in ("better", "worse") or moved > max(FEWEST, SHARE * images):
        return (
            f"{name} misclassifies {len(change.mistakes):,} of {images:,} images,"
            f" {len(change.base_mistakes):,} in the committed results; {moved:,} images differ"
        )
    for figure in FIGURES:
        one, other = expected[change.name].get(figure), found[change.name].get(figure)
        if not _near(one, other):
            return f"{name}: {figure} is {other}, but {one} in the committed results"
    return None


def _near(one: Any, other: Any) -> bool:
    """Whether two figures are close; in a damaged file, they may not be numbers."""
    if not (type(one) is type(other) is float):
        return one == other
    return abs(one - other) <= DISTANCE + PART * min(abs(one), abs(other))  # false for NaN
