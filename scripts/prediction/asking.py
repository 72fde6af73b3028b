"""Images brought into the form of each model, and the models' answers, some at a time."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from io import StringIO

import numpy as np

from core.errors import UserError
from prediction.form import Form
from prediction.inputs import Asked, Block
from prediction.models import Model

CHUNK_BYTES = 2**26  # of the images that are answered at a time, as float32


@dataclass(frozen=True)
class Answered:
    """Some images, and what each model makes of them.

    Attributes:
        names, labels: as in `Block`.
        images: by form, (n, height, width): what a model of this form saw.
        probabilities: of each model, (n, k), float32.
    """

    names: list[str]
    labels: list[str | None]
    images: dict[Form, np.ndarray]
    probabilities: list[np.ndarray] = field(default_factory=list)


def answers(
    asked: Asked,
    models: Sequence[Model],
    batch_size: int,
    fit: Callable[[Form, Block], np.ndarray],
    refuse: Callable[[str], None],
) -> Iterator[Answered]:
    """The models' answers, in the order of the images.

    So many images are answered at a time that a test part of usual size is answered at once, as
    evaluate does: sums of floats depend on it.

    Args:
        batch_size: of the networks; what is answered at a time is a multiple of it.
        fit: brings images into a form; raises UserError.
        refuse: is told of each image that cannot be used, in one line.
    """
    forms = list(dict.fromkeys(model.form for model in models))
    bytes_each = max(4 * form.height * form.width for form in forms)
    size = batch_size * max(1, CHUNK_BYTES // (bytes_each * batch_size))
    prepared = _prepared(asked.blocks, asked, forms, fit, refuse)
    for chunk in _chunks(prepared, forms, size):
        with redirect_stdout(StringIO()):  # where Keras draws a bar, if that is a terminal
            for model in models:
                chunk.probabilities.append(model.probabilities(chunk.images[model.form]))
        yield chunk


def _prepared(
    blocks: Iterable[Block],
    asked: Asked,
    forms: Sequence[Form],
    fit: Callable[[Form, Block], np.ndarray],
    refuse: Callable[[str], None],
) -> Iterator[Answered]:
    for block in blocks:
        try:
            yield Answered(block.names, block.labels, {form: fit(form, block) for form in forms})
        except UserError as error:
            if len(block.names) == 1:
                refuse(f"{asked.called(block.names[0])}: {error}")
            else:
                yield from _prepared(block.single(), asked, forms, fit, refuse)


def _chunks(prepared: Iterable[Answered], forms: Sequence[Form], size: int) -> Iterator[Answered]:
    """The same, `size` at a time, but for the last ones."""
    waiting: list[Answered] = []
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


def _together(parts: Sequence[Answered], forms: Sequence[Form]) -> Answered:
    return Answered(
        [name for part in parts for name in part.names],
        [label for part in parts for label in part.labels],
        {form: np.concatenate([part.images[form] for part in parts]) for form in forms},
    )


def _part(whole: Answered, place: slice) -> Answered:
    images = {form: own[place] for form, own in whole.images.items()}
    return Answered(whole.names[place], whole.labels[place], images)
