"""Describe and check the dataset before any model is trained."""

import core.environment  # noqa: F401 - before any library

import sys
from pathlib import Path

import numpy as np

from core.command_line import StageParser
from core.files import write_json, write_text
from data_checks.checks import check_data
from data_checks.finding import Part, alarms, in_order
from data_checks.label_doubts import doubt_labels
from data_checks.summary import summarize
from dataset.dataset import read_dataset
from dataset.pixel_range import robust_range
from drawing.figures import draw_class_counts, draw_samples


def explore_stats(
    dataset: Path,
    stats: Path,
    train_samples: Path,
    test_samples: Path,
    class_histogram: Path,
    labels: Path,
    samples: int,
    label_folds: int,
    seed: int,
) -> None:
    """Write the statistics of `dataset` as JSON, three figures as SVG, and the labels to check as
    CSV; print the findings that need attention.

    Args:
        dataset: the dataset, `.npz`.
        stats, train_samples, test_samples, class_histogram, labels: the files to write.
        samples: the number of random images of each part to show.
        label_folds: folds of the cross-validation that finds labels to check; 0 turns it off.
        seed: chooses the images to show and the fold of each image.

    Raises:
        UserError: `dataset` is damaged.
        OSError: a file cannot be read or written.
    """
    data = read_dataset(dataset)
    parts = {
        "train": Part(data.x_train, data.y_train),
        "test": Part(data.x_test, data.y_test),
    }
    own = {}
    if data.x_validation is not None:
        own = {"validation": Part(data.x_validation, data.y_validation)}
    classes = data.classes.tolist()
    checks = check_data(parts | own, classes, data.origin)
    doubts, doubted = doubt_labels(in_order(parts | own, classes), label_folds, seed)
    write_json(stats, {**summarize(data), "checks": checks, **doubted})
    write_text(labels, doubts)
    for line in alarms(checks):
        print(f"explore_stats: {line}", file=sys.stderr)

    shares = {
        part: np.bincount(places, minlength=len(classes)) / len(places)
        for part, (_, places) in parts.items()
    }
    write_text(class_histogram, draw_class_counts(classes, shares))
    random = np.random.default_rng(seed)
    pixel_range = robust_range(data.x_train)
    for path, (images, places) in zip((train_samples, test_samples), parts.values(), strict=True):
        chosen = random.choice(len(images), min(samples, len(images)), replace=False)
        titles = [classes[place] for place in places[chosen]]
        write_text(path, draw_samples(images[chosen], titles, pixel_range))


def main() -> None:
    parser = StageParser("explore_stats", __doc__)
    parser.add_input("dataset", "the dataset, .npz")
    parser.add_output("stats", "the statistics, .json")
    parser.add_output("train_samples", "random training images, .svg")
    parser.add_output("test_samples", "random test images, .svg")
    parser.add_output("class_histogram", "class shares of both parts, .svg")
    parser.add_output("labels", "the labels to check, .csv")
    parser.add_seed()
    parser.run(explore_stats)


if __name__ == "__main__":
    main()
