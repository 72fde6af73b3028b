"""The numbers that a committed comparison.md tells and no other file in git has, as far as they are
allowed. What follows from them can then be rendered again.
"""

import re
from dataclasses import replace
from typing import Any

from evaluation.evaluation import Evaluation
from evaluation.ranking import ranking
from evaluation.significance import accuracy_interval
from review.accepted import most_images

ON_PAGE = 0.1  # the largest difference of a share that is only on the page
SHARE_DIGITS = 0.0005  # the page has three digits of most shares
UNKNOWN = "| images | | model | mean confidence |"  # the head of another table
ABSTENTION = "| model | classified | threshold | wrong |"  # the head of the table
ROBUSTNESS = "## Robustness to corrupted images"


def with_told(
    models: list[dict[str, Any]], accepted: Evaluation, expected: str, committed: str
) -> tuple[list[dict[str, Any]], Evaluation]:
    """The models, as the page describes them, and the evaluation with the numbers that the
    `committed` page tells, found where the `expected` page, of these models, has its own.
    """
    # On the pages, some spaces are no-break spaces.
    lines, told = (text.replace("\u00a0", " ").split("\n") for text in (expected, committed))
    models = _with_abstention(models, accepted, lines, told)
    accepted = _with_confidence(models, accepted, lines, told)
    return models, _with_unknown(models, accepted, lines, told)


def _with_abstention(
    models: list[dict[str, Any]], accepted: Evaluation, expected: list[str], lines: list[str]
) -> list[dict[str, Any]]:
    """The models with the numbers of images that the table of abstention tells, as far as they are
    allowed. The accuracies follow from them.
    """
    start = next(place for place, line in enumerate(expected) if line.startswith(ABSTENTION)) + 2
    images, found = len(accepted.labels), {}
    # The table has the models in the order of the page of `expected`.
    for name in _ranked(models):
        model = next(model for model in models if model["name"] == name)
        steps = model["abstention"]["steps"]
        rows = [line.split(" | ") for line in lines[start : start + len(steps)]]
        start += len(steps)
        most, read = model["scores"]["failures"], []
        for step, cells in zip(steps, rows, strict=False):
            step = _step_of(cells, step, most, images)
            most = step["failures"]
            read.append(step)
        found[name] = {**model["abstention"], "steps": [*read, *steps[len(read) :]]}
    return [{**model, "abstention": found[model["name"]]} for model in models]


def _step_of(cells: list[str], step: dict[str, Any], most: int, images: int) -> dict[str, Any]:
    """The step that a row of the table tells; `step` if it is not a possible one."""
    if len(cells) < 4 or not re.fullmatch("[0-9][0-9,]{,12}", cells[-3]):
        return step
    failures, moved = int(cells[-3].replace(",", "")), most_images(images)
    if failures > most or abs(failures - step["failures"]) > moved or step["images"] == images:
        return step
    for answered in sorted(
        range(max(1, failures, step["images"] - moved), min(images, step["images"] + moved) + 1),
        key=lambda answered: abs(answered - step["images"]),
    ):
        shares = answered / images, (answered - failures) / answered
        low, high = accuracy_interval(answered - failures, answered)
        texts = f"{100 * shares[0]:.1f} %", f"{100 * shares[1]:.2f} %"
        interval = f"{100 * low:.2f} % to {100 * high:.2f} %"
        if texts == (cells[-5], cells[-2]) and cells[-1].startswith(interval):
            return {
                **{**step, "answered": shares[0], "images": answered, "failures": failures},
                **{"accuracy": shares[1], "accuracy_low": low, "accuracy_high": high},
            }
    return step


def _with_confidence(
    models: list[dict[str, Any]], accepted: Evaluation, expected: list[str], lines: list[str]
) -> Evaluation:
    """The evaluation with the mean confidences on corrupted images that the page tells, as far as
    they are allowed. The sentence about them follows.
    """
    robustness = accepted.findings["robustness"]
    if not robustness:
        return accepted
    start = next(
        place
        for place in range(expected.index(ROBUSTNESS), len(expected))
        if expected[place].startswith("- ")
    )
    own = dict(robustness["models"])
    for name, line in zip(_ranked(models), lines[start:], strict=False):
        told = re.search(r", mean confidence ([0-9]{1,3}\.[0-9]) %\. Its confidence", line)
        confidence = float(told[1]) / 100 if told else own[name]["confidence"]
        if SHARE_DIGITS < abs(confidence - own[name]["confidence"]) <= ON_PAGE:
            own[name] = {**own[name], "confidence": confidence}
    found = {**accepted.findings, "robustness": {**robustness, "models": own}}
    return replace(accepted, findings=found)


def _with_unknown(
    models: list[dict[str, Any]], accepted: Evaluation, expected: list[str], lines: list[str]
) -> Evaluation:
    """The evaluation with the numbers on out-of-distribution images that the table tells, as far as
    they are allowed. The sentences about them follow.
    """
    unknown, names = accepted.findings["unknown"], _ranked(models)
    if not unknown:
        return accepted
    head = next(place for place, line in enumerate(expected) if line.startswith(UNKNOWN))
    rows, kinds = iter(lines[head + 2 + len(names) :]), []
    for kind in unknown["kinds"]:
        own = {
            name: _unknown_of(line.removesuffix(" |").split(" | "), kind["models"][name], kind)
            for name, line in zip(names, rows, strict=False)
        }
        kinds.append({**kind, "models": {**kind["models"], **own}})
    found = {**accepted.findings, "unknown": {**unknown, "kinds": kinds}}
    return replace(accepted, findings=found)


def _unknown_of(cells: list[str], own: dict[str, Any], kind: dict[str, Any]) -> dict[str, Any]:
    """What a row of the table tells of a model; `own` where it is not possible."""
    shares, images = len(own["turned_away"]), kind["images"]
    if len(cells) < shares + 2 or not all(
        re.fullmatch(r"[0-9]{1,3}\.[0-9]{1,3}( %)?", cell) for cell in cells[-shares - 2 :]
    ):
        return own
    confidence, auroc, *rejected = (
        float(cell.removesuffix(" %")) / (100 if cell.endswith("%") else 1)
        for cell in cells[-shares - 2 :]
    )
    return {
        **own,
        "confidence": _read(confidence, own["confidence"]),
        "auroc": _read(auroc, own["auroc"]),
        "turned_away": [
            round(_read(share, count / images) * images)
            for share, count in zip(rejected, own["turned_away"], strict=True)
        ],
    }


def _read(told: float, own: float) -> float:
    """The share `told`, if it is allowed and not only `own` with fewer digits."""
    return told if SHARE_DIGITS < abs(told - own) <= ON_PAGE else own


def _ranked(models: list[dict[str, Any]]) -> list[str]:
    return ranking({model["name"]: model["scores"] for model in models})
