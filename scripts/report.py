"""Draw the page that compares the models, as HTML and Markdown, from what the stages wrote."""

import hashlib
from pathlib import Path

import numpy as np

from core.command_line import StageParser
from core.errors import UserError
from core.files import read_json, write_text
from core.split import read_split
from evaluation.evaluation import read_evaluation
from page.browser import browser_data
from page.model_view import describe_model
from page.render import render
from page.view import describe_comparison, draw_charts


def report(
    test: Path,
    models: list[Path],
    evaluation: Path,
    metrics: Path,
    failed: Path,
    stats: Path,
    train_samples: Path,
    test_samples: Path,
    class_histogram: Path,
    templates: Path,
    html: Path,
    markdown: Path,
    failures: int,
    seed: int,
) -> None:
    """Write the page as HTML and as Markdown; nothing is measured here.

    Args:
        models: the folders of the trained models.
        evaluation: all that the page says of their answers.
        metrics, failed: what evaluate wrote for other tools, to be downloaded from the page.
        templates: the folder of the Jinja templates, the style sheet and the script.
        failures: random failures of each model to show.
        seed: which ones.
    """
    part, found = read_split(test), read_evaluation(evaluation)
    names = [folder.name for folder in models]
    same = (part.labels, found.labels), (part.classes, found.classes)
    if names != found.models or not all(np.array_equal(*pair) for pair in same):
        raise UserError(f"{evaluation}: made from other models or images; rerun evaluate")
    if read_json(metrics) != found.findings["metrics"]:
        raise UserError(f"{metrics}: does not match {evaluation}; rerun evaluate")
    described = [
        # A generator each, so that one model's failures move no other's.
        describe_model(folder, found, part, failures, np.random.default_rng((seed, place)))
        for place, folder in enumerate(models)
    ]
    figures = {
        "train_samples": train_samples.read_text(encoding="utf-8"),
        "test_samples": test_samples.read_text(encoding="utf-8"),
        "class_histogram": class_histogram.read_text(encoding="utf-8"),
    }
    said = read_json(stats)
    attached = {"metrics.json": metrics.read_bytes(), "failures.csv": failed.read_bytes()}
    compared = describe_comparison(described, found, part, said)
    page = {
        **compared,
        "charts": draw_charts(compared["ranked"][0], described, figures, said),
        "results_hash": hashlib.sha256(attached["metrics.json"]).hexdigest(),
        "failures": failures,
        "seed": seed,
    }
    page_text, markdown_text = render(
        templates,
        page,
        attached,
        lambda room: browser_data(found, part, room, np.random.default_rng(seed)),
    )
    write_text(html, page_text)
    write_text(markdown, markdown_text)


def main() -> None:
    parser = StageParser("report", __doc__)
    parser.add_input("test", "the test part, .npz")
    parser.add_input("models", "the models' folders", nargs="+")
    parser.add_input("evaluation", "every probability and finding, .npz")
    parser.add_input("metrics", "the metrics, .json")
    parser.add_input("failed", "the images that a model gets wrong, .csv")
    parser.add_input("stats", "the dataset's statistics, .json")
    parser.add_input("train_samples", "figure of training images, .svg")
    parser.add_input("test_samples", "figure of test images, .svg")
    parser.add_input("class_histogram", "figure of the class shares, .svg")
    parser.add_input("templates", "the folder of the templates")
    parser.add_output("html", "the page, .html")
    parser.add_output("markdown", "the same as Markdown, .md")
    parser.add_seed()
    parser.run(report)


if __name__ == "__main__":
    main()
