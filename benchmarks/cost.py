"""The cost of the pipeline on MNIST: time and memory of each stage, and time with nothing to do.

Measures the committed state in a fresh clone, one stage after the other, and saves the measurements
in benchmarks/cost.json. Set DATA_MIRROR if there is no network.
"""

import json
import tempfile
from pathlib import Path
from typing import Any

from measure import ROOT, changed_clone, machine, measure, measure_stages

MEMORY_LIMIT_MB, OVERHEAD_LIMIT = 1500, 0.15


def main() -> None:
    """Measure, print the table, and save it."""
    with tempfile.TemporaryDirectory() as folder:
        clone = changed_clone(Path(folder) / "clone", download={"dataset": "mnist"})
        stages = measure_stages(clone)
        idle = measure_idle(clone)
        metrics = json.loads((clone / "reports" / "metrics.json").read_text())
    fits = sum(stage["fit_seconds"] for stage in stages)
    result = {
        "command": "make bench PARTS=cost",
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


def measure_idle(clone: Path) -> dict[str, float]:
    """Seconds that each engine needs if all stages are up to date."""
    measure(["dvc", "commit", "--force", "--quiet"], clone)
    snakemake = ["snakemake", "--cores", "8", "--use-conda"]
    measure(snakemake, clone)
    return {
        "dvc": measure(["dvc", "repro"], clone).seconds,
        "snakemake": measure(snakemake, clone).seconds,
    }


def table(result: dict[str, Any]) -> str:
    """The measurements as Markdown, and whether they are within the limits."""
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


if __name__ == "__main__":
    main()
