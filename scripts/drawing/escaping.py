"""Escape untrusted text for HTML and Markdown."""

import json
import re
from typing import Any

from markupsafe import Markup

from core.text import printable

LONGEST = 300


# Text that GitHub turns into links and notifications after it has resolved escapes and entities.
# Only a zero-width character within the word prevents this.
BREAK = "\N{ZERO WIDTH SPACE}"
LIVE = re.compile(
    r"[@#]|\bGH-(?=[0-9])|:(?=//)|\b(?:www(?=\.)|(?:mailto|xmpp)(?=:))", re.IGNORECASE
)
COMMIT = re.compile(r"(?<![0-9a-z])[0-9a-f]{7,}(?![0-9a-z])", re.IGNORECASE)
MARKUP = {
    **{ord(character): f"&#{ord(character)};" for character in f"&<>@#{BREAK}"},
    **{ord(character): f"\\{character}" for character in "\\`*_[]|~"},
    ord("$"): "\N{FULLWIDTH DOLLAR SIGN}",  # formulas, too, can be found after escapes
}


def escape_markdown(text: object) -> str:
    """`text` on one line, cut off after LONGEST characters, with markup, mathematics, addresses,
    mentions and references escaped for GitHub, and non-printable characters made visible.
    """
    line = printable(text)
    line = line if len(line) <= LONGEST else f"{line[:LONGEST]}…"
    line = COMMIT.sub(lambda digits: re.sub("(.{6})(?=.)", rf"\1{BREAK}", digits[0]), line)
    return LIVE.sub(rf"\g<0>{BREAK}", line).translate(MARKUP)


def inert_json(value: Any) -> Markup:
    """`value` as JSON that is safe within a script element: nothing in it can end the element."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return Markup(text.replace("<", "\\u003c"))  # noqa: S704 - no < is left, nor U+2028


def address_name(name: str, place: int) -> str:
    """The unique key of the model `name` in addresses of the page: a short plain word."""
    plain = re.fullmatch(r"[A-Za-z]\w{0,29}", name, re.A)
    return name if plain else f"model-{place + 1}"  # unique, because plain words have no hyphen
