"""Where a model fails, with predictions made by hand, and the page's sentences about it."""

import json

import numpy as np
import pytest
from made_results import draw, make_results, render
from test_report import Page

from core.npz import write_arrays
from evaluation.mistakes import mistakes
from evaluation.significance import accuracy_interval
from page.mistakes import mistake_sentences

# Label, predicted class, confidence.
ANSWERS = [
    *[(0, 0, 0.9)] * 4,
    *[(0, 2, 0.7)] * 2,
    *[(1, 1, 0.8)] * 5,
    *[(2, 2, 0.6)] * 2,
    *[(2, 0, 0.5), (2, 0, 0.95), (2, 0, 0.95), (2, 1, 0.85)],
]


def answered(answers: list[tuple[int, int, float]], classes: int = 4):
    """Probabilities and labels of such predictions."""
    labels, said, sure = (np.array(column) for column in zip(*answers, strict=True))
    likely = np.repeat(((1 - sure) / (classes - 1))[:, None], classes, axis=1)
    likely[np.arange(len(labels)), said] = sure
    return likely.astype(np.float32), labels


def sentences(*answered_images: tuple[int, int, float]) -> list[str]:
    found = mistakes(*answered(list(answered_images)))
    names = ["7", "ankle boot", "b" * 40, "none"]
    return ["".join(part.text for part in one) for one in mistake_sentences(found, names, "cnn")]


def test_by_hand():
    low, high = accuracy_interval(2, 6)
    confidence = pytest.approx(0.95)
    assert mistakes(*answered(ANSWERS)) == {
        "frequent": [
            {"label": 2, "answer": 0, "images": 3},
            {"label": 0, "answer": 2, "images": 2},
        ],
        "weakest": {
            **{"class": 2, "images": 6, "right": 2, "recall": 2 / 6},
            **{"recall_low": low, "recall_high": high},
        },
        "surest": {"image": 14, "label": 2, "answer": 0, "confidence": confidence},
    }


@pytest.mark.filterwarnings("error")
def test_no_mistakes_and_nothing_else():
    assert mistakes(*answered([(0, 0, 0.9), (1, 1, 0.5)])) is None
    assert mistake_sentences(None, ["a", "b"], "cnn") == []
    found = mistakes(*answered([(0, 1, 0.9)]))
    assert found["frequent"] == []
    assert found["weakest"]["recall"] == 0


def test_equals_come_in_the_order_of_the_classes():
    """Of the weakest classes the one with the most images, of equal ones the first."""
    twice = [(3, 0, 0.9), (3, 0, 0.9), (0, 3, 0.9), (0, 3, 0.9), (0, 1, 0.9), (0, 1, 0.9)]
    found = mistakes(*answered([*twice, (1, 2, 0.9), (1, 2, 0.9)]))
    pairs = [(one["label"], one["answer"]) for one in found["frequent"]]
    assert pairs == [(0, 1), (0, 3), (1, 2)]
    assert found["weakest"]["class"] == 0
    assert found["surest"]["image"] == 0
    assert mistakes(*answered([(1, 0, 0.9), (0, 1, 0.9)]))["weakest"]["class"] == 0


def test_the_surest_mistake_follows_from_four_digits():
    """Those of failures.csv, so that make reproduce can compute it again."""
    assert mistakes(*answered([(0, 1, 0.90001), (0, 1, 0.90004)]))["surest"]["image"] == 0
    assert mistakes(*answered([(0, 1, 0.90001), (0, 1, 0.90006)]))["surest"]["image"] == 1


def test_in_words():
    boot = "b" * 23 + "…"
    assert sentences((0, 1, 0.9998), (0, 1, 0.9), *[(1, 2, 0.5)] * 3, *[(2, 2, 0.9)] * 1005) == [
        f"Most frequent mistakes: ankle boot predicted as {boot} (3 times)"
        " and 7 predicted as ankle boot (2).",
        "Weakest class: ankle boot, 0.0\u00a0% of 3 right (95\u00a0% interval 0.0 to 56.1\u00a0%).",
        "Most confident mistake: image 0, labelled 7, predicted as ankle boot (99.98\u00a0%).",
    ]
    most, weakest, _ = sentences((0, 1, 0.9), (1, 1, 0.9), *[(0, 0, 0.9)] * 1008)
    assert most == "It makes no mistake more than once."
    assert weakest.startswith("Weakest class: 7, 99.9\u00a0% of 1,009 right (95\u00a0% interval ")
    (most, *_) = sentences(*[(0, 1, 0.9)] * 2000)
    assert most == "Most frequent mistakes: 7 predicted as ankle boot (2,000 times)."


def test_the_page_says_it_with_links_to_the_images(tmp_path):
    html, markdown = render(tmp_path, {"good": 0, "one": 12})
    page = Page(html)
    for text in (page.text, markdown):
        said = text.replace("\n", " ").replace(" (", "(")
        most = "mistakes: 0 predicted as 1(2 times) and 1 predicted as 2(2). Weakest class: 0"
        assert said.count(most) == 1
        assert "Most confident mistake: image 11" in said
    links = [one["data-images"] for tag, one in page.tags if "data-images" in one]
    for address in (
        "?model=one&label=0&answer=1",
        "?model=one&label=0&outcome=wrong",
        "?model=one&outcome=wrong&image=11",
    ):
        assert address in links
    html, markdown = render(tmp_path, {"best": 2, "one": 12})
    for text in (Page(html).text, markdown):
        assert text.count("It makes no mistake more than once.") == 2  # in the verdict


def test_the_page_of_an_older_evaluation_says_nothing_of_it(tmp_path):
    make_results(tmp_path, {"one": 12})
    arrays = dict(np.load(tmp_path / "evaluation.npz"))
    findings = json.loads(arrays["findings"].tobytes())
    del findings["mistakes"]
    arrays["findings"] = np.frombuffer(json.dumps(findings).encode(), np.uint8)
    write_arrays(tmp_path / "evaluation.npz", **arrays)
    for text in draw(tmp_path, ["one"]):
        assert "Weakest class" not in text
        assert "Accuracy" in text or "accuracy" in text
