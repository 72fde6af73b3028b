"""Describe the dataset before any model sees it, and say so if it cannot be right."""

import hashlib
import re
import sys
from pathlib import Path

import numpy as np

from core.command_line import StageParser
from core.files import write_json, write_text
from data_checks.checks import check_data
from data_checks.finding import Part, alarms
from dataset.dataset import Dataset, read_dataset
from dataset.pixel_range import robust_range
from drawing.figures import draw_class_counts, draw_samples
from evaluation.significance import ALPHA, same_shares


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
    counts = {
        part: np.bincount(labels, minlength=len(classes)) for part, (_, labels) in parts.items()
    }
    checks = check_data(parts | own, classes, data.origin.get("dtypes", {}))
    summary = {
        "dataset": data.name,
        "sha256": _content_hash(data),
        "image_shape": list(data.x_train.shape[1:]),
        "parts": {part: _describe(images) for part, (images, _) in parts.items()},
        "class_counts": [
            {"class": name, "train": int(train), "test": int(test)}
            for name, train, test in zip(classes, counts["train"], counts["test"], strict=True)
        ],
        "train_against_test": _compare(counts["train"], counts["test"]),
        "checks": checks,
    }
    write_json(stats, summary)
    for line in alarms(checks):
        print(f"explore_stats: {line}", file=sys.stderr)

    shares = {part: count / count.sum() for part, count in counts.items()}
    write_text(class_histogram, draw_class_counts(classes, shares))
    random = np.random.default_rng(seed)
    pixel_range = robust_range(data.x_train)
    for path, (images, labels) in zip((train_samples, test_samples), parts.values(), strict=True):
        chosen = random.choice(len(images), min(samples, len(images)), replace=False)
        titles = [classes[label] for label in labels[chosen]]
        write_text(path, draw_samples(images[chosen], titles, pixel_range))


def _describe(images: np.ndarray) -> dict[str, object]:
    return {
        "images": len(images),
        "dtype": str(images.dtype),
        "minimum": float(images.min()),
        "maximum": float(images.max()),
        "mean": float(images.mean(dtype=np.float64)),
        "standard_deviation": float(images.std(dtype=np.float64)),
    }


def _compare(train: np.ndarray, test: np.ndarray) -> dict[str, object]:
    """How alike the class counts of the two parts are, as a test and as a sentence."""
    p_value = same_shares(np.stack([train, test]))
    widest = float(100 * np.abs(train / train.sum() - test / test.sum()).max())
    finding = "no difference beyond chance" if p_value >= ALPHA else "more difference than chance"
    return {
        "p_value": p_value,
        "widest_gap_points": widest,
        "sentence": (
            f"The class shares of train and test differ by at most {widest:.1f} percentage points;"
            f" a chi-squared test finds {finding} (p = {p_value:.2g})."
        ),
    }


def _content_hash(data: Dataset) -> str:
    """Of the images and of the labels as the dataset spells them: whole numbers as such."""
    classes = data.classes
    if all(re.fullmatch("-?[1-9][0-9]{0,15}|0", name) for name in classes):
        classes = classes.astype(np.int64)
    arrays = {
        "x_train": data.x_train,
        "y_train": classes[data.y_train],
        "x_test": data.x_test,
        "y_test": classes[data.y_test],
    }
    if data.x_validation is not None:
        arrays |= {"x_validation": data.x_validation, "y_validation": classes[data.y_validation]}
    digest = hashlib.sha256()
    for name, array in arrays.items():
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(np.ascontiguousarray(array))
    return digest.hexdigest()


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
