"""Text for one line."""


def printable(text: object) -> str:
    """`text` on one line, with characters that do not print made visible."""
    line = " ".join(str(text).split())
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in line)
