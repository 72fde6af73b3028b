"""Shared by the benchmarks: time and memory of a program, the machine, and arithmetic."""

import json
import os
import platform
import re
import shlex
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

from core.parameters import as_flags  # noqa: E402 - found by the line before


@dataclass(frozen=True)
class Measured:
    """One run of a program: what it printed, its seconds, and its peak resident memory."""

    output: str
    seconds: float
    peak_memory_mb: float


# Runs a program and prints its peak memory, in Linux' KiB. A program's peak is never less than what
# its parent had when it started it, and a benchmark that has trained a network is large.
SMALL_PARENT = """
import resource, subprocess, sys
status = subprocess.call(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(status)
"""


def measure(command: list[str | Path], folder: Path = ROOT) -> Measured:
    """Run a program; a failure ends the benchmark."""
    words = [str(word) for word in command]
    start = time.perf_counter()
    process = subprocess.run(
        [sys.executable, "-c", SMALL_PARENT, *words], cwd=folder, stdout=subprocess.PIPE, text=True
    )
    seconds = time.perf_counter() - start
    if process.returncode:
        raise SystemExit(f"{shlex.join(words)} failed; the benchmark ends")
    *output, peak = process.stdout.splitlines()
    return Measured("\n".join(output), seconds, int(peak) * 1024 / 1e6)


def changed_clone(folder: Path, **changes: dict[str, Any]) -> Path:
    """A clone of the committed state, with other parameters."""
    subprocess.run(["git", "clone", "--quiet", ROOT, folder], check=True)
    yaml = YAML()
    parameters = yaml.load(folder / "params.yaml")
    for section, values in changes.items():
        parameters[section].update(values)
    yaml.dump(parameters, folder / "params.yaml")
    return folder


def measure_stages(clone: Path) -> list[dict[str, Any]]:
    """Run every stage of a clone, one after the other; what each took."""
    from dvc.repo import Repo

    graph = Repo(clone).index.graph
    ordered: list[Any] = []
    while len(ordered) < len(graph):
        ordered += [
            stage
            for stage in graph
            if stage not in ordered and all(needed in ordered for needed in graph[stage])
        ]
    return [_measure_stage(clone, stage.name, stage.cmd[-1]) for stage in ordered]


def _measure_stage(clone: Path, name: str, command: str) -> dict[str, Any]:
    measured = measure(shlex.split(command), clone)
    record = clone / "models" / name.removeprefix("train-") / "training.json"
    return {
        "stage": name,
        "seconds": measured.seconds,
        "fit_seconds": json.loads(record.read_text())["fit_seconds"] if record.exists() else 0.0,
        "peak_memory_mb": measured.peak_memory_mb,
    }


def measure_script(
    clone: Path, stage: str, paths: dict[str, Path], seed: int, **changes: Any
) -> Measured:
    """Run a stage of a clone with the parameters of its params.yaml, but for `changes`."""
    parameters = YAML(typ="safe").load(clone / "params.yaml")[stage]
    command: list[str | Path] = [sys.executable, f"scripts/{stage}.py"]
    for name, path in paths.items():
        command += [f"--{name}", path]
    command += shlex.split(as_flags({**parameters, **changes}))
    seedless = stage in ("download", "train_logreg")
    return measure(command if seedless else [*command, "--seed", str(seed)], clone)


def put_into(page: Path, saved: Path, table: str) -> None:
    """Put the table of saved measurements between their marks in a page of ours."""
    marks = rf"(<!-- results: {re.escape(str(saved.relative_to(ROOT)))} -->\n).*?(<!-- end -->)"
    text = page.read_text()
    page.write_text(re.sub(marks, lambda mark: f"{mark[1]}{table}\n{mark[2]}", text, flags=re.S))


def machine() -> str:
    """Processor, cores and operating system, without the machine's name."""
    fields = dict(
        (part.strip() for part in line.split(":", 1))
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if ":" in line
    )
    bfloat16 = "with" if "avx512_bf16" in fields["flags"] else "without"
    return (
        f"{fields['model name']} (family {fields['cpu family']}, model {fields['model']},"
        f" {bfloat16} bfloat16), {os.cpu_count()} cores, {platform.system()},"
        f" Python {platform.python_version()}"
    )


def matrix_product_rate(threads: int) -> float:
    """Operations a second, in 10^9, of a large float32 matrix product: the best of five."""
    from networks.backend import tf, use_threads

    use_threads(threads)
    side = 4096
    matrix = tf.constant(np.random.default_rng(0).random((side, side), np.float32))
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        tf.matmul(matrix, matrix).numpy()
        seconds.append(time.perf_counter() - start)
    return 2 * side**3 / min(seconds) / 1e9


def operations(model: Any) -> int:
    """Multiplications and additions in the answer to one image, of a Keras model's weights."""
    from networks.backend import keras

    total = 0
    for layer in model.layers:
        if isinstance(layer, keras.Sequential):
            total += operations(layer)
        elif isinstance(layer, keras.layers.Conv2D):
            total += 2 * layer.kernel.shape.num_elements() * int(np.prod(layer.output.shape[1:3]))
        elif isinstance(layer, keras.layers.Dense):
            total += 2 * layer.kernel.shape.num_elements()
    return total
