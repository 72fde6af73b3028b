"""Labels of any common form, converted to indices of named classes."""

import re
from collections.abc import Mapping, Sequence

import numpy as np

from core.errors import UserError
from core.text import printable

LONGEST_NAME = 200  # characters of a class's name


def indexed(
    source: str, labels: Mapping[str, np.ndarray], names: Sequence[str] | None
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The classes, (k,), unicode, that occur in "train", and each part's labels as their indices.

    The classes are in the order of `names`, else in numeric order if all are whole numbers, else
    sorted as text.

    Args:
        source: the start of error messages.
        labels: by part: (n,), (n, 1) or one-hot (n, k); numbers, bool or text.
        names: the names of the labels 0 to k - 1, if there are any.

    Raises:
        UserError: labels are invalid, two of them look the same, or a class is not in train.
    """
    if names is not None:
        names = _distinct(source, "class names", names)
    spelled, places = {}, {}
    for part, given in labels.items():
        values, places[part] = np.unique(_flat(source, part, given), return_inverse=True)
        texts = _distinct(source, f"labels in {part}", _texts(source, part, values))
        if names is not None:
            texts = _named(source, part, values, texts, names)
        spelled[part] = texts
    known = set(spelled["train"])
    classes = _ordered(known) if names is None else [name for name in names if name in known]
    index = {name: place for place, name in enumerate(classes)}
    for part, texts in spelled.items():
        unknown = [text for text in texts if text not in index]
        if unknown:
            raise UserError(f"{source}: class {unknown[0]} is in {part} but not in train")
        own = np.array([index[text] for text in texts], np.int64)
        places[part] = own[places[part]]
    return np.array(classes, np.str_), places


def _flat(source: str, part: str, labels: np.ndarray) -> np.ndarray:
    """One label per image, (n,): whole numbers, bool or text."""
    kind = labels.dtype.kind
    if kind not in "buifUS":
        raise UserError(
            f"{source}: the labels of {part} have dtype {labels.dtype}; allowed: whole numbers,"
            " bool or text"
        )
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim == 2 and kind in "buif" and labels.size:
        is_one = labels == 1
        if (is_one | (labels == 0)).all() and (is_one.sum(axis=1) == 1).all():
            return is_one.argmax(axis=1)
    if labels.ndim != 1:
        raise UserError(
            f"{source}: the labels of {part} have shape {labels.shape}; allowed: (images,),"
            " (images, 1), or (images, classes) with a single 1 in each row"
        )
    if kind == "f" and not (np.isfinite(labels) & (labels == np.rint(labels))).all():
        raise UserError(f"{source}: {part} has labels that are not whole numbers")
    if kind in "uif" and labels.size:
        if max(abs(float(labels.min())), abs(float(labels.max()))) >= 2**53:
            raise UserError(
                f"{source}: {part} has labels beyond 2^53; allowed: smaller whole numbers"
            )
        return labels.astype(np.int64, copy=False)
    return labels


def _texts(source: str, part: str, values: np.ndarray) -> list[str]:
    """The labels `values`, (k,), as text."""
    try:
        if values.dtype.kind == "S":
            values = np.char.decode(values, "utf-8", "backslashreplace")
        return [str(value) for value in values.tolist()]
    except (ValueError, SystemError) as error:  # a number that is not a character
        raise UserError(f"{source}: {part} has labels that are not text") from error


def _distinct(source: str, what: str, texts: Sequence[str]) -> list[str]:
    """`texts`, each on one printable line; messages call them `what`. Raises UserError if two are
    then equal.
    """
    shown: dict[str, str] = {}
    for text in texts:
        line = printable(text)
        if not line:
            raise UserError(f"{source}: empty {what}; allowed: a text or a number for each")
        if len(line) > LONGEST_NAME:
            raise UserError(
                f"{source}: {what} of {len(line)} characters, {line[:40]!r}...; allowed: up to"
                f" {LONGEST_NAME}"
            )
        if line in shown:
            raise UserError(f"{source}: {what} that look the same: {shown[line]!a} and {text!a}")
        shown[line] = text
    return list(shown)


def _named(
    source: str, part: str, values: np.ndarray, texts: list[str], names: list[str]
) -> list[str]:
    """The names of the labels `values`, which are indices of names, as numbers or text, or names.

    Args:
        texts: the labels as text.
    """
    if values.dtype.kind == "b":
        texts = [str(int(value)) for value in values]
    numbers = {str(number): name for number, name in enumerate(names)}
    is_text = values.dtype.kind in "US"
    named = [text if is_text and text in names else numbers.get(text) for text in texts]
    if None in named:
        raise UserError(
            f"{source}: label {texts[named.index(None)]} in {part} and {len(names)} class names;"
            f" allowed: labels from 0 to {len(names) - 1}, or these names"
        )
    return named


def _ordered(texts: set[str]) -> list[str]:
    if all(re.fullmatch(r"-?[0-9]+", text) for text in texts):
        return sorted(texts, key=lambda text: (int(text), text))
    return sorted(texts)
