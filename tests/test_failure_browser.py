"""The failure browser of the page: filters, addresses, images, keys."""

import csv
import re
from itertools import pairwise, product

import numpy as np
import pytest
from browsing import browser, count, expected, folder, found, opened_with, shown, watched
from made_results import render

from core.split import read_split
from core.text import csv_text
from drawing.images import as_grey

pytestmark = pytest.mark.xdist_group("browser")  # one browser for all

MINUS = " \N{MINUS SIGN} "


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
        {"model": "cnn", "from": "70", "to": "90", "outcome": "right"},
        lambda labels, said, sure: (said[2] == labels) & (sure[2] >= 0.7) & (sure[2] <= 0.9),
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
        {"model": "logreg", "other": "cnn", "label": "2", "answer": "2", "relation": "one"},
        lambda labels, said, sure: (labels == 2) & ((said[0] == 2) != (said[2] == 2)),
    ),
    "two answers": (
        {"model": "logreg", "answer": "1", "other": "mlp", "other-answer": "7"},
        lambda labels, said, sure: (said[0] == 1) & (said[1] == 7),
    ),
    "the second wrong": (
        {"model": "cnn", "outcome": "right", "other": "mlp", "relation": "other-wrong"},
        lambda labels, said, sure: (said[2] == labels) & (said[1] != labels),
    ),
    "two models differ": (
        {"model": "cnn", "other": "mlp", "relation": "differ", "label": "7"},
        lambda labels, said, sure: (said[2] != said[1]) & (labels == 7),
    ),
    "nothing": (
        {"model": "cnn", "label": "4", "answer": "4", "outcome": "wrong"},
        lambda labels, said, sure: sure[0] < 0,
    ),
}


@pytest.mark.parametrize("name", FILTERS)
def test_filter_gives_the_right_images(name, watched, folder, found):
    fields, passes = FILTERS[name]
    page = watched.open(folder)
    page.get_by_role("button", name="Clear").click()
    assert count(page) == 700
    page.locator("#second summary").click()
    page.locator('#filters [name="order"]').select_option("number")
    for field, value in fields.items():
        control = page.locator(f'#filters [name="{field}"]')
        control.fill(value) if field in ("from", "to") else control.select_option(value)
    images = expected(found, passes)
    assert count(page) if images else page.get_by_text("none match these filters").is_visible()
    assert shown(page) == images
    # The address has the whole state: opened again, the page shows the same.
    again = watched.context.new_page()
    again.goto(page.url)
    again.locator("#browser").wait_for()
    assert shown(again) == images
    assert {
        control: again.locator(f'#filters [name="{control}"]').input_value() for control in fields
    } == fields


def test_order(watched, folder, found):
    """The most confident first, unless asked otherwise; each tile has its confidence."""
    page = watched.open(folder, "#images?model=mlp&outcome=wrong")
    for order, sign in (("", 1), ("unsure", -1)):
        page.locator('#filters [name="order"]').select_option(order)
        sure = [float(found.probabilities[1, image].max()) for image in shown(page)]
        assert len(sure) > 30
        assert all(sign * one >= sign * other - 1 / 255 for one, other in pairwise(sure))
        below = page.locator("#gallery .quiet").first.text_content()
        assert float(below.split("\u00a0")[0]) == pytest.approx(100 * sure[0], abs=0.8)


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
            "Confusion matrix of mlp",
            true,
            answer,
            (labels == true) & (said[1] == answer),
        ),
        (
            "cnn minus logreg",
            cell["label"],
            cell["answer"],
            (labels == cell["label"])
            & ((said[0] == cell["answer"]) != (said[2] == cell["answer"])),
        ),
        (
            "Rows: mlp, columns: logreg",
            other,
            one,
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
        assert sorted(shown(page)) == np.flatnonzero(passes).tolist()
        if "minus" in table:
            said = page.locator("#difference").text_content()
            assert said.startswith(f"{table}. {link.locator('..').get_attribute('title')} (")
            counts = (str(cell["only_second"]), str(cell["only_first"]))  # the better model first
            assert f"{MINUS.join(counts)} images, 95\u00a0% interval" in said
        else:
            assert int(link.text_content()) == count(page)


def test_what_is_said_of_a_difference_goes_with_it(watched, folder, found):
    cell = found.findings["pairs"][1]["confusion_differences"][0]
    address = f"#images?model=cnn&other=logreg&label={cell['label']}&answer={cell['answer']}"
    page = watched.open(folder, f"{address}&agreement=one")  # as older addresses have it
    said = page.locator("#difference")
    assert said.text_content().startswith("cnn minus logreg")
    page.locator("#gallery button").first.click()
    page.reload()
    page.locator("#viewer").wait_for()
    assert said.text_content().startswith("cnn minus logreg")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Clear").click()
    assert not said.is_visible()


def test_an_address_that_makes_no_sense_is_forgiven(watched, folder):
    address = "#images?model=nope&label=999&image=abc&from=50.5&to=200&order=%E0%A4%A"
    page = watched.open(folder, address)
    assert page.locator('#filters [name="from"]').input_value() == "50.5"
    assert page.locator('#filters [name="to"]').input_value() == "100"
    assert 0 < count(page) < 700


def test_a_filter_that_would_do_nothing_cannot_be_chosen(watched, folder):
    page = watched.open(folder, "#images?model=mlp&other=mlp&relation=differ&other-answer=3")
    page.locator("#second summary").click()
    relation, other = (page.locator(f'#filters [name="{name}"]') for name in ("relation", "other"))
    assert (relation.input_value(), other.input_value()) == ("", "")
    assert count(page) == 700
    assert relation.is_disabled()
    other.select_option("cnn")
    assert relation.is_enabled()
    one = relation.locator('[value="one"]')
    assert one.is_disabled()
    page.locator('#filters [name="answer"]').select_option("3")
    assert one.is_enabled()
    relation.select_option("one")
    page.locator('#filters [name="answer"]').select_option("")
    assert relation.input_value() == ""


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        ("0", "200", "Confidence 200 is not allowed; allowed: 0 to 100"),
        ("90", "50", "from 90 to 50"),
    ],
)
def test_a_confidence_that_makes_no_sense_is_said(low, high, said, watched, folder):
    page = watched.open(folder)
    page.locator('#filters [name="from"]').fill(low)
    page.locator('#filters [name="to"]').fill(high)
    assert said in page.locator("#count").text_content()
    assert page.locator("#gallery button").count() == 0


def test_the_same_number_opens_its_images_again(watched, folder):
    page = watched.open(folder)
    link = page.locator(".matrix a").first
    for _ in range(2):
        link.click()
        page.wait_for_function("document.activeElement.id === 'count'")
        page.evaluate("scrollTo(0, 0)")
        page.locator("nav a").first.focus()


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
# itself makes Chromium warn.
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
    first, second, *_, last = shown(page)
    assert {first, last} <= set(expected(found, lambda labels, said, sure: said[2] != labels))
    page.locator("#gallery button").first.click()
    title = page.locator("#viewer-title")
    assert title.text_content() == f"Test image {first}: labelled {found.labels[first]}"
    rows = page.locator("#viewer tbody tr")
    for label in range(10):
        shares = rows.nth(label).locator("td").all_text_contents()
        assert [float(share.split("\u00a0")[0]) for share in shares] == pytest.approx(
            (100 * found.probabilities[:, first, label]).tolist(), abs=0.25
        )
    assert rows.locator("td.answer").count() == 3
    assert f"image={first}" in page.url
    again = watched.context.new_page()
    again.goto(page.url)
    again.locator("#viewer").wait_for()
    assert again.locator("#viewer-title").text_content() == title.text_content()
    following, previous = (page.get_by_role("button", name=name) for name in ("Next", "Previous"))
    assert previous.is_disabled()
    following.click()
    assert title.text_content().startswith(f"Test image {second}:")
    assert previous.is_enabled()
    page.keyboard.press("ArrowLeft")
    assert title.text_content().startswith(f"Test image {first}:")
    for _ in range(page.locator("#gallery button").count() - 1):
        page.keyboard.press("ArrowRight")
    assert title.text_content().startswith(f"Test image {last}:")
    assert following.is_disabled()
    page.get_by_role("button", name="Close").click()
    assert not page.locator("#viewer").is_visible()


def test_an_image_of_each_grid_opens(watched, folder, found):
    page = watched.open(folder)
    for section, number in (("models", 3), ("together", 1)):
        grids = page.locator(f'section[aria-labelledby="{section}"] .failures')
        assert grids.count() == number
        button = grids.last.locator("button").nth(1)
        image = int(button.locator("img").get_attribute("alt").split()[2].rstrip(","))
        button.click()
        title = page.locator("#viewer-title").text_content()
        assert title == f"Test image {image}: labelled {found.labels[image]}"
        share = page.locator("#viewer td.answer").last.text_content()
        most = 100 * float(found.probabilities[2, image].max())
        assert float(share.split("\u00a0")[0]) == pytest.approx(most, abs=0.25)
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Escape")
        page.wait_for_function("document.activeElement.closest('.failures')")
        assert grids.last.locator("button").nth(2).evaluate("one => one === document.activeElement")


@opened_with(viewport={"width": 390, "height": 844}, has_touch=True)
def test_an_opened_image_is_seen_on_a_phone(watched, folder):
    page = watched.open(folder, "#images?model=cnn&outcome=wrong")
    assert not page.locator("#filters").is_visible()  # folded
    page.get_by_text("Filters: Model cnn, Outcome wrong").click()
    assert page.locator("#filters").is_visible()
    page.locator("#gallery button").first.tap()
    for part in ("#viewer canvas", "#viewer table", '#viewer [data-step="1"]'):
        box = page.locator(part).bounding_box()
        assert box["y"] >= 0
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
        assert box["y"] + box["height"] <= 844


def test_links_of_matrices_say_what_they_open(watched, folder):
    page = watched.open(folder)
    for table, said in (
        ("Confusion matrix of mlp", r"\d+ images? labelled 0, predicted \d by mlp"),
        ("cnn minus logreg", r".\d+ images? labelled 0, predicted \d: cnn minus logreg"),
        ("Rows: mlp, columns: logreg", r"\d+ images? predicted 0 by mlp, \d by logreg"),
    ):
        link = page.get_by_role("table", name=table).locator("a").first
        assert re.fullmatch(said, link.get_attribute("aria-label"))


def test_only_what_scrolls_is_a_stop_for_the_tab_key(watched, folder):
    page = watched.open(folder)
    stops = "() => [...document.querySelectorAll('main .scroll[tabindex]')]"
    page.wait_for_function(
        f"() => ({stops})().every((one) => one.scrollWidth > one.clientWidth"
        " || one.scrollHeight > one.clientHeight)"
    )
    page.set_viewport_size({"width": 320, "height": 800})
    page.locator(".matrix").first.scroll_into_view_if_needed()
    page.wait_for_function(f"() => ({stops})().some((one) => one.querySelector('.matrix'))")


def test_the_shown_images_as_a_table(watched, tmp_path):
    """Without a request; and a spreadsheet takes none of its cells for a formula."""
    render(tmp_path, {"=cmd()": 5, "good": 2})
    page = watched.open(tmp_path, "#images?outcome=wrong&order=number")
    page.locator('#filters [name="model"]').select_option(label="=cmd()")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download these as CSV").click()
    rows = list(csv.reader(download.value.path().read_text().splitlines()))
    assert rows[0] == ["index", "label", "'=cmd()", "'=cmd()_confidence", "good", "good_confidence"]
    assert [row[:3] for row in rows[1:]] == [[str(n), str(n), str(n + 1)] for n in range(5)]
    assert [row[4] for row in rows[1:]] == ["1", "2", "2", "3", "4"]
    assert all(0.5 <= float(row[3]) <= 1 for row in rows[1:])
    signs = [
        "a",
        "-5",
        "'",
        "\\",
        *'=+-@\uff1d\uff0b\uff0d\uff20;" \t\n\r\x1b\x85\u2028\u202e\xa0\ufeff\U000e0041',
    ]
    texts = ["".join(several) for several in product(signs, signs, ["=1", "-1", "\\n", ""])]
    cells = page.evaluate("texts => texts.map(csvCell)", texts)
    assert next(csv.reader([",".join(cells)])) == list(map(csv_text, texts))


def test_a_link_to_what_is_shown_can_be_copied(watched, folder):
    watched.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = watched.open(folder)
    page.get_by_role("button", name="Copy link").click()
    page.get_by_text("Copied.").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == f"{page.url}#images?outcome=wrong&model=cnn"


def test_keys_reach_every_cell_and_image(watched, folder):
    page = watched.open(folder)
    focused = "document.activeElement"
    table = page.get_by_role("table", name="Confusion matrix of logreg")
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
    page.locator("#viewer").wait_for()
    assert page.evaluate(f"{focused}.id") == "viewer-title"
    page.keyboard.press("Escape")
    assert not page.locator("#viewer").is_visible()
    assert page.evaluate(f"{focused}.dataset.place") == "0"

    page.goto(page.url.split("#")[0] + "#images?model=logreg&outcome=wrong")
    page.wait_for_function("document.querySelectorAll('#gallery button').length > 30")
    page.locator('#gallery [tabindex="0"]').focus()
    for key in ("ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp"):
        before = page.evaluate(f"{focused}.dataset.place")
        page.keyboard.press(key)
        assert page.evaluate(f"{focused}.dataset.place") != before
    assert page.evaluate(f"{focused}.dataset.place") == "0"
