"""The page in a real browser: opened from a file, with the network off."""

import base64
import json
import re
import subprocess
from importlib.resources import files
from urllib.parse import urlencode

import pytest
from browsing import (
    MODELS,
    Watched,
    accessibility_problems,
    browser,
    count,
    expected,
    folder,
    found,
    html_problems,
    opened_with,
    watched,
)
from made_results import HOSTILE, check, render

pytestmark = pytest.mark.xdist_group("browser")  # one browser for all


def test_the_comparison_can_be_sorted(watched, folder, found):
    page = watched.open(folder)
    table = page.get_by_role("table", name="Each model on the same 700 test images")
    by_failures = sorted(MODELS, key=lambda name: found.findings["metrics"][name]["failures"])
    button = table.get_by_role("button", name="failures")
    names = table.get_by_role("button", name="model")
    names.click()
    assert table.locator("tbody th a").all_text_contents() == sorted(MODELS)
    for order, names in (("ascending", by_failures), ("descending", by_failures[::-1])):
        button.click()
        assert button.locator("..").get_attribute("aria-sort") == order
        assert table.locator("tbody th a").all_text_contents() == names


@opened_with(viewport={"width": 1440, "height": 900})
def test_tables_of_a_row_stand_at_one_height(watched, folder):
    page = watched.open(folder)
    tops = "list => [...list.children].map(one => one.getBoundingClientRect().top)"
    rows = [page.locator(".matrices").first, page.locator("article .columns").nth(2)]
    for row in rows:
        row.scroll_into_view_if_needed()
        found = row.evaluate(tops)
        assert len(found) == 3
        assert len(set(found)) == 1, found


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
        assert (
            f"Number {draw} of {min(200, len(wrong))} failures drawn at random, seed 1" in caption
        )
        assert index in wrong
        assert (label, answer) == (found.labels[index], found.predicted[1, index])
        share = float(example.locator("td.answer").nth(0).text_content().split("\u00a0")[0])
        assert 0 < share <= 100
        numbers.add(index)
        example.get_by_role("button", name="Another failure").click()
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
    addresses = page.locator("main a").evaluate_all("all => all.map((one) => one.hash.slice(1))")
    there = set(page.locator("[id]").evaluate_all("all => all.map((one) => one.id)"))
    assert set(addresses) - {""} <= there  # no link goes nowhere


@opened_with(viewport={"width": 320, "height": 800})
def test_a_narrow_window_scrolls_in_one_direction(watched, folder):
    page = watched.open(folder, "#images?model=cnn&outcome=wrong")
    page.locator("#gallery button").first.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    assert page.evaluate("document.getElementById('viewer').scrollWidth") <= 320


def test_print_has_the_digits(watched, folder):
    page = watched.open(folder)
    paper = page.pdf()
    assert len(re.findall(rb"/Subtype\s*/Image", paper)) >= 75


@pytest.mark.parametrize(
    "watched",
    [
        {"color_scheme": "light"},
        {"color_scheme": "dark"},
        pytest.param({"forced_colors": "active"}, marks=pytest.mark.long),  # the user's own colours
    ],
    indirect=True,
    ids=["light", "dark", "forced"],
)
def test_axe_finds_nothing(watched, folder):
    page = watched.open(folder, "#images?model=cnn&outcome=wrong")
    assert accessibility_problems(page) == []
    page.locator("#gallery button").first.click()
    assert accessibility_problems(page) == []


@pytest.mark.parametrize(
    "watched",
    [{"viewport": {"width": 320, "height": 800}}, {"color_scheme": "dark"}],
    indirect=True,
    ids=["narrow", "dark"],
)
def test_what_the_data_cannot_say_is_seen_first(watched, tmp_path):
    checks = {"a": check("stop", pictures=5), "b": check("warn", "long " * 60)}
    render(tmp_path, {"logreg": 5}, checks=checks)
    page = watched.open(tmp_path)
    heading = page.get_by_role("heading", name="The data cannot show which model to trust")
    assert heading.bounding_box()["y"] < page.locator(".evidence").bounding_box()["y"]
    pictures = page.locator(".checks img")
    assert pictures.evaluate_all("all => all.map(one => one.naturalWidth)") == [3] * 10
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert accessibility_problems(page) == []


def test_the_html_is_valid(folder, tmp_path):
    """Of three models, and of hostile names."""
    checks = {"a": check("stop", HOSTILE, pictures=3), "b": check("note", HOSTILE)}
    render(tmp_path, {"logreg": 5, "<b>&x": 5}, dataset=HOSTILE, checks=checks)
    assert html_problems(folder / "page.html", tmp_path / "page.html") == []


def test_hostile_names_do_nothing(watched, tmp_path):
    render(tmp_path, {"logreg": 5, '"><b onload=alert(1)>': 3, "a,b": 2}, dataset=HOSTILE)
    page = watched.open(
        tmp_path, "#" + "images?" + urlencode({"model": '"><img src=x>', "answer": "x"})
    )
    assert count(page) == 40
    page.locator("#gallery button").first.click()
    assert '"><b onload=alert(1)>' in page.locator("#viewer thead").text_content()
    assert page.title().startswith(HOSTILE[:20])


def test_models_are_told_apart_whatever_their_names(watched, tmp_path):
    """By addresses, and by identifiers that are the page's own."""
    wrong = {"model-2": 5, "=1+1": 4, "page-data": 3, "images": 2, "$x$ $\\foo$": 1}
    render(tmp_path, wrong)
    page = watched.open(tmp_path)
    page.locator('#filters [name="outcome"]').select_option("wrong")
    for name, failures in wrong.items():
        page.locator('#filters [name="model"]').select_option(label=name)
        assert count(page) == failures


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
    assert page.get_by_text("none match these filters").is_visible() == (wrong[name] == 0)


def test_a_page_without_room_for_images(watched, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("page.render.PAGE_BYTES", 1_000)
    render(tmp_path, {"logreg": 5})
    assert re.search(r"^report: the page is \d+ bytes larger than 1000$", capsys.readouterr().err)
    page = watched.open(tmp_path)
    assert page.get_by_text("Only 0 of the 40 test images fit on this page").count() == 1
    assert count(page) == 0


def test_it_works_without_history(watched, folder):
    """Some frames forbid to change the address."""
    watched.page.add_init_script("History.prototype.replaceState = () => { throw new Error(); }")
    page = watched.open(folder)
    before = count(page)
    page.locator('#filters [name="outcome"]').select_option("")
    assert count(page) == 700 > before


def test_it_works_within_a_data_frame(watched, folder):
    """Where Snakemake's report shows it."""
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
