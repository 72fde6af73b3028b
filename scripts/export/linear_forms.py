"""The logistic regression as an ONNX graph, and as plain arrays for NumPy."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from core.npz import read_arrays, write_arrays
from export.onnx_graph import IMAGES, Graph
from linear.linear_model import LinearModel

ARRAYS = ("classes", "coefficients", "doubt", "intercepts", "pixel_range")


def add_linear_model(graph: Graph, model: LinearModel) -> str:
    """Add `model` to `graph`; returns the name of its output."""
    low, high = np.float32(model.pixel_range)
    whole = _of_every_class(model)
    rows = graph.apply("Sub", graph.apply("Flatten", IMAGES, axis=1), graph.scalar(low))
    rows = graph.apply("Div", rows, graph.scalar(high - low))
    weights = graph.constant("coefficients", whole.coefficients)
    bias = graph.constant("intercepts", whole.intercepts)
    likely = graph.apply("Softmax", graph.apply("Gemm", rows, weights, bias, transB=1), axis=1)
    likely = graph.apply("Mul", likely, graph.scalar(1 - model.doubt))
    return graph.apply("Add", likely, graph.scalar(model.doubt / len(whole.intercepts)))


def write_plain_arrays(path: Path, model: LinearModel, classes: list[str]) -> None:
    """Write `.npz` with `classes`, (k,); `coefficients`, (k, height * width); `intercepts`, (k,);
    `pixel_range`, (2,), the pixels that are scaled to 0 and 1; and `doubt`, (), the share of the
    uniform distribution in each prediction.
    """
    whole = _of_every_class(model)
    write_arrays(
        path,
        classes=np.array(classes),
        coefficients=whole.coefficients,
        doubt=np.float64(whole.doubt),
        intercepts=whole.intercepts,
        pixel_range=whole.pixel_range,
    )


def predict_plain_arrays(path: Path, images: np.ndarray) -> np.ndarray:
    """Class probabilities, (n, k), float64, of images, (n, height, width), computed from the arrays
    at `path` as in the model card.
    """
    model = read_arrays(path, ARRAYS)
    low, high = model["pixel_range"]
    rows = (images.reshape(len(images), -1) - low) / (high - low)
    logits = rows @ model["coefficients"].T + model["intercepts"]
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    likely = odds / odds.sum(axis=1, keepdims=True)
    return (1 - model["doubt"]) * likely + model["doubt"] / len(model["classes"])


def _of_every_class(model: LinearModel) -> LinearModel:
    """`model` with a row for each class; for two classes, the first has the logit 0."""
    if len(model.intercepts) > 1:
        return model
    return replace(
        model,
        coefficients=np.vstack([np.zeros_like(model.coefficients), model.coefficients]),
        intercepts=np.concatenate([np.zeros_like(model.intercepts), model.intercepts]),
    )
