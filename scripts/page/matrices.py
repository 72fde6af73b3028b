"""The tables of answers: each cell with its number, and the address of its images."""

from typing import Any

from evaluation.significance import ALPHA

HEATS = {"heat4": 0.1, "heat3": 0.03, "heat2": 0.01, "heat1": 0}


def confusion_rows(confusion: list[list[int]], key: str) -> list[list[dict[str, Any]]]:
    """A model's confusion matrix: rows are labels, columns answers."""
    return [
        [
            {
                "text": str(count) if count else "",
                "address": f"#images?model={key}&label={label}&answer={answer}" if count else "",
                "kind": "right" if label == answer else heat(count / max(1, sum(row))),
                "title": "",
            }
            for answer, count in enumerate(row)
        ]
        for label, row in enumerate(confusion)
    ]


def answer_rows(answers: list[list[int]], first: str, second: str) -> list[list[dict[str, Any]]]:
    """Two models' answers to the same images: rows are the first's, columns the second's."""
    return [
        [
            {
                "text": str(count) if count else "",
                "address": f"#images?model={first}&answer={one}&other={second}&other-answer={other}"
                if count
                else "",
                "kind": "right" if one == other else heat(count / max(1, sum(row))),
                "title": "",
            }
            for other, count in enumerate(row)
        ]
        for one, row in enumerate(answers)
    ]


def difference_rows(
    cells: list[dict[str, Any]], first: str, second: str, classes: int
) -> list[list[dict[str, Any]]]:
    """The first model's confusion matrix less the second's.

    A cell where the difference is more than chance is marked, and each says what it comes from.
    """
    table: list[list[dict[str, Any]]] = [
        [{"text": "", "address": "", "kind": "", "title": ""} for _ in range(classes)]
        for _ in range(classes)
    ]
    for cell in cells:
        label, answer = cell["label"], cell["answer"]
        difference = cell["only_first"] - cell["only_second"]
        chance = cell["p_value"] >= ALPHA
        better = (difference > 0) == (label == answer)  # more right answers, or fewer mistakes
        table[label][answer] = {
            "text": f"{difference:+}".replace("-", "\u2212") if difference else "0",
            "address": f"#images?model={first}&other={second}&label={label}&answer={answer}"
            "&agreement=one",
            "kind": "" if chance else "better" if better else "worse",
            "title": f"{cell['only_first']} - {cell['only_second']} images, 95 % interval"
            f" {cell['low']:+.0f} to {cell['high']:+.0f}, {_p_value(cell['p_value'])}".replace(
                "-", "\u2212"
            ),
        }
    return table


def _p_value(p_value: float) -> str:
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.3f}"


def heat(share: float) -> str:
    """How strong the colour of a cell is that holds such a share of its row."""
    return next((kind for kind, least in HEATS.items() if share > least), "")
