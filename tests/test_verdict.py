"""The sentences that say what became of each model, worked out by hand."""

from hypothesis import given
from hypothesis import strategies as st
from test_model_changes import results

from drawing.escaping import escape_markdown
from drawing.templates import template_environment
from review.changed_code import UNCHANGED, ChangedCode
from review.github import Reproduction
from review.models import compare_models
from review.results import Mistake, Results
from review.review_page import FOLDERS
from review.verdict import (
    CHANGED_CODE,
    FAILED,
    HIDING,
    LONGEST,
    NO_DEPENDENCY_CHANGED,
    NOT_REPRODUCED,
    NOT_TO_BE_TRUSTED,
    REPRODUCED,
    STALE,
    UNKNOWN,
    UP_TO_DATE,
    no_comparison,
    short,
    verdict,
)

WORDS = template_environment(*FOLDERS).get_template("verdict.j2").module


def test_why_there_is_no_comparison():
    plain = results(m=[1])
    assert no_comparison(plain, plain, "main") is None
    assert no_comparison(plain, None, "main") == "this change has no results; run: make report"
    assert no_comparison(None, None, "main").startswith("this change has no results")
    assert no_comparison(None, plain, "main") == "main has no results"
    other = Results("mnist", "0", 1000, {})
    assert no_comparison(other, plain, "main") == "main is tested on another dataset, mnist"
    for changed in (Results("toy", "1", 1000, {}), Results("toy", "0", 999, {})):
        assert (
            no_comparison(changed, plain, "main") == "the images of toy differ from those in main"
        )


def test_short_names():
    assert short("a" * 24) == "a" * 24
    assert short("a" * 25) == "a" * 23 + "…"
    assert short("a\n\x1bb") == "a \\x1bb"


def said(
    base=None,
    here=None,
    missing=None,
    stale=(),
    reproduction=None,
    as_text=str,
    unfit="",
    unexplained=(),
    code=UNCHANGED,
):
    changes = [] if missing else compare_models(base, here)
    stale = None if stale is None else list(stale)
    judged = changes, missing, stale, WORDS, as_text, reproduction, unfit
    return verdict(*judged, unexplained, code)


BASE = results(a=[*range(20)], b=[1, 2], c=[3])


def test_sentences():
    assert said(BASE, BASE) == ("Every model makes the same mistakes as before.", UP_TO_DATE)
    one = results(a=[*range(10)], b=[1, 2], c=[3])
    assert said(BASE, one) == (
        "a is better by 1.00 points, more than chance (p = 0.002): 10 fixed, 0 broken.",
        f"Same mistakes as before: c, b. {UP_TO_DATE}",
    )
    assert said(results(a=[1]), results(a=[2])) == (
        "a: 1 fixed, 1 broken, no more than chance would explain (p = 1.000).",
        UP_TO_DATE,
    )
    many = results(a=[], b=[*range(100, 140)], c=[4])
    assert said(BASE, many)[0] == (
        "b is worse by 3.80 points, more than chance (p < 0.001): 2 fixed, 40 broken."
    )
    assert said(BASE, many)[1] == (
        "a is better by 2.00 points, more than chance (p < 0.001): 20 fixed, 0 broken. "
        f"c: 1 fixed, 1 broken, no more than chance would explain (p = 1.000). {UP_TO_DATE}"
    )
    renamed = results(x=[*range(20)], b=[1, 2], c=[3], d=[8])
    assert said(BASE, renamed) == (
        "No model's mistakes have changed.",
        f"d is new. x was renamed from a. {UP_TO_DATE}",
    )
    assert said(BASE, results(a=[*range(20)], b=[1, 2])) == (
        "No model's mistakes have changed.",
        f"c was removed. {UP_TO_DATE}",
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
        "Other models: 1 worse, more than chance, 2 better, more than chance."
    )


def test_what_does_not_fit_is_counted():
    wrong = {f"{'long name' * 2}{place:02}": [place] for place in range(12)}
    assert said(results(**wrong), results(**{f"{name}x": [99] for name in wrong})) == (
        "Models: 12 new, 12 removed.",
        UP_TO_DATE,
    )
    moved = results(**{name: [500] for name in wrong}, z=[9])
    first, rest = said(results(**wrong, z=[9]), moved)
    assert first.startswith("“long namelong name00”: 1 fixed, 1 broken")
    moved = "11 changed no more than chance would explain, 1 with the same mistakes"
    assert rest == f"Other models: {moved}. {UP_TO_DATE}"


def test_what_the_data_cannot_say_comes_before_the_models():
    better = results(a=[*range(10)], b=[1, 2], c=[3])
    first, rest = said(BASE, better, unfit="9 of 10 test images are in train.")
    assert first == f"{NOT_TO_BE_TRUSTED}: 9 of 10 test images are in train."
    assert rest.startswith("a is better by 1.00 points")
    assert rest.endswith(UP_TO_DATE)
    assert said(BASE, better, unfit="x" * 300)[0] == f"{NOT_TO_BE_TRUSTED}."
    run = Reproduction(False, "why")
    first, rest = said(BASE, better, stale=["y"], reproduction=run, unfit="z")
    assert first == f"{NOT_REPRODUCED}: “why”."
    assert rest.startswith(f"{STALE}: “y”. {NOT_TO_BE_TRUSTED}: z.")


@given(st.integers(0, 100), st.booleans(), st.booleans(), st.text(max_size=400))
def test_there_is_always_a_verdict_that_fits(models, stale, failed, unfit):
    base = results(**{str(place): [place] for place in range(models)}, x=[1])
    here = results(**{str(place): [place + 1] for place in range(models // 2)}, x=[1], y=[])
    run = Reproduction(False, "why" * 90) if failed else None
    reasons = ["stale" * 60] if stale else []
    parts = said(base, here, None, reasons, run, escape_markdown, unfit)
    assert sum(len(escape_markdown(part)) for part in parts) <= LONGEST


def test_the_others_are_counted_where_one_sentence_fits():
    """Two alarms leave no room for a sentence about each model."""
    base, here = results(a=[*range(20)], b=[30], c=[31]), results(a=[], b=[40], c=[41])
    for each in (base, here):
        for name in "abc":
            each.mistakes[name * 24] = each.mistakes.pop(name)
    run = Reproduction(False, "x" * 200)
    assert said(base, here, stale=["y" * 200], reproduction=run) == (
        f"{NOT_REPRODUCED}.",
        f"{STALE}. {'a' * 24} is better by 2.00 points, more than chance (p < 0.001): 20 fixed, "
        "0 broken. Other models: 2 changed no more than chance would explain.",
    )


def test_as_many_characters_as_are_shown():
    same = "Every model makes the same mistakes as before."
    room = 280 - len(f"**{STALE}: “”.** {same}")
    assert said(BASE, BASE, stale=["x" * room]) == (f"{STALE}: “{'x' * room}”.", same)
    assert said(BASE, BASE, stale=["x" * (room + 1)]) == (f"{STALE}.", same)


def test_alarms_come_first():
    same = "Every model makes the same mistakes as before."
    assert said(BASE, BASE, stale=None) == (same, UNKNOWN)
    assert said(BASE, BASE, stale=["x must be rerun: y", "z"]) == (
        f"{STALE}: “x must be rerun: y”.",
        same,
    )
    assert said(BASE, BASE, stale=["x" * 300]) == (f"{STALE}.", same)
    assert said(missing="why") == ("No comparison: why.", UP_TO_DATE)
    assert said(missing="why" * 100) == ("No comparison: see below.", UP_TO_DATE)
    assert said(missing="why", stale=["x"]) == (f"{STALE}: “x”.", "No comparison: why.")


def test_what_the_run_says():
    same = "Every model makes the same mistakes as before."
    assert said(BASE, BASE, reproduction=Reproduction(None)) == (same, UP_TO_DATE)
    assert said(BASE, BASE, reproduction=Reproduction(True)) == (
        same,
        f"{UP_TO_DATE} {REPRODUCED}.",
    )
    assert said(BASE, BASE, reproduction=Reproduction(False)) == (f"{FAILED}.", same)
    failed = Reproduction(False, "a gets 20 wrong, and 3")
    assert said(BASE, BASE, reproduction=failed) == (
        f"{NOT_REPRODUCED}: “a gets 20 wrong, and 3”.",
        same,
    )
    assert said(BASE, BASE, stale=["x"], reproduction=failed) == (
        f"{NOT_REPRODUCED}: “a gets 20 wrong, and 3”.",
        f"{STALE}: “x”. {same}",
    )
    long = Reproduction(False, "x" * 300)
    assert said(BASE, BASE, reproduction=long) == (f"{NOT_REPRODUCED}.", same)


def test_what_makes_a_report_doubtful():
    same = "Every model makes the same mistakes as before."
    run, code = Reproduction(True), ChangedCode(["b.py", "json.py"], ["json.py"])
    assert said(BASE, BASE, code=code._replace(hiding=[])) == (same, UP_TO_DATE)
    for changed in (code._replace(hiding=[]), None):  # None if it is unknown
        assert said(BASE, BASE, reproduction=run, code=changed) == (
            same,
            f"{UP_TO_DATE} {REPRODUCED}, {CHANGED_CODE}.",
        )
    assert said(BASE, BASE, code=code) == (f"{HIDING}: json.py.", f"{same} {UP_TO_DATE}")
    found = said(BASE, BASE, unexplained=["train x", "evaluate"], code=code)
    assert found == (
        f"{NO_DEPENDENCY_CHANGED}: “train x” and 1 more.",
        f"{HIDING}: json.py. {same}",
    )
    failed = Reproduction(False, "why")
    found = said(BASE, BASE, None, ["y"], failed, str, "unfit.", ["a", "b", "c"], code)
    assert found[0] == f"{NO_DEPENDENCY_CHANGED}: a and 2 more."
    rest = f"{HIDING}: json.py. {NOT_REPRODUCED}: “why”. {STALE}: “y”. {NOT_TO_BE_TRUSTED}: unfit."
    assert found[1] == rest.replace(": unfit", "")


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
    more = data.draw(
        st.tuples(
            st.text(max_size=30),
            st.lists(st.text(min_size=1), max_size=2),
            st.none() | st.builds(ChangedCode, *[st.lists(st.text(min_size=1), max_size=2)] * 2),
        )
    )
    for as_text in (str, escape_markdown):
        parts = said(base, here, missing, stale, run, as_text, *more)
        assert more[1] == [] or parts[0].startswith(NO_DEPENDENCY_CHANGED)
        assert len(f"**{as_text(parts[0])}** {as_text(parts[1])}") <= LONGEST
