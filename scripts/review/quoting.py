"""Text from a revision or its run, marked so that nobody takes it for words of the review."""

import re
import unicodedata

from core.text import printable

LONGEST = 250  # characters of a quotation


def quoted(text: str) -> str:
    """`text` on one line and in quotation marks. It contains no quotation mark that could seem to
    end it, and is cut off after LONGEST characters.
    """
    line = "".join("'" if _is_quotation_mark(sign) else sign for sign in printable(text))
    return f"“{line if len(line) <= LONGEST else f'{line[:LONGEST]}…'}”"


def named(text: str) -> str:
    """The name `text`: as it is if it is a single plain word, else quoted."""
    return text if re.fullmatch(r"[\w./+-]+…?", text, re.A) else quoted(text)


def _is_quotation_mark(sign: str) -> bool:
    """Whether `sign` is a quotation mark, or looks like one."""
    like = ("QUOTATION", "PRIME", "DITTO", "GERSHAYIM")
    name = unicodedata.name(sign, "")
    return unicodedata.category(sign) in ("Pi", "Pf") or any(part in name for part in like)
