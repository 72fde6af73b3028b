"""Predictions of all models, batch by batch, of images brought into the form of each model."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from io import StringIO

import numpy as np

from core.errors import UserError
from prediction.form import Form
from prediction.inputs import Block, Images
from prediction.models import Model

CHUNK_BYTES = 2**26  # of the images in a batch, as float32


@dataclass(frozen=True)
class Predicted:
    """Some images, and what each model predicts for them.

    Attributes:
        names, labels: as in `Block`.
        images: by form, (n, height, width): what a model of this form saw.
        probabilities: of each model, (n, k), float32.
    """

    names: list[str]
    labels: list[str | None]
    images: dict[Form, np.ndarray]
    probabilities: list[np.ndarray] = field(default_factory=list)


def predictions(
    source: Images,
    models: Sequence[Model],
    batch_size: int,
    fit: Callable[[Form, Block], np.ndarray],
    report: Callable[[str], None],
) -> Iterator[Predicted]:
    """The predictions of all models, in the order of the images.

    A batch is so large that a test part of usual size fits into one, as in evaluate: sums of floats
    depend on it.

    Args:
        batch_size: of the networks; a batch here is a multiple of it.
        fit: brings images into a form; raises UserError.
        report: is told of each image that cannot be used, in one line.
    """
    forms = list(dict.fromkeys(model.form for model in models))
    bytes_each = max(4 * form.height * form.width for form in forms)
    size = batch_size * max(1, CHUNK_BYTES // (bytes_each * batch_size))
    prepared = _prepared(source.blocks, source, forms, fit, report)
    for chunk in _chunks(prepared, forms, size):
        with redirect_stdout(StringIO()):  # where Keras draws a bar, if that is a terminal
            for model in models:
                chunk.probabilities.append(model.probabilities(chunk.images[model.form]))
        yield chunk


def _prepared(
    blocks: Iterable[Block],
    source: Images,
    forms: Sequence[Form],
    fit: Callable[[Form, Block], np.ndarray],
    report: Callable[[str], None],
) -> Iterator[Predicted]:
    for block in blocks:
        try:
            yield Predicted(block.names, block.labels, {form: fit(form, block) for form in forms})
        except UserError as error:
            if len(block.names) == 1:
                report(f"{source.called(block.names[0])}: {error}")
            else:
                yield from _prepared(block.single(), source, forms, fit, report)


def _chunks(prepared: Iterable[Predicted], forms: Sequence[Form], size: int) -> Iterator[Predicted]:
    """The same, `size` at a time, but for the last ones."""
    waiting: list[Predicted] = []
    count = 0
    for some in prepared:
        waiting.append(some)
        count += len(some.names)
        while count >= size:
            whole = _together(waiting, forms)
            yield _part(whole, slice(size))
            waiting = [_part(whole, slice(size, None))]
            count -= size
    if count:
        yield _together(waiting, forms)


def _together(parts: Sequence[Predicted], forms: Sequence[Form]) -> Predicted:
    return Predicted(
        [name for part in parts for name in part.names],
        [label for part in parts for label in part.labels],
        {form: np.concatenate([part.images[form] for part in parts]) for form in forms},
    )


def _part(whole: Predicted, place: slice) -> Predicted:
    images = {form: own[place] for form, own in whole.images.items()}
    return Predicted(whole.names[place], whole.labels[place], images)
