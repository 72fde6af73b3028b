"""What evaluate computes, against numbers found by hand or printed in the papers."""

import numpy as np
import pytest

from core.measures import calibration_error
from core.split import Split
from evaluation.agreement import against_others, compare_answers, contested, error_sets
from evaluation.calibration import calibration
from evaluation.confidence import abstention, reliability, reliability_table
from evaluation.findings import findings_of, summary
from evaluation.mistakes import mistakes
from evaluation.scores import counted, failures_csv, measured
from evaluation.significance import accuracy_interval, compare_pairs, difference_interval
from evaluation.validation import validation_scores


class TestConfidence:
    CONFIDENCE = np.array([0.95, 0.92, 0.55, 0.51, 1.0], np.float32)
    RIGHT = np.array([True, True, False, True, False])

    def test_reliability_by_hand(self):
        low, high = reliability(self.CONFIDENCE, self.RIGHT)
        assert (low["from"], low["to"], low["images"]) == (0.5, 0.6, 2)
        assert low["confidence"] == pytest.approx(0.53)
        assert low["accuracy"] == 0.5
        assert (high["from"], high["images"]) == (0.9, 3)
        assert high["accuracy"] == pytest.approx(2 / 3)
        error = calibration_error(self.CONFIDENCE, self.RIGHT)
        assert error == pytest.approx((2 * 0.03 + 3 * (2.87 / 3 - 2 / 3)) / 5)

    def test_abstention_by_hand(self):
        steps = abstention(self.CONFIDENCE, self.RIGHT)["steps"]
        assert [(row["images"], row["failures"]) for row in steps] == [(5, 2), (4, 2), (3, 1)]
        assert [row["threshold"] for row in steps] == pytest.approx([0.51, 0.55, 0.92])

    def test_tenths_begin_at_their_lower_end(self):
        """Two predictions of 100 % are in the last; each bin has the interval of its own images."""
        confidence, right = np.array([0.25, 0.5, 0.5, 1, 1]), np.array([0, 0, 1, 1, 1], bool)
        rows = reliability(confidence, right)
        assert [(row["from"], row["to"]) for row in rows] == [(0.2, 0.3), (0.5, 0.6), (0.9, 1)]
        bounds = [(row["accuracy_low"], row["accuracy_high"]) for row in rows]
        assert bounds == [accuracy_interval(*one) for one in ((0, 1), (1, 2), (2, 2))]

    @pytest.mark.parametrize("images", [1, 3, 100, 250])
    def test_the_curve_has_each_hundredth(self, images):
        """Rounded up, without an image more where a product is above a whole number by rounding;
        the surer half is right.
        """
        confidence = np.linspace(1, 0.1, images)[::-1]
        found = abstention(confidence, confidence > 0.55)
        wanted = sorted({max(1, -(-percent * images // 100)) for percent in range(1, 101)})
        assert [row["images"] for row in found["curve"]] == wanted
        steps = {max(1, -(-percent * images // 100)) for percent in (100, 99, 98, 95, 90, 80, 50)}
        assert {row["images"] for row in found["steps"]} == steps
        for row in (*found["curve"], *found["steps"]):
            least = np.sort(confidence)[-row["images"]]
            right = int((confidence[confidence >= least] > 0.55).sum())
            assert row == {
                "answered": row["images"] / images,
                "threshold": least,
                "images": row["images"],
                "failures": row["images"] - right,
                "accuracy": right / row["images"],
                "accuracy_low": accuracy_interval(right, row["images"])[0],
                "accuracy_high": accuracy_interval(right, row["images"])[1],
            }

    def test_equal_confidences_are_answered_together(self):
        steps = abstention(np.full(10, 0.7), np.arange(10) < 4)
        for rows in steps.values():
            assert [(row["images"], row["failures"]) for row in rows] == [(10, 6)]


class TestCalibration:
    def test_by_hand(self):
        """Of ten pairs of predictions, one has 60 % and 70 % and is wrong once; the others have
        90 % and are right.
        """
        confidence = np.array([0.6, 0.7, *[0.9] * 18], np.float32)
        right = np.arange(20) > 0
        found = calibration(confidence, right)
        assert found["confidence"] == pytest.approx((1.3 + 18 * 0.9) / 20)
        assert found["calibration_error"] == pytest.approx((0.6 + 0.3 + 18 * 0.1) / 20)
        equal_mass = found["calibration_error_equal_mass"]
        assert equal_mass == pytest.approx((0.6 - 0.3 + 18 * 0.1) / 20)

    def test_the_interval_by_hand(self):
        """Of 20 predictions, the last is wrong, and drawn as often as one of 20 balls in 20 draws:
        more than three times, which is two too often, in 1.6 %, and more than twice in 7.5 %.
        """
        found = calibration(np.array([*[0.99] * 19, 0.91]), np.arange(20) < 19)
        error, margin = (0.91 - 19 * 0.01) / 20, 2 * 0.92 / 20
        assert found["calibration_error"] == pytest.approx(error)
        assert found["calibration_error_low"] == 0
        assert found["calibration_error_high"] == pytest.approx(error + margin)

    def test_no_error_and_no_confidence_is_above_1(self):
        """The draw of one image twice is as far from both as they are from what they say."""
        found = calibration(np.array([1.0000001, 0.15], np.float32), np.array([False, True]))
        assert found["calibration_error_high"] == 1
        assert calibration(np.array([1.0000001], np.float32), np.array([True]))["confidence"] == 1

    def test_what_means_what_it_says(self, monkeypatch):
        """With 100 sets of predictions that are calibrated, or right 4 points less often: how often
        the interval contains the distance, and how often the test finds it.
        """
        monkeypatch.setattr("evaluation.calibration.RESAMPLES", 200)
        random = np.random.default_rng(1)
        for distance, found_in in ((0, (0, 0.12)), (0.04, (0.95, 1))):
            inside, found = [], []
            for _ in range(100):
                sure = random.uniform(0.9, 1, 1000)
                scores = calibration(sure, random.random(1000) < sure - distance)
                low, high = (scores[f"calibration_error_{end}"] for end in ("low", "high"))
                inside.append(low <= distance <= high)
                found.append(scores["calibration_p_value"] < 0.05)
            assert np.mean(inside) > 0.92
            assert found_in[0] <= np.mean(found) <= found_in[1]

    def test_the_same_answers_have_the_same_interval(self):
        random = np.random.default_rng(2)
        sure = random.uniform(0.5, 1, 300).round(2)
        right = random.random(300) < 0.8
        order = random.permutation(300)
        one, again, moved = (
            calibration(sure, right),
            calibration(sure, right),
            calibration(sure[order], right[order]),
        )
        assert one == again
        for key in ("calibration_error", "calibration_error_equal_mass"):
            assert moved[key] == pytest.approx(one[key])

    @pytest.mark.parametrize("right", [True, False])
    @pytest.mark.parametrize("images", [1, 3])
    def test_few_images_without_doubt(self, images, right):
        found = calibration(np.ones(images, np.float32), np.full(images, right))
        error = 0 if right else 1
        assert found["calibration_error"] == found["calibration_error_equal_mass"] == error
        assert (found["calibration_error_low"], found["calibration_error_high"]) == (error, error)
        assert found["calibration_p_value"] == (1 if right else pytest.approx(1 / 1001))


class TestAgreement:
    LABELS = np.array([0, 1, 2, 0, 1, 2])
    PREDICTED = np.array([[0, 1, 2, 1, 2, 2], [0, 2, 2, 1, 2, 0], [0, 1, 1, 1, 1, 0]])

    def test_error_sets_by_hand(self):
        sets = error_sets(["a", "b", "c"], self.PREDICTED, self.LABELS)
        assert [(row["models"], row["images"]) for row in sets] == [
            (["b"], 1),
            (["c"], 1),
            (["a", "b"], 1),
            (["b", "c"], 1),
            (["a", "b", "c"], 1),
        ]

    def test_the_set_with_the_most_images_is_first(self):
        """Where they are equally many, the one with fewer models."""
        wrong = np.array([[1, 1, 1, 0, 0, 0], [1, 1, 1, 1, 1, 0]])
        sets = error_sets(["a", "b"], wrong, np.zeros(6, int))
        assert sets == [{"models": ["a", "b"], "images": 3}, {"models": ["b"], "images": 2}]
        sets = error_sets(["a", "b"], np.array([[1, 0, 1], [1, 1, 0]]), np.zeros(3, int))
        assert [row["models"] for row in sets] == [["a"], ["b"], ["a", "b"]]

    def test_contested_needs_two_models_that_agree(self):
        assert contested(self.PREDICTED, self.LABELS).tolist() == [3]
        assert contested(self.PREDICTED[:2], self.LABELS).tolist() == [3, 4]
        assert contested(self.PREDICTED[:1], self.LABELS).tolist() == []

    def test_answers_by_hand(self):
        found = compare_answers(self.PREDICTED[0], self.PREDICTED[1], self.LABELS, 3)
        assert found["answers"] == [[1, 0, 0], [0, 1, 1], [1, 0, 2]]
        cells = {(cell["label"], cell["answer"]): cell for cell in found["confusion_differences"]}
        assert {
            place: (cell["only_first"], cell["only_second"]) for place, cell in cells.items()
        } == {(1, 1): (1, 0), (1, 2): (0, 1), (2, 0): (0, 1), (2, 2): (1, 0)}
        assert all(cell["p_value"] == 1 for cell in cells.values())
        assert all(cell["low"] < 0 < cell["high"] for cell in cells.values())

    def test_a_clear_difference_is_found(self):
        labels = np.zeros(100, int)
        first, second = np.zeros(100, int), np.where(np.arange(100) < 20, 1, 0)
        cells = compare_answers(first, second, labels, 2)["confusion_differences"]
        assert all(cell["p_value"] < 0.001 for cell in cells)
        assert [np.sign((cell["low"], cell["high"])).tolist() for cell in cells] == [
            [1, 1],
            [-1, -1],
        ]

    def test_a_cell_has_the_interval_of_its_label(self):
        """Of 8 images of a label, the first calls 5 so, the second 3 of those and 1 more."""
        labels = np.repeat([0, 1], [8, 4])
        first = np.array([0] * 5 + [1] * 3 + [1] * 4)
        second = np.array([0] * 3 + [1] * 2 + [0] + [1] * 2 + [1] * 4)
        right, wrong = compare_answers(first, second, labels, 2)["confusion_differences"]
        assert (right["label"], right["answer"], wrong["label"], wrong["answer"]) == (0, 0, 0, 1)
        assert (right["only_first"], right["only_second"]) == (2, 1)
        bounds = [8 * bound for bound in difference_interval(2, 1, 3, 8)]
        assert [right["low"], right["high"]] == bounds
        bounds = [8 * bound for bound in difference_interval(1, 2, 2, 8)]
        assert [wrong["low"], wrong["high"]] == bounds

    def test_as_many_the_ones_as_the_others_is_a_difference(self):
        first, second = np.array([0, 1, 0]), np.array([1, 0, 0])
        cells = compare_answers(first, second, np.zeros(3, int), 2)["confusion_differences"]
        counts = [(cell["answer"], cell["only_first"], cell["only_second"]) for cell in cells]
        assert counts == [(0, 1, 1), (1, 1, 1)]

    def test_nothing_differs_where_answers_are_the_same(self):
        answers = np.array([0, 1, 1])
        found = compare_answers(answers, answers, np.array([0, 1, 0]), 2)
        assert found == {"answers": [[1, 0], [0, 2]], "confusion_differences": []}

    def test_against_others_goes_both_ways(self):
        right = self.PREDICTED == self.LABELS
        against = against_others(["a", "b", "c"], compare_pairs(right), 6)
        (there,) = [row for row in against["a"] if row["model"] == "b"]
        (back,) = [row for row in against["b"] if row["model"] == "a"]
        assert there["difference"] == -back["difference"] == pytest.approx(2 / 6)
        assert (there["only_this_right"], there["only_other_right"]) == (2, 0)
        assert (back["only_this_right"], back["only_other_right"]) == (0, 2)
        bounds = difference_interval(2, 0, 2, 6)
        assert (there["difference_low"], there["difference_high"]) == bounds
        assert (-back["difference_high"], -back["difference_low"]) == bounds


def score(likely: np.ndarray, part: Split) -> dict[str, object]:
    return {**counted(likely.argmax(axis=1), part), **measured(likely, part.labels)}


class TestScores:
    """Five images of classes 5, 6 and 9, and a class 11 without images or predictions."""

    PART = Split(
        np.zeros((5, 2, 2)),
        np.array([0, 1, 2, 2, 2]),
        np.array(["5", "6", "9", "11"]),
        np.array([0, 1]),
    )
    LIKELY = np.array(
        [
            [0.72, 0.2, 0.05, 0.03],
            [0.55, 0.4, 0.03, 0.02],
            [0.1, 0.1, 0.78, 0.02],
            [0.3, 0.64, 0.05, 0.01],
            [0.01, 0.02, 0.96, 0.01],
        ],
        np.float32,
    )
    RIGHT = np.array([True, False, True, False, True])

    def test_metrics_by_hand(self):
        found = score(self.LIKELY, self.PART)
        assert (found["successes"], found["failures"], found["accuracy"]) == (3, 2, 3 / 5)
        assert (found["accuracy_low"], found["accuracy_high"]) == accuracy_interval(3, 5)
        # Two right predictions of 75 % together, two wrong of 55 and 64 %, a right one of 96 %.
        assert found["calibration_error"] == pytest.approx((2 * 0.25 + 0.55 + 0.64 + 0.04) / 5)
        assert calibration(self.LIKELY.max(axis=1), self.RIGHT).items() < found.items()
        assert found["brier_score"] == pytest.approx(
            (0.1218 + 0.6638 + 0.0688 + 1.4022 + 0.0022) / 5, abs=1e-6
        )
        assert found["loss"] == pytest.approx(
            -np.mean(np.log([0.72, 0.4, 0.78, 0.05, 0.96])), abs=1e-6
        )
        assert found["confusion"] == [[1, 0, 0, 0], [1, 0, 0, 0], [0, 1, 2, 0], [0, 0, 0, 0]]
        rows = [tuple(row.values()) for row in found["per_class"]]
        assert rows == [
            ("5", 0.5, 1, pytest.approx(2 / 3), 1),
            ("6", 0, 0, 0, 1),
            ("9", 1, pytest.approx(2 / 3), pytest.approx(0.8), 3),
            ("11", 0, 0, 0, 0),
        ]

    def test_failures_by_hand(self):
        likely = np.stack([self.LIKELY, np.roll(self.LIKELY, 1, axis=1)])
        likely[1, 0] = self.LIKELY[0]
        assert failures_csv(["a", "=b"], likely, self.PART) == (
            "index,label,a,a_confidence,'=b,'=b_confidence\n"
            "1,6,5,0.5500,6,0.5500\n"
            "2,9,9,0.7800,11,0.7800\n"
            "3,9,6,0.6400,9,0.6400\n"
            "4,9,9,0.9600,11,0.9600\n"
        )

    def test_findings_are_of_the_models_they_name(self):
        likely = np.stack([self.LIKELY, np.roll(self.LIKELY, 1, axis=1), self.LIKELY[::-1]])
        answers = np.array([[0, 0, 2, 1, 2], [1, 1, 3, 2, 3], [2, 1, 2, 0, 0]])
        right = answers == self.PART.labels
        names = ["a", "b", "c"]
        watched = {"validation_images": 4, "validation_right": 3}
        sizes = [{"bytes": size, **watched} for size in (1, 2, 3)]
        robustness = {"models": {name: {"accuracy": 0.5} for name in names}}
        found = findings_of(names, sizes, likely, self.PART, robustness, {"asked": "elsewhere"})
        pairs = compare_pairs(right)
        against = against_others(names, pairs, 5)
        for place, name in enumerate(names):
            own = score(likely[place], self.PART)
            of_both = validation_scores(3, 4, own["successes"], 5)
            metrics = {**sizes[place], **own, **of_both, "against": against[name]}
            metrics["corrupted_accuracy"] = 0.5
            assert found["metrics"][name] == metrics
            confidence = [row.max() for row in likely[place]]
            for kind, measure in (("reliability", reliability), ("abstention", abstention)):
                assert found[kind][name] == measure(np.array(confidence), right[place])
        for pair, one in zip(pairs, found["pairs"], strict=True):
            assert (one["first"], one["second"]) == (names[pair.first], names[pair.second])
            compared = compare_answers(
                answers[pair.first], answers[pair.second], self.PART.labels, 4
            )
            assert one["answers"] == compared["answers"]
            assert one["confusion_differences"] == compared["confusion_differences"]
        assert found["error_sets"] == error_sets(names, answers, self.PART.labels)
        assert found["contested"] == contested(answers, self.PART.labels).tolist()
        assert found["unknown"] == {"asked": "elsewhere"}
        likely_of = dict(zip(names, likely, strict=True))
        own = {name: mistakes(one, self.PART.labels) for name, one in likely_of.items()}
        assert found["mistakes"] == own


def test_the_summary_has_what_tables_of_dvc_have_room_for():
    scores = {"accuracy": 0.96944, "loss": 0.101449, "failures": 11, "against": []}
    assert summary({"cnn": scores}) == {"cnn": {"acc": 0.9694, "loss": 0.1014}}


def test_reliability_side_by_side():
    """Two models: one with confidences in two bins, one with confidences in another."""
    right = np.array([True, False, True, True])
    rows = {
        "a": reliability(np.array([0.55, 0.58, 0.91, 1.0]), right),
        "b": reliability(np.full(4, 0.72), right),
    }
    table = reliability_table(rows)
    assert [row["confidence"] for row in table] == pytest.approx(np.arange(0.05, 1, 0.1))
    assert [row["a"] for row in table] == [*[None] * 5, 0.5, *[None] * 3, 1.0]
    assert [row["b"] for row in table] == [*[None] * 7, 0.75, None, None]
