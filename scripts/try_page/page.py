"""A page to draw on, where trained models classify the drawing: one file that needs no server."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import UserError
from core.split import Split, background
from drawing.escaping import inert_json
from drawing.templates import embedded, template_environment
from try_page.models import Model
from try_page.packing import BITS, packed

PAGE_BYTES = 2_000_000
BOUND = 0.02  # allowed change of a probability by rounded weights
ROOM = 1_000  # bytes for the text about a model
SAMPLES = 20  # test images to choose from, at most
DIGITS = ("digits", "mnist")
TEMPLATES = Path(__file__).parent / "templates"
STYLE = Path(__file__).parents[1] / "templates" / "style.css"
SCRIPTS = ("arithmetic", "unpacking", "drawing", "page")


@dataclass(frozen=True)
class _Shown:
    """A model on the page, or one that is left out.

    Attributes:
        content: the embedded model; empty if it is left out.
        bits: the bits of each embedded weight.
        change: the largest change of a probability of a test image by rounded weights.
        why: the reason why it is left out.
    """

    model: Model
    content: str = ""
    bits: int = 32
    change: float = 0.0
    why: str = ""


def render(models: Sequence[Model], test: Split, stats: Mapping[str, Any]) -> str:
    """The page, of at most PAGE_BYTES. Models are added in order, in single precision, or with
    fewer bits if that changes no predicted class. The page names the models that are left out.

    Args:
        models: the most accurate first.
        test: the test images; some can be chosen instead of drawing.
        stats: the dataset's statistics.

    Raises:
        UserError: no model fits.
    """
    template = template_environment(TEMPLATES).get_template("try.html.j2")
    common = {
        "styles": [embedded(STYLE), embedded(TEMPLATES / "try.css")],
        "scripts": [embedded(TEMPLATES / f"{name}.js") for name in SCRIPTS],
        "dataset": stats["dataset"],
        "is_of_digits": stats["dataset"] in DIGITS,
        "classes": test.classes.tolist(),
        "test_images": len(test.labels),
    }
    for_script = _for_script(test)

    def draw(shown: Sequence[_Shown]) -> str:
        kept = [one for one in shown if one.content]
        data = {**for_script, "models": [one.model.name for one in kept]}
        left_out = [one for one in shown if not one.content]
        return template.render(common, kept=kept, left_out=left_out, data=inert_json(data))

    shown = [_Shown(model, why=_too_large(model)) for model in models]
    for place, model in enumerate(models):
        for bits in BITS if model.program else ():
            candidate = _Shown(model, packed(model.program, bits), bits)
            tried = [*shown[:place], candidate, *shown[place + 1 :]]
            if len(draw(tried).encode()) > PAGE_BYTES - ROOM:
                continue
            change = _change(model, bits, test.images)
            if change <= BOUND:
                shown = [*shown[:place], replace(candidate, change=change), *shown[place + 1 :]]
                break
            rounded = f"rounded to {bits} bits they would change predicted classes"
            why = f"{_too_large(model)}, and {rounded}"
            shown[place] = _Shown(model, why=why)
    if not any(one.content for one in shown):
        names = ", ".join(f"{one.model.name}: {one.why}" for one in shown)
        raise UserError(f"no model fits on the page: {names}")
    return draw(shown)


def _too_large(model: Model) -> str:
    if not model.program:
        return model.problem
    size = sum(array.nbytes for array in model.program.arrays)
    return f"its weights ({size / 1e6:.1f} MB) do not fit into a page of {PAGE_BYTES / 1e6:g} MB"


def _change(model: Model, bits: int, images: np.ndarray) -> float:
    """The largest change of a probability by rounded weights; infinite if a class changes."""
    if bits == 32:
        return 0.0
    exact, rounded = (model.probabilities(images, some) for some in (32, bits))
    if (exact.argmax(axis=1) != rounded.argmax(axis=1)).any():
        return np.inf
    return float(np.abs(exact - rounded).max())  # may be NaN, which is not <= BOUND


def _for_script(test: Split) -> dict[str, Any]:
    """The data for the script: the format of the images, and some samples."""
    low, high = map(float, test.pixel_range)
    paper = background(test.images)
    firsts = np.unique(test.labels, return_index=True)[1][:SAMPLES]
    samples = test.images[firsts]
    whole = samples.dtype.kind != "f"
    height, width = samples.shape[1:]
    return {
        "classes": test.classes.tolist(),
        "image": {
            **{"height": height, "width": width, "low": low, "high": high, "whole": whole},
            "background": paper,
            "ink": low if paper > (low + high) / 2 else high,
            "box": _box(test.images, paper, high - low),
        },
        "samples": {
            "numbers": firsts.tolist(),
            "labels": test.labels[firsts].tolist(),
            "pixels": base64.b64encode(samples.astype("<f4").tobytes()).decode(),
        },
    }


def _box(images: np.ndarray, paper: float, span: float) -> int:
    """The median of the longest side of the drawn part of the images: 20 of 28 pixels in MNIST."""
    drawn = np.abs(images.astype(np.float32) - paper) > span / 4
    sides = [
        lines.shape[1] - lines.argmax(axis=1) - lines[:, ::-1].argmax(axis=1)
        for lines in (drawn.any(axis=2), drawn.any(axis=1))
    ]
    longest = np.maximum(*sides)[drawn.any(axis=(1, 2))]
    most = min(images.shape[1:])
    return min(int(np.median(longest)), most) if len(longest) else most
