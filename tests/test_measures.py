"""What evaluate computes, against numbers found by hand or printed in the papers."""

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.stats import binomtest

from core.split import Split
from evaluation.agreement import against_others, compare_answers, contested, error_sets
from evaluation.confidence import abstention, calibration_error, reliability, reliability_table
from evaluation.findings import findings_of
from evaluation.scores import csv_text, failures_csv, score
from evaluation.significance import (
    accuracy_interval,
    compare_pairs,
    difference_interval,
    holm,
    mcnemar,
    same_shares,
)

COUNTS = st.integers(0, 60)
Z = 1.959964


def wilson(right: int, total: int) -> tuple[float, float]:
    """The interval as Wilson (1927) writes it."""
    share, denominator = right / total, 1 + Z**2 / total
    middle = (share + Z**2 / (2 * total)) / denominator
    margin = Z * math.sqrt(share * (1 - share) / total + Z**2 / (4 * total**2)) / denominator
    return middle - margin, middle + margin


class TestSignificance:
    def test_interval_by_hand(self):
        """Wilson's interval for 10 of 10: (n / (n + z^2), 1)."""
        low, high = accuracy_interval(10, 10)
        assert low == pytest.approx(10 / (10 + 1.959964**2), abs=1e-6)
        assert high == 1

    @given(COUNTS, COUNTS)
    def test_interval_is_wilsons(self, right, wrong):
        if right + wrong:
            bounds = accuracy_interval(right, right + wrong)
            assert bounds == pytest.approx(wilson(right, right + wrong), abs=1e-6)

    def test_shares_by_hand(self):
        """60 images, 10 of 30 and 20 of 30: Pearson's chi-squared is 20 / 3, with 1 degree."""
        p_value = math.erfc(math.sqrt(20 / 3 / 2))
        assert same_shares(np.array([[10, 20], [20, 10]])) == pytest.approx(p_value)

    def test_pairs_by_hand(self):
        """Five images that only the first has right: 2 / 2^5; three pairs, so Holm triples it."""
        right = np.ones((3, 20), bool)
        right[1, :5] = False
        pairs = {(pair.first, pair.second): pair for pair in compare_pairs(right)}
        assert pairs[0, 1].only_first_right == 5
        assert pairs[0, 1].p_value == pytest.approx(3 * 2 / 2**5)
        assert pairs[0, 2].p_value == 1
        assert pairs[1, 2].p_value == pytest.approx(3 * 2 / 2**5)

    def test_difference_as_in_the_paper(self):
        """Newcombe (1998), Table II, method 10: 36, 12, 2 and 0 images."""
        assert difference_interval(12, 2, 36, 50) == pytest.approx((0.0569, 0.3404), abs=1e-4)

    @given(COUNTS, COUNTS, COUNTS, COUNTS)
    @example(1, 0, 1, 1)  # where the correction is more than the correlation
    def test_difference_is_newcombes(self, only_first, only_second, both, neither):
        """Newcombe (1998), method 10, from the images one by one: phi is their correlation."""
        counts = (only_first, only_second, both, neither)
        total = sum(counts)
        if not total:
            return
        first, second = (np.repeat(one, counts) for one in ([1, 0, 1, 0], [0, 1, 1, 0]))
        phi = 0.0
        if 0 < first.sum() < total and 0 < second.sum() < total:
            phi = np.corrcoef(first, second)[0, 1]
            if phi > 0:  # corrected for continuity
                less = total / 2 / (total**2 * first.std() * second.std())
                phi = max(phi - less, 0)
        (low1, high1), (low2, high2) = (wilson(one.sum(), total) for one in (first, second))
        down1, up1 = first.mean() - low1, high1 - first.mean()
        down2, up2 = second.mean() - low2, high2 - second.mean()
        difference = first.mean() - second.mean()
        below = math.sqrt(max(0, down1**2 - 2 * phi * down1 * up2 + up2**2))
        above = math.sqrt(max(0, up1**2 - 2 * phi * up1 * down2 + down2**2))
        bounds = difference_interval(only_first, only_second, both, total)
        assert bounds == pytest.approx((difference - below, difference + above), abs=1e-5)

    @pytest.mark.parametrize("counts", [(0, 0, 10, 10), (0, 0, 0, 5), (1, 0, 0, 1), (3, 5, 0, 8)])
    def test_difference_lies_within_its_interval(self, counts):
        low, high = difference_interval(*counts)
        assert -1 <= low <= (counts[0] - counts[1]) / counts[3] <= high <= 1
        turned = difference_interval(counts[1], counts[0], *counts[2:])
        assert (-turned[1], -turned[0]) == pytest.approx((low, high))

    def test_mcnemar_by_hand(self):
        """Of 5 images all the one's: 2 / 2^5; of 4 images half: 1; of none: 1."""
        p_values = mcnemar(np.array([5, 2, 0]), np.array([0, 2, 0]))
        assert p_values.tolist() == pytest.approx([2 / 32, 1, 1])

    @given(COUNTS, COUNTS)
    def test_mcnemar_is_a_binomial_test(self, one, other):
        (p_value,) = mcnemar(np.array([one]), np.array([other]))
        exact = binomtest(one, one + other).pvalue if one + other else 1
        assert p_value == pytest.approx(exact)

    @given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
    def test_holm_is_the_largest_of_those_before(self, p_values):
        """Of the k-th smallest of m: the largest of (m - j + 1) p(j) for j up to k."""
        rising = sorted(p_values)
        factors = range(len(rising), 0, -1)
        scaled = [min(1, factor * one) for factor, one in zip(factors, rising, strict=True)]
        by_hand = {one: max(scaled[: place + 1]) for place, one in enumerate(rising)}
        assert holm(np.array(p_values)) == pytest.approx([by_hand[one] for one in p_values])

    def test_holm_by_hand(self):
        assert holm(np.array([0.03, 0.01, 0.02, 0.9])).tolist() == [0.06, 0.04, 0.06, 0.9]
        assert holm(np.array([])).tolist() == []


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
        error = calibration_error([low, high])
        assert error == pytest.approx((2 * 0.03 + 3 * (2.87 / 3 - 2 / 3)) / 5)

    def test_abstention_by_hand(self):
        steps = abstention(self.CONFIDENCE, self.RIGHT)["steps"]
        assert [(row["images"], row["failures"]) for row in steps] == [(5, 2), (4, 2), (3, 1)]
        assert [row["threshold"] for row in steps] == pytest.approx([0.51, 0.55, 0.92])

    def test_tenths_begin_at_their_lower_end(self):
        """Two answers without doubt are in the last; each has the interval of its own images."""
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


class TestScores:
    """Five images of classes 5, 6 and 9, and a class 11 that nobody answers and none is of."""

    PART = Split(
        np.zeros((5, 2, 2)), np.array([0, 1, 2, 2, 2]), np.array([5, 6, 9, 11]), np.array([0, 1])
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
        # Two right answers of 75 % together, two wrong ones of 55 and 64 %, a right one of 96 %.
        assert found["calibration_error"] == pytest.approx((2 * 0.25 + 0.55 + 0.64 + 0.04) / 5)
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
        names, sizes = ["a", "b", "c"], [{"bytes": size} for size in (1, 2, 3)]
        found = findings_of(names, sizes, likely, self.PART)
        pairs = compare_pairs(right)
        against = against_others(names, pairs, 5)
        for place, name in enumerate(names):
            metrics = {**sizes[place], **score(likely[place], self.PART), "against": against[name]}
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


@pytest.mark.parametrize(("text", "safe"), [("=cmd()", "'=cmd()"), ("@a", "'@a"), ("cnn", "cnn")])
def test_no_cell_is_a_formula(text, safe):
    assert csv_text(text) == safe


def test_reliability_side_by_side():
    """Two models: one answers in two tenths, one in another."""
    right = np.array([True, False, True, True])
    rows = {
        "a": reliability(np.array([0.55, 0.58, 0.91, 1.0]), right),
        "b": reliability(np.full(4, 0.72), right),
    }
    table = reliability_table(rows)
    assert [row["confidence"] for row in table] == pytest.approx(np.arange(0.05, 1, 0.1))
    assert [row["a"] for row in table] == [*[None] * 5, 0.5, *[None] * 3, 1.0]
    assert [row["b"] for row in table] == [*[None] * 7, 0.75, None, None]
