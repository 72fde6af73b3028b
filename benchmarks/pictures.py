"""The cost of a folder of images: 100,000 PNG files of 28x28, read by the download stage.

Makes the files in a temporary folder, half of them in colour, and runs the stage three times. Saves
the measurements in benchmarks/pictures.json, and writes the table in docs/training.md.
"""

import json
import statistics
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from measure import ROOT, machine, measure_script, put_into

SAVED = ROOT / "benchmarks" / "pictures.json"
IMAGES, CLASSES, SIDE, RUNS = 100_000, 10, 28, 3


def main() -> None:
    """Measure, print the table, and save it."""
    runs = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_images(folder / "images")
        paths = {"output": folder / "dataset.npz", "provenance": folder / "record.json"}
        paths["environment"] = ROOT / "envs" / "light.yaml"
        own = {"dataset": "own", "path": str(folder / "images")}
        for _ in range(RUNS):
            run = measure_script(ROOT, "download", paths, seed=1, **own)
            runs.append({"seconds": run.seconds, "peak_memory_mb": run.peak_memory_mb})
    result = {"command": "make bench PARTS=pictures", "machine": machine(), "runs": runs}
    SAVED.write_text(json.dumps(result, indent=2) + "\n")
    print(table(result))
    put_into(ROOT / "docs" / "training.md", SAVED, table(result))


def write_images(folder: Path) -> None:
    """Write images of noise, which no compression makes smaller."""
    random = np.random.default_rng(0)
    for number in range(IMAGES):
        shape = (SIDE, SIDE, 3) if number % 2 else (SIDE, SIDE)
        path = folder / str(number % CLASSES) / f"{number:06}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 256, shape, np.uint8)).save(path)


def table(result: dict[str, Any]) -> str:
    """The measurements, in a sentence."""
    seconds = [run["seconds"] for run in result["runs"]]
    memory = max(run["peak_memory_mb"] for run in result["runs"])
    return (
        f"The stage took {statistics.mean(seconds):.0f} ± {statistics.stdev(seconds):.0f} s in"
        f" {len(seconds)} runs, and up to {memory:.0f} MB. On {result['machine']}."
    )


if __name__ == "__main__":
    main()
