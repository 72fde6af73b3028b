"""What the pipeline costs on MNIST: time and memory of each stage, and time with nothing to do.

Measures the committed state in a fresh clone, one stage after the other, and saves what it measured
to benchmarks/cost.json. Set DATA_MIRROR where there is no network.
"""

import json
import os
import platform
import shlex
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from dvc.repo import Repo

ROOT = Path(__file__).parents[1]
TRAINERS = ("train-logreg", "train-mlp", "train-cnn")
MEMORY_LIMIT_MB, OVERHEAD_LIMIT = 1500, 0.15


def main() -> None:
    """Measure, print the table, and save it."""
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "clone"
        run(ROOT, "git", "clone", "--quiet", str(ROOT), str(clone))
        parameters = clone / "params.yaml"
        text = parameters.read_text().replace("dataset: digits", "dataset: mnist")
        parameters.write_text(text)
        stages = [measure_stage(clone, name, command) for name, command in commands(clone)]
        idle = measure_idle(clone)
        metrics = json.loads((clone / "reports" / "metrics.json").read_text())
    fits = sum(stage["fit_seconds"] for stage in stages)
    result = {
        "command": "make bench",
        "machine": machine(),
        "runs": 1,
        "stages": stages,
        "overhead": sum(stage["seconds"] for stage in stages) / fits - 1,
        "seconds_with_nothing_to_do": idle,
        "models": {
            name: {key: scores[key] for key in ("accuracy", "failures", "loss", "parameters")}
            for name, scores in metrics.items()
        },
    }
    print(table(result))
    (ROOT / "benchmarks" / "cost.json").write_text(json.dumps(result, indent=2) + "\n")


def commands(clone: Path) -> list[tuple[str, str]]:
    """Name and command of each stage, in an order in which they can run."""
    graph = Repo(clone).index.graph
    ordered: list[Any] = []
    while len(ordered) < len(graph):
        ordered += [
            stage
            for stage in graph
            if stage not in ordered and all(before in ordered for before in graph[stage])
        ]
    return [(stage.name, stage.cmd) for stage in ordered]


def measure_stage(clone: Path, name: str, command: str) -> dict[str, Any]:
    """Run one stage; its seconds on the wall clock and in the fit, and its peak resident memory."""
    start = time.perf_counter()
    process = subprocess.Popen(shlex.split(command), cwd=clone)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    if status:
        raise SystemExit(f"{name} failed; the benchmark ends")
    fit = 0.0
    if name in TRAINERS:
        record = clone / "models" / name.removeprefix("train-") / "training.json"
        fit = json.loads(record.read_text())["fit_seconds"]
    megabytes = usage.ru_maxrss * 1024 / 1e6  # Linux counts in KiB
    return {"stage": name, "seconds": seconds, "fit_seconds": fit, "peak_memory_mb": megabytes}


def measure_idle(clone: Path) -> dict[str, float]:
    """Seconds that each engine takes to find that nothing is to be done."""
    run(clone, "dvc", "commit", "--force", "--quiet")
    run(clone, "snakemake", "--cores", "1", "--touch", "--forceall")
    seconds = {}
    for engine, command in {
        "dvc": ["dvc", "repro"],
        "snakemake": ["snakemake", "--cores", "8", "--use-conda"],
    }.items():
        start = time.perf_counter()
        run(clone, *command)
        seconds[engine] = time.perf_counter() - start
    return seconds


def machine() -> str:
    """Processor, cores and operating system, without the machine's name."""
    described = Path("/proc/cpuinfo").read_text().partition("model name")[2]
    model = described.splitlines()[0].lstrip("\t :") if described else platform.processor()
    return (
        f"{model}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"
    )


def table(result: dict[str, Any]) -> str:
    """The measurements as Markdown, and whether they keep to the limits."""
    lines = ["| stage | seconds | of which fit | peak memory, MB |", "| --- | ---: | ---: | ---: |"]
    lines += [
        f"| {stage['stage']} | {stage['seconds']:.1f} | {stage['fit_seconds']:.1f}"
        f" | {stage['peak_memory_mb']:.0f} |"
        for stage in result["stages"]
    ]
    peak = max(stage["peak_memory_mb"] for stage in result["stages"])
    idle = result["seconds_with_nothing_to_do"]
    return "\n".join(
        [
            *lines,
            "",
            f"Everything but the fits: {result['overhead']:.1%} of the fits' time"
            f" (at most {OVERHEAD_LIMIT:.0%} asked).",
            f"Highest peak: {peak:.0f} MB (at most {MEMORY_LIMIT_MB} asked).",
            f"Nothing to do: dvc {idle['dvc']:.1f} s, snakemake {idle['snakemake']:.1f} s.",
        ]
    )


def run(folder: Path, *command: str) -> None:
    """Run a command quietly; stop where it fails."""
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
