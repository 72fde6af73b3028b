"""What the page shows of one model."""

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from shared.drawing import braille, draw_curves, draw_probabilities
from shared.files import read_json
from shared.split import Split


def describe_model(
    folder: Path,
    scores: dict[str, Any],
    likely: np.ndarray,
    part: Split,
    failures: int,
    random: np.random.Generator,
) -> dict[str, Any]:
    """All that the templates say of one model.

    Args:
        folder: the model's folder, with its record and its curve.
        scores: the model's object in the metrics.
        likely: its class probabilities, (n, k), of the test images.
        part: the test images.
        failures: how many random failures to show.
        random: chooses them.
    """
    wrong = np.flatnonzero(likely.argmax(axis=1) != part.labels)
    shown = random.choice(wrong, min(failures, len(wrong)), replace=False)
    history = pd.read_csv(folder / "history.csv").dropna(axis=1, how="all")  # without validation
    step = history.columns[0]
    losses = {"training": "loss", "validation": "val_loss"}
    curves = {name: history[key] for name, key in losses.items() if key in history}
    return {
        "name": folder.name,
        "scores": scores,
        "record": read_json(folder / "training.json"),
        "failures": [_describe_failure(index, likely, part) for index in shown],
        "curve": svg_uri(draw_curves(history[step] + 1, curves, step)),
        "final_loss": float(history["loss"].iloc[-1]),
        "example": _describe_example(shown[0], likely, part) if len(shown) else None,
    }


def _describe_failure(index: int, likely: np.ndarray, part: Split) -> dict[str, Any]:
    return {
        "index": int(index),
        "true": int(part.classes[part.labels[index]]),
        "predicted": int(part.classes[likely[index].argmax()]),
        "image": png_uri(part.images[index], part.pixel_range),
    }


def _describe_example(index: int, likely: np.ndarray, part: Split) -> dict[str, Any]:
    """A failure with all of its class probabilities."""
    classes = [str(label) for label in part.classes]
    return {
        **_describe_failure(index, likely, part),
        "braille": braille(part.images[index] > part.pixel_range.mean()),
        "probabilities": [float(value) for value in likely[index]],
        "true_probability": float(likely[index, part.labels[index]]),
        "chart": svg_uri(draw_probabilities(classes, likely[index], part.labels[index])),
    }


def png_uri(image: np.ndarray, pixel_range: np.ndarray) -> str:
    """An image, (height, width), as a grey PNG within a data: URI."""
    low, high = pixel_range
    grey = np.clip((image.astype(np.float64) - low) / (high - low) * 255, 0, 255).round()
    buffer = io.BytesIO()
    Image.fromarray(grey.astype(np.uint8)).save(buffer, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def svg_uri(svg: str) -> str:
    """A chart within a data: URI; as an image it can neither run nor load anything."""
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"
