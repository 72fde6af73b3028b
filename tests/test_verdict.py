"""What became of each model, and the sentences that say so: worked out by hand."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drawing.escaping import escape_markdown
from drawing.templates import template_environment
from evaluation.significance import accuracy_interval, difference_interval
from review.galleries import newly_broken, surest_first
from review.github import Reproduction
from review.models import ModelChange, compare_models
from review.results import Mistake, Results
from review.review_page import FOLDERS
from review.verdict import (
    FAILED,
    LONGEST,
    NOT_REPRODUCED,
    REPRODUCED,
    STALE,
    UNKNOWN,
    UP_TO_DATE,
    no_comparison,
    short,
    verdict,
)

WORDS = template_environment(*FOLDERS).get_template("verdict.j2").module


def results(images: int = 1000, **wrong: list[int]) -> Results:
    """Models with the digit after the label as a wrong answer, surer the later the image."""
    mistakes = {
        name: {index: Mistake("1", "2", index / images) for index in indices}
        for name, indices in wrong.items()
    }
    return Results("toy", "0", images, mistakes)


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


def test_only_models_that_answer_otherwise_are_counted():
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
    assert surest_first(change, [3, 2, 1]) == [2, 1, 3]
    assert [index for _, index in newly_broken([change, change])] == [2, 1, 3]


def test_why_there_is_no_comparison():
    plain = results(m=[1])
    assert no_comparison(plain, plain, "main") is None
    assert (
        no_comparison(plain, None, "main") == "this change has no results; make report makes them"
    )
    assert no_comparison(None, None, "main").startswith("this change has no results")
    assert no_comparison(None, plain, "main") == "main has no results"
    other = Results("mnist", "0", 1000, {})
    assert no_comparison(other, plain, "main") == "main has other images, mnist"
    for changed in (Results("toy", "1", 1000, {}), Results("toy", "0", 999, {})):
        assert no_comparison(changed, plain, "main") == "the images of toy are others than in main"


def test_short_names():
    assert short("a" * 24) == "a" * 24
    assert short("a" * 25) == "a" * 23 + "…"
    assert short("a\n\x1bb") == "a \\x1bb"


def said(base=None, here=None, missing=None, stale=(), reproduction=None, as_text=str):
    changes = [] if missing else compare_models(base, here)
    stale = None if stale is None else list(stale)
    return verdict(changes, missing, stale, WORDS, as_text, reproduction)


BASE = results(a=[*range(20)], b=[1, 2], c=[3])


def test_sentences():
    assert said(BASE, BASE) == ("Every model makes the same mistakes as before.", UP_TO_DATE)
    one = results(a=[*range(10)], b=[1, 2], c=[3])
    assert said(BASE, one) == (
        "a is better by 1.00 points, more than chance (p = 0.002): 10 fixed, 0 broken.",
        f"Same mistakes as before: c, b. {UP_TO_DATE}",
    )
    assert said(results(a=[1]), results(a=[2])) == (
        "a: 1 fixed, 1 broken, no more than chance would give (p = 1.000).",
        UP_TO_DATE,
    )
    many = results(a=[], b=[*range(100, 140)], c=[4])
    assert said(BASE, many)[0] == (
        "b is worse by 3.80 points, more than chance (p < 0.001): 2 fixed, 40 broken."
    )
    assert said(BASE, many)[1] == (
        "a is better by 2.00 points, more than chance (p < 0.001): 20 fixed, 0 broken. "
        f"c: 1 fixed, 1 broken, no more than chance would give (p = 1.000). {UP_TO_DATE}"
    )
    renamed = results(x=[*range(20)], b=[1, 2], c=[3], d=[8])
    assert said(BASE, renamed) == (
        "No model's mistakes have changed.",
        f"d is new. x was a. {UP_TO_DATE}",
    )
    assert said(BASE, results(a=[*range(20)], b=[1, 2])) == (
        "No model's mistakes have changed.",
        f"c is gone. {UP_TO_DATE}",
    )


def test_the_worse_and_the_larger_change_comes_first():
    def order(base, here):
        changes = " ".join(said(base, here)).split(". ")
        return [change.split()[0].rstrip(":") for change in changes]

    worse = {"a": [*range(50, 60)], "b": [*range(50, 80)]}
    assert order(results(a=[], b=[]), results(**worse))[:2] == ["b", "a"]
    assert order(results(**worse), results(a=[], b=[]))[:2] == ["b", "a"]
    assert order(results(a=[*range(90)], b=[]), results(a=[], b=worse["a"]))[:2] == ["b", "a"]
    assert order(results(a=[1, 2, 3], b=[*range(5)]), results(a=[], b=[]))[:2] == ["b", "a"]
    # Ten more fixed than broken, of 70, are less than eight of eight.
    chance = results(a=[*range(40)], b=[*range(8)]), results(a=[*range(50, 80)], b=[])
    assert order(*chance)[:2] == ["b", "a"]
    all_kinds = said(
        results(a=[*range(9)], b=[*range(30)], c=[], d=[]),
        results(a=[], b=[], c=[*range(50, 60)], d=[*range(50, 80)]),
    )
    assert all_kinds[0].startswith("d is worse by 3.00 points")
    assert all_kinds[1].startswith(
        "Besides: 1 worse, more than chance, 2 better, more than chance."
    )


def test_what_does_not_fit_is_counted():
    wrong = {f"{'long name' * 2}{place:02}": [place] for place in range(12)}
    assert said(results(**wrong), results(**{f"{name}x": [99] for name in wrong})) == (
        "Models: 12 new, 12 gone.",
        UP_TO_DATE,
    )
    moved = results(**{name: [500] for name in wrong}, z=[9])
    first, rest = said(results(**wrong, z=[9]), moved)
    assert first.startswith("long namelong name00: 1 fixed, 1 broken")
    assert (
        rest
        == f"Besides: 11 changed no more than chance would, 1 with the same mistakes. {UP_TO_DATE}"
    )


def test_the_others_are_counted_where_one_sentence_fits():
    """Two alarms leave no room for a second one."""
    base, here = results(a=[*range(20)], b=[30]), results(a=[], b=[40])
    for each in (base, here):
        each.mistakes["a" * 24], each.mistakes["b" * 24] = map(each.mistakes.pop, "ab")
    run = Reproduction(False, "x" * 200)
    assert said(base, here, stale=["y" * 200], reproduction=run) == (
        f"{NOT_REPRODUCED}.",
        f"{STALE}. {'a' * 24} is better by 2.00 points, more than chance (p < 0.001): 20 fixed, "
        "0 broken. Besides: 1 changed no more than chance would.",
    )


def test_as_many_characters_as_are_shown():
    same = "Every model makes the same mistakes as before."
    room = 280 - len(f"**{STALE}: .** {same}")
    assert said(BASE, BASE, stale=["x" * room]) == (f"{STALE}: {'x' * room}.", same)
    assert said(BASE, BASE, stale=["x" * (room + 1)]) == (f"{STALE}.", same)


def test_alarms_come_first():
    same = "Every model makes the same mistakes as before."
    assert said(BASE, BASE, stale=None) == (same, UNKNOWN)
    assert said(BASE, BASE, stale=["x has to run: y", "z"]) == (f"{STALE}: x has to run: y.", same)
    assert said(BASE, BASE, stale=["x" * 300]) == (f"{STALE}.", same)
    assert said(missing="why") == ("No comparison: why.", UP_TO_DATE)
    assert said(missing="why" * 100) == ("No comparison: see below.", UP_TO_DATE)
    assert said(missing="why", stale=["x"]) == (f"{STALE}: x.", "No comparison: why.")


def test_what_the_run_says():
    same = "Every model makes the same mistakes as before."
    assert said(BASE, BASE, reproduction=Reproduction(None)) == (same, UP_TO_DATE)
    assert said(BASE, BASE, reproduction=Reproduction(True)) == (same, f"{UP_TO_DATE} {REPRODUCED}")
    assert said(BASE, BASE, reproduction=Reproduction(False)) == (f"{FAILED}.", same)
    failed = Reproduction(False, "a gets 20 wrong, and 3")
    assert said(BASE, BASE, reproduction=failed) == (
        f"{NOT_REPRODUCED}: a gets 20 wrong, and 3.",
        same,
    )
    assert said(BASE, BASE, stale=["x"], reproduction=failed) == (
        f"{NOT_REPRODUCED}: a gets 20 wrong, and 3.",
        f"{STALE}: x. {same}",
    )
    long = Reproduction(False, "x" * 300)
    assert said(BASE, BASE, reproduction=long) == (f"{NOT_REPRODUCED}.", same)


@given(st.data())
def test_a_verdict_is_short_whatever_the_names(data):
    names = st.text(min_size=1, max_size=40)
    some = st.lists(st.integers(0, 99), unique=True, max_size=9)
    models = st.dictionaries(names, some, min_size=1, max_size=6)
    base, here = (results(100, **{}) for _ in range(2))
    for each in (base, here):
        for name, wrong in data.draw(models).items():
            each.mistakes[name] = {index: Mistake("1", "2", 0.5) for index in wrong}
    stale = data.draw(st.none() | st.lists(st.text(), max_size=1))
    missing = data.draw(st.none() | st.text())
    run = data.draw(st.none() | st.builds(Reproduction, st.booleans() | st.none(), st.text()))
    for as_text in (str, escape_markdown):
        parts = said(base, here, missing, stale, run, as_text)
        assert len(f"**{as_text(parts[0])}** {as_text(parts[1])}") <= LONGEST
