"""The cost of more data: time and peak memory of each stage, on 1, 2 and 4 copies of MNIST.

Each copy of the training images is shifted in another direction, so that no two images are equal.
Neither time nor memory may grow faster than the data. The networks train for one epoch, which is
enough to measure this. Set DATA_MIRROR if there is no network. Saves the measurements in
benchmarks/growth.json, and writes the table in docs/training.md.
"""

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from measure import ROOT, changed_clone, machine, measure, measure_stages, put_into

SAVED = ROOT / "benchmarks" / "growth.json"
COPIES = (1, 2, 4)
MNIST_IMAGES = 60_000
SHIFTS = ((0, 0), (1, 0), (0, 1), (-1, -1))  # pixels down and right, one for each copy
CHANGES: dict[str, dict[str, Any]] = {
    "train_mlp": {"epochs": 1},
    "train_cnn": {"epochs": 1, "architecture": "compact"},
}


def main() -> None:
    """Measure, print the table, and save it."""
    runs = []
    with tempfile.TemporaryDirectory() as folder:
        mnist = changed_clone(Path(folder) / "mnist", download={"dataset": "mnist"})
        measure(["dvc", "repro", "--quiet", "download"], mnist)
        for copies in COPIES:
            data = Path(folder) / f"{copies}.npz"
            write_copies(mnist / "data" / "raw" / "dataset.npz", data, copies)
            name = Path(folder) / str(copies)
            clone = changed_clone(name, download={"dataset": "own", "path": str(data)}, **CHANGES)
            grown = {"copies": copies, "training_images": copies * MNIST_IMAGES}
            runs += [{**grown, **stage} for stage in measure_stages(clone)]
    result = {"command": "make bench PARTS=growth", "machine": machine(), "runs": runs}
    SAVED.write_text(json.dumps(result, indent=2) + "\n")
    print(table(result))
    put_into(ROOT / "docs" / "training.md", SAVED, table(result))


def write_copies(mnist: Path, path: Path, copies: int) -> None:
    """Write a dataset whose training images are `copies` shifted copies of MNIST's."""
    with np.load(mnist) as file:
        data = {key: file[key] for key in ("x_train", "y_train", "x_test", "y_test")}
    shifted = [np.roll(data["x_train"], shift, axis=(1, 2)) for shift in SHIFTS[:copies]]
    data["x_train"] = np.concatenate(shifted)
    data["y_train"] = np.tile(data["y_train"], copies)
    np.savez(path, **data)


def table(result: dict[str, Any]) -> str:
    """The measurements as Markdown, and the largest growth of a stage relative to the data."""
    runs = {(run["stage"], run["copies"]): run for run in result["runs"]}
    heads = [f"{copies}x, {unit}" for unit in ("µs per image", "MB") for copies in COPIES]
    lines = [f"| stage | {' | '.join(heads)} |", "| --- |" + " ---: |" * len(heads)]
    grown = []
    for stage in dict.fromkeys(name for name, _ in runs):
        own = [runs[stage, copies] for copies in COPIES]
        times = [f"{run['seconds'] / run['training_images'] * 1e6:.0f}" for run in own]
        peaks = [f"{run['peak_memory_mb']:.0f}" for run in own]
        lines.append(f"| {stage} | {' | '.join([*times, *peaks])} |")
        grown.append([own[-1][key] / own[0][key] for key in ("seconds", "peak_memory_mb")])
    time, memory = (max(factors) for factors in zip(*grown, strict=True))
    return "\n".join(
        [
            *lines,
            "",
            f"With {COPIES[-1]} times the data, a stage took at most {time:.1f} times as long and"
            f" {memory:.1f} times the memory.",
        ]
    )


if __name__ == "__main__":
    main()
