"""Describe the dataset before any model sees it, and say so if it cannot be right."""

import sys
from pathlib import Path

import numpy as np

from core.command_line import StageParser
from core.files import write_json, write_text
from data_checks.checks import check_data
from data_checks.finding import Part, alarms
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
    samples: int,
    seed: int,
) -> None:
    """Write the statistics of `dataset` as JSON, and three figures as SVG; say what to look at.

    Args:
        samples: how many random images of each part to show.
        seed: which ones.
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
    write_json(stats, {**summarize(data), "checks": checks})
    for line in alarms(checks):
        print(f"explore_stats: {line}", file=sys.stderr)

    shares = {
        part: np.bincount(labels, minlength=len(classes)) / len(labels)
        for part, (_, labels) in parts.items()
    }
    write_text(class_histogram, draw_class_counts(classes, shares))
    random = np.random.default_rng(seed)
    pixel_range = robust_range(data.x_train)
    for path, (images, labels) in zip((train_samples, test_samples), parts.values(), strict=True):
        chosen = random.choice(len(images), min(samples, len(images)), replace=False)
        titles = [classes[label] for label in labels[chosen]]
        write_text(path, draw_samples(images[chosen], titles, pixel_range))


def main() -> None:
    parser = StageParser("explore_stats", __doc__)
    parser.add_input("dataset", "the dataset, .npz")
    parser.add_output("stats", "the statistics, .json")
    parser.add_output("train_samples", "random training images, .svg")
    parser.add_output("test_samples", "random test images, .svg")
    parser.add_output("class_histogram", "class shares of both parts, .svg")
    parser.add_seed()
    parser.run(explore_stats)


if __name__ == "__main__":
    main()
