"""The failure browser of the page: filters, addresses, images, keys."""

import re
from itertools import pairwise

import numpy as np
import pytest
from browsing import browser, count, expected, folder, found, shown, watched

from core.split import read_split
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
    sure = [float(found.probabilities[1, image].max()) for image in shown(page)]
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
            assert said.startswith(f"{table}. {link.get_attribute('title')} (")
            counts = (str(cell["only_first"]), str(cell["only_second"]))
            assert f"{MINUS.join(counts)} images, 95 % interval" in said
        else:
            assert int(link.text_content()) == count(page)


def test_what_is_said_of_a_difference_goes_with_it(watched, folder, found):
    cell = found.findings["pairs"][1]["confusion_differences"][0]
    address = f"#images?model=logreg&other=cnn&label={cell['label']}&answer={cell['answer']}"
    page = watched.open(folder, f"{address}&agreement=one")
    said = page.locator("#difference")
    assert said.text_content().startswith("logreg less cnn")
    page.locator("#gallery button").first.click()
    page.reload()
    page.locator("#detail").wait_for()
    assert said.text_content().startswith("logreg less cnn")
    page.get_by_role("button", name="Clear").click()
    assert not said.is_visible()


def test_an_address_that_makes_no_sense_is_forgiven(watched, folder):
    address = "#images?model=nope&label=999&image=abc&from=50.5&to=200&order=%E0%A4%A"
    page = watched.open(folder, address)
    assert page.locator('#filters [name="from"]').input_value() == "50.5"
    assert page.locator('#filters [name="to"]').input_value() == "100"
    assert 0 < count(page) < 700


def test_a_filter_that_lacks_something_says_so(watched, folder):
    page = watched.open(folder)
    for agreement, lacking in (("one", "Choose a second model"), ("other-wrong", "second model")):
        page.locator('#filters [name="agreement"]').select_option(agreement)
        assert lacking in page.locator("#count").text_content()
    page.locator('#filters [name="other"]').select_option("cnn")
    assert "Choose" not in page.locator("#count").text_content()
    page.locator('#filters [name="agreement"]').select_option("one")
    assert "Choose an answer" in page.locator("#count").text_content()


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
    page.keyboard.press("Escape")
    assert not page.locator("#detail").is_visible()
    assert page.evaluate(f"{focused}.dataset.place") == "0"

    page.goto(page.url.split("#")[0] + "#images?model=logreg&outcome=wrong")
    page.wait_for_function("document.querySelectorAll('#gallery button').length > 30")
    page.locator('#gallery [tabindex="0"]').focus()
    for key in ("ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp"):
        before = page.evaluate(f"{focused}.dataset.place")
        page.keyboard.press(key)
        assert page.evaluate(f"{focused}.dataset.place") != before
    assert page.evaluate(f"{focused}.dataset.place") == "0"
