"""Text for one line."""


def printable(text: object) -> str:
    """`text` on one line, with characters that do not print made visible."""
    line = " ".join(str(text).split())
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in line)
