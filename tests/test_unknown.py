"""Images of no class, against pictures and numbers made by hand; and what the page says of them."""

import json
import re
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest
from made_results import HOSTILE, draw, make_results, render
from small_stages import run_evaluate, run_logreg, split
from test_report import Page

from core.errors import UserError
from core.split import Split, read_split
from dataset.dataset import checked_dataset, write_dataset
from dataset.digits import load_digits
from dataset.found import Found
from dataset.held_out import without_classes
from evaluation.evaluation import read_evaluation
from evaluation.letters import LETTERS, draw_letter, random_letters
from evaluation.unknown import ask_unknown, threshold_for, told_apart
from evaluation.unknown_images import height_and_stroke, make_unknown
from preprocess import preprocess


def part_of(images: np.ndarray, classes: int = 10, low: float = 0, high: float = 255) -> Split:
    labels = np.arange(len(images)) % classes
    return Split(images, labels, np.arange(classes).astype(str), np.array([low, high], float))


STROKES = (255 * random_letters(40, (20, 16), 14, 2, np.random.default_rng(0))).astype(np.uint8)
PART = part_of(STROKES)
NONE = replace(PART, images=STROKES[:0], labels=PART.labels[:0], classes=PART.classes[:0])


def kinds_of(
    part: Split = PART, held_out: Split = NONE, count: int = 30, seed: int = 1
) -> dict[str, np.ndarray]:
    return dict(make_unknown(part, held_out, count, seed))


class TestKinds:
    def test_each_kind_by_hand(self):
        kinds = kinds_of()
        assert list(kinds) == ["noise", "grey", "shuffled", "letters"]
        for images in kinds.values():
            assert images.dtype == np.uint8
            assert images.shape[1:] == (20, 16)
        assert [len(images) for images in kinds.values()] == [30, 11, 30, 30]
        noise = kinds["noise"]
        assert (noise.min(), noise.max()) == (0, 255)
        assert 120 < noise.mean() < 135
        greys = [0, 26, 51, 77, 102, 128, 153, 179, 204, 230, 255]
        np.testing.assert_allclose(kinds["grey"].reshape(11, -1).T, [greys] * 320, atol=1)
        rows = {tuple(sorted(row)) for row in STROKES.reshape(40, -1).tolist()}
        shuffled = kinds["shuffled"].reshape(30, -1).tolist()
        assert {tuple(sorted(row)) for row in shuffled} <= rows
        assert not {tuple(row) for row in shuffled} & {*map(tuple, STROKES.reshape(40, -1))}

    def test_a_letter_by_hand(self):
        """Two strokes down, of one pixel, and one across, which lies between two rows of pixels."""
        expected = np.zeros((10, 11))
        expected[:, [2, 8]] = 1
        expected[4:6, 3:8] = 0.5
        np.testing.assert_allclose(draw_letter("H", (10, 11), 10, 1, 0), expected, atol=1e-6)
        leaning = draw_letter("H", (10, 21), 10, 1, 0.3)
        middles = leaning @ np.arange(21) / leaning.sum(axis=1)
        np.testing.assert_allclose(middles, 10 + 0.3 * (4.5 - np.arange(10)), atol=0.05)

    def test_letters_are_as_high_and_thick_as_what_they_stand_for(self):
        for height, stroke in ((20, 2), (20, 4), (40, 3)):
            found = height_and_stroke(
                random_letters(200, (64, 64), height, stroke, np.random.default_rng(1))
            )
            assert found == pytest.approx((0.95 * height, stroke), rel=0.15)
        bar = np.zeros((3, 30, 9), np.float32)
        bar[:, 5:25, 3:6] = 1
        assert height_and_stroke(bar) == (20, pytest.approx(2 * 60 / (46 * np.pi / 4)))

    @pytest.mark.parametrize("inverted", [False, True])
    def test_letters_have_the_polarity_of_the_images(self, inverted):
        images = 255 - STROKES if inverted else STROKES
        letters = kinds_of(part_of(images))["letters"]
        paper, pen = (255, 0) if inverted else (0, 255)
        assert (letters[:, 0] == paper).all()
        assert (letters == pen).any(axis=(1, 2)).all()

    def test_no_letter_leaves_its_image(self):
        for size in ((1, 1), (8, 8), (1, 300), (30, 3)):
            for letter in LETTERS:
                for slant in (-0.3, 0.3):
                    ink = draw_letter(letter, size, size[0], 1, slant)
                    assert ink.shape == size
                    assert 0 <= ink.min() <= ink.max() <= 1
        for letter in LETTERS:  # of 16 columns it has 12, and 2 to lean to
            ink = draw_letter(letter, (20, 16), 20, 2, 0.3)
            framed = draw_letter(letter, (20, 40), 20, 2, 2 / 18)
            np.testing.assert_allclose(ink, framed[:, 12:28], atol=1e-5)
            assert framed[:, :12].sum() == framed[:, 28:].sum() == 0

    def test_letters_are_asked_where_all_classes_are_digits(self):
        named = replace(PART, classes=np.array([*"012345678", "A"]))
        for part in (named, part_of(STROKES, 26)):
            assert list(kinds_of(part)) == ["noise", "grey", "shuffled"]
        assert "letters" in kinds_of(part_of(STROKES, 3))

    def test_classes_held_out_are_asked(self):
        held_out = replace(PART, images=STROKES[:5], labels=np.zeros(5, int))
        found = kinds_of(held_out=held_out)["held_out"]
        np.testing.assert_array_equal(found, STROKES[:5])
        assert len(kinds_of(held_out=held_out, count=3)["held_out"]) == 3
        assert kinds_of(held_out=held_out, count=0) == {}

    def test_the_seed_says_which(self):
        one, again, other = kinds_of(), kinds_of(), kinds_of(seed=2)
        for kind, images in one.items():
            np.testing.assert_array_equal(images, again[kind])
            assert (images == other[kind]).all() == (kind == "grey")

    @pytest.mark.parametrize(
        ("shape", "count"), [((8, 8), 30), ((60, 60), 30), ((1, 300), 30), ((300, 400), 1)]
    )
    def test_other_images(self, shape, count, monkeypatch):
        """Real numbers of any range, and images of any size in bounded memory."""
        monkeypatch.setattr("evaluation.unknown_images.MOST_PIXELS", 30 * 60 * 60)
        random = np.random.default_rng(0)
        images = random.uniform(-3, 5, (4, *shape)).astype(np.float32)
        kinds = kinds_of(part_of(images, 2, -3, 5))
        assert len(kinds["noise"]) == len(kinds["letters"]) == count
        for found in kinds.values():
            assert found.dtype == np.float32
            assert -3 <= found.min() <= found.max() <= 5


class TestToldApart:
    def test_by_hand(self):
        """Of six pairs, the test image has the higher confidence in two, and the same in one."""
        known, unknown = np.float32([0.9, 0.8, 0.5]), np.float32([0.9, 0.6])
        thresholds = [{"threshold": 0.5}, {"threshold": float(np.float32(0.9))}]
        found = told_apart(known, unknown, thresholds)
        assert found["auroc"] == pytest.approx(2.5 / 6)
        assert found["confidence"] == pytest.approx(0.75)
        assert found["turned_away"] == [0, 1]

    def test_a_threshold_answers_all_that_are_as_sure(self):
        known = np.float32([1, 0.5, 1, 1])
        expected = {"wanted": 0.5, "threshold": 1.0, "answered": 0.75}
        assert threshold_for(0.5, known) == expected
        expected = {"wanted": 0.95, "threshold": 0.5, "answered": 1.0}
        assert threshold_for(0.95, known) == expected
        row = threshold_for(0.95, np.linspace(0, 1, 100, dtype=np.float32))
        assert row["answered"] == 0.95
        assert threshold_for(0.95, np.float32([0.3]))["answered"] == 1

    def test_without_doubt_nothing_is_turned_away(self):
        sure = np.ones(50, np.float32)
        found = told_apart(sure, sure[:20], [threshold_for(0.99, sure)])
        assert found == {"confidence": 1, "auroc": 0.5, "turned_away": [0]}

    def test_each_model_is_asked_about_each_kind(self):
        """The confidence of one model is the brightness of an image, of the other half of it."""

        class Bright(NamedTuple):
            name: str
            share: float

            def probabilities(self, images: np.ndarray, classes: int) -> np.ndarray:
                sure = self.share * images.mean(axis=(1, 2)) / 255
                return np.pad(sure[:, None], ((0, 0), (0, classes - 1)))

        images = np.repeat(np.arange(100, 200, dtype=np.uint8), 4).reshape(100, 2, 2)
        part = part_of(images, 5)
        models = [Bright("one", 1), Bright("half", 0.5)]
        known = np.stack([model.probabilities(images, 5) for model in models])
        kinds = {"dark": images[:21] - 70, "bright": images[-3:] + 50}
        found, examples = ask_unknown(models, part, known, kinds.items())
        shown = [30, 32, 35, 38, 41, 44, 47, 50, 247, 248, 249]  # eight of the 21, and all three
        assert examples[:, 0, 0].tolist() == shown
        rows = found["kinds"]
        counts = [(row["kind"], row["images"], row["examples"]) for row in rows]
        assert counts == [("dark", 21, 8), ("bright", 3, 3)]
        for name, share in (("one", 1), ("half", 0.5)):
            wanted = [(row["wanted"], row["answered"]) for row in found["thresholds"][name]]
            assert wanted == [(0.99, 0.99), (0.95, 0.95)]
            least = [row["threshold"] for row in found["thresholds"][name]]
            assert least == pytest.approx([share * 101 / 255, share * 105 / 255])
            dark, bright = (row["models"][name] for row in rows)
            assert dark["confidence"] == pytest.approx(share * 40 / 255)
            assert (dark["auroc"], dark["turned_away"]) == (1, [21, 21])
            assert (bright["auroc"], bright["turned_away"]) == (0, [0, 0])

    def test_nothing_is_asked(self):
        found, examples = ask_unknown([], PART, np.ones((0, 40, 10)), [])
        assert (found, examples.shape, examples.dtype) == ({}, (0, 20, 16), np.uint8)


class TestHeldOut:
    LABELS = np.array([5, 5, 6, 6, 7, 7, 8, 8])

    def cut(self, folder, hold_out, names=None, test=None):
        images = np.arange(8 * 4, dtype=np.uint8).reshape(8, 2, 2)
        test = self.LABELS if test is None else np.array(test)
        labels = {"train": self.LABELS - 5 if names else self.LABELS, "test": test}
        found = Found({"train": images, "test": images[: len(test)]}, labels, names)
        write_dataset(folder / "dataset.npz", checked_dataset("own", "own", found))
        parts = ("train", "validation", "test", "held_out")
        paths = {name: folder / f"{name}.npz" for name in parts}
        sizes = {"validation_size": 0, "train_size": "all"}
        preprocess(folder / "dataset.npz", **paths, hold_out=hold_out, **sizes, seed=1)
        return {name: read_split(path) for name, path in paths.items()}

    def test_a_class_is_in_no_part(self, tmp_path):
        parts = self.cut(tmp_path, [6, 8])
        for name in ("train", "test"):
            assert parts[name].classes.tolist() == ["5", "7"]
            assert parts[name].labels.tolist() == [0, 0, 1, 1]
            assert parts[name].images[:, 0, 0].tolist() == [0, 4, 16, 20]
        assert parts["held_out"].classes.tolist() == ["6", "8"]
        assert parts["held_out"].labels.tolist() == [0, 0, 1, 1]
        assert parts["held_out"].images[:, 0, 0].tolist() == [8, 12, 24, 28]
        assert parts["held_out"].pixel_range.tolist() == [0, 23]  # of the images that are left

    def test_none_is_held_out(self, tmp_path):
        parts = self.cut(tmp_path, "none")
        assert len(parts["train"].classes) == 4
        assert parts["held_out"].images.shape == (0, 2, 2)

    def test_names_and_numbers(self, tmp_path):
        names = ["007", "ankle boot", "7", "none"]
        parts = self.cut(tmp_path, "ankle boot", names, self.LABELS - 5)
        assert parts["test"].classes.tolist() == ["007", "7", "none"]
        parts = self.cut(tmp_path, 7, names, self.LABELS - 5)
        assert parts["test"].classes.tolist() == ["ankle boot", "none"]

    @pytest.mark.parametrize(
        ("hold_out", "test", "message"),
        [
            (
                "x",
                None,
                "preprocess.hold_out: 'x' is not a class of the dataset; allowed: 5, 6, 7, 8",
            ),
            ([5, 9], None, "preprocess.hold_out: 9 is not a class of the dataset; allowed: 5, 6"),
            ([5, 6, 7], None, "3 of 4 classes are too many; allowed: up to 2, so that two remain"),
            ([5, 6], [5, 6], "no test images of other classes remain; allowed: fewer classes"),
        ],
    )
    def test_what_cannot_be_held_out_is_one_line(self, hold_out, test, message, tmp_path):
        with pytest.raises(UserError, match=re.escape(message)):
            self.cut(tmp_path, hold_out, test=test)

    @pytest.mark.parametrize("count", [20, 21])
    def test_twenty_classes_are_named(self, count):
        names = [f"c{place:02}" for place in range(count)]
        labels = {part: np.arange(count) for part in ("train", "test")}
        images = dict.fromkeys(labels, np.zeros((count, 2, 2), np.uint8))
        data = checked_dataset("own", "own", Found(images, labels, names))
        said = f"here: 'x' is not a class of the dataset; allowed: {', '.join(names[:20])}"
        with pytest.raises(UserError) as refusal:
            without_classes(data, ["x"], "here")
        assert str(refusal.value) == (f"{said}, ..." if count > 20 else said)


class TestStages:
    def test_from_the_digits_to_what_was_found(self, tmp_path):
        """Nines are held out: they are detected better than by chance, but not always."""
        write_dataset(tmp_path / "dataset.npz", checked_dataset("digits", "digits", load_digits()))
        names = ("train", "validation", "test", "held_out")
        paths = {name: tmp_path / f"{name}.npz" for name in names}
        sizes = {"validation_size": 0.1, "train_size": "all"}
        preprocess(tmp_path / "dataset.npz", **paths, hold_out=9, **sizes, seed=1)
        run_logreg(tmp_path)
        metrics = run_evaluate(tmp_path, "logreg", unknown_images=50)
        assert len(metrics["logreg"]["per_class"]) == 9
        evaluation = read_evaluation(tmp_path / "evaluation.npz")
        found = evaluation.findings["unknown"]
        images = {row["kind"]: row["images"] for row in found["kinds"]}
        held_out = int((load_digits().labels["test"] == 9).sum())
        assert images == {
            **{"noise": 50, "grey": 11, "shuffled": 50, "letters": 50},
            "held_out": min(50, held_out),
        }
        assert len(evaluation.unknown_examples) == 5 * 8
        nines = found["kinds"][-1]["models"]["logreg"]
        assert 0.6 < nines["auroc"] < 0.999
        assert found["thresholds"]["logreg"][1]["answered"] >= 0.95

    def test_the_same_bytes_twice_and_none_where_none_are_asked(self, tmp_path):
        split(tmp_path, hold_out=[13, 14])
        run_logreg(tmp_path)
        run_evaluate(tmp_path, "logreg")
        first = (tmp_path / "evaluation.npz").read_bytes()
        run_evaluate(tmp_path, "logreg")
        assert (tmp_path / "evaluation.npz").read_bytes() == first
        found = read_evaluation(tmp_path / "evaluation.npz").findings["unknown"]
        kinds = [row["kind"] for row in found["kinds"]]
        assert kinds == ["noise", "grey", "shuffled", "held_out"]  # class 10 is no digit
        run_evaluate(tmp_path, "logreg", unknown_images=0)
        evaluation = read_evaluation(tmp_path / "evaluation.npz")
        assert evaluation.findings["unknown"] == {}
        assert evaluation.unknown_examples.shape == (0, 8, 8)


class TestPage:
    def test_what_was_found_is_said(self, tmp_path):
        html, markdown = render(tmp_path, {"one": 5, "two": 3})
        evaluation = read_evaluation(tmp_path / "evaluation.npz")
        found = evaluation.findings["unknown"]
        page = Page(html)
        for name in ("one", "two"):
            worst = min(found["kinds"], key=lambda row: row["models"][name]["auroc"])
            own, least = worst["models"][name], found["thresholds"][name][1]
            answered = worst["images"] - own["turned_away"][1]
            said = f"the hardest for it to detect. In {100 * own['auroc']:.1f} % of the pairs of a"
            for text in (page.text, markdown.replace("\N{NO-BREAK SPACE}", " ")):
                assert said in text.replace("\N{NO-BREAK SPACE}", " ")
                assert (
                    f"A threshold of {100 * least['threshold']:.2f} % accepts"
                    f" {100 * least['answered']:.1f} % of the test images and {answered} of"
                    f" {worst['images']} " in text.replace("\N{NO-BREAK SPACE}", " ")
                )
            for row in found["kinds"]:
                confidence = f"{100 * row['models'][name]['confidence']:.1f}\N{NO-BREAK SPACE}%"
                auroc = f"{row['models'][name]['auroc']:.3f}"
                assert f"<td>{confidence}</td><td>{auroc}</td>" in html
                assert f"| {row['images']} | {name} | {confidence} | {auroc} |" in markdown
        assert ("a", {"href": "#unknown"}) in page.tags
        strips = [each for tag, each in page.tags if each.get("class") == "examples"]
        assert [each["aria-label"].partition(" of ")[0] for each in strips] == list("38332")

    def test_nothing_is_said_where_nothing_was_asked(self, tmp_path):
        for text in render(tmp_path, {"one": 5}, unknown=0):
            assert "Out-of-distribution images" not in text
            assert "#unknown" not in text

    def test_examples_that_are_not_those_of_the_findings_are_one_line(self, tmp_path):
        make_results(tmp_path, {"one": 5})
        arrays = dict(np.load(tmp_path / "evaluation.npz"))
        arrays["unknown_examples"] = arrays["unknown_examples"][1:]
        np.savez(tmp_path / "evaluation.npz", **arrays)
        with pytest.raises(UserError, match="do not match the findings"):
            draw(tmp_path, ["one"])

    def test_classes_held_out_are_named_and_do_nothing_else(self, tmp_path):
        make_results(tmp_path, {"one": 5})
        stats = json.loads((tmp_path / "stats.json").read_text())
        stats["class_counts"].append({"class": HOSTILE, "train": 10, "test": 7})
        stats["parts"]["test"]["images"] += 7
        (tmp_path / "stats.json").write_text(json.dumps(stats))
        html, markdown = draw(tmp_path, ["one"])
        page = Page(html)
        assert page.text.count("alert(1)") >= 3  # in the table, the sentence and under the images
        assert all(each.get("src") != "x" for _, each in page.tags)
        assert "<img" not in markdown
        assert (
            "test images of 8x8 in 11 classes. The models were not trained on the classes "
            in markdown
        )
        for text in (page.text, markdown):
            assert re.search(r"classifies 35 of 40 test images correctly\W+87.50\s%", text)
