"""The page and its twin, on results made to be difficult."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT

from measures.scores import compare, score
from page.markdown import escape_markdown
from report import report
from shared.drawing import braille
from shared.errors import UserError
from shared.files import write_json, write_text
from shared.npz import write_arrays
from shared.split import Split, write_split
from shared.training_record import write_record

HOSTILE = '"><img src=x onerror=alert(1)></script>|`@everyone\u2028=cmd()' + "x" * 300


def make_results(
    folder: Path,
    wrong: dict[str, int],
    dataset: str = "toy",
    images: int = 40,
    shape: tuple[int, int] = (8, 8),
    classes: int = 10,
) -> None:
    """What the stages before the report write, for models that get `wrong` images wrong."""
    random = np.random.default_rng(0)
    labels = np.arange(images) % classes
    pixels = random.integers(0, 17, (images, *shape), dtype=np.uint8)
    part = Split(pixels, labels, np.arange(classes), np.array([0.0, 16.0]))
    write_split(folder / "test.npz", part)
    likely = np.full((len(wrong), images, classes), 0.1 / classes)
    for place, count in enumerate(wrong.values()):
        answers = np.where(np.arange(images) < count, (labels + 1) % classes, labels)
        likely[place, np.arange(images), answers] += 0.9
    right = likely.argmax(axis=2) == labels
    against = compare(list(wrong), right)
    summary = {}
    for place, name in enumerate(wrong):
        summary[name] = {"parameters": 650, "against": against[name], **score(likely[place], part)}
        write_record(
            folder / name / "training.json",
            settings={"epochs": 2, "hidden": [3]},
            layers=[{"layer": "Dense", "output_shape": [classes], "parameters": 650}],
            training_images=100,
            validation_images=0,
            fit_seconds=1.5,
            remarks=("stopped early",),
        )
        write_text(folder / name / "history.csv", "epoch,loss,val_loss\n0,2.0,NA\n1,1.0,NA\n")
    write_json(folder / "metrics.json", summary)
    arrays = {"models": np.array(list(wrong)), "probabilities": likely.astype(np.float32)}
    write_arrays(folder / "predictions.npz", **arrays)
    counts = np.bincount(labels, minlength=classes)
    write_json(
        folder / "stats.json",
        {
            "dataset": dataset,
            "sha256": "0" * 64,
            "image_shape": list(shape),
            "parts": {"train": {"images": 100}, "test": {"images": images}},
            "class_counts": [
                {"class": str(label), "train": 10, "test": int(count)}
                for label, count in enumerate(counts)
            ],
            "train_against_test": {"sentence": "Alike."},
        },
    )
    write_text(folder / "figure.svg", "<svg xmlns='http://www.w3.org/2000/svg'/>")


def render(folder: Path, wrong: dict[str, int], failures: int = 25, **kinds) -> tuple[str, str]:
    folder.mkdir(exist_ok=True)
    make_results(folder, wrong, **kinds)
    return draw(folder, list(wrong), failures)


def draw(folder: Path, models: list[str], failures: int = 25) -> tuple[str, str]:
    report(
        test=folder / "test.npz",
        models=[folder / name for name in models],
        metrics=folder / "metrics.json",
        predictions=folder / "predictions.npz",
        stats=folder / "stats.json",
        train_samples=folder / "figure.svg",
        test_samples=folder / "figure.svg",
        class_histogram=folder / "figure.svg",
        templates=ROOT / "scripts" / "templates",
        html=folder / "page.html",
        markdown=folder / "page.md",
        failures=failures,
        seed=1,
    )
    return (folder / "page.html").read_text(), (folder / "page.md").read_text()


class Page(HTMLParser):
    """The tags of a page, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag, attributes) -> None:
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data) -> None:
        self.text += data

    def sources(self) -> list[str]:
        return [attributes["src"] for _, attributes in self.tags if "src" in attributes]


def test_page_says_what_metrics_say(tmp_path):
    html, markdown = render(tmp_path, {"logreg": 20, "mlp": 10, "cnn": 4})
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    text = " ".join(Page(html).text.split())
    for name, accuracy in (("logreg", "50.00"), ("mlp", "75.00"), ("cnn", "90.00")):
        assert f"{accuracy} %" in text
        assert re.search(rf"\| {name} \| {accuracy}\s%", markdown)
        assert f"{metrics[name]['failures']} failures and {metrics[name]['successes']} succ" in text
        assert (
            f"{metrics[name]['failures']} failures and {metrics[name]['successes']} su" in markdown
        )


def test_verdict_names_the_best_and_what_cannot_be_told_apart(tmp_path):
    html, markdown = render(tmp_path, {"logreg": 30, "mlp": 5, "cnn": 4})
    for text in (" ".join(Page(html).text.split()), " ".join(markdown.split())):
        assert "cnn" in text.split("is right about")[0]
        assert "mlp cannot be told apart from it" in text
        assert "logreg cannot" not in text


def test_a_clear_lead_is_said_to_be_more_than_chance(tmp_path):
    _, markdown = render(tmp_path, {"logreg": 30, "cnn": 0})
    assert "Its lead over each other model is more than chance." in markdown


def test_damaged_metrics_are_one_line(tmp_path):
    render(tmp_path, {"logreg": 5})
    for content, message in (("{}", "no model logreg"), ('{"logreg": ', "not whole JSON")):
        (tmp_path / "metrics.json").write_text(content)
        with pytest.raises(UserError, match=message):
            draw(tmp_path, ["logreg"])


def test_remarks_of_the_training_are_said(tmp_path):
    html, markdown = render(tmp_path, {"logreg": 5})
    assert "Its training stopped early." in html
    assert "Its training stopped early." in markdown


def test_each_model_shows_25_failures(tmp_path):
    html, _ = render(tmp_path, {"logreg": 30, "mlp": 30})
    assert len(re.findall(r"<span>\d vs \d</span>", html)) == 50
    assert html.count("Class probabilities of one random failure") == 2


def test_as_many_failures_as_there_are(tmp_path):
    html, _ = render(tmp_path, {"logreg": 3})
    assert len(re.findall(r"<span>\d vs \d</span>", html)) == 3


def test_no_failures_is_said(tmp_path):
    html, markdown = render(tmp_path, {"logreg": 0, "cnn": 0})
    assert html.count("None to show: every test image is classified as labelled.") == 2
    assert markdown.count("No failures to show") == 2


@pytest.mark.parametrize(
    ("wrong", "kinds"),
    [
        ({"only": 1}, {"images": 1}),
        ({f"model{place}": place for place in range(12)}, {}),
        ({"a": 26, "b": 3}, {"shape": (20, 30), "classes": 26, "images": 52}),
        ({"all-wrong": 40, "other": 0}, {}),
    ],
)
def test_other_shapes_render(wrong, kinds, tmp_path):
    html, _ = render(tmp_path, wrong, **kinds)
    for name in wrong:
        assert f">{name}</h2>" in html


def test_page_loads_nothing(tmp_path):
    html, _ = render(tmp_path, {"logreg": 5})
    page = Page(html)
    assert all(source.startswith("data:image/") for source in page.sources())
    assert not {tag for tag, _ in page.tags} & {"script", "link", "iframe", "object", "base"}
    for _, attributes in page.tags:
        assert not [key for key in attributes if key == "style" or key.startswith("on")]
        assert "href" not in attributes


def test_hostile_names_are_inert(tmp_path):
    html, markdown = render(tmp_path, {"logreg": 5, "<b>&x": 5}, dataset=HOSTILE)
    assert "<b>" not in html
    assert "<b>" not in markdown
    page = Page(html)
    assert "alert(1)" in page.text
    assert all(attributes.get("src") != "x" for _, attributes in page.tags)
    assert "script" not in {tag for tag, _ in page.tags}
    assert "<img" not in markdown
    assert "@everyone" not in markdown


def test_escaped_markdown_stays_on_one_line():
    assert escape_markdown("a|b\n`c` <d> @e #f [g](h) & \\i") == (
        "a\\|b \\`c\\` &#60;d&#62; &#64;e &#35;f \\[g\\](h) &#38; \\\\i"
    )


def test_same_inputs_same_bytes(tmp_path, monkeypatch):
    first = render(tmp_path / "a", {"logreg": 5, "cnn": 2})
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    monkeypatch.setenv("LC_ALL", "C")
    assert render(tmp_path / "b", {"logreg": 5, "cnn": 2}) == first


def test_durations_reach_the_page_only(tmp_path):
    html, markdown = render(tmp_path, {"logreg": 5})
    assert "1.5\u00a0s" in html
    assert "1.5" not in markdown


def test_braille_by_hand():
    ink = np.zeros((5, 3), bool)
    ink[0, 0] = ink[3, 1] = ink[4, 2] = True
    assert braille(ink) == "\u2881\u2800\n\u2800\u2801"
