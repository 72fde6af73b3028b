"""Classes of any name, through the stages, the page and a review: shown, escaped, in their room."""

import csv
import json
import re
import shutil
import warnings
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from browsing import accessibility_problems, browser, count, html_problems, opened_with, watched
from changed_results import Repository
from conftest import ROOT
from markupsafe import escape
from small_stages import run_evaluate, run_logreg, split

from core.split import read_split
from core.text import columns, from_csv_text, shortened
from explore_stats import explore_stats
from freshness.revision import Revision, find_revision
from linear.linear_model import LinearModel, write_linear_model
from report import report
from review.posting import check_text
from review.results import FAILURES, METRICS, STATS, read_results
from review.review_page import Links, draw_review

pytestmark = pytest.mark.xdist_group("browser")  # one browser for all

NAMES = [
    *("ankle boot", "<b>x</b>", "=1+1", "a|b", "5", "\u77ed\u3044\u65e5\u672c\u8a9e\u306e\u540d"),
    *("\u062d\u0630\u0627\u0621 \u0631\u064a\u0627\u0636", "</script><script>alert(1)</script>"),
    *("**bold** `code` [a](http://b.c) @me #1 $x$", "great white shark, " + "x" * 180),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """What the stages write of images of these classes: for a model that has learned them, and for
    one that always says the first.
    """
    folder = tmp_path_factory.mktemp("named")
    part = split(folder, names=NAMES)["test"]
    run_logreg(folder)
    lazy = np.zeros((10, 64), np.float32), np.array([9, *[0] * 9], np.float32)
    write_linear_model(folder / "lazy" / "model.npz", LinearModel(*lazy, part.pixel_range))
    for file in ("training.json", "history.csv"):
        shutil.copy(folder / "logreg" / file, folder / "lazy" / file)
    run_evaluate(folder, "logreg", "lazy")
    figures = {name: folder / f"{name}.svg" for name in ("train_samples", "test_samples")}
    figures["class_histogram"] = folder / "class_histogram.svg"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        explore_stats(
            **{"dataset": folder / "dataset.npz", "stats": folder / "stats.json", **figures},
            **{"labels": folder / "labels.csv", "samples": 25, "label_folds": 0, "seed": 1},
        )
    report(
        folder / "test.npz",
        [folder / "logreg", folder / "lazy"],
        **{"evaluation": folder / "evaluation.npz", "metrics": folder / "metrics.json"},
        **{"failed": folder / "failures.csv", "stats": folder / "stats.json"},
        **{"templates": ROOT / "scripts" / "templates", "html": folder / "page.html"},
        **{"markdown": folder / "page.md", "failures": 25, "seed": 1},
        **figures,
    )
    return folder


def test_files_for_other_tools_have_them(folder):
    metrics = json.loads((folder / "metrics.json").read_text())
    assert [row["class"] for row in metrics["lazy"]["per_class"]] == NAMES
    stats = json.loads((folder / "stats.json").read_text())
    assert [row["class"] for row in stats["class_counts"]] == NAMES
    rows = list(csv.DictReader((folder / "failures.csv").open(encoding="utf-8")))
    assert {from_csv_text(row["label"]) for row in rows} >= set(NAMES[1:])
    assert not [cell for row in rows for cell in row.values() if cell.startswith("=")]


def test_figures_have_them_in_their_room(folder):
    texts = {}
    for name in ("train_samples", "class_histogram"):
        root = ElementTree.parse(folder / f"{name}.svg")  # noqa: S314
        texts[name] = {one.text for one in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {shortened(name, 20) for name in NAMES} <= texts["class_histogram"]
    assert texts["train_samples"] <= {shortened(name, 11) for name in NAMES}


def test_what_is_cut_has_its_width():
    assert [columns(text) for text in ("", "ab", "\u65e5\u672c", "\u062d")] == [0, 2, 4, 1]
    assert shortened("ankle boot", 10) == "ankle boot"
    assert shortened("ankle boots", 10) == "ankle boo\u2026"
    assert shortened("\u65e5\u672c\u8a9e", 5) == "\u65e5\u672c\u2026"
    assert shortened("\u65e5\u672c\u8a9e", 1) == "\u2026"


def class_name(name: str) -> str:
    text = escape(name).encode("ascii", "xmlcharrefreplace").decode()  # as the page is written
    return f'<span class="name">{text}</span>' if len(name) > 4 else text


def test_the_page_shows_them_and_does_nothing_else(folder):
    html = (folder / "page.html").read_text()
    for name in NAMES:
        heads = [f'<th scope="{way}">{class_name(name)}</th>' for way in ("col", "row")]
        assert min(map(html.count, heads)) > 4, name
    assert not re.search(r"<b>|alert\(1\)</script>", html)
    data = re.search(r'id="page-data">(.*?)</script>', html, re.S)[1]
    assert json.loads(data)["classes"] == NAMES


def test_markdown_shows_them_and_does_nothing_else(folder):
    markdown = (folder / "page.md").read_text()
    assert not re.search(
        r"<|@me|http://|[^\\]`code|\*\*bold", markdown.replace("p\u00a0<\u00a00.001", "")
    )
    rows = [line for line in markdown.split("\n") if line.startswith("|")]
    cells = [len(re.findall(r"(?<!\\)\|", row)) for row in rows]
    header = next(place for place, row in enumerate(rows) if row.startswith("| | ankle boot |"))
    assert cells[header : header + 12] == [12] * 12


def test_a_review_shows_them_and_does_nothing_else(folder, tmp_path, monkeypatch):
    repository = Repository(tmp_path / "repository")
    monkeypatch.chdir(repository.folder)
    for path in (METRICS, FAILURES, STATS):
        shutil.copy(folder / Path(path).name, path)
    repository.commit("all classes")
    mistakes = read_results(Revision("this folder")).mistakes["lazy"]
    assert {one.label for one in mistakes.values()} == set(NAMES[1:])
    assert {one.answer for one in mistakes.values()} == {NAMES[0]}
    metrics = json.loads(Path(METRICS).read_text())
    metrics["lazy"], metrics["logreg"] = metrics["logreg"], metrics["lazy"]
    Path(METRICS).write_text(json.dumps(metrics))
    text = Path(FAILURES).read_text()
    Path(FAILURES).write_text(
        text.replace("logreg", "other", 2).replace("lazy", "logreg", 2).replace("other", "lazy", 2)
    )
    part = read_split(folder / "test.npz")
    # Nothing has recorded what these results were made of.
    monkeypatch.setattr("review.review_page.available_images", lambda *_: part)
    links = Links("https://github.com/a/b", "https://github.com/a/b/actions/runs/1")
    drawn = draw_review(find_revision("main"), Revision("this folder"), Path("test.npz"), links)
    assert "now predicted as “ankle boot” by logreg" in drawn.markdown
    check_text(drawn.markdown, "https://github.com/a/b/")
    assert drawn.page.count("vs ankle boot</span>") >= 80
    assert not re.search(
        r"<b>|<script(?! type=\"application/json\" id=\"page-data\">|>)", drawn.page
    )
    assert drawn.page.count("<script") == 3  # our own: the images' data and two scripts


@opened_with(viewport={"width": 320, "height": 800})
def test_the_page_works_and_keeps_to_a_narrow_window(watched, folder):
    page = watched.open(folder, "#images?model=lazy")
    page.get_by_text("Filters: ").click()
    page.locator('#filters [name="label"]').select_option(label=NAMES[1])
    assert count(page) == 10
    assert page.locator("#gallery span").first.text_content() == "<b>x</b> vs ankle boot"
    page.locator("#gallery button").first.click()
    title = page.locator("#viewer-title").text_content()
    assert title == "Test image 1: labelled <b>x</b>"
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    heads = page.locator(".matrix .name").evaluate_all(
        "all => all.map(one => one.getBoundingClientRect()).map(one => [one.width, one.height])"
    )
    assert max(width for width, _ in heads) < 200
    assert max(height for _, height in heads) < 300
    assert accessibility_problems(page) == []


@pytest.mark.long
def test_the_html_is_valid(folder):
    assert html_problems(folder / "page.html") == []
