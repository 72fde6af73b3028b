"""Text on one line, of a limited width, and in the cell of a table."""

import re
import unicodedata
from ast import literal_eval

# How formulas begin in spreadsheets, also those for Chinese and Japanese: with a wide sign.
FORMULA = r"=+\-@\uff1d\uff0b\uff0d\uff20"
CELL_START = r"(?:^|;)[\s\"]*"
UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")  # Unicode's categories: control, format, line separators
ESCAPED = r"\\(?:[\\ntr]|x[0-9a-f]{2}|u[0-9a-f]{4}|U00(?:0[0-9a-f]|10)[0-9a-f]{4})"


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
    """`text` for a cell of a CSV file: on one line, and never a formula in a spreadsheet.

    Backslashes, control characters, line breaks and characters that change the direction of text
    are escaped as in Python. An apostrophe is put before the sign of a formula, and before another
    apostrophe, at the beginning and after a semicolon, where some spreadsheets split cells. Whole
    numbers stay as they are.
    """
    if re.fullmatch("-?[0-9]+", text):
        return text
    line = "".join(ascii(char)[1:-1] if _is_escaped(char) else char for char in text)
    return re.sub(f"({CELL_START})(?=['{FORMULA}])", r"\1'", line)


def from_csv_text(text: str) -> str:
    """The text that `csv_text` was called with."""
    line = re.sub(f"({CELL_START})'", r"\1", text)
    return re.sub(ESCAPED, lambda found: literal_eval(f'"{found[0]}"'), line)


def _is_escaped(char: str) -> bool:
    return char == "\\" or unicodedata.category(char) in UNSEEN
