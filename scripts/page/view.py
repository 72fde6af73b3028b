"""All that the templates say, gathered from what the stages wrote."""

from typing import Any

import numpy as np

from core.split import Split
from drawing.svg import inline
from evaluation.evaluation import Evaluation
from evaluation.ranking import ranking
from evaluation.significance import ALPHA
from evaluation.validation import check_validation
from page.charts import draw_abstention, draw_accuracies, draw_cost
from page.data_checks import describe_checks, describe_doubts
from page.matrices import answer_rows, difference_rows
from page.model_view import describe_image
from page.robustness import describe_robustness
from page.unknown import describe_unknown

PAIRS_SHOWN = 3  # matrices of every pair up to so many, else of those with the best model
SETS_SHOWN = 20


def describe_comparison(
    models: list[dict[str, Any]], evaluation: Evaluation, part: Split, stats: dict[str, Any]
) -> dict[str, Any]:
    """What the templates say of the models together.

    Args:
        models: each as `describe_model` gives it.
        part: the test images.
        stats: the dataset's statistics.
    """
    by_name = {model["name"]: model for model in models}
    scores = {name: model["scores"] for name, model in by_name.items()}
    ranked = [by_name[name] for name in ranking(scores)]
    findings = evaluation.findings
    pairs = [_describe_pair(pair, by_name, len(evaluation.classes)) for pair in findings["pairs"]]
    best, known = ranked[0], evaluation.classes.tolist()
    shown = [
        pair
        for pair in pairs
        if len(pairs) <= PAIRS_SHOWN or best in (pair["first"], pair["second"])
    ]
    contested = findings["contested"]
    robustness = describe_robustness(evaluation, part.pixel_range, models, best["name"])
    checks = {**check_validation(findings["metrics"]), **stats["checks"]}
    leaks = [one["found"] for name, one in checks.items() if name.startswith("test_in_")]
    return {
        "stats": stats,
        "checks": describe_checks(checks),
        "doubts": describe_doubts(stats["labels"]) if "labels" in stats else None,
        "leaks": leaks,
        "robustness": robustness,
        "classes": known,
        "held_out": [row["class"] for row in stats["class_counts"] if row["class"] not in known],
        "test_images": len(part.labels),
        "unknown": describe_unknown(evaluation, part.pixel_range, models),
        "alpha": ALPHA,
        "models": models,
        "ranked": ranked,
        "pairs": pairs,
        "matrix_pairs": shown,
        "error_sets": [
            {**row, "model_keys": [by_name[name]["key"] for name in row["models"]]}
            for row in findings["error_sets"][:SETS_SHOWN]
        ],
        "error_sets_in_all": len(findings["error_sets"]),
        "contested": {
            "images": len(contested),
            "shown": [describe_image(index, evaluation, part) for index in contested[:25]],
        },
    }


def _describe_pair(
    pair: dict[str, Any], models: dict[str, dict[str, Any]], classes: int
) -> dict[str, Any]:
    first, second = models[pair["first"]], models[pair["second"]]
    keys = first["key"], second["key"]
    against = first["scores"]["against"]
    return {
        "first": first,
        "second": second,
        "against": next(row for row in against if row["model"] == second["name"]),
        "differences": difference_rows(pair["confusion_differences"], *keys, classes),
        "answers": answer_rows(pair["answers"], *keys),
    }


def draw_charts(
    best: dict[str, Any],
    models: list[dict[str, Any]],
    figures: dict[str, str],
    stats: dict[str, Any],
) -> dict[str, Any]:
    """The charts of all models together, and those that explore-stats has drawn.

    Args:
        best: the one of `models` that leads the ranking.
        models: each as `describe_model` gives it.
        figures: `train_samples`, `test_samples` and `class_histogram`, as SVG.
        stats: the dataset's statistics.
    """
    names = [model["name"] for model in models]
    scores = [model["scores"] for model in models]
    curves = [model["abstention"]["curve"] for model in models]
    records = [model["record"] for model in models]
    answers = [record["answer_microseconds"] for record in records]
    fits = [record["fit_seconds"] for record in records]
    said = "; ".join(
        f"{name} {100 * score['accuracy']:.2f} %" for name, score in zip(names, scores, strict=True)
    )
    meanings = {
        "train_samples": "Random training images, each titled with its label",
        "test_samples": "Random test images, each titled with its label",
        "class_histogram": stats["train_against_test"]["sentence"],
    }
    drawn = {
        "accuracies": (draw_accuracies(names, scores), f"Accuracy with 95 % interval: {said}"),
        "abstention": (
            draw_abstention(names, curves),
            f"Share of wrong answers over the share of images answered; it rises to"
            f" {100 - 100 * best['scores']['accuracy']:.2f} % for {best['name']} on all images",
        ),
        "answer_cost": (
            draw_cost(answers, scores, "microseconds an image"),
            f"The quickest answers are those of {names[int(np.argmin(answers))]},"
            f" the fewest errors those of {best['name']}",
        ),
        "training_cost": (
            draw_cost(fits, scores, "seconds of training"),
            f"The quickest training is that of {names[int(np.argmin(fits))]},"
            f" the fewest errors are those of {best['name']}",
        ),
        **{name: (svg, meanings[name]) for name, svg in figures.items()},
    }
    return {name: inline(svg, name, alt) for name, (svg, alt) in drawn.items()}
