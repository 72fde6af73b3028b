"""What tests share: copies of the project with real engines in them."""

import functools
import hashlib
import html
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from changed_results import Repository
from forked_programs import ForkedPrograms
from hypothesis import HealthCheck, settings
from ruamel.yaml import YAML

# The same examples in each run, and no verdict on how fast the machine is.
settings.register_profile(
    "steady", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("steady")

ROOT = Path(__file__).parents[1]

# The real pipeline, small: what takes time is left small, what shows a mistake is left in.
TINY = {
    "preprocess": {"train_size": 300},
    "train_logreg": {"max_iter": 20},
    "train_mlp": {"hidden": [16], "epochs": 1},
    "train_cnn": {"epochs": 1},
}


# The times on the page: in its table and sentences, and the two charts of the cost.
TIMES = re.compile(
    r'data-value="[\d.e-]+">[\d.]+\xa0(?:s|µs)<|[\d.]+\xa0s\.'
    "|<figcaption>Error vs (?:prediction|training) time.*?</figure>",
    re.DOTALL,
)

# What takes long to make, and the group of the tests that share it: pytest-xdist runs a group in
# one process, so that it is made once.
GROUPS = {
    "made_by_dvc": "dvc",
    "made_by_snakemake": "snakemake",
    "killed_and_continued": "study",
    "small": "study",
    "made": "export",
    "trained": "predict",
}


@pytest.hookimpl(tryfirst=True)  # pytest-xdist reads the groups in the same hook
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        groups = [GROUPS[name] for name in GROUPS if name in item.fixturenames]
        if groups and not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group(groups[0]))


forked_programs = functools.cache(ForkedPrograms)  # the first to ask starts it


class Project:
    """A copy of the project's files in a git repository of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def fill(self) -> None:
        """Copy every file that git tracks, or would, into the folder, and commit them."""
        folder = self.folder
        listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
        names = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout
        for name in names.splitlines():
            if (ROOT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, folder / name)
        for name in ("dvc.lock", "reports"):  # results of another run
            path = folder / name
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        self.run("git", "init", "--quiet")
        self.run("git", "config", "user.name", "test")
        self.run("git", "config", "user.email", "test@localhost")
        self.commit()

    def copy(self, folder: Path) -> "Project":
        """A copy with all results, caches and times."""
        shutil.copytree(self.folder, folder, symlinks=True, dirs_exist_ok=True)
        return Project(folder)

    def commit(self) -> None:
        """Commit all that git does not ignore."""
        self.run("git", "add", "--all")
        self.run("git", "commit", "--quiet", "--message", "change")

    def run(self, *command: str, fails: bool = False, **environment: str) -> str:
        """Run `command` in the project; its output, both streams. Checks how it ended."""
        environment = {**self.environment(), **environment}
        name, *arguments = command
        if name in ("python", "dvc", "snakemake"):
            found = shutil.which(name, path=environment["PATH"])
            program = arguments.pop(0) if name == "python" else found
            status, output = forked_programs().run(program, arguments, self.folder, environment)
        else:
            result = subprocess.run(
                command,
                cwd=self.folder,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                stdin=subprocess.DEVNULL,
            )
            status, output = result.returncode, result.stdout
        assert (status != 0) == fails, output
        return output

    def environment(self) -> dict[str, str]:
        """As in an activated environment, without a conda or a make that runs the tests."""
        path = [str(Path(sys.executable).parent), *os.environ["PATH"].split(os.pathsep)]
        path = [folder for folder in path if not (Path(folder) / "conda").exists()]
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
        return {**inherited, "PATH": os.pathsep.join(path)}

    def outputs(self) -> dict[str, object]:
        """Every output by its path, without the recorded durations and what depends on them.

        Most as hashes: pytest takes minutes to show how two large files differ.
        """
        contents: dict[str, object] = {}
        for folder in ("data", "models", "reports", "provenance"):
            for path in sorted((self.folder / folder).rglob("*")):
                if path.is_file() and not path.name.startswith("."):
                    contents[path.relative_to(self.folder).as_posix()] = path.read_bytes()
        timed = ("training.json", "comparison.html")
        for path, content in contents.items():
            contents[path] = hashlib.sha256(content).hexdigest()
            if path.endswith("training.json"):
                record = json.loads(content)
                contents[path] = {**record, "fit_seconds": None, "answer_microseconds": None}
            elif path.endswith("comparison.html"):
                text, times = TIMES.subn("", html.unescape(content.decode()))
                assert times == 11, "three of each model, and two charts"
                contents[path] = hashlib.sha256(text.encode()).hexdigest()
            elif path.startswith("provenance/"):
                record = json.loads(content)
                for part in ("inputs", "outputs"):
                    hashes = record[part].items()
                    record[part] = {
                        name: digest for name, digest in hashes if not name.endswith(timed)
                    }
                contents[path] = record
        return contents

    def change(self, **sections: Any) -> None:
        """Change keys of params.yaml: a section with the keys to change, or the seed."""
        path = self.folder / "params.yaml"
        yaml = YAML()
        values = yaml.load(path)
        for section, value in sections.items():
            if isinstance(value, dict):
                values.setdefault(section, {}).update(value)
            else:
                values[section] = value
        with path.open("w") as file:
            yaml.dump(values, file)


@pytest.fixture(scope="session")
def make_project(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Project]:
    """Makes a fresh copy of the project."""

    def make() -> Project:
        project = Project(tmp_path_factory.mktemp("project"))
        project.fill()
        return project

    return make


@pytest.fixture(scope="session")
def made_by_dvc(make_project) -> Project:
    """The tiny pipeline, run by DVC and committed. To be copied, not changed."""
    project = make_project()
    project.change(**TINY)
    project.run("dvc", "repro")
    project.commit()
    return project


@pytest.fixture(scope="session")
def made_by_snakemake(make_project) -> Project:
    """The tiny pipeline, run by Snakemake as the README says, without conda, and committed."""
    project = make_project()
    project.change(**TINY)
    output = project.run("snakemake", "--cores", "8", "--use-conda")
    without = "conda is not on PATH: the rules run in the current environment. See docs/run.md."
    assert output.splitlines()[-1] == without
    project.commit()
    return project


@pytest.fixture(scope="session")
def change(made_by_dvc, tmp_path_factory) -> Project:
    """A branch `change` from `main` that stops the logistic regression early. Not to be changed."""
    project = made_by_dvc.copy(tmp_path_factory.mktemp("pull") / "project")
    installed = Path(sys.prefix) / ".installed"
    assert installed.exists(), "to be run by make test, which makes the environment"
    (project.folder / ".venv").symlink_to(sys.prefix)
    (project.folder / ".git" / "info" / "exclude").write_text(".venv\n")
    project.run("git", "branch", "--move", "main")
    project.run("git", "checkout", "--quiet", "-b", "change")
    project.change(train_logreg={"max_iter": 1})
    project.run("make", "report")
    project.commit()
    return project


@pytest.fixture(scope="module")
def params_project(make_project) -> Project:
    return make_project()


@pytest.fixture
def params(params_project: Project) -> Iterator[Project]:
    """A project whose params.yaml is put back after the test."""
    path = params_project.folder / "params.yaml"
    content = path.read_text()
    yield params_project
    path.write_text(content)


@pytest.fixture
def repository(tmp_path, monkeypatch) -> Repository:
    """A repository to write results into; the working folder."""
    repository = Repository(tmp_path / "repository")
    monkeypatch.chdir(repository.folder)
    return repository
