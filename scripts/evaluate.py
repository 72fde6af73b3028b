"""Measure every model on the test images, and compare them pair by pair."""

import sys
from collections.abc import Callable
from functools import partial
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
from evaluation.validation import check_validation
from linear.linear_model import read_linear_model
from networks.backend import use_threads
from networks.network import predict, read_network


def evaluate(
    test: Path,
    validation: Path,
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
        validation: the validation part, which tells whether the test part is like it.
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
    part, held_out = read_split(test), read_split(validation)
    names = [folder.name for folder in models]
    if len(set(names)) < len(names):
        raise UserError(f"evaluate: two models of one name in {', '.join(names)}; name them apart")
    use_threads(threads)
    with threadpool_limits(threads):
        sizes, answers = zip(
            *(_measure(folder, part, held_out, batch_size) for folder in models), strict=True
        )
    probabilities = np.stack(answers).astype(np.float32)  # as they are stored, for the page
    findings = findings_of(names, sizes, probabilities, part)
    for said in check_validation(findings["metrics"]).values():
        print(f"stop: {said['found']} {said['meaning']} {said['action']}", file=sys.stderr)
    write_json(metrics, findings["metrics"])
    write_text(failures, failures_csv(names, probabilities, part))
    write_json(reliability, reliability_table(findings["reliability"]))
    write_evaluation(
        evaluation, Evaluation(names, part.classes, part.labels, probabilities, findings)
    )


def _measure(
    folder: Path, part: Split, held_out: Split, batch_size: int
) -> tuple[dict[str, int], np.ndarray]:
    """What the metrics have of a model besides what its answers say, and these, (n, k), as class
    probabilities of the n images of `part`.
    """
    files = [folder / "network.json", folder / "network.weights.npz"]
    if files[0].exists():
        network = read_network(*files)
        parameters = network.count_params()
        answers = partial(predict, network, batch_size=batch_size)
    else:
        files = [folder / "model.npz"]
        linear = read_linear_model(*files)
        parameters, answers = linear.parameters, linear.probabilities
    probabilities = _probabilities(folder, answers, part)
    right = 0
    if len(held_out.labels):
        said = _probabilities(folder, answers, held_out).argmax(axis=1)
        right = int((said == held_out.labels).sum())
    size = {
        "parameters": parameters,
        "bytes": sum(file.stat().st_size for file in files),
        "validation_images": len(held_out.labels),
        "validation_right": right,
    }
    return size, probabilities


def _probabilities(
    folder: Path, answers: Callable[[np.ndarray], np.ndarray], part: Split
) -> np.ndarray:
    try:
        probabilities = answers(part.images)
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
    return probabilities


def main() -> None:
    parser = StageParser("evaluate", __doc__)
    parser.add_input("test", "the test part, .npz")
    parser.add_input("validation", "the validation part, .npz")
    parser.add_input("models", "the models' folders", nargs="+")
    parser.add_output("metrics", "the metrics, .json")
    parser.add_output("failures", "the images that a model gets wrong, .csv")
    parser.add_output("reliability", "the accuracy for each confidence, .json")
    parser.add_output("evaluation", "every probability and finding, .npz")
    parser.run(evaluate)


if __name__ == "__main__":
    main()
