"""What became of each model: which images it fixed and broke, worked out by hand."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.significance import accuracy_interval, difference_interval
from review.galleries import most_confident_first, newly_broken
from review.models import ModelChange, compare_models
from review.results import Mistake, Results


def results(images: int = 1000, **wrong: list[int]) -> Results:
    """Models that wrongly predict the next digit, more confident the later the image."""
    mistakes = {
        name: {index: Mistake("1", "2", index / images) for index in indices}
        for name, indices in wrong.items()
    }
    return Results("toy", "0", images, mistakes)


def test_models_come_in_the_order_of_the_comparison_page():
    here = results(a=[1, 2], b=[3, 4], c=[5])
    here = replace(here, losses={"a": 0.2, "b": 0.1, "c": 0.3})
    changes = compare_models(results(a=[1], b=[], old=[]), here)
    assert [change.name for change in changes] == ["c", "b", "a", "old"]
    assert [change.place for change in changes] == [2, 1, 0, None]
    assert [change.before for change in changes] == [None, 1.0, 0.999, 1.0]


def test_a_model_compared():
    (change,) = compare_models(results(m=[*range(10)]), results(m=[8, 9, 10]))
    assert (change.name, change.kind, change.old_name) == ("m", "compared", "")
    assert (change.fixed, change.broken) == ([*range(8)], [10])
    assert [*change.mistakes] == [8, 9, 10]
    assert [*change.base_mistakes] == [*range(10)]
    assert change.accuracy == 0.997
    assert (change.low, change.high) == accuracy_interval(997, 1000)
    assert change.difference == 0.007
    assert (change.difference_low, change.difference_high) == difference_interval(8, 1, 989, 1000)
    assert change.p_value == pytest.approx(2 * (1 + 9) / 2**9)
    assert change.outcome == "better"


@pytest.mark.parametrize(
    ("base", "here", "outcome"),
    [
        ([*range(6)], [], "better"),  # p = 2 / 64
        ([*range(5)], [], "chance"),  # p = 2 / 32
        ([], [*range(6)], "worse"),
        ([], [*range(5)], "chance"),
        ([1], [2], "chance"),
        ([1], [1], "same"),
        ([], [], "same"),
    ],
)
def test_outcomes(base, here, outcome):
    (change,) = compare_models(results(m=base), results(m=here))
    assert change.outcome == outcome


def test_a_p_value_of_a_twentieth_may_be_chance():
    change = ModelChange("m", "compared", {}, {}, 1, 1, 1, fixed=[1], difference=0.1, p_value=0.05)
    assert change.outcome == "chance"
    assert replace(change, p_value=0.0499).outcome == "better"


def test_only_models_that_predict_otherwise_are_counted():
    """Holm's correction for two: the smaller p-value twice, the larger once but no less."""
    base = results(a=[*range(7)], b=[*range(6)], c=[1], gone=[3])
    found = compare_models(base, results(a=[], b=[], c=[1], new=[4, 5]))
    assert {each.name: each.p_value for each in found} == {
        "a": pytest.approx(4 / 128),
        "b": pytest.approx(4 / 128),
        "c": 1.0,
        "new": 1.0,
        "gone": 1.0,
    }


def test_order_kinds_and_names():
    base = results(a=[1], b=[2, 3], old=[7, 8], perfect=[], gone=[1, 2, 3])
    here = results(b=[2, 3], a=[1, 4], new=[7, 8], other=[9], spotless=[])
    found = compare_models(base, here)
    assert [(each.name, each.kind, each.old_name) for each in found] == [
        ("spotless", "new", ""),  # no mistakes are no mark to know a model by
        ("other", "new", ""),
        ("a", "compared", ""),
        ("b", "compared", ""),
        ("new", "compared", "old"),
        ("perfect", "removed", ""),
        ("gone", "removed", ""),
    ]
    gone = found[-1]
    assert (gone.outcome, gone.accuracy, [*gone.base_mistakes]) == ("removed", 0.997, [1, 2, 3])
    assert (found[0].outcome, found[0].base_mistakes) == ("new", {})
    for alone in (found[0], gone):
        assert (alone.difference, alone.difference_low, alone.difference_high) == (0, 0, 0)


def test_a_name_is_given_once_and_only_where_it_is_plain():
    twice = compare_models(results(old=[1]), results(a=[1], b=[1]))
    assert [(each.name, each.old_name) for each in twice] == [("a", "old"), ("b", "")]
    unsure = compare_models(results(x=[1], y=[1]), results(a=[1]))
    assert [(each.name, each.kind) for each in unsure] == [
        ("a", "new"),
        ("x", "removed"),
        ("y", "removed"),
    ]


@given(st.data())
def test_what_is_always_true_of_a_comparison(data):
    images = data.draw(st.integers(1, 30))
    some = st.lists(st.integers(0, images - 1), unique=True)
    models = st.dictionaries(st.sampled_from("abc"), some, min_size=1)
    base, here = (results(images, **data.draw(models)) for _ in range(2))
    found = compare_models(base, here)
    assert {each.name for each in found if each.kind != "removed"} == set(here.mistakes)
    ranks = [len(each.mistakes) for each in found if each.kind != "removed"]
    assert ranks == sorted(ranks)
    for each in found:
        assert 0 <= each.low <= each.accuracy <= each.high <= 1
        assert set(each.fixed) == set(each.base_mistakes) - set(each.mistakes)
        if each.kind == "compared":
            assert set(each.broken) == set(each.mistakes) - set(each.base_mistakes)
            assert each.difference_low <= each.difference <= each.difference_high
            assert each.difference * images == pytest.approx(len(each.fixed) - len(each.broken))
        assert (each.outcome == "better") <= (len(each.fixed) > len(each.broken))
        assert (each.outcome == "worse") <= (len(each.fixed) < len(each.broken))


def test_the_surest_come_first():
    change = ModelChange(
        "m", "compared", {1: Mistake("1", "2", 0.9)}, {}, 0, 0, 0, broken=[1, 2, 3]
    )
    change.base_mistakes.update({2: Mistake("1", "2", 0.95), 3: Mistake("1", "2", 0.9)})
    assert most_confident_first(change, [3, 2, 1]) == [2, 1, 3]
    assert [index for _, index in newly_broken([change, change])] == [2, 1, 3]
