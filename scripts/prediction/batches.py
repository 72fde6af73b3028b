"""The predictions of all models, batch by batch, for images converted to each model's format."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from io import StringIO

import numpy as np

from core.errors import UserError
from prediction.form import Form
from prediction.inputs import Block, Images
from prediction.models import Model

CHUNK_BYTES = 2**26  # of the images in a batch as float32, at most


@dataclass(frozen=True)
class Predicted:
    """A batch of images and the predictions of each model.

    Attributes:
        names, labels: as in `Block`.
        images: the converted images, (n, height, width), by format.
        probabilities: (n, k), float32, for each model.
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

    A batch is large enough for a usual test part, as in evaluate, because sums of floats depend on
    it.

    Args:
        batch_size: the networks' batch size; a batch here is a multiple of it.
        fit: converts images to a format; raises UserError.
        report: called with a line for each unusable image.
    """
    forms = list(dict.fromkeys(model.form for model in models))
    bytes_each = max(4 * form.height * form.width for form in forms)
    size = batch_size * max(1, CHUNK_BYTES // (bytes_each * batch_size))
    prepared = _prepared(source.blocks, source, forms, fit, report)
    for chunk in _chunks(prepared, forms, size):
        with redirect_stdout(StringIO()):  # Keras would draw a progress bar there
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
    """The same images in batches of `size`; the last one may be smaller."""
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
