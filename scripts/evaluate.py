"""Measure every model on the test images, and compare them pair by pair."""

from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import confusion_matrix, log_loss, precision_recall_fscore_support
from threadpoolctl import threadpool_limits

from shared.command_line import StageParser, UserError, whole_number
from shared.files import write_json, write_text
from shared.linear_model import read_linear_model
from shared.network import predict, read_network, use_threads
from shared.npz import write_arrays
from shared.significance import accuracy_interval, compare_pairs
from shared.split import Split, read_split


def evaluate(
    test: Path,
    models: list[Path],
    metrics: Path,
    failures: Path,
    predictions: Path,
    batch_size: int,
    threads: int,
) -> None:
    """Write what the models make of the test images.

    Args:
        test: the test part.
        models: a folder for each model, which gives it its name.
        metrics: JSON, one object a model.
        failures: CSV, one row for each image that at least one model gets wrong.
        predictions: `.npz` of models, (m,), and classes, (k,), both text, labels, (n,), int64, and
            probabilities, (m, n, k), float32.
        batch_size: images to predict at a time.
        threads: threads of TensorFlow and the linear algebra; sums of floats depend on it.

    Raises:
        UserError: a model cannot be read, does not fit the images, or gives no probabilities.
    """
    part = read_split(test)
    names = [folder.name for folder in models]
    use_threads(threads)
    with threadpool_limits(threads):
        parameters, results = zip(
            *(_predict(folder, part, batch_size) for folder in models), strict=True
        )
    probabilities = np.stack(results)
    right = probabilities.argmax(axis=2) == part.labels

    summary = {
        name: {"parameters": count, "against": [], **_score(likely, part)}
        for name, count, likely in zip(names, parameters, probabilities, strict=True)
    }
    for pair in compare_pairs(right):
        for one, other, wins, losses in (
            (pair.first, pair.second, pair.only_first_right, pair.only_second_right),
            (pair.second, pair.first, pair.only_second_right, pair.only_first_right),
        ):
            summary[names[one]]["against"].append(
                {
                    "model": names[other],
                    "only_this_right": wins,
                    "only_other_right": losses,
                    "p_value": pair.p_value,
                }
            )
    write_json(metrics, summary)
    write_text(failures, _failures(names, probabilities, right, part))
    write_arrays(
        predictions,
        models=np.array(names),
        classes=part.classes.astype(str),
        labels=part.labels,
        probabilities=probabilities.astype(np.float32),
    )


def _predict(folder: Path, part: Split, batch_size: int) -> tuple[int, np.ndarray]:
    """A model's number of parameters and its class probabilities, (n, k), float64."""
    try:
        if (folder / "network.json").exists():
            network = read_network(folder / "network.json", folder / "network.weights.h5")
            parameters = network.count_params()
            probabilities = predict(network, part.images, batch_size).astype(np.float64)
        else:
            linear = read_linear_model(folder / "model.npz")
            parameters, probabilities = linear.parameters, linear.probabilities(part.images)
    except ValueError as error:
        size = "x".join(map(str, part.images.shape[1:]))
        raise UserError(f"{folder}: the model cannot take the test images of {size}") from error
    if probabilities.shape != (len(part.labels), len(part.classes)):
        raise UserError(
            f"{folder}: the model does not have the dataset's {len(part.classes)} classes"
        )
    if not np.isfinite(probabilities).all():
        raise UserError(f"{folder}: the model gives probabilities that are not numbers")
    return parameters, probabilities / probabilities.sum(axis=1, keepdims=True)


def _score(probabilities: np.ndarray, part: Split) -> dict[str, object]:
    """Every metric of one model; lists where DVC should not make a column of each number."""
    predicted = probabilities.argmax(axis=1)
    indices = np.arange(len(part.classes))
    successes = int((predicted == part.labels).sum())
    low, high = accuracy_interval(successes, len(part.labels))
    precision, recall, f1, support = precision_recall_fscore_support(
        part.labels, predicted, labels=indices, zero_division=0
    )
    return {
        "accuracy": successes / len(part.labels),
        "accuracy_low": low,
        "accuracy_high": high,
        "loss": float(log_loss(part.labels, probabilities, labels=indices)),
        "successes": successes,
        "failures": len(part.labels) - successes,
        "confusion": confusion_matrix(part.labels, predicted, labels=indices).tolist(),
        "per_class": [
            {
                "class": str(part.classes[i]),
                "precision": float(precision[i]),
                "recall": float(recall[i]),
                "f1": float(f1[i]),
                "images": int(support[i]),
            }
            for i in indices
        ],
    }


def _failures(names: list[str], probabilities: np.ndarray, right: np.ndarray, part: Split) -> str:
    """The images that at least one model gets wrong, as CSV."""
    table = pd.DataFrame({"index": np.arange(len(part.labels)), "label": part.classes[part.labels]})
    for name, likely in zip(names, probabilities, strict=True):
        table[name] = part.classes[likely.argmax(axis=1)]
        table[f"{name}_confidence"] = likely.max(axis=1)
    wrong = table[~right.all(axis=0)]
    return wrong.to_csv(index=False, float_format="%.4f", lineterminator="\n")


def main() -> None:
    parser = StageParser("evaluate", __doc__)
    parser.add_path("test", "the test part, .npz")
    parser.add_path("models", "the models' folders", nargs="+")
    parser.add_path("metrics", "the metrics to write, .json")
    parser.add_path("failures", "the images that a model gets wrong to write, .csv")
    parser.add_path("predictions", "every probability to write, .npz")
    parser.add_parameter("batch_size", whole_number(at_least=1), "images to predict at a time")
    parser.add_parameter("threads", whole_number(at_least=1), "threads of the arithmetic")
    parser.run(evaluate)


if __name__ == "__main__":
    main()
