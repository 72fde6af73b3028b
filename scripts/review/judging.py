"""Judges committed results from another processor by those made in this folder."""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import compress, zip_longest
from pathlib import Path
from typing import Any

from core.errors import UserError
from core.parameters import as_number
from core.split import read_split
from evaluation.evaluation import Evaluation, read_evaluation
from evaluation.findings import as_texts
from freshness.parameters import read_parameters, reading
from freshness.revision import Revision, in_a_line
from review.accepted import accept, texts_of
from review.models import compare_models
from review.reproduced_page import Page, differing_lines
from review.results import FAILURES, METRICS, STATS, Results
from review.verdict import short
from training.recipe import RECIPE

RELIABILITY, PAGE = "reports/reliability.json", "reports/comparison.md"
EVALUATION = Path("reports/evaluation.npz")
TEST = Path("data/processed/test.npz")
# What another processor may write with other numbers. Every other output is the same everywhere.
MEASURED = (METRICS, "reports/summary.json", FAILURES, RELIABILITY, PAGE)
_FOLLOWS = "does not follow from the other results"


class Judge:
    """Judges committed results by those made in this folder.

    Attributes:
        found: the predictions made here.
        part, evaluation, stats, parameters: what they and the page were made from.
    """

    def __init__(self, made: Revision, found: Results) -> None:
        self.found = found
        self.part, self.evaluation = read_split(TEST), read_evaluation(EVALUATION)
        with reading(f"params.yaml of {made.name}"):
            self.parameters = read_parameters(made)
        self.stats = json.loads(made.read(STATS) or b"")
        self._check(made)

    def _check(self, made: Revision) -> None:
        """Raise UserError unless the files here are of the run that wrote evaluation.npz, and not,
        for example, put there after it.
        """
        found = self.evaluation
        texts = as_texts(found.models, found.probabilities, self.part, found.findings)
        expected = {f"reports/{name}": text for name, text in texts.items()}
        page = self.page({METRICS: expected[METRICS].encode()}, found.models)
        expected[PAGE] = page.render(page.describe(found), found)
        for path, text in expected.items():
            if made.read(path) not in (text.encode(), None):
                raise UserError(f"{path}: not of the run that wrote {EVALUATION}; rerun all stages")

    def differences(self, texts: Mapping[str, bytes], results: Results) -> list[str]:
        """What does not follow from the numbers that these results tell, and the numbers that are
        too far from those measured here.

        Args:
            texts: the content of those of MEASURED that there are.
            results: the predictions in them.
        """
        accepted, said = self.accept(texts, results)
        return said + (self.on_page(texts, accepted) if PAGE in texts else [])

    def accept(self, texts: Mapping[str, bytes], results: Results) -> tuple[Evaluation, list[str]]:
        """The evaluation that these results would have come from, and their differences, without
        those of the page.
        """
        changes = {change.name: change for change in compare_models(results, self.found)}
        metrics = json.loads(texts[METRICS])
        accepted, said = accept(metrics, results, self.evaluation, self.part, changes)
        reliability = _json_or_none(texts.get(RELIABILITY, b""))
        for path, text in texts_of(accepted, self.part, reliability).items():
            if f"reports/{path}" in texts:
                said += _explain(f"reports/{path}", texts[f"reports/{path}"], text)
        return accepted, said

    def on_page(self, texts: Mapping[str, bytes], accepted: Evaluation) -> list[str]:
        """A line if the page is not that of the `accepted` evaluation."""
        text = texts[PAGE].decode(errors="replace")
        page = self.page(texts, accepted.models)
        lines = differing_lines(text, page, accepted, self.evaluation)
        return [f"{PAGE} {_FOLLOWS}, in line {lines[0]:,}{_more(lines)}"] if lines else []

    def page(self, texts: Mapping[str, bytes], models: list[str]) -> Page:
        """What the page of these results of `models` is drawn from, beside the evaluation."""
        values, sections = self.parameters, (f"train_{name}" for name in models)
        return Page(
            self.part,
            self.stats,
            texts[METRICS],
            as_number(values["report"]["failures"]),
            as_number(values["seed"]),
            frozenset(compress(models, map(_is_automatic, map(values.get, sections)))),
        )


def _is_automatic(section: Any) -> bool:
    """Whether a section of the parameters leaves the precision to the processor."""
    return isinstance(section, dict) and section.get("precision") in ("auto", RECIPE)


def _json_or_none(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _explain(path: str, text: bytes, expected: str) -> list[str]:
    """A line if a file is not what is `expected`, with the first place that is not."""
    if text == expected.encode():
        return []
    if path.endswith(".json"):
        document = _json_or_none(text)
        found = list(_leaves(json.loads(expected), document)) if document is not None else []
        otherwise = "it is not JSON" if document is None else "it is written in another way"
        place = f"{found[0]}{_more(found)}" if found else otherwise
        return [f"{path} {_FOLLOWS}: {place}"]
    pairs = zip_longest(text.split(b"\n"), expected.encode().split(b"\n"))
    lines = [number for number, (one, other) in enumerate(pairs, start=1) if one != other]
    return [f"{path} {_FOLLOWS}, in line {lines[0]:,}{_more(lines)}"]


def _leaves(expected: Any, found: Any, place: str = "") -> Iterator[str]:
    """The places where two JSON values differ, and how."""
    where = short(place.strip()) or "it"
    if isinstance(expected, dict) and isinstance(found, dict):
        for key in sorted(expected.keys() | found.keys()):
            inside = f"{place} {key}"
            if key in expected and key in found:
                yield from _leaves(expected[key], found[key], inside)
            else:
                yield f"{short(inside.strip())} is {'missing' if key in expected else 'unknown'}"
    elif isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        for number, pair in enumerate(zip(expected, found, strict=True)):
            yield from _leaves(*pair, f"{place} {number}")
    elif type(expected) is not type(found) or expected != found:
        yield f"{where} is {_as_text(found)}, not {_as_text(expected)}"


def _as_text(value: Any) -> str:
    kinds = {dict: "an object", list: f"a list of {len(value)}" if isinstance(value, list) else ""}
    return kinds.get(type(value)) or in_a_line(json.dumps(value))


def _more(found: Sequence[Any]) -> str:
    return f" and {len(found) - 1:,} more" if len(found) > 1 else ""
