"""Text on one line, of a limited width, and in the cell of a table."""

import re
import unicodedata

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # how formulas begin in spreadsheets


def printable(text: object) -> str:
    """`text` on one line, with non-printable characters escaped."""
    line = " ".join(str(text).split())
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in line)


def columns(text: str) -> int:
    """The approximate width of `text` in columns: wide Chinese and Japanese characters take two."""
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)


def shortened(text: str, width: int) -> str:
    """`text`, cut off with an ellipsis if it is wider than `width` columns."""
    if columns(text) <= width:
        return text
    end = next(end for end in range(len(text), -1, -1) if columns(text[:end]) < width)
    return f"{text[:end]}…"


def csv_text(text: str) -> str:
    """`text` for a spreadsheet, never as a formula: an apostrophe is put before text that would be
    a formula and before another apostrophe. Whole numbers stay as they are.
    """
    if re.fullmatch(r"-?[0-9]+", text):
        return text
    return f"'{text}" if text.startswith(("'", *FORMULA)) else text


def from_csv_text(text: str) -> str:
    """The text that `csv_text` was called with."""
    return text.removeprefix("'")
