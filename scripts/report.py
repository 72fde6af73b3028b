"""Draw the page that compares the models, and its Markdown twin, from what the stages wrote."""

import base64
import hashlib
import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup
from PIL import Image

from shared.command_line import StageParser, whole_number
from shared.drawing import braille, draw_curves, draw_probabilities
from shared.files import read_json, write_text
from shared.npz import read_arrays
from shared.significance import ALPHA
from shared.split import Split, read_split


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
    part, scores, likely = read_split(test), read_json(metrics), _read_predictions(predictions)
    rows = [
        _describe_model(
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
            "train_samples": _svg_uri(train_samples.read_text(encoding="utf-8")),
            "test_samples": _svg_uri(test_samples.read_text(encoding="utf-8")),
            "class_histogram": _svg_uri(class_histogram.read_text(encoding="utf-8")),
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
    environment.filters["md"] = _escape_markdown
    write_text(html, environment.get_template("comparison.html.j2").render(page))
    write_text(markdown, environment.get_template("comparison.md.j2").render(page))


def _read_predictions(path: Path) -> dict[str, np.ndarray]:
    """Each model's class probabilities, (n, k), float32."""
    arrays = read_arrays(path, ("models", "probabilities"))
    return dict(zip(arrays["models"].tolist(), arrays["probabilities"], strict=True))


def _describe_model(
    folder: Path,
    scores: dict[str, Any],
    likely: np.ndarray,
    part: Split,
    failures: int,
    random: np.random.Generator,
) -> dict[str, Any]:
    wrong = np.flatnonzero(likely.argmax(axis=1) != part.labels)
    shown = random.choice(wrong, min(failures, len(wrong)), replace=False)
    history = pd.read_csv(folder / "history.csv")
    step = history.columns[0]
    losses = {"training": "loss", "validation": "val_loss"}
    curves = {name: history[key] for name, key in losses.items() if key in history}
    return {
        "name": folder.name,
        "scores": scores,
        "record": read_json(folder / "training.json"),
        "failures": [_describe_failure(index, likely, part) for index in shown],
        "curve": _svg_uri(draw_curves(history[step] + 1, curves, step)),
        "final_loss": float(history["loss"].iloc[-1]),
        "example": _describe_example(shown[0], likely, part) if len(shown) else None,
    }


def _describe_failure(index: int, likely: np.ndarray, part: Split) -> dict[str, Any]:
    return {
        "index": int(index),
        "true": int(part.classes[part.labels[index]]),
        "predicted": int(part.classes[likely[index].argmax()]),
        "image": _png_uri(part.images[index], part.pixel_range),
    }


def _describe_example(index: int, likely: np.ndarray, part: Split) -> dict[str, Any]:
    """A failure with all of its class probabilities."""
    classes = [str(label) for label in part.classes]
    return {
        **_describe_failure(index, likely, part),
        "braille": braille(part.images[index] > part.pixel_range.mean()),
        "probabilities": [float(value) for value in likely[index]],
        "true_probability": float(likely[index, part.labels[index]]),
        "chart": _svg_uri(draw_probabilities(classes, likely[index], part.labels[index])),
    }


def _png_uri(image: np.ndarray, pixel_range: np.ndarray) -> str:
    low, high = pixel_range
    grey = np.clip((image.astype(np.float64) - low) / (high - low) * 255, 0, 255).round()
    buffer = io.BytesIO()
    Image.fromarray(grey.astype(np.uint8)).save(buffer, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _svg_uri(svg: str) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"


def _escape_markdown(text: object) -> str:
    """`text` on one line, with what GitHub would take for markup or a mention made harmless."""
    signs = {ord(sign): f"&#{ord(sign)};" for sign in "&<>@#"} | {
        ord(sign): f"\\{sign}" for sign in "\\`*_[]|~"
    }
    return " ".join(str(text).split()).translate(signs)


def main() -> None:
    parser = StageParser("report", __doc__)
    parser.add_path("test", "the test part, .npz")
    parser.add_path("models", "the models' folders", nargs="+")
    parser.add_path("metrics", "the metrics, .json")
    parser.add_path("predictions", "every probability, .npz")
    parser.add_path("stats", "the dataset's statistics, .json")
    parser.add_path("train_samples", "figure of training images, .svg")
    parser.add_path("test_samples", "figure of test images, .svg")
    parser.add_path("class_histogram", "figure of the class shares, .svg")
    parser.add_path("templates", "the folder of the templates")
    parser.add_path("html", "the page to write, .html")
    parser.add_path("markdown", "its twin to write, .md")
    parser.add_parameter("failures", whole_number(at_least=1), "random failures of each model")
    parser.add_seed()
    parser.run(report)


if __name__ == "__main__":
    main()
