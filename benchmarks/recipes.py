"""The tutorial's own recipes and ours on MNIST, in turn: accuracy, time, memory.

Measures the committed state. All train on all training images, take the last epoch, and are tested
once on the same test images. Set DATA_MIRROR where there is no network. Saves every run to
benchmarks/recipes.json, and writes the table of the README from it; for the small digits to
benchmarks/recipes_digits.json, with its table in docs/training.md.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from measure import (
    ROOT,
    changed_clone,
    machine,
    matrix_product_rate,
    measure,
    measure_script,
    operations,
    put_into,
)

SAVED = {
    "mnist": ROOT / "benchmarks" / "recipes.json",
    "digits": ROOT / "benchmarks" / "recipes_digits.json",
}
PAGES = {"mnist": ROOT / "README.md", "digits": ROOT / "docs" / "training.md"}
# Name: stage, what differs from params.yaml, the tutorial's recipe to compare with, seeds.
OURS: dict[str, tuple[str, dict[str, Any], str, int]] = {
    "logreg": ("train_logreg", {}, "tutorial logreg", 1),
    "mlp": ("train_mlp", {}, "tutorial mlp", 3),
    "cnn tutorial": ("train_cnn", {}, "tutorial cnn", 3),
    "cnn fast": ("train_cnn", {"architecture": "fast"}, "tutorial cnn", 5),
    "cnn compact": ("train_cnn", {"architecture": "compact"}, "tutorial cnn", 5),
    "cnn compact, 6 members": (
        "train_cnn",
        {"architecture": "compact", "members": 6},
        "tutorial cnn",
        2,
    ),
}
TUTORIAL = {"tutorial logreg": 1, "tutorial mlp": 3, "tutorial cnn": 2}
EVALUATION_BATCH = 1000


def main() -> None:
    """Measure what was asked for, run by run; save, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    names = [*OURS, *TUTORIAL]
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(names)}; all")
    parser.add_argument("--seeds", type=int, default=5, help="runs of each, at most")
    parser.add_argument("--dataset", choices=list(SAVED), default="mnist", help="default: mnist")
    parser.add_argument("--tables", action="store_true", help="only rewrite the tables")
    options = parser.parse_args()
    if options.tables:
        write_tables()
        return
    wrong = set(options.names) - set(names)
    if wrong:
        parser.error(f"{min(wrong)!r} is not a recipe; allowed: {', '.join(names)}")
    chosen = options.names or names
    runs: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        data = prepare(Path(folder), options.dataset)
        for seed in range(1, options.seeds + 1):
            for name in (name for name in names if name in chosen):
                if options.dataset == "digits" or seed <= most_seeds(name):
                    run = (run_ours if name in OURS else run_tutorial)(name, seed, data)
                    rate = matrix_product_rate(threads=2)
                    runs.append({"recipe": name, "seed": seed, "matrix_product": rate, **run})
                    print(f"{name}, seed {seed}: {json.dumps(run)}", flush=True)
                    save(runs, options)
    print(table(json.loads(SAVED[options.dataset].read_text())))
    write_tables()


def write_tables() -> None:
    """Put the tables of all saved runs into the pages."""
    for dataset, saved in SAVED.items():
        if saved.exists():
            put_into(PAGES[dataset], saved, table(json.loads(saved.read_text())))


def most_seeds(name: str) -> int:
    """How many runs tell enough, on MNIST."""
    return OURS[name][3] if name in OURS else TUTORIAL[name]


def prepare(folder: Path, dataset: str) -> Path:
    """Fetch the dataset and cut it with the pipeline's own stages; nothing is held out."""
    clone = changed_clone(folder / "clone")
    paths = {"output": folder / "dataset.npz", "provenance": folder / "provenance.json"}
    measure_script(clone, "download", paths, 1, dataset=dataset)
    names = ("train", "validation", "test", "held_out")
    parts = {part: folder / f"{part}.npz" for part in names}
    paths = {"dataset": paths["output"], **parts, "provenance": paths["provenance"]}
    whole = {"validation_size": 0, "train_size": "all"}
    measure_script(clone, "preprocess", paths, 1, **whole)
    return folder


def run_ours(name: str, seed: int, data: Path) -> dict[str, Any]:
    """Train with a stage of the pipeline, and predict the test images as evaluate does."""
    from core.split import read_split
    from linear.linear_model import read_linear_model
    from networks.network import predict, read_network

    stage, changes, _, _ = OURS[name]
    with tempfile.TemporaryDirectory() as folder:
        made = ("history.csv", "provenance.json", "record.json")
        paths = {Path(file).stem: Path(folder) / file for file in made}
        paths |= {part: data / f"{part}.npz" for part in ("train", "validation")}
        if stage == "train_logreg":
            paths["model"] = Path(folder) / "model.npz"
        else:
            paths["network"] = Path(folder) / "network.json"
            paths["weights"] = Path(folder) / "weights.npz"
        measured = measure_script(data / "clone", stage, paths, seed, **changes)
        record = json.loads(paths["record"].read_text())
        test = read_split(data / "test.npz")
        if stage == "train_logreg":
            linear = read_linear_model(paths["model"])
            answer, trained_operations = lambda: linear.probabilities(test.images), None
        else:
            network = read_network(paths["network"], paths["weights"])
            images_seen = record["training_images"] * record["settings"]["epochs"]
            trained_operations = 3 * operations(network) * images_seen  # forward, and twice back
            answer = lambda: predict(network, test.images, EVALUATION_BATCH)  # noqa: E731
            answer()  # Keras compiles at the first call
        start = time.perf_counter()
        likely = answer()
        seconds = time.perf_counter() - start
    return figures(
        accuracy=float((likely.argmax(axis=1) == test.labels).mean()),
        fit_seconds=record["fit_seconds"],
        trained_operations=trained_operations,
        microseconds=seconds / len(likely) * 1e6,
        peak_memory_mb=measured.peak_memory_mb,
        precision=record["settings"].get("precision", "float32"),
    )


def run_tutorial(name: str, seed: int, data: Path) -> dict[str, Any]:
    """Train as the tutorial does."""
    model = name.removeprefix("tutorial ")
    script = ROOT / "benchmarks" / "tutorial.py"
    measured = measure([sys.executable, script, model, data / "dataset.npz", str(seed)])
    printed = json.loads(measured.output.splitlines()[-1])
    return figures(peak_memory_mb=measured.peak_memory_mb, precision="float32", **printed)


def figures(*, trained_operations: int | None, fit_seconds: float, **others: Any) -> dict[str, Any]:
    """The figures of one run, the arithmetic per second of the fit in 10^9 among them."""
    rate = trained_operations and trained_operations / fit_seconds / 1e9
    return {"fit_seconds": fit_seconds, "arithmetic": rate, **others}


def save(runs: list[dict[str, Any]], options: argparse.Namespace) -> None:
    """Save all runs so far, and their summaries."""
    arguments = [*map(repr, options.names), f"--dataset {options.dataset} --seeds {options.seeds}"]
    result = {
        "command": " ".join(["python benchmarks/recipes.py", *arguments]),
        "machine": machine(),
        "matrix_product": statistics.mean(run["matrix_product"] for run in runs),
        "recipes": summaries(runs),
        "runs": runs,
    }
    SAVED[options.dataset].write_text(json.dumps(result, indent=2) + "\n")


def summaries(runs: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Means, and the standard deviation of the accuracy, of the runs of each recipe."""
    product = statistics.mean(run["matrix_product"] for run in runs)
    result = {}
    for name in dict.fromkeys(run["recipe"] for run in runs):
        own = [run for run in runs if run["recipe"] == name]

        def mean(key: str, own: list[dict[str, Any]] = own) -> float:
            return statistics.mean(run[key] for run in own)

        accuracies = [run["accuracy"] for run in own]
        result[name] = {
            "seeds": len(own),
            "accuracy": mean("accuracy"),
            "deviation": statistics.stdev(accuracies) if len(own) > 1 else None,
            "fit_seconds": mean("fit_seconds"),
            "of_the_tutorials": None,
            "of_the_matrix_product": own[0]["arithmetic"] and mean("arithmetic") / product,
            "microseconds": mean("microseconds"),
            "peak_memory_mb": max(
                filter(None, (run["peak_memory_mb"] for run in own)), default=None
            ),
            "precision": own[0]["precision"],
        }
    for name, summary in result.items():
        theirs = OURS[name][2] if name in OURS else name
        if theirs in result:
            summary["of_the_tutorials"] = summary["fit_seconds"] / result[theirs]["fit_seconds"]
    return result


def table(saved: dict[str, Any]) -> str:
    """The saved measurements as Markdown."""
    lines = [
        "| model and settings | test accuracy, % | seeds | training, s | speedup over the tutorial"
        " | share of peak FLOP/s | prediction, µs per image | peak memory, MB |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, recipe in saved["recipes"].items():
        deviation = recipe["deviation"]
        spread = "" if deviation is None else f" ± {100 * deviation:.2f}"
        ratio, arithmetic = recipe["of_the_tutorials"], recipe["of_the_matrix_product"]
        peak = recipe["peak_memory_mb"]
        cells = [
            name,
            f"{100 * recipe['accuracy']:.2f}{spread}",
            recipe["seeds"],
            f"{recipe['fit_seconds']:.0f}",
            "" if ratio is None else "1" if ratio == 1 else f"{1 / ratio:.1f}",
            "" if arithmetic is None else f"{arithmetic:.0%}".replace("%", " %"),
            f"{recipe['microseconds']:.0f}",
            "" if peak is None else f"{peak:.0f}",
        ]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    product = saved["matrix_product"]
    lines += [
        "",
        f"On {saved['machine']}; peak: a large matrix product in float32, {product:.0f} GFLOP/s.",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
