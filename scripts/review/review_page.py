"""A review as Markdown for a pull request, and as a page."""

import re
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment

from core.errors import UserError
from core.split import Split
from drawing.escaping import escape_markdown, inert_json
from drawing.templates import embedded, template_environment
from freshness.dvc_files import UNEXPLAINED, StageState, ran_again, read_stages, stale_stages
from freshness.parameters import changed_parameters
from freshness.revision import Revision, commits_only_in, in_a_line
from review.changed_code import changed_code
from review.galleries import (
    available_images,
    describe_digit,
    galleries,
    newly_broken,
    predictions,
)
from review.github import Reproduction
from review.models import compare_models
from review.quoting import named, quoted
from review.results import read_results
from review.verdict import no_comparison, verdict

BYTES = 8_000  # of the Markdown: as much as one reads in a pull request
ROWS = (20, 10, 5, 2, 0)  # of each table; fewer until the text fits
DIGITS = 5
FOLDERS = Path(__file__).parent / "templates", Path(__file__).parents[1] / "templates"
SCRIPTS = FOLDERS[1] / "page" / "viewer.js", FOLDERS[0] / "review.js"


class Links(NamedTuple):
    """URLs of the repository and the run; empty if unknown."""

    repository: str = ""
    run: str = ""


NOWHERE = Links()


class Review(NamedTuple):
    """The verdict in one line; the review as Markdown, at most BYTES bytes, and as HTML."""

    verdict: str
    markdown: str
    page: str


def draw_review(
    base: Revision,
    here: Revision,
    test: Path,
    links: Links = NOWHERE,
    reproduction: Reproduction | None = None,
) -> Review:
    """The review of `here` against `base`.

    Args:
        test: the test images, which git does not track. If they are missing, or belong to other
            results, no image is shown.
        reproduction: what the run of a pull request reports, if there is one.

    Raises:
        UserError: a link is not a URL.
    """
    for address in links:
        if address and not re.fullmatch(r"https?://[\w.:/~%?=&+-]{1,200}", address, re.A):
            raise UserError(f"{in_a_line(address)}: not a URL; allowed: https://...")
    try:
        results = read_results(base), read_results(here)
        missing = no_comparison(*results, base.name)
        alarms = results[1].alarms if results[1] else []
    except UserError as error:
        missing, alarms = str(error), []
    changes = [] if missing else compare_models(*results)
    unknown: list[str] = []
    both = [_unless_damaged(lambda r=r: read_stages(r), unknown) for r in (base, here)]
    base_stages, stages = both
    parameters = _unless_damaged(lambda: changed_parameters(base, here), unknown)
    again = ran_again(*both) if all(both) else None
    unexplained = [name for name, why in (again or {}).items() if why == [UNEXPLAINED]]
    read = _inputs(*(each or {} for each in both))
    code = _unless_damaged(lambda: changed_code(base, here, read), unknown)
    ahead = _unless_damaged(lambda: commits_only_in(base, here), unknown)
    if reproduction and reproduction.succeeded is None:
        unknown.append("whether the run reproduced the results")
    part = available_images(test, stages or {}) if changes else None
    stale = stale_stages(stages) if stages is not None else None
    review = {
        "base": base,
        "here": here,
        "ahead": ahead or 0,
        "images": None if missing else results[1].images,
        "dataset": None if missing else results[1].dataset,
        "missing": missing,
        "changes": changes,
        "alarms": alarms,
        "stale": stale or [],
        "base_stale": stale_stages(base_stages) if base_stages else [],
        "unknown": list(dict.fromkeys(unknown)),
        "reproduction": reproduction,
        "code": code,
        "parameters": parameters,
        "again": again,
        "unexplained": unexplained,
        "unexplained_reason": UNEXPLAINED,
        "stages": list(stages or {}),
        "moved": any(change.fixed or change.broken for change in changes),
        "broken": len(list(newly_broken(changes))),
        "available": part is not None,
        "links": links,
    }
    environment = template_environment(*FOLDERS)
    environment.filters |= {"quoted": quoted, "named": named}
    words = environment.get_template("verdict.j2").module

    unfit = next((alarm.found for alarm in alarms if alarm.severity == "stop"), "")

    def said_by(as_text: Callable[[str], str]) -> tuple[str, str]:
        judged = changes, missing, stale, words, as_text, reproduction, unfit
        return verdict(*judged, unexplained, code)

    plain = said_by(str)
    return Review(
        " ".join(plain),
        _markdown(environment, {**review, "verdict": said_by(escape_markdown)}, part),
        _page(environment, {**review, "verdict": plain}, part),
    )


def _unless_damaged(read: Callable[[], Any], unknown: list[str]) -> Any:
    """What `read` returns; None, with the reason added to `unknown`, if it raises UserError."""
    try:
        return read()
    except UserError as error:
        unknown.append(quoted(str(error)))
        return None


def _inputs(*revisions: dict[str, StageState]) -> set[str]:
    """The files that stages read and no stage makes."""
    stages = [state for revision in revisions for state in revision.values()]
    made = {path for state in stages for path in state.outputs}
    return {path for state in stages for path in state.inputs} - made


def _markdown(environment: Environment, review: dict[str, Any], part: Split | None) -> str:
    template = environment.get_template("review.md.j2")
    broken = islice(newly_broken(review["changes"]), DIGITS)
    digits = [describe_digit(part, *each) for each in broken] if part else []
    for rows in ROWS:
        for shown in range(len(digits), -1, -1):
            text = template.render(review, rows=rows, digits=digits[:shown])
            if len(text.encode()) <= BYTES:
                return text
    raise AssertionError("all remaining texts and addresses are cut off")


def _page(environment: Environment, review: dict[str, Any], part: Split | None) -> str:
    shown = [(each, galleries(part, each)) for each in review["changes"]] if part else []
    indices = {digit["index"] for _, each in shown for kind in each.values() for digit in kind}
    text = environment.get_template("review.html.j2").render(
        review,
        galleries=shown,
        data=inert_json(predictions(review["changes"], sorted(indices))) if indices else "",
        scripts=[embedded(path) for path in SCRIPTS] if indices else [],
        style=embedded(FOLDERS[1] / "style.css"),
    )
    return text.encode(errors="backslashreplace").decode()  # YAML may hold a lone surrogate
