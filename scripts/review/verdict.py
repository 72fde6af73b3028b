"""The verdict: is the change better, by more than chance, and are the results up to date?"""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from core.text import printable
from review.github import Reproduction
from review.models import ModelChange
from review.results import Results

LONGEST = 280  # characters that a notification or a folded comment shows
LONGEST_NAME = 24
UP_TO_DATE = "The results are up to date."
STALE = "The results are out of date"
UNKNOWN = "It is unknown whether the results are up to date."
REPRODUCED = "The run of this pull request reproduced the results."
NOT_REPRODUCED = "This run's results differ from the committed ones"
NOT_TO_BE_TRUSTED = "The data cannot show which model to trust"
FAILED = "This run could not reproduce the results"


def no_comparison(base: Results | None, here: Results | None, base_name: str) -> str | None:
    """Why the results cannot be compared; None if they can."""
    if here is None:
        return "this change has no results; run: make report"
    if base is None:
        return f"{short(base_name)} has no results"
    if base.dataset != here.dataset:
        return f"{short(base_name)} is tested on another dataset, {short(base.dataset)}"
    if (base.sha256, base.images) != (here.sha256, here.images):
        return f"the images of {short(base.dataset)} differ from those in {short(base_name)}"
    return None


def verdict(
    changes: list[ModelChange],
    missing: str | None,
    stale: list[str] | None,
    said: Any,
    as_text: Callable[[str], str],
    reproduction: Reproduction | None = None,
    unfit: str = "",
) -> tuple[str, str]:
    """The first sentence, shown in bold, and the rest; at most LONGEST characters in total.

    Args:
        changes: the changes of the models, the most accurate first.
        missing: why there is no comparison, or None.
        stale: why the results are out of date, empty if they are not; None if unknown.
        said: the macros of verdict.j2, which format numbers as on the page.
        as_text: escapes a text for where it is shown.
        reproduction: whether the run of a pull request reproduced the results, if there is one.
        unfit: why the data cannot show which model to trust, or empty.
    """
    alarms = [(STALE, stale[0])] if stale else []
    if reproduction and reproduction.succeeded is False:
        alarms.insert(0, (NOT_REPRODUCED if reproduction.why else FAILED, reproduction.why))
    states = [] if alarms else [UNKNOWN if stale is None else UP_TO_DATE]
    if reproduction and reproduction.succeeded:
        states.append(REPRODUCED)
    comparisons = [*_comparisons(changes, missing, said)]
    if unfit:
        alarms.append((NOT_TO_BE_TRUSTED, unfit.removesuffix(".")))
        comparisons.append(())  # the alarm alone, if there is no room for a comparison
    for comparison in comparisons:
        for detailed in (True, False):
            said_first = [
                f"{what}: {why}." if why and detailed else f"{what}." for what, why in alarms
            ]
            first, *others = [*said_first, *comparison, *states]
            parts = first, " ".join(others)
            if sum(len(as_text(part)) for part in parts) <= LONGEST - len("**** "):
                return parts
    raise AssertionError("the last form is short and has no text from outside")


def short(name: str) -> str:
    """`name` on one line, cut off after LONGEST_NAME characters."""
    name = printable(name)
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


def _comparisons(
    changes: list[ModelChange], missing: str | None, said: Any
) -> Iterable[tuple[str, ...]]:
    """The comparison in one sentence or more, each form shorter than the one before."""
    if missing:
        yield (f"No comparison: {missing}.",)
        yield ("No comparison: see below.",)
        return
    order = {"worse": 0, "better": 1, "chance": 2}
    moved = [change for change in changes if change.outcome in order]
    moved.sort(key=lambda change: (order[change.outcome], -abs(change.difference)))
    news = [change for change in changes if change not in moved and _is_news(change)]
    kept = [short(change.name) for change in changes if change not in [*moved, *news]]
    if not moved and not news:
        yield ("Every model makes the same mistakes as before.",)
        return
    first = f"{_about(moved[0], said)}." if moved else "No model's mistakes have changed."
    others = [f"{_about(change, said)}." for change in [*moved[1:], *news]]
    if kept and moved:
        others.append(f"Same mistakes as before: {', '.join(kept)}.")
    yield first, *others
    if moved and len(changes) > 1:
        yield first, f"Other models: {_counts([each for each in changes if each is not moved[0]])}."
    yield (f"Models: {_counts(changes)}.",)


def _counts(changes: list[ModelChange]) -> str:
    words = {
        "worse": "worse, more than chance",
        "better": "better, more than chance",
        "chance": "changed no more than chance would explain",
        "same": "with the same mistakes",
        "new": "new",
        "removed": "removed",
    }
    found = Counter(change.outcome for change in changes)
    return ", ".join(f"{found[each]} {what}" for each, what in words.items() if found[each])


def _is_news(change: ModelChange) -> bool:
    return change.kind != "compared" or bool(change.old_name)


def _about(change: ModelChange, said: Any) -> str:
    name = short(change.name)
    if change.kind == "new":
        return f"{name} is new"
    if change.kind == "removed":
        return f"{name} was removed"
    if change.outcome == "same":
        return f"{name} was renamed from {short(change.old_name)}"
    images = f"{len(change.fixed):,} fixed, {len(change.broken):,} broken"
    chance = f"({said.p_value(change.p_value)})"
    if change.outcome == "chance":
        return f"{name}: {images}, no more than chance would explain {chance}"
    points = said.points(abs(change.difference)).removeprefix("+")
    return f"{name} is {change.outcome} by {points} points, more than chance {chance}: {images}"
