"""Cells of CSV files: any text comes back, a row is a line, and no spreadsheet finds a formula."""

import csv
import io
import re
import unicodedata

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.split import Split
from core.text import csv_text, from_csv_text
from evaluation.scores import failures_csv

# Signs that spreadsheets, readers of CSV and this escaping treat in a special way are frequent.
SIGNS = "=+-@\uff1d\uff0b\uff0d\uff20;,\"'\\ntrxuU05 \t\n\r\v\f\x1c\x85\u2028\u2029\u202e\ufeff\xa0"
TEXTS = st.text(st.sampled_from(SIGNS) | st.characters(exclude_categories=()), max_size=12)
FORMULAS = tuple("=+-@\uff1d\uff0b\uff0d\uff20")


def line_of(cells: list[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        *(("=cmd()", "'=cmd()"), ("@a", "'@a"), ("-1+1", "'-1+1"), ("'=a", "''=a"), ("'", "''")),
        *(("cnn", "cnn"), ("-31", "-31"), ("a=b", "a=b"), ("\uff1d1", "'\uff1d1")),
        *(("\n=cmd()", r"\n=cmd()"), ("a;=1", "a;'=1"), ('a; "=1', "a; \"'=1"), (" =1", " '=1")),
        *(("a\u2028b", r"a\u2028b"), ("\u202egnp", r"\u202egnp"), (r"\n", r"\\n")),
        *(("\x1b[2J", r"\x1b[2J"), ("\U000e0041", r"\U000e0041"), ("\udcff", r"\udcff")),
    ],
)
def test_what_is_written(text, safe):
    assert csv_text(text) == safe
    assert from_csv_text(safe) == text


@given(TEXTS)
def test_any_text_comes_back(text):
    assert from_csv_text(csv_text(text)) == text


@given(st.lists(TEXTS, min_size=1, max_size=4))
def test_a_row_is_a_line_without_hidden_characters(texts):
    line = line_of([csv_text(text) for text in texts])
    assert line.splitlines() == [line.removesuffix("\n")]
    hidden = {unicodedata.category(char) for char in line.removesuffix("\n")}
    assert not hidden & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    (row,) = csv.reader(io.StringIO(line))
    assert [from_csv_text(cell) for cell in row] == texts


@given(st.lists(TEXTS, min_size=1, max_size=4))
@example(['a;"=1', ";", "=1", "-5"])
def test_no_spreadsheet_finds_a_formula(texts):
    """Split at commas, or at semicolons with and without regard to quotes. Each table of this
    project begins with a column of numbers or file names.
    """
    line = line_of(["0", *map(csv_text, texts)])
    for dialect in ({}, {"delimiter": ";"}, {"delimiter": ";", "quoting": csv.QUOTE_NONE}):
        (row,) = csv.reader(io.StringIO(line), **dialect)
        for cell in row:
            begins = cell.lstrip('" \xa0')
            assert not begins.startswith(FORMULAS) or re.fullmatch("-?[0-9]+", cell), cell


def test_columns_of_a_model_are_no_formulas():
    part = Split(np.zeros((1, 2, 2)), np.array([1]), np.array(["=0", "1"]), np.array([0, 1]))
    header, row = failures_csv(["-5"], np.float32([[[0.9, 0.1]]]), part).splitlines()
    assert header == "index,label,-5,'-5_confidence"
    assert row == "0,1,'=0,0.9000"
