"""Write the page that compares the models, as HTML and Markdown, from the outputs of the stages."""

import core.environment  # noqa: F401 - before any library

from pathlib import Path

import numpy as np

from core.command_line import StageParser
from core.errors import UserError
from core.files import read_json, write_text
from core.split import read_split
from evaluation.evaluation import read_evaluation
from page.browser import browser_data
from page.model_view import describe_models
from page.render import render
from page.view import describe_page, draw_charts


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
    """Write the page as HTML and as Markdown. Measures nothing itself.

    Args:
        test: the test part, `.npz`.
        models: the folders of the trained models.
        evaluation: the predictions and findings of evaluate, `.npz`.
        metrics, failed: the metrics and misclassified images, which the page offers to download.
        stats, train_samples, test_samples, class_histogram: outputs of explore_stats.
        templates: the folder of the Jinja templates, the style sheet and the script.
        html, markdown: the files to write.
        failures: the number of random misclassified images of each model to show.
        seed: chooses these images.

    Raises:
        UserError: an input is damaged, or the inputs do not match.
        OSError: a file cannot be read or written.
    """
    part, found = read_split(test), read_evaluation(evaluation)
    names = [folder.name for folder in models]
    same = (part.labels, found.labels), (part.classes, found.classes)
    if names != found.models or not all(np.array_equal(*pair) for pair in same):
        raise UserError(f"{evaluation}: made from other models or images; rerun evaluate")
    if read_json(metrics) != found.findings["metrics"]:
        raise UserError(f"{metrics}: does not match {evaluation}; rerun evaluate")
    described = describe_models(models, found, part, failures, seed)
    figures = {
        "train_samples": train_samples.read_text(encoding="utf-8"),
        "test_samples": test_samples.read_text(encoding="utf-8"),
        "class_histogram": class_histogram.read_text(encoding="utf-8"),
    }
    said = read_json(stats)
    attached = {"metrics.json": metrics.read_bytes(), "failures.csv": failed.read_bytes()}
    page = describe_page(described, found, part, said, attached["metrics.json"], failures, seed)
    page["charts"] = draw_charts(page["ranked"], figures, said)
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
    parser.add_input("evaluation", "the predictions and findings, .npz")
    parser.add_input("metrics", "the metrics, .json")
    parser.add_input("failed", "the misclassified images, .csv")
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
