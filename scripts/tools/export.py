"""Export models in the formats of other tools, each with a model card, into OUTPUT/NAME.

Networks are exported as .keras and ONNX, the logistic regression as ONNX and plain arrays. Each
file is loaded again and predicts all test images; if one differs from the model, nothing is
written.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from threadpoolctl import threadpool_limits

from core.errors import UserError
from core.files import Snapshot
from core.parameters import first_error, read_schema, read_sections
from evaluation.evaluation import read_evaluation
from freshness.revision import check_folder
from freshness.staleness import check_results

MODELS = Path("models")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--models", nargs="*", default=[], help="names, such as cnn, or folders; default: all"
    )
    parser.add_argument("--output", type=Path, required=True, help="the folder to write into")
    parser.add_argument("--test", type=Path, default=Path("data/processed/test.npz"))
    parser.add_argument("--evaluation", type=Path, default=Path("reports/evaluation.npz"))
    parser.add_argument("--stats", type=Path, default=Path("reports/stats.json"))


def run(models: Sequence[str], output: Path, test: Path, evaluation: Path, stats: Path) -> str:
    """Export the models. Raises UserError, and leaves `output` unchanged, if one cannot be
    exported.
    """
    check_folder()
    parameters = read_sections(Path("params.yaml"))
    error = first_error(parameters, read_schema())
    if error:
        raise UserError(error)
    snapshot = Snapshot([evaluation, stats, test, *MODELS.glob("*"), *map(Path, models)])
    check_results([evaluation, stats, test])
    evaluated = read_evaluation(evaluation).models
    unknown = [name for name in models if Path(name).name not in evaluated]
    if unknown:
        raise UserError(f"{unknown[0]}: not an evaluated model; allowed: {', '.join(evaluated)}")
    folders = [
        MODELS / name if Path(name).name == name else Path(name) for name in models or evaluated
    ]
    check_results([folder / "training.json" for folder in folders])
    try:  # imported late, because this takes seconds
        from export.exporting import Results, export_models
        from networks.backend import use_threads
    except ModuleNotFoundError as error:
        raise UserError(f"{error.name} is not installed; run make export") from error
    batch_size, threads = (parameters["evaluate"][key] for key in ("batch_size", "threads"))
    results = Results(
        test, evaluation, stats, parameters["download"]["dataset"], batch_size, threads
    )
    use_threads(threads)
    with threadpool_limits(threads):
        most = export_models(folders, output, results, snapshot.check)
    return "\n".join(
        f"{output / name}: same classes as the model, probabilities within {most[name]:.1g}"
        for name in most
    )
