"""What evaluate computes, against numbers found by hand or printed in the papers."""

import numpy as np
import pytest

from measures.agreement import against_others, compare_answers, contested, error_sets
from measures.confidence import abstention, calibration_error, reliability, reliability_table
from measures.scores import csv_text
from shared.significance import (
    accuracy_interval,
    compare_pairs,
    difference_interval,
    holm,
    mcnemar,
)


class TestSignificance:
    def test_interval_by_hand(self):
        """Wilson's interval for 10 of 10: (n / (n + z^2), 1)."""
        low, high = accuracy_interval(10, 10)
        assert low == pytest.approx(10 / (10 + 1.959964**2), abs=1e-6)
        assert high == 1

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

    def test_contested_needs_two_models_that_agree(self):
        assert contested(self.PREDICTED, self.LABELS).tolist() == [3]
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

    def test_against_others_goes_both_ways(self):
        right = self.PREDICTED == self.LABELS
        against = against_others(["a", "b", "c"], compare_pairs(right), 6)
        (there,) = [row for row in against["a"] if row["model"] == "b"]
        (back,) = [row for row in against["b"] if row["model"] == "a"]
        assert there["difference"] == -back["difference"] == pytest.approx(2 / 6)
        assert (there["difference_low"], there["only_this_right"]) == (
            -back["difference_high"],
            back["only_other_right"],
        )


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
