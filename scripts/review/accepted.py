"""Committed results from another processor: which numbers are accepted, and what follows from them.

Only what evaluate measures may differ, by no more than the limits here. Everything else is computed
again from the committed numbers with the functions of the pipeline. docs/trust.md has measurements
on several processors.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from core.errors import UserError
from core.files import as_json
from core.measures import BINS, tenths
from core.split import Split
from evaluation.calibration import RESAMPLES, error_interval, resampled_p_value
from evaluation.confidence import reliability_table
from evaluation.evaluation import Evaluation
from evaluation.findings import as_texts, findings_with, metrics_of
from review.models import ModelChange
from review.results import Results
from review.verdict import short


class Limit(NamedTuple):
    """How far a number may be from the one measured here: a distance, and a part of the number."""

    distance: float
    part: float = 0.0

    def allows(self, one: float, other: float) -> bool:
        """Whether the two numbers are close; false for NaN."""
        return abs(one - other) <= self.around(min(abs(one), abs(other)))

    def around(self, value: float) -> float:
        """The largest difference from `value`."""
        return self.distance + self.part * abs(value)


FEWEST, SHARE = 2, 0.01  # test images, and share of them, with another prediction
LOSS = Limit(0.005, 0.1)
CALIBRATION = Limit(0.01, 0.1)
# The metrics that are measured. All others are the same or follow from those and the predictions.
FIGURES = {
    **{"loss": LOSS, "brier_score": LOSS},
    **{"confidence": Limit(0.02), "corrupted_accuracy": Limit(0.02)},
    **{"calibration_error": CALIBRATION, "calibration_error_equal_mass": CALIBRATION},
    **dict.fromkeys(("calibration_error_low", "calibration_error_high"), Limit(0.02, 0.1)),
    "calibration_p_value": Limit(0.15),
    "bytes": Limit(100),
}
SAME = ("parameters", "validation_images")
LARGEST = 1e9  # that a metric can be
ONE_CONFIDENCE, MEAN_CONFIDENCE = 0.5, 0.05  # differences, of one image and of all in failures.csv


def most_images(images: int) -> int:
    """The most of so many images for which another processor may come to another prediction."""
    return max(FEWEST, int(SHARE * images))


def accept(
    metrics: Any,
    results: Results,
    made: Evaluation,
    part: Split,
    changes: Mapping[str, ModelChange],
) -> tuple[Evaluation, list[str]]:
    """The evaluation that the committed results would have come from, and a line for each measured
    number that is too far from the one measured here. Everything is computed from the committed
    numbers, even from those, so that only they are named.

    Args:
        metrics: the content of the committed metrics.json.
        results: the committed results, of the same models and images as `made`.
        made: the evaluation made here.
        part: the test images.
        changes: the changes of each model from `results` to the results made here.

    Raises:
        UserError: the results name a class or an image that there is none of.
    """
    likely, said, found = made.probabilities.copy(), [], {}
    for place, name in enumerate(made.models):
        answers, confidences = _predictions(results, name, part)
        said += _judge_predictions(changes[name], answers, confidences, made, place)
        likely[place] = _adopt(made.probabilities[place], answers, confidences)
        found[name], lines = _adopt_figures(name, metrics[name], made.findings["metrics"][name])
        said += lines
    robustness = made.findings["robustness"]
    if robustness:
        robustness = _adopt_robustness(robustness, found)
    own = metrics_of(likely.argmax(axis=2), part, found)
    findings = findings_with(own, likely, part, robustness, made.findings["unknown"])
    return replace(made, probabilities=likely, findings=findings), said


def texts_of(accepted: Evaluation, part: Split, reliability: Any) -> dict[str, str]:
    """The text files of evaluate that follow from the `accepted` evaluation, by name.

    Args:
        reliability: the content of the committed reliability.json. The predictions in a bin of the
            confidence are counted nowhere else in git.
    """
    texts = as_texts(accepted.models, accepted.probabilities, part, accepted.findings)
    texts["reliability.json"] = as_json(_adopt_reliability(accepted, reliability))
    return texts


def _predictions(results: Results, name: str, part: Split) -> tuple[np.ndarray, dict[int, float]]:
    """The predicted class of each image, and the confidence where the table has it."""
    places = {label: place for place, label in enumerate(part.classes.tolist())}
    answers = part.labels.copy()
    confidences = dict(results.correct[name])
    for index, mistake in results.mistakes[name].items():
        if mistake.answer not in places:
            raise UserError(f"{short(name)}: a prediction in failures.csv is not a class")
        answers[index] = places[mistake.answer]
        confidences[index] = mistake.confidence
    if not all(0 <= index < len(answers) for index in confidences):
        raise UserError(f"{short(name)}: failures.csv has an image that there is none of")
    if confidences and min(confidences.values()) < round(1 / len(part.classes), 4):
        raise UserError(f"{short(name)}: failures.csv has a confidence that no prediction has")
    return answers, confidences


def _judge_predictions(
    change: ModelChange,
    answers: np.ndarray,
    confidences: dict[int, float],
    made: Evaluation,
    place: int,
) -> Iterator[str]:
    name, images = short(change.name), len(answers)
    moved = int((answers != made.predicted[place]).sum())
    if change.outcome in ("better", "worse") or moved > most_images(images):
        yield (
            f"{name} misclassifies {len(change.mistakes):,} of {images:,} images,"
            f" {len(change.base_mistakes):,} in the committed results; {moved:,} predictions differ"
        )
    own = made.probabilities[place].max(axis=1)
    apart = [abs(own[index] - confidence) for index, confidence in confidences.items()]
    if apart and (
        max(apart) > ONE_CONFIDENCE or sum(apart) > ONE_CONFIDENCE + MEAN_CONFIDENCE * len(apart)
    ):
        yield (
            f"{name}: the confidences in failures.csv differ by {sum(apart) / len(apart):.2f} on"
            f" average, by up to {max(apart):.2f}"
        )


def _adopt(likely: np.ndarray, answers: np.ndarray, confidences: dict[int, float]) -> np.ndarray:
    """The probabilities, (n, k), that are as similar to `likely` as the predicted classes and the
    confidences allow.
    """
    found, images = likely.copy(), np.arange(len(answers))
    own = likely.argmax(axis=1)
    found[images, answers], found[images, own] = likely[images, own], likely[images, answers]
    for index, confidence in confidences.items():
        before = float(found[index, answers[index]])
        if f"{before:.4f}" == f"{confidence:.4f}":
            continue
        rest = found[index] * ((1 - confidence) / (1 - before) if before < 1 else 0)
        found[index] = np.minimum(rest, np.nextafter(np.float32(confidence), np.float32(0)))
        found[index, answers[index]] = confidence
    return found


def _adopt_figures(name: str, theirs: Any, made: dict[str, Any]) -> tuple[dict, list[str]]:
    """The measured metrics of a model, and a line for each that is too far away.

    Args:
        theirs: its committed metrics, of any content.
        made: its metrics made here.
    """
    found, said = {key: made[key] for key in SAME}, []
    images = made["validation_images"]
    limits = {**FIGURES, "validation_right": Limit(most_images(images))}
    for key in limits.keys() & made.keys():
        own, most = theirs.get(key), images if key == "validation_right" else LARGEST
        # What is no such number, or is missing, is named when the files are compared.
        possible = type(own) is type(made[key]) and 0 <= own <= most  # NaN is not
        found[key] = own if possible else made[key]
        if not limits[key].allows(found[key], made[key]):
            said.append(
                f"{short(name)}: {key} is {made[key]}, but {found[key]} in the committed results"
            )
    error, low, high = (found[f"calibration_error{end}"] for end in ("", "_low", "_high"))
    if not _is_interval(error, low, high):
        margin = made["calibration_error_high"] - made["calibration_error"]
        ends = error_interval(error, margin)
        found["calibration_error_low"], found["calibration_error_high"] = ends
    larger = round(found["calibration_p_value"] * (1 + RESAMPLES)) - 1
    found["calibration_p_value"] = resampled_p_value(larger)
    return found, sorted(said)


def _is_interval(error: float, low: float, high: float) -> bool:
    """Whether the calibration error is in the middle, unless an end is cut off."""
    margin = max(high - error, error - low)
    ends = error_interval(error, margin)
    return max(abs(ends[0] - low), abs(ends[1] - high)) < 1e-12


def _adopt_robustness(made: dict[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    """The finding "robustness" with the accuracies in `found`, and the intervals moved along."""
    models, pairs = {}, []
    for name, own in made["models"].items():
        moved = found[name]["corrupted_accuracy"] - own["accuracy"]
        ends = {key: own[key] + moved for key in ("accuracy_low", "accuracy_high")}
        models[name] = {**own, "accuracy": found[name]["corrupted_accuracy"], **ends}
    for pair in made["pairs"]:
        first, second = (models[pair[end]]["accuracy"] for end in ("first", "second"))
        moved = first - second - pair["difference"]
        pairs.append({**pair, "low": pair["low"] + moved, "high": pair["high"] + moved})
    return {**made, "models": models, "pairs": pairs}


def _adopt_reliability(accepted: Evaluation, theirs: Any) -> list[dict[str, float | None]]:
    table = reliability_table(accepted.findings["reliability"])
    for name, likely in zip(accepted.models, accepted.probabilities, strict=True):
        confidence, right = likely.max(axis=1), likely.argmax(axis=1) == accepted.labels
        successes = np.bincount(tenths(confidence[right]), minlength=BINS)
        fewest, most = _mistakes_in_bins(confidence[~right])
        moved = 2 * most_images(len(right))  # one leaves a bin, another enters it
        for place, row in enumerate(table):
            allowed = (
                many / (many + wrong) if many + wrong else None
                for wrong in range(fewest[place], most[place] + 1)
                for many in range(max(0, successes[place] - moved), successes[place] + moved + 1)
            )
            try:
                own = theirs[place][name]
            except (TypeError, LookupError):
                continue
            row[name] = next((each for each in allowed if each == own), row[name])
    return table


def _mistakes_in_bins(confidence: np.ndarray) -> tuple[list[int], list[int]]:
    """The fewest and the most mistakes in each bin: four digits do not tell on which side of a
    bin's end a confidence is.
    """
    shown = confidence.astype(np.float64).round(4) * BINS
    between = np.isclose(shown, shown.round(), atol=1e-6, rtol=0)
    certain = np.bincount(tenths(confidence[~between]), minlength=BINS)
    ends = shown[between].round().astype(int)
    above = np.bincount(np.minimum(ends, BINS - 1), minlength=BINS)
    below = np.bincount(np.maximum(ends - 1, 0), minlength=BINS)
    return certain.tolist(), (certain + above + below).tolist()
