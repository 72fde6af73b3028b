"""Whether a text may be posted as a comment. Another job wrote it, about a pull request that may be
malicious.
"""

import html
import re

from core.errors import UserError

MOST_BYTES = 10_000
OTHERS = "\n\N{NO-BREAK SPACE}"  # non-printable characters that are allowed
PUNCTUATION = r"[!-/:-@\[-`{-~]"
DIGIT = re.compile(r"^```text\n[\u2800-\u28ff\n]*^```$", re.MULTILINE)
COMMIT = re.compile(r"(?<![\\`])`[0-9a-f]{8}`(?!`)")
# Under the address: no segment is empty or begins with a dot, and no character can be encoded.
PATH = r"\w[\w.-]*(?:/\w[\w.-]*)*"
# Text that GitHub turns into a link or a notification, after it has resolved entities.
LIVE = {
    "a mention": r"@(?!\u200b)",
    "a reference": r"#(?!\u200b)|\bGH-[0-9]",
    "an address": r"://|\bwww\.|\bmailto:|\bxmpp:",
    "mathematics": r"\$",
    "a commit": r"(?<![0-9a-z])[0-9a-f]{7,}(?![0-9a-z])",
}


def check_text(text: str, address: str) -> None:
    """Raise UserError unless `text` is Markdown that GitHub only shows.

    Args:
        address: the start of allowed links.
    """
    if len(text.encode(errors="surrogatepass")) > MOST_BYTES:
        raise UserError(f"the text is too long; allowed: up to {MOST_BYTES} bytes")
    if not text.strip():
        raise UserError("the text is empty")
    _refuse_control(text)
    link = rf"(?<![!\\])\[([^\[\]\\\n]*)\]\({re.escape(address)}{PATH}\)"
    rest = re.sub(link, r" \1 ", COMMIT.sub(" ", DIGIT.sub("", text)), flags=re.ASCII)
    bare = re.sub(rf"\\{PUNCTUATION}", "", rest)
    if "<" in rest:
        raise UserError("the text contains HTML")
    if ">" in rest:
        raise UserError("the text contains a quotation or an alert box")
    if re.search(r"\][(\[:]|[`~]", bare):
        raise UserError("the text contains code, or a link out of this repository")
    shown = html.unescape(re.sub(rf"\\({PUNCTUATION})", r"\1", rest))
    _refuse_control(shown.replace("\u200b", ""))
    for what, pattern in LIVE.items():
        if re.search(pattern, shown, re.IGNORECASE):
            raise UserError(f"the text contains {what}")


def _refuse_control(text: str) -> None:
    for character in text:
        if not character.isprintable() and character not in OTHERS:
            raise UserError(f"the text contains a non-printable character: {character!a}")
