"""All results of evaluate, in the one file that report reads (docs/evaluation.md)."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.arrays import Kind, read_checked
from core.errors import UserError
from core.files import as_json, parse_json
from core.npz import write_arrays
from core.split import check_labels

# Increase this when a field is removed or changes its meaning, not when a field is added.
VERSION = 2
KINDS = {
    **{"version": Kind("i", ()), "models": Kind("U", ("models",))},
    **{"classes": Kind("U", ("classes",)), "labels": Kind("i", ("images",))},
    **{"probabilities": Kind("f", ("models", "images", "classes")), "findings": Kind("u", ("_",))},
    "corrupted_examples": Kind("uf", ("changes", "severities", "height", "width")),
    "unknown_examples": Kind("uf", ("unknown", "rows", "columns")),
}
FINDINGS = {
    *("metrics", "pairs", "error_sets", "contested", "reliability", "abstention"),
    *("robustness", "unknown"),
}


@dataclass(frozen=True)
class Evaluation:
    """The results of m models on n test images of k classes.

    Attributes:
        models: the models' names.
        classes: (k,), unicode, the classes as the dataset spells them, in its order.
        labels: (n,), int64, indices into `classes`.
        probabilities: (m, n, k), float32.
        findings: everything computed from these, as docs/evaluation.md lists it.
        corrupted_examples: (corruptions, 1 + severities, height, width), one image, uncorrupted and
            at each severity; in the dtype of the test images.
        unknown_examples: (_, height, width), out-of-distribution images, some of each kind, in the
            order of the findings; in the dtype of the test images.
    """

    models: list[str]
    classes: np.ndarray
    labels: np.ndarray
    probabilities: np.ndarray
    findings: dict[str, Any]
    corrupted_examples: np.ndarray
    unknown_examples: np.ndarray

    @property
    def predicted(self) -> np.ndarray:
        """Each model's predicted classes, (m, n), int64, indices into `classes`."""
        return self.probabilities.argmax(axis=2)


def read_evaluation(path: Path) -> Evaluation:
    """Read what `write_evaluation` wrote. Raises UserError and OSError."""
    arrays = read_checked(path, KINDS)
    if arrays["version"].tolist() != VERSION:
        raise UserError(f"{path}: version {arrays['version'].tolist()}; allowed: {VERSION}")
    check_labels(str(path), arrays["labels"], arrays["classes"])
    models, probabilities = arrays["models"].tolist(), arrays["probabilities"]
    if not ((probabilities >= 0) & (probabilities <= 1.001)).all():  # NaN passes neither
        raise UserError(f"{path}: probabilities that are not numbers from 0 to 1")
    findings = parse_json(arrays["findings"].tobytes(), f"{path}: findings")
    if not isinstance(findings, dict) or not findings.keys() >= FINDINGS:
        raise UserError(f"{path}: findings without {', '.join(sorted(FINDINGS))}")
    return Evaluation(
        *(models, arrays["classes"], arrays["labels"], probabilities, findings),
        corrupted_examples=arrays["corrupted_examples"],
        unknown_examples=arrays["unknown_examples"],
    )


def write_evaluation(path: Path, evaluation: Evaluation) -> None:
    """Write `evaluation` as one `.npz` archive. Raises ValueError for NaN in the findings."""
    write_arrays(
        path,
        version=np.array(VERSION),
        models=np.array(evaluation.models),
        classes=evaluation.classes,
        labels=evaluation.labels,
        probabilities=evaluation.probabilities,
        findings=np.frombuffer(as_json(evaluation.findings).encode(), np.uint8),
        corrupted_examples=evaluation.corrupted_examples,
        unknown_examples=evaluation.unknown_examples,
    )
