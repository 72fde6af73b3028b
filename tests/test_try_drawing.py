"""The page to draw on, in a real browser: opened from a file, with the network off."""

from pathlib import Path

import numpy as np
import pytest
from browsing import (
    Watched,
    accessibility_problems,
    browser,
    html_problems,
    in_each_scheme,
    opened_with,
    watched,
)
from made_results import HOSTILE
from playwright.sync_api import Page
from tried_models import (
    check_predictions,
    draw_page,
    keep_network,
    opened,
    uncompiled,
    write_images,
    write_logreg,
    write_metrics,
)

from core.split import read_split
from evaluation.trained_model import read_model
from networks.backend import keras

pytestmark = [
    pytest.mark.xdist_group("browser"),
    pytest.mark.filterwarnings("ignore:Even though the `tf.config.experimental_run"),
]
PHONE = {"viewport": {"width": 390, "height": 664}, "has_touch": True}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Three models, and ten classes."""
    folder = tmp_path_factory.mktemp("try")
    write_images(folder, classes=10)
    keras.utils.set_random_seed(1)
    for name in ("cnn", "mlp", "other"):
        keep_network(folder, [keras.layers.Flatten(), keras.layers.Dense(8, "relu")], name)
    write_metrics(folder, "cnn", "mlp", "other")
    draw_page(folder)
    return folder


def test_a_test_image_can_be_chosen_by_keyboard(watched, folder):
    """And what is shown is what the pipeline predicts."""
    part = read_split(folder / "test.npz")
    page = opened(watched, folder)
    assert page.locator("#answer").text_content() == "Draw, or choose a test image below."
    samples = page.locator("#samples button")
    assert samples.count() == 10
    samples.nth(3).focus()
    page.keyboard.press("Enter")
    page.locator('#samples button[aria-pressed="true"]').wait_for()
    number = int(samples.nth(3).get_attribute("title").split()[2].rstrip(","))
    assert part.labels[number] == 3
    image = part.images[number : number + 1]
    page.locator("#answer", has_text="predict").wait_for()
    said = page.locator("#answer").text_content()
    names = page.locator("thead th").all_text_contents()[1:]
    for place, name in enumerate(names, 2):
        expected = read_model(folder / name, 1).probabilities(image, 10)[0]
        cells = page.locator(f"#probabilities td:nth-child({place})")
        shown = [float(text.split()[0]) for text in cells.all_text_contents()]
        np.testing.assert_allclose(shown, 100 * expected, atol=0.06)
        widths = cells.locator("rect").evaluate_all(
            "all => all.map((one) => one.width.baseVal.value)"
        )
        np.testing.assert_allclose(widths, expected, atol=1e-4)
        best = part.classes[expected.argmax()]
        assert (
            page.locator(f"#probabilities tr:has(td:nth-child({place}).answer) th").text_content()
            == best
        )
        assert f"\u00a0{best}" in said
        assert name in said


def seen(page: Page) -> np.ndarray:
    """The pixels that the models see, (height, width)."""
    pixels = page.evaluate("[image.height, [...currentPixels()]]")
    return np.array(pixels[1]).reshape(pixels[0], -1)


def stroke(page: Page, *points: tuple[float, float]) -> None:
    """Draw with the mouse between points of the paper, from 0 to 1."""
    box = page.locator("#paper").bounding_box()
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=5)
    page.mouse.up()
    page.evaluate(
        "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
    )


def box_of(drawn: np.ndarray) -> tuple[int, int]:
    return tuple(np.ptp(np.flatnonzero(drawn.any(axis=axis))) + 1 for axis in (1, 0))


def test_a_drawing_is_put_as_mnists_digits_are(watched, tmp_path):
    """However large, and wherever it is drawn; a dot stays small."""
    write_logreg(tmp_path)
    draw_page(tmp_path, {"dataset": "mnist"})
    page = opened(watched, tmp_path)
    assert page.locator("h1").text_content() == "Draw a digit"
    first = None
    for size in (0.2, 0.8):
        seven = [(0.1, 0.1), (0.1 + size / 2, 0.1), (0.1 + size / 4, 0.1 + size)]
        stroke(page, *seven)
        drawn = seen(page) / 255
        assert box_of(drawn > 0.1)[0] == 20
        rows, columns = np.indices(drawn.shape) + 0.5
        centre = [(axis * drawn).sum() / drawn.sum() for axis in (rows, columns)]
        assert centre == pytest.approx([14, 14], abs=0.51)
        assert drawn.max() == 1
        assert ((drawn > 0) & (drawn < 1)).any()  # antialiased
        first = drawn if first is None else first
        page.get_by_role("button", name="Clear").click()
    np.testing.assert_allclose(drawn, first, atol=0.5)
    stroke(page, (0.5, 0.5))
    assert max(box_of(seen(page) > 25)) <= 4


def test_undo_and_clear(watched, tmp_path):
    write_logreg(tmp_path)
    draw_page(tmp_path)
    page = opened(watched, tmp_path)
    undo, clear = (page.get_by_role("button", name=name) for name in ("Undo", "Clear"))
    assert undo.is_disabled()
    assert clear.is_disabled()
    stroke(page, (0.5, 0.2), (0.5, 0.8))
    one = seen(page)
    stroke(page, (0.2, 0.5), (0.8, 0.5))
    assert (seen(page) != one).any()
    undo.click()
    stroked = page.evaluate(
        "() => new Promise((done) => requestAnimationFrame(() => done(strokes.length)))"
    )
    assert stroked == 1
    np.testing.assert_array_equal(seen(page), one)
    clear.click()
    page.locator("#answer", has_text="Draw, or").wait_for()
    assert not seen(page).any()
    assert set(page.locator("#probabilities td").all_text_contents()) == {"\u2013"}
    page.locator("#samples button").first.click()  # a stroke takes its place
    page.locator('#samples button[aria-pressed="true"]').wait_for()
    stroke(page, (0.5, 0.2), (0.5, 0.8))
    np.testing.assert_array_equal(seen(page), one)


def test_dark_ink_on_light_paper_and_hostile_names(watched, tmp_path):
    part = write_logreg(tmp_path, paper=255, ink=0)
    draw_page(tmp_path, {"dataset": HOSTILE})
    page = opened(watched, tmp_path)
    assert page.locator("h1").text_content() == "Draw one of 2 classes"
    assert page.locator("#probabilities th").nth(1).text_content() == part.classes[1]
    stroke(page, (0.5, 0.2), (0.5, 0.8))
    drawn = seen(page)
    assert (drawn[0] == 255).all()
    assert drawn[14, 14] == 0
    shown = "one => [...one.getContext('2d').getImageData(0, 0, one.width, one.height).data]"
    greys = np.reshape(page.locator("#seen").evaluate(shown), (28, 28, 4))[..., 0]
    np.testing.assert_array_equal(greys, drawn)
    check_predictions(page, tmp_path)
    assert html_problems(tmp_path / "page.html") == []


@in_each_scheme
def test_everybody_can_use_it(watched, folder):
    page = opened(watched, folder)
    assert accessibility_problems(page) == []
    page.locator("#samples button").first.click()
    page.locator("#answer", has_text="predict").wait_for()
    assert accessibility_problems(page) == []


@opened_with(**PHONE)
def test_on_a_phone_paper_and_predictions_are_seen_together(watched, tmp_path, folder):
    """Also while a finger draws, which does not scroll."""
    page = opened(watched, folder)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    last = page.locator("#probabilities tr").last.bounding_box()
    assert last["y"] + last["height"] <= 664
    box = page.locator("#paper").bounding_box()
    touch = page.context.new_cdp_session(page)
    for kind, share in (("touchStart", 0.8), ("touchMove", 0.5), ("touchMove", 0.2)):
        x, y = box["x"] + box["width"] / 2, box["y"] + share * box["height"]
        point = {"x": x, "y": y}
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [point]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.locator("#answer", has_text="predict").wait_for()
    ((_, *_, last_point),) = page.evaluate("strokes")
    assert last_point == pytest.approx([0.5, 0.2], abs=0.02)
    assert page.evaluate("scrollY") == 0


@opened_with(java_script_enabled=False)
def test_without_javascript_it_says_so(watched, folder):
    page = watched.open(folder, script=False)
    assert "needs JavaScript" in page.locator("noscript").text_content()
