"""Whether a committed comparison.md is the page of the accepted results.

Some of its numbers are in no other file in git, such as the accuracy on one kind of corrupted
images. These may differ. Which they are, and what they look like, is found by rendering the page
again with each of them at both ends of what is allowed.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import cycle, product, zip_longest
from pathlib import Path
from typing import Any

from core.split import Split
from drawing.templates import template_environment
from evaluation.evaluation import Evaluation
from page.model_view import describe_models
from page.render import render_markdown
from page.view import describe_page
from review.accepted import CALIBRATION, LOSS, ONE_CONFIDENCE, Limit
from review.told_numbers import ON_PAGE, SHARE_DIGITS, with_told
from training.recipe import has_native_bfloat16

TEMPLATES = template_environment(Path(__file__).parents[1] / "templates")
INTERVAL = 0.01  # the largest difference of the interval of a share that metrics.json has
STEPS = 1, 0.5, 0.2, 0.1, 0.05  # of these differences, since words depend on some numbers
DIGITS = 0.00005  # failures.csv has four digits of a confidence
ACCURACIES = {
    **{"accuracy": ON_PAGE, "auroc": ON_PAGE, "turned_away": ON_PAGE},
    **{"accuracy_low": INTERVAL, "accuracy_high": INTERVAL, "low": INTERVAL, "high": INTERVAL},
}
CONFIDENCES = {"confidence": ON_PAGE, "threshold": ON_PAGE}
PRECISIONS = "float32", "bfloat16"  # of which "auto" chooses one that suits the processor
NUMBER = re.compile(r"[+\u2212-]?[0-9]+(?:,[0-9]{3})*(?:\.[0-9]+)?")


@dataclass(frozen=True)
class Page:
    """What the page is drawn from, beside the evaluation.

    Attributes:
        part: the test images.
        stats: the dataset's statistics.
        metrics: the content of metrics.json, whose hash is on the page.
        failures: the random misclassified images of each model to show.
        seed: chooses these images.
        automatic: the models whose precision depends on the processor.
    """

    part: Split
    stats: dict[str, Any]
    metrics: bytes
    failures: int
    seed: int
    automatic: frozenset[str]

    def describe(self, evaluation: Evaluation) -> list[dict[str, Any]]:
        """The models, with what their training in this folder recorded."""
        folders = [Path("models", name) for name in evaluation.models]
        return describe_models(folders, evaluation, self.part, self.failures, self.seed)

    def render(self, models: list[dict[str, Any]], evaluation: Evaluation) -> str:
        """The page as Markdown."""
        numbers = self.metrics, self.failures, self.seed
        data = describe_page(models, evaluation, self.part, self.stats, *numbers)
        return render_markdown(TEMPLATES, data)


def differing_lines(
    committed: str, page: Page, accepted: Evaluation, made: Evaluation
) -> list[int]:
    """The numbers of the lines, from 1, in which the committed page is not that of the `accepted`
    evaluation.

    Args:
        committed: the committed page.
        page: what else it is drawn from.
        accepted: what the committed results came from; `made`, where they do not tell.
        made: the evaluation made here.
    """
    models = [_remarked(model, made) for model in page.describe(accepted)]
    models, accepted = with_told(models, accepted, page.render(models, accepted), committed)
    expected, lines = page.render(models, accepted).split("\n"), committed.split("\n")
    if expected == lines:
        return []
    pages = [expected, *(page.render(*each).split("\n") for each in _moved(page, models, accepted))]
    numbered = enumerate(zip_longest(lines, *pages), start=1)
    return [number for number, (line, *others) in numbered if not _fits(line, others)]


def _fits(line: str | None, others: list[str | None]) -> bool:
    """Whether a line is one of the `others`, or differs from those of the same words by numbers
    that lie between theirs; in a table, each cell.
    """
    if line in others:
        return True
    if line is None or None in others:
        return False
    cells, *columns = (each.split(" | ") for each in (line, *others))
    if len(cells) > 1 and {len(each) for each in columns} == {len(cells)}:
        return all(map(_fits, cells, map(list, zip(*columns, strict=True))))
    words, numbers = NUMBER.split(line), NUMBER.findall(line)
    same = [NUMBER.findall(other) for other in others if NUMBER.split(other) == words]
    return bool(same) and all(map(_is_between, numbers, zip(*same, strict=True)))


def _is_between(text: str, others: tuple[str, ...]) -> bool:
    """Whether a number is one of the `others`, or between them and written like them."""
    (sign, value, decimals), *known = map(_parsed, (text, *others))
    signs, values, lengths = (set(each) for each in zip(*known, strict=True))
    plain = f"{abs(value):,.{decimals}f}"
    return text in others or (
        min(values) < value < max(values)
        and sign in signs
        and decimals <= max(lengths)
        and text == sign + plain
    )


def _parsed(text: str) -> tuple[str, float, int]:
    """The sign as written, the value and the number of decimals."""
    plain = text.lstrip("+\u2212-")
    sign = text.removesuffix(plain)
    value = float(plain.replace(",", ""))
    return sign, -value if sign in "\u2212-" and sign else value, len(plain.partition(".")[2])


def _remarked(model: dict[str, Any], made: Evaluation) -> dict[str, Any]:
    """The model, whose remark on its training has the mistakes on validation images that the
    committed metrics tell.
    """
    here, theirs = (
        scores["validation_images"] - scores["validation_right"]
        for scores in (made.findings["metrics"][model["name"]], model["scores"])
    )
    remarks = [
        remark.replace(f", {here:,} misclassified", f", {theirs:,} misclassified")
        for remark in model["record"]["remarks"]
    ]
    return {**model, "record": {**model["record"], "remarks": remarks}}


def _moved(
    page: Page, models: list[dict[str, Any]], accepted: Evaluation
) -> Iterator[tuple[list[dict[str, Any]], Evaluation]]:
    """The models and the evaluation with the numbers that are only on the page moved as far as
    allowed, and less: accuracies up or down with confidences up or down; and with each kind of
    out-of-distribution images as the hardest one.
    """
    written = cycle(product(PRECISIONS, (True, False)))
    for step, up, sure in product(STEPS, (-1, 1), (-1, 1)):
        moves = _moves(step * up, step * sure)
        setting = next(written)
        moved = [
            _moved_model(model, sure * step, *(setting if model["name"] in page.automatic else ()))
            for model in models
        ]
        yield moved, _moved_evaluation(accepted, moves)
    for row in accepted.findings["unknown"].get("kinds", []):
        for own, sure in product((-1, STEPS[-1]), (-1, 1)):
            hardest = {row["kind"]: _digits_of(_moves(own, sure))}
            yield models, _moved_evaluation(accepted, _moves(1, sure), hardest)


def _moves(accuracies: float, confidences: float) -> dict[str, float]:
    """How far to move each kind of number, as parts of the largest differences."""
    return {
        **{key: accuracies * most for key, most in ACCURACIES.items()},
        **{key: confidences * most for key, most in CONFIDENCES.items()},
    }


def _digits_of(moves: dict[str, float]) -> dict[str, float]:
    """The moves of numbers that were read from the page: what its digits leave open."""
    return {key: move * SHARE_DIGITS / ON_PAGE for key, move in moves.items()}


def _moved_evaluation(
    accepted: Evaluation,
    moves: dict[str, float],
    hardest: dict[str, dict[str, float]] | None = None,
) -> Evaluation:
    robustness, unknown = (accepted.findings[key] for key in ("robustness", "unknown"))
    read = _digits_of(moves)  # the numbers in the table of unknown images were read from it
    if robustness:
        known = {"accuracy": 0.0, "confidence": 0.0}  # these are in git or were read
        robustness = {
            **robustness,
            "models": _shift(robustness["models"], moves | known),
            "pairs": _shift(robustness["pairs"], moves),
            "corruptions": _shift(robustness["corruptions"], moves),
        }
    if unknown:
        thresholds = _shift(unknown["thresholds"], moves)
        kinds = [
            _shift(row, (hardest or {}).get(row["kind"], read), 0, row["images"])
            for row in unknown["kinds"]
        ]
        unknown = {"kinds": kinds, "thresholds": thresholds}
    found = {**accepted.findings, "robustness": robustness, "unknown": unknown}
    return replace(accepted, findings=found)


def _shift(found: Any, moves: dict[str, float], move: float = 0, images: int = 0) -> Any:
    """`found` with each number moved that belongs to a name in `moves`: shares within 0 and 1, and
    counts, of so many images, by the same part of them.
    """
    if isinstance(found, dict):
        return {key: _shift(own, moves, moves.get(key, move), images) for key, own in found.items()}
    if isinstance(found, list):
        return [_shift(own, moves, move, images) for own in found]
    if isinstance(found, float) and move:
        return min(max(found + move, min(found, 0.0)), 1.0)
    if isinstance(found, int) and move:
        return min(max(found + round(move * images), 0), images)
    return found


def _moved_model(model: dict[str, Any], sure: float, *setting: Any) -> dict[str, Any]:
    """The model with its thresholds and confidences moved.

    Args:
        model: as the page describes it.
        sure: by which part of the largest differences.
        setting: the precision to name, and whether it is marked as changed; nothing if it is
            the same on each processor.
    """
    here = PRECISIONS[has_native_bfloat16()]
    steps = [_shift(step, _moves(0, sure)) for step in model["abstention"]["steps"]]
    calibration = model["calibration"]
    if calibration:
        measures = {"loss": LOSS, "calibration_error": CALIBRATION}
        calibration = {
            **calibration,
            "temperature": _by(LOSS, calibration["temperature"], sure),
            "doubt": _by(CALIBRATION, calibration["doubt"], sure) if calibration["doubt"] else 0.0,
            **{
                when: {
                    key: _by(limit, calibration[when][key], sure) for key, limit in measures.items()
                }
                for when in ("before", "after")
            },
        }
    return {
        **model,
        "abstention": {**model["abstention"], "steps": steps},
        "calibration": calibration,
        "failures": [_moved_image(image, sure) for image in model["failures"]],
        "settings": [
            {**one, "value": setting[0], "changed": setting[1]}
            if setting and one["key"] == "precision" and one["value"] == here
            else one
            for one in model["settings"]
        ],
    }


def _by(limit: Limit, value: float, part: float) -> float:
    return max(0.0, value + part * limit.around(value))


def _moved_image(image: dict[str, Any], part: float) -> dict[str, Any]:
    """An image with the probabilities of its classes moved: those of the predicted classes by what
    failures.csv leaves open, the others by the difference that a confidence may have.
    """
    tops = image["confidences"]
    return {
        **image,
        "probabilities": [
            [
                top + part * DIGITS
                if likely == top
                else max(0.0, min(likely + part * ONE_CONFIDENCE, top, 1 - top))
                for likely, top in zip(row, tops, strict=True)
            ]
            for row in image["probabilities"]
        ],
    }
