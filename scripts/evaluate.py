"""Measure every model on the test images, and compare them pair by pair."""

import core.environment  # noqa: F401 - before any library

import sys
from pathlib import Path

from threadpoolctl import threadpool_limits

from core.command_line import StageParser
from core.files import write_text
from core.split import read_split
from evaluation.evaluating import evaluate_models
from evaluation.evaluation import write_evaluation
from evaluation.findings import as_texts
from evaluation.validation import check_validation
from networks.backend import use_threads


def evaluate(
    test: Path,
    validation: Path,
    held_out: Path,
    models: list[Path],
    metrics: Path,
    summary: Path,
    failures: Path,
    reliability: Path,
    evaluation: Path,
    batch_size: int,
    corrupted_images: int,
    unknown_images: int,
    threads: int,
    seed: int,
) -> None:
    """Run the models on the test images, and write what follows from their predictions.

    Args:
        test: the test part.
        validation: the validation part, which tells whether the test part is like it.
        held_out: images of classes that no model was trained on.
        models: a folder for each model, which gives it its name.
        metrics: JSON, one object for each model.
        summary: JSON, the few metrics that DVC shows in its tables.
        failures: CSV, one row for each image that at least one model gets wrong.
        reliability: JSON, the accuracy of predictions of about the same confidence.
        evaluation: `.npz`, every probability and all that report draws.
        batch_size: images to predict at a time.
        corrupted_images: test images to corrupt and predict again.
        unknown_images: out-of-distribution images of each kind to predict.
        threads: threads of TensorFlow and the linear algebra; sums of floats depend on it.
        seed: which images are corrupted, and how, and which out-of-distribution images are made.

    Raises:
        UserError: a model cannot be read, does not fit the images, or gives no probabilities.
    """
    parts = {"test": test, "validation": validation, "held_out": held_out}
    parts = {name: read_split(path) for name, path in parts.items()}
    use_threads(threads)
    with threadpool_limits(threads):
        found = evaluate_models(models, parts, batch_size, corrupted_images, unknown_images, seed)
    for said in check_validation(found.findings["metrics"]).values():
        print(f"stop: {said['found']} {said['meaning']} {said['action']}", file=sys.stderr)
    texts = as_texts(found.models, found.probabilities, parts["test"], found.findings)
    write_text(metrics, texts["metrics.json"])
    write_text(summary, texts["summary.json"])
    write_text(failures, texts["failures.csv"])
    write_text(reliability, texts["reliability.json"])
    write_evaluation(evaluation, found)


def main() -> None:
    parser = StageParser("evaluate", __doc__)
    parser.add_input("test", "the test part, .npz")
    parser.add_input("validation", "the validation part, .npz")
    parser.add_input("held_out", "images of classes held out, .npz")
    parser.add_input("models", "the models' folders", nargs="+")
    parser.add_output("metrics", "the metrics, .json")
    parser.add_output("summary", "the metrics that DVC shows, .json")
    parser.add_output("failures", "the images that a model gets wrong, .csv")
    parser.add_output("reliability", "the accuracy for each confidence, .json")
    parser.add_output("evaluation", "every probability and finding, .npz")
    parser.add_seed()
    parser.run(evaluate)


if __name__ == "__main__":
    main()
