"""Which cheap model finds wrong labels best? 1 % of the labels are changed to a similar class.

Measures precision and recall of each model on each dataset, with five folds: the share of doubted
labels that were changed, and the share of changed labels that are doubted. Set DATA_MIRROR if there
is no network. Saves the measurements in benchmarks/labels.json, and writes the table in
docs/data.md. Seconds are processor time of all cores; memory is that of the program, with the
dataset.
"""

import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from measure import ROOT, machine, measure, measure_script, put_into

SAVED = ROOT / "benchmarks" / "labels.json"
SEEDS = {"digits": (1, 2, 3), "mnist": (1,)}
MOVED, FOLDS, THREADS = 0.01, 5, 2
ALIKE = np.array([6, 7, 7, 5, 9, 3, 0, 9, 3, 4])  # of each digit, the one that it is moved to
MODELS = {
    "logistic regression": ("LogisticRegression", {"C": 0.1, "max_iter": 30}),
    "10 nearest neighbours": ("KNeighborsClassifier", {"n_neighbors": 10, "weights": "distance"}),
    "MLP, 128 units, 5 epochs": ("MLPClassifier", {"hidden_layer_sizes": (128,), "max_iter": 5}),
}
OURS = "kernel ridge regression"


def main() -> None:
    """Measure, print the table, and save it; or, with arguments, one run."""
    if len(sys.argv) > 1:
        print(json.dumps(run(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))))
        return
    runs = []
    with tempfile.TemporaryDirectory() as name:
        for dataset, seeds in SEEDS.items():
            path = Path(name) / f"{dataset}.npz"
            paths = {"output": path, "provenance": Path(name) / "record.json"}
            paths["environment"] = ROOT / "envs" / "light.yaml"
            measure_script(ROOT, "download", paths, seed=1, dataset=dataset)
            for model in (*MODELS, OURS):
                for seed in seeds:
                    found = measure([sys.executable, __file__, model, path, str(seed)])
                    cost = {"peak_memory_mb": found.peak_memory_mb}
                    which = {"dataset": dataset, "model": model, "seed": seed}
                    runs.append({**which, **json.loads(found.output), **cost})
                    print(runs[-1], file=sys.stderr)
    result = {"command": "make bench PARTS=labels", "machine": machine(), "runs": runs}
    SAVED.write_text(json.dumps(result, indent=2) + "\n")
    print(table(result))
    put_into(ROOT / "docs" / "data.md", SAVED, table(result))


def run(model: str, path: Path, seed: int) -> dict[str, float]:
    """The measurements of `model` on the dataset at `path` with changed labels."""
    from data_checks.finding import Part
    from data_checks.held_out import held_out_probabilities
    from data_checks.label_doubts import find_doubtful

    with np.load(path) as arrays:
        images = np.concatenate([arrays["x_train"], arrays["x_test"]])
        true = np.concatenate([arrays["y_train"], arrays["y_test"]])
    moved = np.random.default_rng(seed).random(len(true)) < MOVED
    labels = np.where(moved, ALIKE[true], true)
    if model == OURS:
        pixel_range = float(images.min()), float(images.max())
        likely = held_out_probabilities([Part(images, labels)], pixel_range, 10, FOLDS, seed)
    else:
        likely = cross_validated(*MODELS[model], images, labels, seed)
    numbers, _ = find_doubtful(labels, likely, np.ones(10, bool))
    return {
        "cpu_seconds": time.process_time(),
        "accuracy": float((likely.argmax(axis=1) == true).mean()),
        "precision": float(moved[numbers].mean()),
        "recall": float(moved[numbers].sum() / moved.sum()),
    }


def cross_validated(
    kind: str, settings: dict[str, Any], images: np.ndarray, labels: np.ndarray, seed: int
) -> np.ndarray:
    """The probabilities by a model of scikit-learn, on pixels from 0 to 1."""
    import warnings

    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.utils import all_estimators
    from threadpoolctl import threadpool_limits

    warnings.simplefilter("ignore")  # that few iterations do not converge
    np.random.seed(seed)  # of the MLP
    model = dict(all_estimators("classifier"))[kind](**settings)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    rows = images.reshape(len(images), -1).astype(np.float32) / images.max()
    with threadpool_limits(THREADS):
        return cross_val_predict(model, rows, labels, cv=folds, method="predict_proba")


def table(result: dict[str, Any]) -> str:
    """The measurements as Markdown: means over the seeds."""
    heads = ["accuracy, %", "precision, %", "recall, %", "CPU, s", "peak memory, MB"]
    lines = [f"| dataset | model | runs | {' | '.join(heads)} |"]
    lines.append("| --- | --- |" + " ---: |" * (len(heads) + 1))
    runs = result["runs"]
    for dataset, model in dict.fromkeys((each["dataset"], each["model"]) for each in runs):
        own = [each for each in runs if (each["dataset"], each["model"]) == (dataset, model)]

        def mean(key: str, own: list[dict[str, Any]] = own) -> float:
            return statistics.mean(each[key] for each in own)

        shares = [f"{100 * mean(key):.1f}" for key in ("accuracy", "precision", "recall")]
        costs = [f"{mean(key):.0f}" for key in ("cpu_seconds", "peak_memory_mb")]
        lines.append(f"| {dataset} | {model} | {len(own)} | {' | '.join([*shares, *costs])} |")
    return "\n".join([*lines, "", f"On {result['machine']}."])


if __name__ == "__main__":
    main()
