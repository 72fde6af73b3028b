"""Predictions for corrupted images: counted, compared, on the page, and reproducible."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from made_results import render
from scipy.stats import ttest_rel
from small_stages import run_evaluate, run_logreg, split

from core.split import Split
from evaluation import robustness
from evaluation.corruptions import CORRUPTIONS
from evaluation.evaluation import read_evaluation
from evaluation.robustness import ask_corrupted
from evaluation.trained_model import TrainedModel

LABELS = np.arange(20) % 4
PART = Split(
    np.random.default_rng(3).integers(0, 255, (20, 28, 28), dtype=np.uint8),
    LABELS,
    np.array(["a", "b", "c", "d"]),
    np.array([0.0, 255.0]),
)


def constant(name: str, answer: int, sure: float) -> TrainedModel:
    likely = np.full(4, (1 - sure) / 3)
    likely[answer] = sure
    return TrainedModel(Path(name), (), 1, lambda images: np.tile(likely, (len(images), 1)))


def brittle(name: str) -> TrainedModel:
    """Right and confident on uncorrupted images; predicts `b` for others, less confident."""
    known = {image.tobytes(): label for image, label in zip(PART.images, LABELS, strict=True)}

    def answer(images: np.ndarray) -> np.ndarray:
        said = [known.get(image.tobytes()) for image in images]
        sure = [0.6 if one is None else 0.9 for one in said]
        likely = np.repeat((1 - np.array(sure)[:, None]) / 3, 4, axis=1)
        likely[np.arange(len(said)), [1 if one is None else one for one in said]] = sure
        return likely

    return TrainedModel(Path(name), (), 1, answer)


def test_accuracy_and_confidence_by_hand(monkeypatch):
    monkeypatch.setattr(robustness, "TOGETHER", 7)  # so that there are three lots of images
    found, examples = ask_corrupted([constant("lazy", 1, 0.7), brittle("brittle")], PART, 20, 1)
    assert found["images"] == 20
    assert [row["name"] for row in found["corruptions"]] == [row.name for row in CORRUPTIONS]
    for row in found["corruptions"]:
        assert row["accuracy"]["lazy"] == [0.25] * 6
        assert row["confidence"]["lazy"] == pytest.approx([0.7] * 6)
        assert row["accuracy"]["brittle"] == [1] + [0.25] * 5
        assert row["confidence"]["brittle"] == pytest.approx([0.9] + [0.6] * 5)
    assert found["models"]["brittle"]["accuracy"] == 0.25
    assert found["models"]["brittle"]["confidence"] == pytest.approx(0.6)
    assert examples.shape == (len(CORRUPTIONS), 6, 28, 28)
    assert any((examples[0, 0] == image).all() for image in PART.images)
    np.testing.assert_array_equal(examples[:, 0], np.tile(examples[0, 0], (len(CORRUPTIONS), 1, 1)))


@pytest.mark.parametrize("count", [1, 7, 20, 21])
def test_no_image_is_drawn_twice(count, monkeypatch):
    """In lots of seven at most; the examples are the first image and its corrupted copies."""
    monkeypatch.setattr(robustness, "CORRUPTIONS", CORRUPTIONS[:2])
    monkeypatch.setattr(robustness, "TOGETHER", 7)
    asked = []

    def answer(images: np.ndarray) -> np.ndarray:
        asked.append(images)
        return np.full((len(images), 4), 0.25)

    for seed in range(5):
        asked.clear()
        model = TrainedModel(Path("any"), (), 1, answer)
        _, examples = ask_corrupted([model], PART, count, seed)
        originals, *corrupted = (np.concatenate(asked[start::3]) for start in range(3))
        assert len({image.tobytes() for image in originals}) == len(originals) == min(count, 20)
        assert [len(each) for each in corrupted] == [5 * len(originals)] * 2
        for kind in range(2):
            np.testing.assert_array_equal(examples[kind, 0], asked[0][0])
            copies = asked[1 + kind].reshape(5, -1, 28, 28)
            np.testing.assert_array_equal(examples[kind, 1:], copies[:, 0])


def test_of_no_image_there_is_no_finding():
    found, examples = ask_corrupted([constant("lazy", 1, 0.7)], PART, 0, 1)
    assert (found, examples.shape, examples.dtype) == ({}, (0, 6, 28, 28), np.uint8)


def test_models_are_compared_image_by_image():
    """The interval is that of a paired t-test of each image's share of right predictions."""
    random = np.random.default_rng(4)
    right = random.random((len(CORRUPTIONS), 6, 2, 50)) < np.array([0.8, 0.6])[:, None]
    sure = random.random(right.shape)
    found = robustness.summary(["one", "other"], right, sure)
    assert found["models"]["other"]["confidence"] == pytest.approx(sure[:, 1:, 1].mean())
    one, other = right[:, 1:].mean(axis=(0, 1))
    assert found["pairs"][0]["difference"] == pytest.approx((one - other).mean())
    interval = ttest_rel(one, other).confidence_interval()
    assert (found["pairs"][0]["low"], found["pairs"][0]["high"]) == pytest.approx(
        (interval.low, interval.high)
    )
    assert (
        found["models"]["one"]["accuracy_low"]
        < one.mean()
        < found["models"]["one"]["accuracy_high"]
    )


def test_of_one_image_nothing_is_known():
    found, _ = ask_corrupted([constant("lazy", 1, 0.7), brittle("brittle")], PART, 1, 1)
    assert (found["models"]["lazy"]["accuracy_low"], found["models"]["lazy"]["accuracy_high"]) == (
        0,
        1,
    )
    assert (found["pairs"][0]["low"], found["pairs"][0]["high"]) == (-1, 1)


def test_the_same_bytes_each_time_and_others_for_another_seed(tmp_path):
    """Through the stage, where more are asked for than there are."""
    split(tmp_path)
    run_logreg(tmp_path)
    written = []
    for seed in (1, 1, 2):
        run_evaluate(tmp_path, "logreg", corrupted_images=2000, seed=seed)
        written.append((tmp_path / "evaluation.npz").read_bytes())
    assert written[0] == written[1] != written[2]
    evaluation = read_evaluation(tmp_path / "evaluation.npz")
    found = evaluation.findings["robustness"]
    assert found["images"] == len(evaluation.labels)
    overall = found["models"]["logreg"]["accuracy"]
    assert evaluation.findings["metrics"]["logreg"]["corrupted_accuracy"] == overall
    assert 0.2 < overall < found["corruptions"][0]["accuracy"]["logreg"][0]


def test_none_are_asked_for(tmp_path):
    split(tmp_path)
    run_logreg(tmp_path)
    metrics = run_evaluate(tmp_path, "logreg", corrupted_images=0)
    assert "corrupted_accuracy" not in metrics["logreg"]
    evaluation = read_evaluation(tmp_path / "evaluation.npz")
    assert evaluation.findings["robustness"] == {}
    assert len(evaluation.corrupted_examples) == 0


@pytest.fixture
def pages(tmp_path) -> Callable[..., list[str]]:
    """The page and its Markdown, where both models are good and cnn is the better."""

    def draw(**results: object) -> list[str]:
        texts = render(tmp_path, {"cnn": 2, "mlp": 4}, **results)
        return [text.replace("\N{NO-BREAK SPACE}", " ") for text in texts]

    return draw


def test_the_page_says_when_a_model_falls(pages):
    for page in pages(corrupted_right={"cnn": 38, "mlp": 20}):
        assert "Robustness to corrupted images" in page
        assert "accuracy 95.0 % (95 % interval 87.9 % to 100.0 %), mean confidence 92.0 %." in page
        assert "Its confidence falls with its accuracy" in page  # cnn
        assert "Its confidence falls less than its accuracy" in page  # mlp
        assert "it does not warn of such images" in page
        assert "is better: it gets" not in page
    assert page.count("| never | 95 % | uncorrupted | 50 % |") == len(CORRUPTIONS)


def test_the_verdict_says_when_another_model_is_better_on_changed_images(pages):
    for page in pages(corrupted_right={"cnn": 20, "mlp": 38}):
        assert (
            "On corrupted images (rotated, blurred, noisy and so on) mlp is better: it gets 95.0 %"
            " right, and cnn 50.0 %. The difference is more than chance would explain." in page
        )


def test_a_difference_that_may_be_chance_is_not_in_the_verdict(pages):
    for page in pages(corrupted_right={"cnn": 37, "mlp": 38}):
        assert "is better: it gets" not in page


def test_the_page_is_silent_where_none_were_changed(pages):
    for page in pages():
        assert "hanged images" not in page
