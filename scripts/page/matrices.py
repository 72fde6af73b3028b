"""Confusion matrices and similar tables of counts; with many classes, lists of the largest."""

from collections.abc import Iterable
from typing import Any

from evaluation.significance import ALPHA

MOST_CLASSES = 30  # with more classes, the largest counts are listed instead of a matrix
LISTED = 20
HEATS = 4


def confusion_rows(confusion: list[list[int]], key: str) -> dict[str, Any]:
    """A model's confusion matrix: rows are labels, columns predicted classes."""
    address = f"#images?model={key}&label={{row}}&answer={{column}}"
    return _table("confusion", key, "", len(confusion), _counts(confusion), address)


def answer_rows(answers: list[list[int]], first: str, second: str) -> dict[str, Any]:
    """Two models' predictions for the same images: rows are the first model's classes, columns the
    second model's.
    """
    address = f"#images?model={first}&answer={{row}}&other={second}&other-answer={{column}}"
    return _table("predictions", first, second, len(answers), _counts(answers), address)


def difference_rows(
    cells: list[dict[str, Any]], first: str, second: str, classes: int
) -> dict[str, Any]:
    """The first model's confusion matrix minus the second's.

    Cells where the difference is more than chance are marked. The title has the interval.
    """
    address = f"#images?model={first}&other={second}&label={{row}}&answer={{column}}&relation=one"
    return _table("differences", first, second, classes, map(_difference, cells), address)


def _counts(counts: list[list[int]]) -> Iterable[dict[str, Any]]:
    """The cells that are not 0; mistakes are coloured relative to the most frequent one."""
    found = [
        (row, column, count)
        for row, line in enumerate(counts)
        for column, count in enumerate(line)
        if count
    ]
    largest = max((count for row, column, count in found if row != column), default=1)
    for row, column, count in found:
        kind = "right" if row == column else f"heat{heat(count, largest)}"
        yield {"row": row, "column": column, "size": count, "text": str(count), "kind": kind}


def heat(count: int, largest: int) -> int:
    """The strength of the colour of a mistake, from 1 to HEATS, that of the most frequent one."""
    return -(-count * HEATS // largest)


def _difference(cell: dict[str, Any]) -> dict[str, Any]:
    row, column = cell["label"], cell["answer"]
    difference = cell["only_first"] - cell["only_second"]
    better = (difference > 0) == (row == column)  # more correct, or fewer mistakes
    title = (
        f"{cell['only_first']} - {cell['only_second']} images, 95\u00a0% interval"
        f" {cell['low']:+.0f} to {cell['high']:+.0f}, {_p_value(cell['p_value'])}"
    )
    return {
        "row": row,
        "column": column,
        "size": abs(difference),
        "text": f"{difference:+}".replace("-", "\u2212") if difference else "0",
        "kind": "" if cell["p_value"] >= ALPHA else "better" if better else "worse",
        "title": title.replace("-", "\u2212"),
    }


def _p_value(p_value: float) -> str:
    return "p\u00a0<\u00a00.001" if p_value < 0.001 else f"p\u00a0=\u00a0{p_value:.3f}"


def _table(
    kind: str, first: str, second: str, classes: int, cells: Iterable[dict[str, Any]], address: str
) -> dict[str, Any]:
    """`rows` for a matrix, where the script adds the links; or, with many classes, `listed`: the
    largest cells off the diagonal, each with its address.
    """
    table = {"kind": kind, "first": first, "second": second, "rows": [], "listed": []}
    if classes <= MOST_CLASSES:
        empty = {"text": "", "kind": "", "title": ""}
        table["rows"] = [[empty] * classes for _ in range(classes)]
        for cell in cells:
            table["rows"][cell["row"]][cell["column"]] = {**empty, **cell}
        return table
    mistakes = [cell for cell in cells if cell["row"] != cell["column"] and cell["size"]]
    mistakes.sort(key=lambda cell: (-cell["size"], cell["row"], cell["column"]))
    table["listed"] = [
        {"title": "", **cell, "address": address.format(**cell)} for cell in mistakes[:LISTED]
    ]
    return table
