"""Text for one line, for little room, and for one cell of a table."""

import re
import unicodedata

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # how one begins for a spreadsheet


def printable(text: object) -> str:
    """`text` on one line, with characters that do not print made visible."""
    line = " ".join(str(text).split())
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in line)


def columns(text: str) -> int:
    """How wide `text` is, about, in letters: Chinese and Japanese signs take the room of two."""
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)


def shortened(text: str, width: int) -> str:
    """`text`, cut where it is wider than `width` columns."""
    if columns(text) <= width:
        return text
    end = next(end for end in range(len(text), -1, -1) if columns(text[:end]) < width)
    return f"{text[:end]}…"


def csv_text(text: str) -> str:
    """`text` as a spreadsheet shows it, and never as a formula: with an apostrophe before what it
    would take for one, and before another apostrophe. Whole numbers stay as they are.
    """
    if re.fullmatch(r"-?[0-9]+", text):
        return text
    return f"'{text}" if text.startswith(("'", *FORMULA)) else text


def from_csv_text(text: str) -> str:
    """What `csv_text` was given."""
    return text.removeprefix("'")
