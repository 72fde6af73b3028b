"""Mutation tests: break a module in one small way after another, and see that a test fails.

`make mutants` runs this on every module of tests/mutants.toml, which says which tests belong to it,
and which mutants may survive, and why. tests/mutants.json is what came out.
"""

import ast
import difflib
import gc
import json
import multiprocessing
import os
import re
import resource
import shlex
import shutil
import subprocess
import sys
import tempfile
import tomllib
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

import pytest
from cosmic_ray.commands.init import init
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator
from cosmic_ray.work_db import use_db
from cosmic_ray.work_item import MutationSpec
from hypothesis import HealthCheck, Phase, settings

ROOT = Path(__file__).parents[1]
LIST = ROOT / "tests" / "mutants.toml"
RESULTS = ROOT / "tests" / "mutants.json"
LEAST = 0.85  # of the mutants that are not equivalent have to be killed
# Each run of the tests is a fork of this process, which has imported what takes long to import, and
# nothing of ours. TensorFlow bears that as long as nothing was computed before.
LIBRARIES = (
    *("numpy", "scipy.stats", "sklearn.metrics", "sklearn.model_selection", "sklearn.datasets"),
    *("pandas", "hypothesis.extra.numpy", "jsonschema", "ruamel.yaml", "requests", "keras"),
    *("dvc.repo", "dvc.parsing", "dvc.utils.hydra"),
)
# Of what Hypothesis finds, the first is enough; it would look for the smallest.
PROFILE = {
    **{"derandomize": True, "deadline": None, "phases": (Phase.explicit, Phase.generate)},
    "suppress_health_check": [HealthCheck.too_slow],
}
PYTEST = (
    *("--override-ini=addopts=", "-m", "not long", "-x", "-q", "-p", "no:cacheprovider"),
    *("-p", "_hypothesis_pytestplugin", "--hypothesis-profile=mutants"),
)

Change = tuple[str, str]  # the line before and after


def try_mutants(module: str, tests: str, skipped: re.Pattern) -> tuple[int, list[Change]]:
    """Run `tests` on each mutant of `module`, in the working folder, which is a copy.

    Returns:
        How many mutants there were, and those that no test noticed.
    """
    start = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    if not passes(tests, 3600):
        raise SystemExit(f"{module}: {tests} fails without a mutant")
    clean = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - start
    limit = round(10 + 5 * clean)
    source = Path(module).read_text()
    annotations = places_of_annotations(source)
    with use_db("mutants.sqlite") as work:
        init([Path(module)], work, {})
        mutations = [item.mutations[0] for item in work.work_items]
    count, survivors = 0, []
    for mutation in mutations:
        if skipped.match(mutation.operator_name) or is_within(mutation, annotations):
            continue
        operator = get_operator(mutation.operator_name)()
        try:
            mutant = mutate_code(source, operator, mutation.occurrence)
        except AttributeError:  # Cosmic Ray 8.7 cannot replace an exception that has a dot
            continue
        Path(module).write_text(mutant)
        count += 1
        if passes(tests, limit):
            survivors.append(change_of(source, mutant))
            print(f"{module}: survived: {' | '.join(survivors[-1])}", flush=True)
    return count, survivors


def passes(tests: str, limit: int) -> bool:
    """Whether pytest ends well within `limit` seconds of the processor, or ten times that of the
    clock: a mutant that never ends is noticed too.
    """
    process = multiprocessing.get_context("fork").Process(target=run_pytest, args=(tests, limit))
    process.start()
    process.join(10 * limit)
    if process.exitcode is None:
        process.kill()
        process.join()
    return process.exitcode == 0


def run_pytest(tests: str, limit: int) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)
    sys.exit(int(pytest.main([*PYTEST, *shlex.split(tests)])))


def places_of_annotations(source: str) -> list[tuple]:
    """Where types are written, which a test cannot see."""
    nodes = list(ast.walk(ast.parse(source)))
    types = [getattr(node, name, None) for node in nodes for name in ("annotation", "returns")]
    return [
        ((one.lineno, one.col_offset), (one.end_lineno, one.end_col_offset)) for one in types if one
    ]


def is_within(mutation: MutationSpec, places: list[tuple]) -> bool:
    return any(start <= tuple(mutation.start_pos) < end for start, end in places)


def change_of(before: str, after: str) -> Change:
    """The lines that are not the same, without the spaces around words."""
    lines = list(difflib.ndiff(before.splitlines(), after.splitlines()))
    sides = ([line[2:] for line in lines if line.startswith(mark)] for mark in ("- ", "+ "))
    return tuple(" ".join(" ".join(side).split()) for side in sides)


def copy_project(folder: Path) -> None:
    """What git tracks, or would: a mutant is written over the module that it is made from."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)  # as tests expect it


def problems(results: dict[str, dict], listed: list[dict]) -> list[str]:
    """Survivors that are not listed, listed ones that did not survive, and low scores."""
    found = {
        (module, *change) for module, result in results.items() for change in result["survivors"]
    }
    known = {key_of(one) for one in listed if one["module"] in results}
    return [
        *(f"survived, and is not listed: {' | '.join(key)}" for key in sorted(found - known)),
        *(f"listed, and did not survive: {' | '.join(key)}" for key in sorted(known - found)),
        *(
            f"{module}: {score(counts):.0%} are killed; at least {LEAST:.0%} have to be"
            for module, counts in counts_of(results, listed).items()
            if score(counts) < LEAST
        ),
    ]


def key_of(survivor: dict[str, str]) -> tuple[str, str, str]:
    return survivor["module"], survivor["before"], survivor["after"]


def counts_of(results: dict[str, dict], listed: list[dict]) -> dict[str, dict[str, int]]:
    """How many mutants of each module there were, and what became of them."""
    equivalent = {key_of(one) for one in listed if "equivalent" in one}
    counts = {}
    for module, result in results.items():
        same = sum((module, *change) in equivalent for change in result["survivors"])
        counts[module] = {
            "mutants": result["mutants"],
            "killed": result["mutants"] - len(result["survivors"]),
            "survived": len(result["survivors"]) - same,
            "equivalent": same,
        }
    return counts


def score(counts: dict[str, int]) -> float:
    return counts["killed"] / (counts["killed"] + counts["survived"])


def table(results: dict[str, dict], listed: list[dict]) -> str:
    """The results as Markdown, for docs/trust.md."""
    rows = counts_of(results, listed)
    total = {key: sum(row[key] for row in rows.values()) for key in next(iter(rows.values()))}
    lines = [
        "| module | mutants | killed | survived | equivalent | score | measured |",
        "| --- | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    for module, counts in {**rows, "all": total}.items():
        numbers = " | ".join(map(str, counts.values()))
        one = results.get(module)
        when = f"{one['date']}, {one['commit']}" if one else ""
        lines.append(f"| {module} | {numbers} | {score(counts):.0%} | {when} |")
    return "\n".join(lines)


def measure(module: str, tests: str, skipped: re.Pattern) -> dict:
    """Try the mutants of `module` on a copy of the project."""
    head = ["git", "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(head, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    with tempfile.TemporaryDirectory() as folder:
        copy_project(Path(folder))
        os.chdir(folder)
        mutants, survivors = try_mutants(module, tests, skipped)
        os.chdir(ROOT)
    date = datetime.now(UTC).date().isoformat()
    return {"mutants": mutants, "survivors": survivors, "date": date, "commit": commit.strip()}


def main(chosen: list[str]) -> None:
    listed = tomllib.loads(LIST.read_text())
    modules, skipped = listed["modules"], re.compile("|".join(listed["skipped_operators"]))
    sys.path.remove(str(ROOT / "tests"))  # those of the copy are to be found
    sys.dont_write_bytecode = True  # two mutants may have the same size and time
    os.environ |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    settings.register_profile("mutants", **PROFILE)
    for name in LIBRARIES:
        import_module(name)
    gc.freeze()  # or each fork, as it ends, would go through all that is imported
    for module in chosen or modules:
        result = measure(module, modules[module], skipped)
        results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
        results[module] = result
        print(f"{module}: {len(results[module]['survivors'])} survived", flush=True)
        ordered = {name: results[name] for name in modules if name in results}
        RESULTS.write_text(json.dumps(ordered, indent=1) + "\n")
    print(table(ordered, listed["survivors"]))
    sys.exit("\n".join(problems(ordered, listed["survivors"])) or 0)


if __name__ == "__main__":
    main(sys.argv[1:])
