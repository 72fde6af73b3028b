"""The verdict: is the change better, by more than chance, and are the results up to date?"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from core.text import printable
from review.changed_code import UNCHANGED, ChangedCode
from review.github import Reproduction
from review.models import ModelChange
from review.quoting import named, quoted
from review.results import Results

LONGEST = 280  # characters that a notification or a folded comment shows
LONGEST_NAME = 24
UP_TO_DATE = "The results are up to date."
STALE = "The results are out of date"
UNKNOWN = "It is unknown whether the results are up to date."
# What the run of a pull request reports is not known to be true: the pull request can change it.
REPRODUCED = "The run of this change reports that it reproduced the results"
CHANGED_CODE = "but it executed changed code"
NOT_REPRODUCED = "The run of this change reports other results than the committed ones"
FAILED = "The run of this change reports that it could not reproduce the results"
NO_DEPENDENCY_CHANGED = "The results differ, but no dependency changed"
HIDING = "Changed files hide modules that Python would import"
NOT_TO_BE_TRUSTED = "The data cannot show which model to trust"


def no_comparison(base: Results | None, here: Results | None, base_name: str) -> str | None:
    """Why the results cannot be compared; None if they can."""
    if here is None:
        return "this change has no results; run: make report"
    if base is None:
        return f"{short(base_name)} has no results"
    if base.dataset != here.dataset:
        return f"{short(base_name)} is tested on another dataset, {_named(base.dataset)}"
    if (base.sha256, base.images) != (here.sha256, here.images):
        return f"the images of {_named(base.dataset)} differ from those in {short(base_name)}"
    return None


def verdict(
    changes: list[ModelChange],
    missing: str | None,
    stale: list[str] | None,
    said: Any,
    as_text: Callable[[str], str],
    reproduction: Reproduction | None = None,
    unfit: str = "",
    unexplained: Sequence[str] = (),
    code: ChangedCode | None = UNCHANGED,
) -> tuple[str, str]:
    """The first sentence, shown in bold, and the rest; at most LONGEST characters in total.

    Args:
        changes: the changes of the models, the most accurate first.
        missing: why there is no comparison, or None.
        stale: why the results are out of date, empty if they are not; None if unknown.
        said: the macros of verdict.j2, which format numbers as on the page.
        as_text: escapes a text for where it is shown.
        reproduction: what the run of a pull request reports, if there is one.
        unfit: why the data cannot show which model to trust, or empty.
        unexplained: the stages whose results differ, although no dependency of theirs changed.
        code: the changed files that a run executes; None if unknown.
    """
    alarms = []
    if unexplained:
        alarms.append((NO_DEPENDENCY_CHANGED, _first_of(unexplained)))
    if code and code.hiding:
        alarms.append((HIDING, _first_of(code.hiding)))
    if reproduction and reproduction.succeeded is False:
        why = reproduction.why
        alarms.append((NOT_REPRODUCED, quoted(why)) if why else (FAILED, ""))
    if stale:
        alarms.append((STALE, quoted(stale[0])))
    if unfit:
        alarms.append((NOT_TO_BE_TRUSTED, unfit.removesuffix(".")))
    states = []
    if not (stale or unexplained or (reproduction and reproduction.succeeded is False)):
        states.append(UNKNOWN if stale is None else UP_TO_DATE)
    if reproduction and reproduction.succeeded:
        changed = code is None or code.files
        states.append(f"{REPRODUCED}, {CHANGED_CODE}." if changed else f"{REPRODUCED}.")
    comparisons = [(*each, *states) for each in _comparisons(changes, missing, said)]
    for comparison in (*comparisons, states, ()):
        for detailed in range(len(alarms), -1, -1):  # the first ones keep their details
            said_first = [
                f"{what}: {why}." if why and place < detailed else f"{what}."
                for place, (what, why) in enumerate(alarms)
            ]
            first, *others = [*said_first, *comparison]
            parts = first, " ".join(others)
            if sum(len(as_text(part)) for part in parts) <= LONGEST - len("**** "):
                return parts
    raise AssertionError("the last form is short and has no text from outside")


def short(name: str) -> str:
    """`name` on one line, cut off after LONGEST_NAME characters."""
    name = printable(name)
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


def _named(name: str) -> str:
    return named(short(name))


def _first_of(names: Sequence[str]) -> str:
    more = f" and {len(names) - 1:,} more" if len(names) > 1 else ""
    return f"{_named(names[0])}{more}"


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
    kept = [_named(change.name) for change in changes if change not in [*moved, *news]]
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
    name = _named(change.name)
    if change.kind == "new":
        return f"{name} is new"
    if change.kind == "removed":
        return f"{name} was removed"
    if change.outcome == "same":
        return f"{name} was renamed from {_named(change.old_name)}"
    images = f"{len(change.fixed):,} fixed, {len(change.broken):,} broken"
    chance = f"({said.p_value(change.p_value)})"
    if change.outcome == "chance":
        return f"{name}: {images}, no more than chance would explain {chance}"
    points = said.points(abs(change.difference)).removeprefix("+")
    return f"{name} is {change.outcome} by {points} points, more than chance {chance}: {images}"
