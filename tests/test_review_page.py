"""The page of a review in a real browser: opened from a file, with the network off."""

import json
import subprocess
from importlib.resources import files
from pathlib import Path

import pytest
from browsing import (
    accessibility_problems,
    browser,
    html_problems,
    in_each_scheme,
    opened_with,
    watched,
)
from changed_results import Repository, write_images
from made_results import HOSTILE, check

from core.split import read_split
from freshness.revision import Revision, find_revision
from review.review_page import draw_review

pytestmark = pytest.mark.xdist_group("browser")  # one browser for all


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A folder with the page of a review, where one model has broken more than a gallery shows."""
    repository = Repository(tmp_path / "repository")
    monkeypatch.chdir(repository.folder)
    kinds = {"images": 300, "dataset": HOSTILE}
    repository.commit(HOSTILE, {"cnn": [1, 2, 3], "<b>&x": [], "same": [4]}, **kinds)
    kinds["checks"] = {"a": check("stop", HOSTILE), "b": check("warn", "long " * 60)}
    repository.write({"cnn": [3, 5, 17], "<b>&x": [*range(20, 150)], "same": [4]}, **kinds)
    write_images(tmp_path / "test.npz", 300)
    part = read_split(tmp_path / "test.npz")
    # Nothing has recorded what these results were made of.
    monkeypatch.setattr("review.review_page.available_images", lambda *_: part)
    drawn = draw_review(find_revision("main"), Revision("this folder"), tmp_path / "test.npz")
    (tmp_path / "page.html").write_text(drawn.page)
    return tmp_path


def test_galleries_show_what_broke_and_what_was_fixed(watched, folder):
    page = watched.open(folder, script=False)
    cnn = page.locator("section", has=page.locator("h2", has_text="cnn"))
    assert cnn.locator("h3").all_text_contents() == ["2 broken", "2 fixed"]
    broken, fixed = cnn.locator("ul").all()
    captions = broken.locator("li > button > span:not(.quiet)")
    assert captions.all_text_contents() == ["7 vs 8", "5 vs 6"]
    alts = fixed.locator("img").evaluate_all("all => all.map(one => one.alt)")
    assert alts == ["Test image 2, labelled 2", "Test image 1, labelled 1"]
    image = broken.locator("img").first
    image.scroll_into_view_if_needed()  # it loads when it comes near
    width = image.evaluate("async one => (await one.decode(), one.naturalWidth)")
    assert width == 4
    many = page.locator("section", has=page.locator("h2", has_text="<b>&x"))
    assert many.locator("h3").text_content() == "130 broken: the 100 most confident"
    assert many.locator("img").count() == 100
    assert page.get_by_role("heading", name="same").count() == 0
    assert page.title() == "Review against main"


def test_an_image_opens_with_its_predictions_before_and_now(watched, folder):
    page = watched.open(folder, script=False)
    cnn = page.locator("section", has=page.locator("h2", has_text="cnn"))
    assert cnn.locator("li").first.locator(".quiet").last.text_content() == "no.\u00a017"
    cnn.locator("li button").first.click()
    viewer = page.locator("#viewer")
    assert viewer.locator("h2").text_content() == "Test image 17: labelled 7"
    rows = [row.locator("th, td").all_text_contents() for row in viewer.locator("tbody tr").all()]
    assert rows == [
        ["same", "✓ 7", "✓ 7 (51.7\u00a0%)"],
        ["cnn", "✓ 7", "✗ 8 (51.7\u00a0%)"],
        ["<b>&x", "✓ 7", "✓ 7 (51.7\u00a0%)"],
    ]
    assert viewer.locator("a").get_attribute("href").startswith("comparison.html#images?model=")
    assert viewer.locator("canvas").evaluate("one => [one.width, one.height]") == [4, 4]
    page.keyboard.press("ArrowRight")
    assert viewer.locator("h2").text_content() == "Test image 5: labelled 5"
    page.keyboard.press("Escape")
    assert not viewer.is_visible()
    assert cnn.locator("li button").nth(1).evaluate("one => one === document.activeElement")


def test_bad_news_has_its_colour(watched, folder):
    page = watched.open(folder, script=False)
    assert page.locator(".verdict.bad strong").count() == 1
    table = page.get_by_role("table", name="Each model, before and now")
    assert [row.split("\n")[0] for row in table.locator("tbody th").all_text_contents()] == [
        *("same", "cnn", "<b>&x")
    ]
    cells = table.locator("tbody tr").last.locator("td").all_text_contents()
    assert cells[:2] == ["100.00\u00a0%", "56.67\u00a0%"]


@opened_with(viewport={"width": 320, "height": 800})
def test_a_narrow_window_scrolls_in_one_direction(watched, folder):
    page = watched.open(folder, script=False)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


@in_each_scheme
def test_axe_finds_nothing(watched, folder):
    page = watched.open(folder, script=False)
    assert accessibility_problems(page) == []


def test_the_html_is_valid(folder):
    assert html_problems(folder / "page.html") == []
