"""Measure every model on the test images, and compare them pair by pair."""

from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from core.command_line import StageParser
from core.errors import UserError
from core.files import write_json, write_text
from core.split import Split, read_split
from evaluation.confidence import reliability_table
from evaluation.evaluation import Evaluation, write_evaluation
from evaluation.findings import findings_of
from evaluation.scores import failures_csv
from linear.linear_model import read_linear_model
from networks.backend import use_threads
from networks.network import predict, read_network


def evaluate(
    test: Path,
    models: list[Path],
    metrics: Path,
    failures: Path,
    reliability: Path,
    evaluation: Path,
    batch_size: int,
    threads: int,
) -> None:
    """Write what the models make of the test images.

    Args:
        test: the test part.
        models: a folder for each model, which gives it its name.
        metrics: JSON, one object a model.
        failures: CSV, one row for each image that at least one model gets wrong.
        reliability: JSON, how often answers of about the same confidence are right.
        evaluation: `.npz`, every probability and all that report draws.
        batch_size: images to predict at a time.
        threads: threads of TensorFlow and the linear algebra; sums of floats depend on it.

    Raises:
        UserError: a model cannot be read, does not fit the images, or gives no probabilities.
    """
    part = read_split(test)
    names = [folder.name for folder in models]
    if len(set(names)) < len(names):
        raise UserError(f"evaluate: two models of one name in {', '.join(names)}; name them apart")
    use_threads(threads)
    with threadpool_limits(threads):
        sizes, answers = zip(
            *(_predict(folder, part, batch_size) for folder in models), strict=True
        )
    probabilities = np.stack(answers).astype(np.float32)  # as they are stored, for the page
    findings = findings_of(names, sizes, probabilities, part)
    write_json(metrics, findings["metrics"])
    write_text(failures, failures_csv(names, probabilities, part))
    write_json(reliability, reliability_table(findings["reliability"]))
    write_evaluation(
        evaluation, Evaluation(names, part.classes, part.labels, probabilities, findings)
    )


def _predict(folder: Path, part: Split, batch_size: int) -> tuple[dict[str, int], np.ndarray]:
    """A model's size, as the metrics have it, and its class probabilities, (n, k)."""
    files = [folder / "network.json", folder / "network.weights.npz"]
    try:
        if files[0].exists():
            network = read_network(*files)
            parameters = network.count_params()
            probabilities = predict(network, part.images, batch_size)
        else:
            files = [folder / "model.npz"]
            linear = read_linear_model(*files)
            parameters, probabilities = linear.parameters, linear.probabilities(part.images)
    except ValueError as error:
        size = "x".join(map(str, part.images.shape[1:]))
        raise UserError(f"{folder}: the model cannot take the test images of {size}") from error
    if probabilities.shape != (len(part.labels), len(part.classes)):
        raise UserError(
            f"{folder}: the model does not have the dataset's {len(part.classes)} classes"
        )
    # NaN passes neither comparison.
    if not ((probabilities >= 0).all() and np.allclose(probabilities.sum(axis=1), 1, atol=1e-3)):
        raise UserError(f"{folder}: the model's answers are not probabilities that sum to 1")
    size = {"parameters": parameters, "bytes": sum(file.stat().st_size for file in files)}
    return size, probabilities


def main() -> None:
    parser = StageParser("evaluate", __doc__)
    parser.add_input("test", "the test part, .npz")
    parser.add_input("models", "the models' folders", nargs="+")
    parser.add_output("metrics", "the metrics, .json")
    parser.add_output("failures", "the images that a model gets wrong, .csv")
    parser.add_output("reliability", "the accuracy for each confidence, .json")
    parser.add_output("evaluation", "every probability and finding, .npz")
    parser.run(evaluate)


if __name__ == "__main__":
    main()
