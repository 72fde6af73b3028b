"""The model card: what users of an exported model need to know."""

import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import TemplateError
from ruamel.yaml import YAML

from core.errors import WRONG_FORM, UserError
from core.text import printable
from drawing.templates import template_environment
from evaluation.evaluation import Evaluation
from evaluation.ranking import ranking
from evaluation.significance import ALPHA
from export.checking import BOUND
from export.description import Description
from page.mistakes import mistake_sentences
from page.unknown import describe_unknown

FOLDERS = Path(__file__).parent / "templates", Path(__file__).parents[1] / "templates"
CHANGES = 3  # corruptions to list, the hardest
# The licence of the data as model hubs spell it, and in words; the dataset's name on hubs.
LICENCES = {
    "mnist": ("cc-by-sa-3.0", "by LeCun, Cortes and Burges, CC BY-SA 3.0"),
    "digits": ("cc-by-4.0", "by Alpaydin and Kaynak, from the UCI repository, CC BY 4.0"),
    "own": ("unknown", ""),
}
HUB_NAMES = {"mnist": "ylecun/mnist"}


def model_card(
    described: Description,
    record: dict[str, Any],
    evaluation: Evaluation,
    stats: dict[str, Any],
    dataset: str,
    files: Sequence[str],
) -> str:
    """The card as Markdown, with metadata for model hubs as YAML at the top.

    Args:
        record: the record of the training.
        stats: the dataset's statistics.
        dataset: the parameter download.dataset.
        files: the files of the model.

    Raises:
        UserError: the results are damaged or lack something.
    """
    name, findings = described.name, evaluation.findings
    try:
        if not re.fullmatch("[0-9a-f]{64}", stats["sha256"]):
            raise ValueError("no SHA-256")
        scores = findings["metrics"][name]
        page = {
            "metadata": _metadata(described, scores, stats, dataset, files),
            "model": {
                "scores": scores,
                "abstention": findings["abstention"][name],
                "calibration": record["calibration"],
                "record": record,
            },
            "described": described,
            "files": files,
            "stats": stats,
            "licence": LICENCES[dataset][1],
            "names": evaluation.models,
            "rank": 1 + ranking(findings["metrics"]).index(name),
            "mistakes": mistake_sentences(findings["mistakes"][name], described.classes, ""),
            "unknown": describe_unknown(
                evaluation, np.array(described.pixel_range), [{"name": name}]
            ),
            "robustness": _robustness(findings["robustness"], name),
            "alarms": [one for one in _checks(stats) if one["severity"] != "note"],
            "alpha": ALPHA,
            "bound": f"{BOUND:g}",
        }
        return template_environment(*FOLDERS).get_template("card.md.j2").render(page)
    except (*WRONG_FORM, TemplateError) as error:
        raise UserError(
            f"{name}: the model card cannot be written from training.json, stats.json and"
            f" evaluation.npz ({type(error).__name__}: {printable(error)[:60]}); run make report"
        ) from error


def _metadata(
    described: Description,
    scores: dict[str, Any],
    stats: dict[str, Any],
    dataset: str,
    files: Sequence[str],
) -> str:
    """The metadata as YAML; names are always strings."""
    low, high = (100 * scores[f"accuracy_{end}"] for end in ("low", "high"))
    least, most = (100 * scores[f"calibration_error_{end}"] for end in ("low", "high"))
    interval = "{:.2f} % to {:.2f} %, at 95 %"
    metrics = {
        "accuracy": (f"accuracy ({interval.format(low, high)})", scores["accuracy"]),
        "log_loss": ("log loss", scores["loss"]),
        "brier_score": ("Brier score", scores["brier_score"]),
        "expected_calibration_error": (
            f"calibration error ({interval.format(least, most)})",
            scores["calibration_error"],
        ),
    }
    network = "model.keras" in files
    metadata = {
        "license": LICENCES[dataset][0],
        **({"library_name": "keras"} if network else {}),
        "pipeline_tag": "image-classification",
        "tags": ["image-classification", *(["keras"] if network else []), "onnx"],
        **({"datasets": [HUB_NAMES[dataset]]} if dataset in HUB_NAMES else {}),
        "metrics": ["accuracy", "brier_score"],
        "model-index": [
            {
                "name": printable(described.name),
                "results": [
                    {
                        "task": {"type": "image-classification"},
                        "dataset": {
                            "name": printable(stats["dataset"]),
                            "type": HUB_NAMES.get(dataset, dataset),
                            "split": "test",
                            "args": {"sha256": stats["sha256"]},
                        },
                        "metrics": [
                            {"type": kind, "name": called, "value": float(value)}
                            for kind, (called, value) in metrics.items()
                        ],
                    }
                ],
            }
        ],
    }
    yaml, text = YAML(), io.StringIO()
    yaml.width = 2**20  # no folding
    yaml.dump(metadata, text)
    return text.getvalue()


def _robustness(found: dict[str, Any], name: str) -> dict[str, Any] | None:
    """Its accuracy on corrupted images, and the hardest corruptions; None if there are none."""
    if not found:
        return None
    changes = [
        {
            "name": change["name"],
            "severity": change["severities"][-1],
            "unit": change["unit"],
            "accuracy": change["accuracy"][name][-1],
            "confidence": change["confidence"][name][-1],
        }
        for change in found["corruptions"]
    ]
    worst = sorted(changes, key=lambda change: change["accuracy"])[:CHANGES]
    return {"images": found["images"], **found["models"][name], "worst": worst}


def _checks(stats: dict[str, Any]) -> list[dict[str, Any]]:
    """What the checks of the data found, worst first."""
    severities = ("stop", "warn", "note")
    return sorted(stats["checks"].values(), key=lambda one: severities.index(one["severity"]))
