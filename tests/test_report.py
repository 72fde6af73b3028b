"""The page and its Markdown version, of results made to be difficult. test_page.py opens it."""

import base64
import csv
import io
import json
import re
import shutil
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from made_results import HOSTILE, check, draw, make_results, probabilities_with_mistakes, render
from PIL import Image

from core.errors import UserError
from core.npz import write_arrays
from evaluation.evaluation import read_evaluation
from page.matrices import confusion_rows


class Page(HTMLParser):
    """The tags of a page, and its text without its scripts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.words: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag, attributes) -> None:
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data) -> None:
        if not self.tags or self.tags[-1][0] not in ("script", "style"):
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def numbers(html: str) -> list[str]:
    """The captions of the failures, true vs predicted."""
    return re.findall(r"<span>\d+ vs \d+</span>", html.split('id="together"')[0])


def signed(interval: list[float]) -> str:
    low, high = (f"{end:+.2f}".replace("-", "\N{MINUS SIGN}") for end in interval)
    return f"{low} to {high}"


def test_page_says_what_metrics_say(tmp_path):
    html, markdown = render(tmp_path, {"logreg": 20, "mlp": 10, "cnn": 4})
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    text = Page(html).text
    for name, accuracy in (("logreg", "50.00"), ("mlp", "75.00"), ("cnn", "90.00")):
        scores = metrics[name]
        assert f"Accuracy {accuracy} %: {scores['failures']} failures and" in text
        assert re.search(rf"\| {name} \| {accuracy}\s%", markdown)
        said = f"{scores['failures']} failures and {scores['successes']} successes"
        assert said in text
        assert said in markdown
        for against in scores["against"]:
            ends = [100 * against[f"difference_{end}"] for end in ("low", "high")]
            # Each pair is in the table once, the better less the other.
            better = scores["accuracy"] > metrics[against["model"]]["accuracy"]
            said = signed(ends if better else [-end for end in reversed(ends)])
            assert said in text
            assert said in markdown
            other = signed([-end for end in reversed(ends)] if better else ends)
            assert other not in text


def test_verdict_names_the_best_and_what_cannot_be_told_apart(tmp_path):
    html, markdown = render(tmp_path, {"logreg": 30, "mlp": 5, "cnn": 4})
    for text in (Page(html).text, " ".join(markdown.split())):
        assert re.search(r"cnn classifies 36 of 40 test images correctly", text)
        assert "mlp cannot be told apart from it" in text
        assert "Either is a reasonable choice: cnn has 650 parameters, mlp 650." in text
        assert "logreg cannot" not in text
        assert "nother seed would change these results" in text


def test_a_clear_lead_is_said_to_be_more_than_chance(tmp_path):
    html, markdown = render(tmp_path, {"logreg": 30, "cnn": 0})
    for text in (Page(html).text, markdown):
        assert "It beats logreg by more than chance would explain." in text
        assert "will do" not in text


def test_what_the_data_cannot_say_stands_above_the_verdict(tmp_path):
    checks = {"a": check("note"), "b": check("warn"), "c": check("stop", pictures=2)}
    html, markdown = render(tmp_path, {"cnn": 4}, checks=checks)
    verdict = "So this page does not name a model to trust."
    for text in (Page(html).text, markdown):
        places = [text.index(said) for said in ("Found stop.", "Found warn.", verdict)]
        assert places == sorted(places)
        assert text.index("The data cannot show which model to trust") < places[0]
        assert text.index("Found note. Meaning note. Act note.") > text.index("The data", places[2])
        assert "Meaning stop. Act stop." in text
    pictures = [each for tag, each in Page(html).tags if tag == "img"][:4]
    alts = [each["alt"] for each in pictures]
    assert alts == ["train 7, labelled 3", "test mean, labelled 3"] * 2
    image = Image.open(io.BytesIO(base64.b64decode(pictures[1]["src"].partition(",")[2])))
    assert np.array(image.convert("L")).tolist() == [[0, 0, 255], [17, 34, 51]]


def test_what_is_only_to_be_looked_at_is_said_so(tmp_path):
    html, markdown = render(tmp_path, {"cnn": 4}, checks={"a": check("warn")})
    for text in (Page(html).text, markdown):
        assert "Check the data before you trust a model" in text
        assert "cannot show which" not in text


def test_what_was_done_to_the_images_is_said(tmp_path):
    html, markdown = render(
        tmp_path, {"cnn": 4}, preparation={"colour": "Turned | to <grey>.", "resize": "Cut."}
    )
    assert "in 10 classes. Turned | to <grey>. Cut. Alike." in Page(html).text
    assert r"in 10 classes. Turned \| to &#60;grey&#62;. Cut. Alike." in markdown


def test_nothing_is_said_above_the_verdict_of_notes(tmp_path):
    plain = render(tmp_path / "plain", {"cnn": 4})
    noted = render(tmp_path / "noted", {"cnn": 4}, checks={"a": check("note")})
    for before, after in zip(plain, noted, strict=True):
        added = [line for line in after.splitlines() if line not in before.splitlines()]
        assert [line for line in added if "note" in line and "base64" not in line]
        assert before.count("Stop.") == after.count("Stop.") == 0
        assert 'class="checks"' not in after


def test_damaged_results_are_one_line(rendered, tmp_path):
    shutil.copytree(rendered, tmp_path, dirs_exist_ok=True)
    arrays = dict(np.load(tmp_path / "evaluation.npz"))
    for change, message in (
        ({"version": np.array(1)}, "version 1; allowed: 2"),
        ({"findings": np.frombuffer(b'{"metrics": ', np.uint8)}, "findings: not valid JSON"),
        ({"findings": np.frombuffer(b"[]", np.uint8)}, "findings without abstention, contested"),
        (
            {"models": np.array("logreg")},
            r"array models has dtype <U6 and shape \(\); allowed: text",
        ),
        (
            {"classes": np.arange(1, 11).astype(str)},
            "made from other models or images; rerun evaluate",
        ),
        (
            {"probabilities": np.zeros((1, 2, 3))},
            r"shape \(1, 2, 3\); allowed: floats of shape \(1, 40, 10\)",
        ),
        ({"probabilities": np.full((1, 40, 10), np.nan)}, "numbers that are NaN"),
        ({"models": np.array(["other"])}, "made from other models or images; rerun evaluate"),
        ({"labels": np.zeros(40, int)}, "made from other models or images; rerun evaluate"),
    ):
        write_arrays(tmp_path / "evaluation.npz", **{**arrays, **change})
        with pytest.raises(UserError, match=message):
            draw(tmp_path, ["logreg"])


@pytest.fixture(scope="module")
def rendered(tmp_path_factory) -> Path:
    """Results of one model, and their page. To be copied, not changed."""
    folder = tmp_path_factory.mktemp("rendered")
    render(folder, {"logreg": 5})
    return folder


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("metrics.json", "{}", "does not match .*evaluation.npz; rerun evaluate"),
        ("logreg/training.json", "{}", "is not in the format of a training"),
        ("logreg/training.json", '{"calibration": {}}', "is not in the format of a training"),
        ("logreg/history.csv", "", "is not in the format of a training"),
        ("logreg/history.csv", "epoch,loss\n", "is not in the format of a training"),
        ("samples.svg", "<svg", "not a valid SVG file"),
    ],
)
def test_damaged_files_are_one_line(name, content, message, rendered, tmp_path):
    shutil.copytree(rendered, tmp_path, dirs_exist_ok=True)
    (tmp_path / name).write_text(content)
    with pytest.raises(UserError, match=message):
        draw(tmp_path, ["logreg"])


def test_what_a_small_test_set_says_of_confidence(tmp_path):
    """One mistake of low confidence among eight images; then one as confident as the rest."""
    labels = np.arange(8)
    likely = np.full((1, 8, 10), 0.01)
    likely[0, labels, labels] = 0.91
    likely[0, 0] = 0.1
    likely[0, 0, 5] = 0.2
    likely /= likely.sum(axis=2, keepdims=True)
    html, _ = render(tmp_path / "a", {"one": 0}, images=8, likely=likely)
    assert "On the 88\u00a0% of the images where it is most confident, it gets 100.00" in html
    likely[0, 0] = np.roll(likely[0, 1], 1)
    html, _ = render(tmp_path / "b", {"one": 0}, images=8, likely=likely)
    assert "It is as confident in its mistakes as in its correct predictions" in html


def test_remarks_of_the_training_are_said(rendered):
    for name in ("page.html", "page.md"):
        assert "Its training stopped early." in (rendered / name).read_text()


def test_parameters_that_differ_from_the_defaults_are_marked(rendered):
    html, markdown = (unescape((rendered / name).read_text()) for name in ("page.html", "page.md"))
    assert '<tr class="changed"><th scope="row">epochs •</th><td>2</td><td>1</td></tr>' in html
    assert '<tr><th scope="row">hidden</th><td>3</td><td></td></tr>' in html
    assert "**epochs 2**, hidden 3." in markdown


def test_each_model_shows_25_failures(tmp_path):
    html, _ = render(tmp_path, {"logreg": 30, "mlp": 30})
    assert len(numbers(html)) == 50
    assert html.count("Class probabilities of one random failure") == 2


def test_as_many_failures_as_there_are(tmp_path):
    html, _ = render(tmp_path, {"logreg": 3, "one": 1, "most": 26})
    assert len(numbers(html)) == 3 + 1 + 25
    for heading in ("All 3 failures", "The only failure", "25 random failures"):
        assert f"<h4>{heading}, true vs predicted</h4>" in html


def test_no_failures_is_said(tmp_path):
    html, markdown = render(tmp_path, {"logreg": 0, "cnn": 0})
    assert html.count("No failures to show: every test image is classified correctly.") == 2
    assert markdown.count("No failures to show") == 2
    assert "No model is wrong on any test image" in html
    assert "these images cannot show where it fails" in html


@pytest.mark.parametrize(
    ("wrong", "kinds"),
    [
        ({"only": 1}, {"images": 1}),
        ({f"model{place}": place for place in range(12)}, {}),
        ({"a": 26, "b": 3}, {"shape": (20, 30), "classes": 26, "images": 52}),
        ({"all-wrong": 40, "other": 0}, {}),
        ({"two": 1, "classes": 0}, {"classes": 2}),
        ({"wide": 3, "line": 1}, {"shape": (1, 300)}),
        ({"large": 3}, {"shape": (400, 300)}),
    ],
)
def test_other_shapes_render(wrong, kinds, tmp_path):
    html, markdown = render(tmp_path, wrong, **kinds)
    text = Page(html).text
    assert f"All {kinds.get('images', 40)} test images are on this page." in text
    for name in wrong:
        assert f" {name}</h3>" in html
        assert f"## {name}" in markdown
    assert ("There is only one model, so there is nothing to compare." in text) == (len(wrong) == 1)
    assert ("shown at 1/" in text) == ("wide" in wrong or "large" in wrong)
    assert ("the filters below can compare any two models" in text) == (len(wrong) > 3)


def test_the_largest_counts_are_listed_of_many_classes(tmp_path):
    html, _ = render(tmp_path, {"a": 70, "b": 3}, classes=40, images=80)
    assert 'class="matrix' not in html
    shown = html.split('id="confusion"')[1].split("</section>")[0]
    assert "Most frequent mistakes of a" in Page(shown).text
    assert 'data-images="?model=a&amp;label=0&amp;answer=1">2</a>' in shown
    assert shown.count("<details>") == 2  # the difference, and model against model


def test_many_models_are_folded(tmp_path):
    """The best model's comparisons are to be seen, all other pairs and each model's part open."""
    names = [f"m{place}" for place in range(6)]
    html, _ = render(tmp_path, {name: 3 + place for place, name in enumerate(names)})
    text = html.split("<h3>Are the differences more than chance?</h3>")[1].split("</section>")[0]
    seen, folded = text.split("<details><summary>The 10 other pairs</summary>")
    assert [seen.count("</span> m0</th>"), folded.count("</span> m0</th>")] == [5, 0]
    assert len(re.findall(r'<details><summary>\s*<h3 class="model"', html)) == 6
    few, _ = render(tmp_path / "few", {"a": 1, "b": 2})
    assert "other pairs" not in few
    assert not re.search(r'<summary>\s*<h3 class="model"', few)


def test_a_large_file_is_named_instead_of_attached(tmp_path, monkeypatch):
    monkeypatch.setattr("page.render.DOWNLOAD_BYTES", 3_000)
    html, _ = render(tmp_path, {"a": 1})
    assert "<code>reports/metrics.json</code> (too large for this page)" in html
    assert '<a download="failures.csv" href="data:' in html


def test_the_deepest_colour_is_the_largest_mistake():
    cells = confusion_rows([[90, 1, 8], [4, 30, 0], [2, 0, 7]], "a")["rows"]
    kinds = [[cell["kind"] for cell in row] for row in cells]
    assert kinds == [["right", "heat1", "heat4"], ["heat2", "right", ""], ["heat1", "", "right"]]


def test_a_model_that_always_says_one_class(tmp_path):
    constant = np.zeros((40, 10))
    constant[:, 3] = 1
    good = probabilities_with_mistakes(np.arange(40) % 10, 2, 10)
    html, _ = render(tmp_path, {"constant": 0, "good": 0}, likely=np.stack([constant, good]))
    text = Page(html).text
    assert "Accuracy 10.00 %: 36 failures and 4 successes." in text
    assert "100.0 % 100.0 % 36 10.00 %" in text  # it cannot abstain


def test_what_does_not_fit_is_left_out_and_said(tmp_path, monkeypatch):
    """Failures are kept first, and the page stays within its size."""
    monkeypatch.setattr("page.render.PAGE_BYTES", 500_000)
    html, _ = render(tmp_path, {"a": 300, "b": 200}, images=20_000, shape=(6, 6))
    assert len(html.encode()) <= 500_000
    kept = re.search(r"Only ([\d,]+) of the 20,000 test images fit on this page", html)[1]
    assert 2_000 < int(kept.replace(",", "")) < 20_000
    assert "300 of the 300 that a model gets wrong" in html


def test_page_allows_its_own_style_and_script_only(tmp_path):
    html, _ = render(tmp_path, {"logreg": 5, "cnn": 2})
    tags = Page(html).tags
    policy = next(
        attributes["content"]
        for tag, attributes in tags
        if tag == "meta" and "http-equiv" in attributes
    )
    assert policy.startswith("default-src 'none'; img-src data:; style-src 'sha256-")
    assert "unsafe" not in policy
    assert not {tag for tag, _ in tags} & {"link", "iframe", "object", "base", "embed"}
    for tag, attributes in tags:
        assert not [key for key in attributes if key == "style" or key.startswith("on")]
        for key in ("href", "src"):
            assert attributes.get(key, "#").startswith(("#", "data:")), (tag, attributes)
    script = "".join(re.findall(r"<script>(.*?)</script>", html, re.DOTALL))
    assert script.count('"use strict"') == policy.split("script-src")[1].count("'sha256-") == 7
    assert len(script) < 45_000
    assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(", script)


def test_hostile_names_are_inert(tmp_path):
    html, markdown = render(
        tmp_path,
        {"logreg": 5, "<b>&x|`@me": 5, "=cmd()": 3},
        failures=3,
        dataset=HOSTILE,
        checks={"<b>": check("stop", HOSTILE, pictures=2), "x": check("note", HOSTILE)},
    )
    assert "<b>" not in html
    assert "<b>" not in markdown
    page = Page(html)
    assert "alert(1)" in page.text
    assert all(attributes.get("src") != "x" for _, attributes in page.tags)
    assert "\u2028" not in html.split('id="page-data"')[1]
    assert "<img" not in markdown
    assert "@everyone" not in markdown
    assert "@me" not in markdown
    top = markdown.split("## The data")[0]
    assert len(top.encode()) <= 8_000
    header = next(csv.reader(io.StringIO((tmp_path / "failures.csv").read_text())))
    assert not [name for name in header if name.startswith(("=", "+", "-", "@"))]


@pytest.mark.parametrize(("name", "written"), [("best_1", "best_1"), ("my $(best)", "NAME")])
def test_commands_to_use_the_best_model(name, written, tmp_path):
    """A name that a shell would not take as it is stands in none of them."""
    html, markdown = render(tmp_path, {"other": 5, name: 2})
    shown = html.split('<section aria-labelledby="take">')[1].split("</section>")[0]
    text = markdown.split("## Use the model")[1].split("\n## ")[0]
    commands = [
        f"make predict IMAGES=photo.png MODEL={written}",
        f"make export MODEL={written}",
        f"gto register {written}",
        f"dvc artifacts get REPOSITORY {written}",
    ]
    for command in commands:
        assert f"<code>{command}</code>" in shown
        assert f"`{command}`" in text
    assert '<a href="#take">' in html


def test_top_of_the_markdown_fits_a_comment(tmp_path):
    _, markdown = render(tmp_path, {"logreg": 20, "mlp": 9}, shape=(96, 96))
    top = markdown.split("## The data")[0]
    assert len(top.encode()) <= 8_000
    for text in ("test images correctly", "| model | accuracy |", "Test image ", "```text\n"):
        assert text in top
    images = re.findall(r"(.*)\n\n```text\n(.*?)\n```", top, re.S)
    assert images
    assert set(images[-1][1]) <= {chr(0x2800 + bits) for bits in range(256)} | {"\n"}


def test_same_inputs_same_bytes(tmp_path, monkeypatch):
    first = render(tmp_path / "a", {"logreg": 5, "cnn": 2})
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    monkeypatch.setenv("LC_ALL", "C")
    assert render(tmp_path / "b", {"logreg": 5, "cnn": 2}) == first


def test_durations_reach_the_page_only(tmp_path):
    html, markdown = render(tmp_path, {"logreg": 5}, unknown=0)
    assert "1.5\u00a0s" in html
    assert "2.5\u00a0µs" in html
    assert "1.5" not in markdown
    assert "2.5" not in markdown


def test_one_models_failures_move_no_others(tmp_path):
    first, _ = render(tmp_path / "a", {"logreg": 30, "mlp": 30}, failures=5)
    second, _ = render(tmp_path / "b", {"logreg": 30, "mlp": 28}, failures=5)
    part = re.compile(r'id="model-logreg">.*?Training curve', re.S)
    captions = [numbers(part.search(html)[0]) for html in (first, second)]
    assert captions[0] == captions[1]


def test_evaluation_is_read_as_it_was_written(tmp_path):
    make_results(tmp_path, {"logreg": 5, "cnn": 2})
    evaluation = read_evaluation(tmp_path / "evaluation.npz")
    assert evaluation.models == ["logreg", "cnn"]
    assert (evaluation.predicted != evaluation.labels).sum(axis=1).tolist() == [5, 2]
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert evaluation.findings["metrics"] == metrics
