"""Draw the page that compares the models, and its Markdown twin, from what the stages wrote."""

import base64
import hashlib
from pathlib import Path

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from page.markdown import escape_markdown
from page.model_view import describe_model, svg_uri
from shared.command_line import StageParser, whole_number
from shared.errors import UserError
from shared.files import read_json, write_text
from shared.predictions import read_predictions
from shared.significance import ALPHA
from shared.split import read_split


def report(
    test: Path,
    models: list[Path],
    metrics: Path,
    predictions: Path,
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
    """Write the page and its twin; nothing is measured here.

    Args:
        models: the folders of the trained models, in the order of `metrics`' making.
        templates: the folder of the Jinja templates and the style sheet.
        failures: random failures of each model to show.
        seed: which ones.
    """
    part, scores, answers = read_split(test), read_json(metrics), read_predictions(predictions)
    likely = dict(zip(answers.models, answers.probabilities, strict=True))
    for folder in models:
        if folder.name not in scores or folder.name not in likely:
            raise UserError(f"{metrics}: no model {folder.name}; run evaluate on the same models")
    rows = [
        describe_model(
            folder,
            scores[folder.name],
            likely[folder.name],
            part,
            failures,
            np.random.default_rng((seed, place)),  # so that one model's failures move no other's
        )
        for place, folder in enumerate(models)
    ]
    # The most accurate first; of equals, the one with the lower loss.
    ranked = sorted(rows, key=lambda row: (-row["scores"]["accuracy"], row["scores"]["loss"]))
    style = (templates / "style.css").read_text(encoding="utf-8")
    page = {
        "stats": read_json(stats),
        "models": rows,
        "ranked": ranked,
        "classes": part.classes.tolist(),
        "alpha": ALPHA,
        "style": Markup(style),  # noqa: S704 - our own file, and not HTML
        "style_hash": base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        "figures": {
            "train_samples": svg_uri(train_samples.read_text(encoding="utf-8")),
            "test_samples": svg_uri(test_samples.read_text(encoding="utf-8")),
            "class_histogram": svg_uri(class_histogram.read_text(encoding="utf-8")),
        },
    }
    environment = Environment(
        loader=FileSystemLoader(templates),
        autoescape=select_autoescape(["html.j2"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["md"] = escape_markdown
    write_text(html, environment.get_template("comparison.html.j2").render(page))
    write_text(markdown, environment.get_template("comparison.md.j2").render(page))


def main() -> None:
    parser = StageParser("report", __doc__)
    parser.add_input("test", "the test part, .npz")
    parser.add_input("models", "the models' folders", nargs="+")
    parser.add_input("metrics", "the metrics, .json")
    parser.add_input("predictions", "every probability, .npz")
    parser.add_input("stats", "the dataset's statistics, .json")
    parser.add_input("train_samples", "figure of training images, .svg")
    parser.add_input("test_samples", "figure of test images, .svg")
    parser.add_input("class_histogram", "figure of the class shares, .svg")
    parser.add_input("templates", "the folder of the templates")
    parser.add_output("html", "the page, .html")
    parser.add_output("markdown", "its twin, .md")
    parser.add_parameter("failures", whole_number(at_least=1), "random failures of each model")
    parser.add_seed()
    parser.run(report)


if __name__ == "__main__":
    main()
