"""The workflows for GitHub and GitLab: each step a target, each action pinned, no more rights."""

import re
import subprocess
from pathlib import Path

import pytest
from conftest import ROOT
from ruamel.yaml import YAML

from review.github import STEP

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
    wanted = ("fresh", "reproduce", "review", "test", "comment", "post")
    assert {f"make {name}" for name in wanted} <= set(called)
    for step in steps:
        assert "run" in step or re.fullmatch(r"actions/[\w/-]+@[0-9a-f]{40}", step["uses"])


def workflow(name: str) -> dict:
    return YAML(typ="safe").load(ROOT / ".github" / "workflows" / f"{name}.yml")


def test_only_the_job_that_posts_may_write():
    """And it gets no more of the pull request than the text, and has no package installed."""
    reviewing, commenting = workflow("review"), workflow("comment")
    assert reviewing["permissions"] == {"contents": "read"}
    assert not any("permissions" in job for job in reviewing["jobs"].values())
    assert commenting["permissions"] == {}
    review, post = commenting["jobs"]["review"], commenting["jobs"]["post"]
    assert set(review["permissions"].values()) == {"read"}
    assert post["permissions"] == {"contents": "read", "pull-requests": "write"}
    assert len(commenting["jobs"]) == 2
    for job, target in ((review, "make comment"), (post, "make post")):
        checkout = next(step for step in job["steps"] if "actions/checkout" in step.get("uses", ""))
        assert checkout["with"].keys() <= {"fetch-depth", "persist-credentials"}
        assert checkout["with"]["persist-credentials"] is False
        with_token = [step["run"] for step in job["steps"] if "GITHUB_TOKEN" in step.get("env", {})]
        assert with_token == [target]
    assert [step["run"] for step in post["steps"] if "run" in step] == ["make post"]
    makefile = (ROOT / "Makefile").read_text()
    assert re.search(r"^post:\n\t@\$\(PYTHON\) scripts/tool\.py post$", makefile, re.M)


def test_the_comment_asks_for_a_step_that_is_there():
    names = [step.get("name") for step in workflow("review")["jobs"]["review"]["steps"]]
    assert names.count(STEP) == 1


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
