"""A quotation cannot be ended by what it quotes, and a name is quoted unless it is a plain word."""

from hypothesis import given
from hypothesis import strategies as st

from review.quoting import LONGEST, named, quoted

MARKS = '“”„‟\u2018\u2019«»\u2039\u203a"\uff02〝〞〟❝❞⹂″‶״〃'


@given(st.text(st.sampled_from(MARKS + "ab .") | st.characters()))
def test_nothing_within_a_quotation_ends_it(text):
    for said in (quoted(text), named(text)):
        if said != text:
            assert said[0] + said[-1] == "“”"
            inside = said[1:-1]
            assert not {*inside} & {*MARKS}
            assert inside.isprintable()
            assert len(inside) <= LONGEST + 1


def test_quotations():
    assert quoted("a\nb”. All is “well") == "“a b'. All is 'well”"
    assert quoted('say "x" «y» 〝z〞') == "“say 'x' 'y' 'z'”"
    assert quoted("") == "“”"
    assert quoted("x" * 250) == f"“{'x' * 250}”"
    assert quoted("x" * 251) == f"“{'x' * 250}…”"


def test_names():
    for name in ("logreg", "scripts/a_b-c.py", "train_cnn.epochs", "7", "C++", "longname…"):
        assert named(name) == name
    for name in ("", "a b", "verified: yes", "a”b", "日本語", "x…y", "<b>", "a\n", "@x"):
        assert named(name) == quoted(name)
