"""Text for one line, and for one cell of a table."""

import re

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # how one begins for a spreadsheet


def printable(text: object) -> str:
    """`text` on one line, with characters that do not print made visible."""
    line = " ".join(str(text).split())
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in line)


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
