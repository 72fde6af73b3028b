"""Markdown that data cannot break out of."""


def escape_markdown(text: object) -> str:
    """`text` on one line, with what GitHub would take for markup or a mention made harmless."""
    signs = {ord(sign): f"&#{ord(sign)};" for sign in "&<>@#"} | {
        ord(sign): f"\\{sign}" for sign in "\\`*_[]|~"
    }
    return " ".join(str(text).split()).translate(signs)
