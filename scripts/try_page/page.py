"""A page to draw on, where trained models predict what it is: one file that needs no server."""

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
BOUND = 0.02  # what rounded weights may change of a probability
ROOM = 1_000  # bytes for what is said of a model besides
SAMPLES = 20  # at most, to choose from instead of drawing
DIGITS = ("digits", "mnist")
TEMPLATES = Path(__file__).parent / "templates"
STYLE = Path(__file__).parents[1] / "templates" / "style.css"
SCRIPTS = ("arithmetic", "unpacking", "drawing", "page")


@dataclass(frozen=True)
class _Shown:
    """A model on the page, or named there as left out.

    Attributes:
        content: what is embedded of it; empty if it is left out.
        bits: of each weight there.
        change: the most that rounded weights change of a probability of a test image.
        why: the reason that it is left out.
    """

    model: Model
    content: str = ""
    bits: int = 32
    change: float = 0.0
    why: str = ""


def render(models: Sequence[Model], test: Split, stats: Mapping[str, Any]) -> str:
    """The page, of at most PAGE_BYTES: the first models have room first, in single precision, or
    else in half precision where that changes no predicted class; those left out are named.

    Args:
        models: the most accurate first.
        test: the test images, of which some can be chosen instead of drawing.
        stats: the dataset's statistics.

    Raises:
        UserError: no model has room.
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
            why = (
                f"{_too_large(model)}, and with {bits} bits for each it would predict other classes"
            )
            shown[place] = _Shown(model, why=why)
    if not any(one.content for one in shown):
        names = ", ".join(f"{one.model.name}: {one.why}" for one in shown)
        raise UserError(f"no model is left for the page: {names}")
    return draw(shown)


def _too_large(model: Model) -> str:
    if not model.program:
        return model.problem
    size = sum(array.nbytes for array in model.program.arrays)
    return f"its weights ({size / 1e6:.1f} MB) do not fit into a page of {PAGE_BYTES / 1e6:g} MB"


def _change(model: Model, bits: int, images: np.ndarray) -> float:
    """The most that rounded weights change of a probability; infinite if they change a class."""
    if bits == 32:
        return 0.0
    exact, rounded = (model.probabilities(images, some) for some in (32, bits))
    if (exact.argmax(axis=1) != rounded.argmax(axis=1)).any():
        return np.inf
    return float(np.abs(exact - rounded).max())  # perhaps NaN, which is not below any bound


def _for_script(test: Split) -> dict[str, Any]:
    """What the script has to know of the images, and some of them."""
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
    """The longest side of what is drawn on half of the images: 20 of 28 pixels in MNIST."""
    drawn = np.abs(images.astype(np.float32) - paper) > span / 4
    sides = [
        lines.shape[1] - lines.argmax(axis=1) - lines[:, ::-1].argmax(axis=1)
        for lines in (drawn.any(axis=2), drawn.any(axis=1))
    ]
    longest = np.maximum(*sides)[drawn.any(axis=(1, 2))]
    most = min(images.shape[1:])
    return min(int(np.median(longest)), most) if len(longest) else most
