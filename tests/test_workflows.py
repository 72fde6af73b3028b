"""The workflows for GitHub and GitLab: each step a target, each action pinned, no more rights."""

import re
import subprocess
from pathlib import Path

import pytest
from conftest import ROOT
from ruamel.yaml import YAML

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def jobs(path: Path) -> list[dict]:
    return list(YAML(typ="safe").load(path)["jobs"].values())


def test_every_step_is_a_target_or_a_pinned_action():
    targets = set(re.findall(r"^(\w[\w-]*):", (ROOT / "Makefile").read_text(), re.M))
    steps = [step for path in WORKFLOWS for job in jobs(path) for step in job["steps"]]
    called = [step["run"] for step in steps if "run" in step]
    gitlab = YAML(typ="safe").load(ROOT / ".gitlab-ci.yml")
    for job in gitlab.values():
        called += [*job.get("script", []), *job.get("after_script", [])]
    for line in called:
        assert re.fullmatch(r"make \w+", line), line
        assert line.removeprefix("make ") in targets
    assert {"make fresh", "make report", "make review", "make test", "make comment"} <= set(called)
    for step in steps:
        assert "run" in step or re.fullmatch(r"actions/[\w/-]+@[0-9a-f]{40}", step["uses"])


def test_the_comment_may_write_and_checks_out_nothing_foreign():
    reviewing, commenting = (
        YAML(typ="safe").load(ROOT / ".github" / "workflows" / f"{name}.yml")
        for name in ("review", "comment")
    )
    assert reviewing["permissions"] == {"contents": "read"}
    assert not any("permissions" in job for job in reviewing["jobs"].values())
    assert commenting["permissions"] == {}
    (job,) = commenting["jobs"].values()
    assert job["permissions"] == {"contents": "read", "pull-requests": "write"}
    checkout = next(step for step in job["steps"] if "actions/checkout" in step.get("uses", ""))
    assert checkout["with"] == {"fetch-depth": 0, "persist-credentials": False}
    with_token = [step["run"] for step in job["steps"] if "GITHUB_TOKEN" in step.get("env", {})]
    assert with_token == ["make comment"]


@pytest.mark.parametrize(
    "command",
    [
        ("zizmor", "--offline", "--quiet", "--persona=pedantic", ".github"),
        ("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *map(str, WORKFLOWS)),
        ("check-jsonschema", "--builtin-schema", "vendor.gitlab-ci", ".gitlab-ci.yml"),
    ],
    ids=["zizmor", "github", "gitlab"],
)
def test_checkers_find_nothing_in_the_workflows(command):
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
