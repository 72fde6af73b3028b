"""The data of the page's image browser: images, labels and every model's predictions, packed."""

import base64
import gzip
from typing import Any

import numpy as np

from core.split import Split
from drawing.images import as_grey, images_on_a_sheet, reduced, reduction, sheet
from evaluation.evaluation import Evaluation

SHEET_FRAME = 60  # bytes of the element around a sheet


def browser_data(
    evaluation: Evaluation, part: Split, room: int, random: np.random.Generator
) -> dict[str, Any]:
    """As many test images as fit, misclassified ones first.

    `answers` is gzip in base64: for each sheet and its n images, in their order, four arrays in a
    row, little-endian: index, (n,) int32, the difference from the one before; label, (n,) uint16;
    predicted class, (models, n) uint16; and probabilities, (models, n, classes) uint8, times 255.

    Args:
        part: the test images.
        room: the available bytes of the page.
        random: chooses the order of the images.
    """
    predicted = evaluation.predicted
    wrong = (predicted != evaluation.labels).any(axis=0)
    order = random.permutation(len(wrong))
    order = order[np.argsort(~wrong[order], kind="stable")]
    factor = reduction(*part.images.shape[1:])
    height, width = reduced(part.images[:1], factor).shape[1:]
    step = images_on_a_sheet(width)
    sheets: list[str] = []
    packed: list[bytes] = []
    for start in range(0, len(order), step):
        chosen = order[start : start + step]
        chosen.sort()  # in place; increasing numbers compress better
        grey = as_grey(reduced(part.images[chosen], factor), part.pixel_range)
        picture, predictions = sheet(grey), _packed(evaluation, predicted, chosen)
        room -= len(picture) + len(_compressed(predictions)) + SHEET_FRAME
        if room < 0:
            break
        sheets.append(picture)
        packed.append(predictions)
    kept = order[: len(sheets) * step]
    return {
        "sheets": sheets,
        "answers": _compressed(b"".join(packed)),
        "kept": len(kept),
        "kept_wrong": int(wrong[kept].sum()),
        "wrong": int(wrong.sum()),
        "reduction": factor,
        "layout": {"height": height, "width": width, "per_sheet": step, "images": len(kept)},
    }


def _packed(evaluation: Evaluation, predicted: np.ndarray, chosen: np.ndarray) -> bytes:
    likely = (evaluation.probabilities[:, chosen].astype(np.float64) * 255).round()
    arrays = (
        np.diff(chosen, prepend=0).astype("<i4"),
        evaluation.labels[chosen].astype("<u2"),
        predicted[:, chosen].astype("<u2"),
        likely.astype(np.uint8),
    )
    return b"".join(array.tobytes() for array in arrays)


def _compressed(content: bytes) -> str:
    return base64.b64encode(gzip.compress(content, 9, mtime=0)).decode()
