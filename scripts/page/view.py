"""The data for the templates, from the outputs of the stages."""

import hashlib
from typing import Any

from core.split import Split
from drawing.svg import inline
from evaluation.evaluation import Evaluation
from evaluation.ranking import ranking
from evaluation.significance import ALPHA
from evaluation.validation import check_validation
from page.charts import draw_abstention, draw_accuracies, draw_cost, is_logarithmic
from page.data_checks import describe_checks, describe_doubts
from page.matrices import answer_rows, difference_rows
from page.model_view import describe_image
from page.robustness import describe_robustness
from page.unknown import describe_unknown

PAIRS_SHOWN = 3  # with more pairs, matrices only of those with the best model
SETS_SHOWN = 20


def describe_page(
    models: list[dict[str, Any]],
    evaluation: Evaluation,
    part: Split,
    stats: dict[str, Any],
    metrics: bytes,
    failures: int,
    seed: int,
) -> dict[str, Any]:
    """All data for the templates except for the charts of all models together.

    Args:
        models, evaluation, part, stats: as for `describe_comparison`.
        metrics: the content of metrics.json.
        failures: the number of random misclassified images of each model to show.
        seed: that chose these images.
    """
    return {
        **describe_comparison(models, evaluation, part, stats),
        "results_hash": hashlib.sha256(metrics).hexdigest(),
        "failures": failures,
        "seed": seed,
    }


def describe_comparison(
    models: list[dict[str, Any]], evaluation: Evaluation, part: Split, stats: dict[str, Any]
) -> dict[str, Any]:
    """The data for the templates about all models together.

    Args:
        models: each as `describe_model` returns it.
        evaluation: the results of evaluate.
        part: the test images.
        stats: the dataset's statistics.
    """
    by_name = {model["name"]: model for model in models}
    scores = {name: model["scores"] for name, model in by_name.items()}
    ranked = [by_name[name] for name in ranking(scores)]
    findings = evaluation.findings
    places = {model["name"]: place for place, model in enumerate(ranked)}
    pairs = [
        _describe_pair(_better_first(pair, places), by_name, len(evaluation.classes))
        for pair in findings["pairs"]
    ]
    pairs.sort(key=lambda pair: [places[pair[end]["name"]] for end in ("first", "second")])
    best, known = ranked[0], evaluation.classes.tolist()
    shown = [
        pair
        for pair in pairs
        if len(pairs) <= PAIRS_SHOWN or best in (pair["first"], pair["second"])
    ]
    contested = findings["contested"]
    robustness = describe_robustness(evaluation, part.pixel_range, ranked)
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
        "unknown": describe_unknown(evaluation, part.pixel_range, ranked),
        "alpha": ALPHA,
        "logarithmic": is_logarithmic(ranked),
        "equals": [
            by_name[against["model"]]
            for against in best["scores"]["against"]
            if against["p_value"] >= ALPHA
        ],
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


def _better_first(pair: dict[str, Any], places: dict[str, int]) -> dict[str, Any]:
    """The findings of a pair of models, with the better model first.

    Args:
        pair: the findings.
        places: the place of each model in the ranking.
    """
    if places[pair["first"]] < places[pair["second"]]:
        return pair
    return {
        "first": pair["second"],
        "second": pair["first"],
        "answers": [list(column) for column in zip(*pair["answers"], strict=True)],
        "confusion_differences": [
            {
                **cell,
                **{"only_first": cell["only_second"], "only_second": cell["only_first"]},
                **{"low": -cell["high"], "high": -cell["low"]},
            }
            for cell in pair["confusion_differences"]
        ],
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
    ranked: list[dict[str, Any]], figures: dict[str, str], stats: dict[str, Any]
) -> dict[str, Any]:
    """The charts of all models together, and the figures of explore-stats.

    Args:
        ranked: each model as `describe_model` returns it, the best first.
        figures: `train_samples`, `test_samples` and `class_histogram`, as SVG.
        stats: the dataset's statistics.
    """
    best = ranked[0]["name"]
    accuracies = "; ".join(
        f"{model['name']} {100 * model['scores']['accuracy']:.2f} %" for model in ranked
    )
    quickest = {
        cost: min(ranked, key=lambda model: model["record"][cost])["name"]
        for cost in ("answer_microseconds", "fit_seconds")
    }
    meanings = {
        "train_samples": "Random training images, each titled with its label",
        "test_samples": "Random test images, each titled with its label",
        "class_histogram": stats["train_against_test"]["sentence"],
    }
    drawn = {
        "accuracies": (draw_accuracies(ranked), f"Accuracy with 95 % interval: {accuracies}"),
        "abstention": (
            draw_abstention(ranked),
            "Error rate by share of images classified; it rises to"
            f" {100 - 100 * ranked[0]['scores']['accuracy']:.2f} % for {best} on all images",
        ),
        "answer_cost": (
            draw_cost(ranked, "answer_microseconds", "time per image, µs"),
            f"{quickest['answer_microseconds']} predicts fastest, {best} makes the fewest errors",
        ),
        "training_cost": (
            draw_cost(ranked, "fit_seconds", "training time, s"),
            f"{quickest['fit_seconds']} trains fastest, {best} makes the fewest errors",
        ),
        **{name: (svg, meanings[name]) for name, svg in figures.items()},
    }
    return {name: inline(svg, name, alt) for name, (svg, alt) in drawn.items()}
