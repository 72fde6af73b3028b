"""Measure every model on the test images, and compare them pair by pair."""

import sys
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from core.command_line import StageParser
from core.files import write_json, write_text
from core.split import read_split
from evaluation.confidence import reliability_table
from evaluation.evaluation import Evaluation, write_evaluation
from evaluation.findings import findings_of
from evaluation.robustness import ask_corrupted
from evaluation.scores import failures_csv
from evaluation.trained_model import read_models
from evaluation.unknown import ask_unknown
from evaluation.unknown_images import make_unknown
from evaluation.validation import check_validation
from networks.backend import use_threads


def evaluate(
    test: Path,
    validation: Path,
    held_out: Path,
    models: list[Path],
    metrics: Path,
    failures: Path,
    reliability: Path,
    evaluation: Path,
    batch_size: int,
    corrupted_images: int,
    unknown_images: int,
    threads: int,
    seed: int,
) -> None:
    """Write what the models make of the test images.

    Args:
        test: the test part.
        validation: the validation part, which tells whether the test part is like it.
        held_out: images of classes that no model knows.
        models: a folder for each model, which gives it its name.
        metrics: JSON, one object a model.
        failures: CSV, one row for each image that at least one model gets wrong.
        reliability: JSON, how often answers of about the same confidence are right.
        evaluation: `.npz`, every probability and all that report draws.
        batch_size: images to predict at a time.
        corrupted_images: test images to change and ask again.
        unknown_images: images of no class to ask of each kind.
        threads: threads of TensorFlow and the linear algebra; sums of floats depend on it.
        seed: which images are changed, and how, and which images of no class are made.

    Raises:
        UserError: a model cannot be read, does not fit the images, or gives no probabilities.
    """
    part, watched = read_split(test), read_split(validation)
    names = [folder.name for folder in models]
    unknown = make_unknown(part, read_split(held_out), unknown_images, seed)
    use_threads(threads)
    with threadpool_limits(threads):
        trained = read_models(models, batch_size)
        classes = len(part.classes)
        probabilities = np.stack([one.probabilities(part.images, classes) for one in trained])
        sizes = [one.described(watched) for one in trained]
        robustness, *changed = ask_corrupted(trained, part, corrupted_images, seed)
        found, *strange = ask_unknown(trained, part, probabilities, unknown)
    findings = findings_of(names, sizes, probabilities, part, robustness, found)
    for said in check_validation(findings["metrics"]).values():
        print(f"stop: {said['found']} {said['meaning']} {said['action']}", file=sys.stderr)
    write_json(metrics, findings["metrics"])
    write_text(failures, failures_csv(names, probabilities, part))
    write_json(reliability, reliability_table(findings["reliability"]))
    answered = names, part.classes, part.labels, probabilities, findings
    write_evaluation(evaluation, Evaluation(*answered, *changed, *strange))


def main() -> None:
    parser = StageParser("evaluate", __doc__)
    parser.add_input("test", "the test part, .npz")
    parser.add_input("validation", "the validation part, .npz")
    parser.add_input("held_out", "images of classes held out, .npz")
    parser.add_input("models", "the models' folders", nargs="+")
    parser.add_output("metrics", "the metrics, .json")
    parser.add_output("failures", "the images that a model gets wrong, .csv")
    parser.add_output("reliability", "the accuracy for each confidence, .json")
    parser.add_output("evaluation", "every probability and finding, .npz")
    parser.add_seed()
    parser.run(evaluate)


if __name__ == "__main__":
    main()
