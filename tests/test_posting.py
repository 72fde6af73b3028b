"""What may be posted on a pull request: Markdown that GitHub shows, and does nothing else with."""

import html
import re
from contextlib import suppress
from urllib.parse import unquote, urlsplit

import pytest
from fake_github import github
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from core.errors import UserError
from drawing.escaping import escape_markdown
from review.github import MARK, STEP, TITLE, Repository, Reproduction
from review.posting import MOST_BYTES, check_text

ADDRESS = "https://git.example/o/r/"
SAFE = [
    "plain, 99.59\N{NO-BREAK SPACE}%, \N{LEFT DOUBLE QUOTATION MARK}quoted, a|b 123456, p &#60; 1",
    "Commit `0123abcd` compared",
    f"[run]({ADDRESS}actions/runs/1) \N{MIDDLE DOT} [metrics]({ADDRESS}blob/{'0a' * 20}/m.json)",
    "```text\n\u2800\u28ff\n\u2801\u2801\n```",
    "&#64;&#8203;name &#35;&#8203;1 GH-&#8203;1 https:&#8203;//x www&#8203;.x 012345&#8203;6",
    "| a | b |\n| --- | ---: |\n| \\*x\\* | \\[y\\](z) |",
]
REFUSED = [
    ("@name", "a mention"),
    ("x &#64;name", "a mention"),
    ("x &commat;name", "a mention"),
    (r"\@name", "a mention"),
    ("a@b.example", "a mention"),
    ("#1", "a reference"),
    ("o/r&#35;1", "a reference"),
    ("x&num;1", "a reference"),
    ("GH-1", "a reference"),
    ("gh&#45;1", "a reference"),
    (r"GH\-1", "a reference"),
    ("https://evil.example", "an address"),
    ("x&#58;//evil.example", "an address"),
    ("see WWW.evil.example", "an address"),
    ("www&#46;evil.example", "an address"),
    ("mailto:x", "an address"),
    ("xmpp:x", "an address"),
    ("0123abc", "a commit"),
    ("x 0123ABCDEF012345", "a commit"),
    ("0123&#97;bc", "a commit"),
    ("<b>", "HTML"),
    ("<!-- x -->", "HTML"),
    ("`<img>`", "HTML"),
    ("[x](https://evil.example)", "a link"),
    (f"![x]({ADDRESS}x.png)", "a link"),
    ("[x](//evil.example)", "a link"),
    (r"[x\\](//evil.example)", "a link"),
    (f"[x]({ADDRESS}a b)", "a link"),
    (f"[x](x{ADDRESS})", "a link"),
    ("[x](https://git.example/o/rx)", "a link"),
    ("[x]: //evil.example", "a link"),
    ("[x][y]", "a link"),
    (f"[@name]({ADDRESS}x)", "a mention"),
    (f"[<b>]({ADDRESS}x)", "HTML"),
    (f"[`x`]({ADDRESS}x)", "code"),
    (f"[$x$]({ADDRESS}x)", "mathematics"),
    (r"$\href{//evil.example}{here}$", "mathematics"),
    (r"\$x\$", "mathematics"),
    ("&#36;x&dollar;", "mathematics"),
    ("~~~mermaid\nx\n~~~", "code"),
    ("> [!WARNING]\n> x", "an alert box"),
    ("x&#x202e;", "a non-printable character: '\\u202e'"),
    (r"\`0123abcd` x `89abcdef`", "code"),
    ("``0123abcd``", "code"),
    ("`0123abc`", "code"),
    ("`code`", "code"),
    ("```text\nx\n```", "code"),
    ("```\n\u2800\n```", "code"),
    ("x\x1b[31m", "a non-printable character: '\\x1b'"),
    ("x\r", "a non-printable character: '\\r'"),
    ("x\u202e", "a non-printable character: '\\u202e'"),
    ("x\u200b", "a non-printable character: '\\u200b'"),
    ("x\udcff", "a non-printable character: '\\udcff'"),
    ("", "empty"),
    (" \n", "empty"),
]


@pytest.mark.parametrize("text", SAFE, ids=range(len(SAFE)))
def test_what_a_review_writes_may_be_posted(text):
    check_text(text, ADDRESS)


@pytest.mark.parametrize(("text", "why"), REFUSED, ids=range(len(REFUSED)))
def test_what_github_would_act_on_may_not(text, why):
    for padded in (text, f"before\n{text}", f"(`0123abcd` {text}") if text.strip() else (text,):
        with pytest.raises(UserError, match=re.escape(why)):
            check_text(padded, ADDRESS)


def test_the_longest_text():
    check_text("é" * (MOST_BYTES // 2), ADDRESS)
    with pytest.raises(UserError, match="too long; allowed: up to 10000 bytes"):
        check_text("é" * (MOST_BYTES // 2) + "x", ADDRESS)


MARKDOWN = MarkdownIt().enable("table")
# What browsers and Markdown read as a dot, a slash or nothing, and what ends or begins a part.
DOTS = (".", "%2e", "%2E", "%252e", "%25252E", "&period;", "&#46;", "&#x2e;", "&amp;#46;", "\\.")
OTHER_SIGNS = (
    *("/", "\\", "%2f", "%5C", "&sol;", "&#47;", "&bsol;", "\t", "\n", "&Tab;", "&NewLine;", "%09"),
    *(
        "?",
        "#",
        ";",
        ":",
        "@",
        "*",
        " ",
        "(",
        ")",
        "[",
        "]",
        '"',
        "'",
        "\uff0e",
        "\u2024",
        "\u200b",
    ),
)
SEGMENTS = st.lists(st.sampled_from((*DOTS, *DOTS, *OTHER_SIGNS, "a", "b1")), max_size=4)


def destination(address: str) -> str:
    """Where a browser goes for an address (WHATWG's URL standard), and would go if any server or
    proxy on the way decoded it once more.
    """
    while (plain := html.unescape(unquote(address))) != address:
        address = plain
    parts = urlsplit(re.sub(r"[\t\n\r]", "", address).replace("\\", "/"))
    kept: list[str] = []
    for segment in parts.path.split("/")[1:]:
        if segment == "..":
            kept = kept[:-1]
        elif segment != ".":
            kept.append(segment)
    return f"{parts.scheme}://{parts.netloc}/{'/'.join(kept)}"


def links(text: str) -> list[str]:
    """The addresses that a Markdown reader finds in `text`."""
    return [
        str(token.attrs["href"])
        for block in MARKDOWN.parse(text)
        for token in block.children or []
        if token.type == "link_open"
    ]


@given(st.lists(SEGMENTS.map("".join), max_size=5).map("/".join), st.booleans())
def test_a_link_never_leads_out_of_the_repository(path, plain):
    text = f"[x]({ADDRESS}{'a/' if plain else ''}{path})"
    with suppress(UserError):
        check_text(text, ADDRESS)
        assert [destination(link)[: len(ADDRESS)] for link in links(text)] == [ADDRESS]


@given(
    st.lists(
        st.from_regex(re.compile(r"\w[\w.-]{0,9}", re.A), fullmatch=True), min_size=1, max_size=5
    )
)
def test_a_link_to_a_file_or_a_run_may_be_posted(segments):
    check_text(f"[x y]({ADDRESS}{'/'.join(segments)})", ADDRESS)


WRITTEN = (
    *(
        "[",
        "]",
        "](",
        "!",
        ")",
        "(",
        "\\",
        "`",
        "```",
        "```text\n",
        "~~~",
        "\n",
        "\n\n",
        " ",
        "    ",
    ),
    *(
        "<b>",
        "<!--",
        ">",
        "> [!NOTE]\n",
        "$",
        "\\$",
        "#",
        "@a",
        "&#64;a",
        "]: ",
        "[x]",
        "[^1]",
        "*",
    ),
    *(
        "https:",
        "//evil.example",
        "`0123abcd`",
        "\u2800",
        "| a |\n| --- |\n",
        "- ",
        "x",
        "&lt;b&gt;",
    ),
    *(
        f"[x]({ADDRESS}a/b)",
        f"{ADDRESS}a",
        f"({ADDRESS}..",
        "&#8203;",
        "%2e%2e",
        "1. ",
        "+",
        "---\n",
    ),
)
SHOWN = {
    *(
        "text",
        "softbreak",
        "hardbreak",
        "link_open",
        "link_close",
        "em_open",
        "em_close",
        "code_inline",
    ),
    *("strong_open", "strong_close"),
}


@given(st.lists(st.sampled_from(WRITTEN), max_size=12).map("".join))
def test_what_may_be_posted_is_text_and_links_into_the_repository(text):
    """No HTML, picture, quotation, mathematics, nor code that a renderer could run."""
    with suppress(UserError):
        check_text(text, ADDRESS)
        assert "$" not in html.unescape(text)
        assert {destination(link)[: len(ADDRESS)] for link in links(text)} <= {ADDRESS}
        for block in MARKDOWN.parse(text):
            assert block.type not in ("html_block", "blockquote_open"), block
            if block.type == "fence":
                assert block.info == "text"
                assert not block.content.strip("\u2800\n")
            for token in block.children or []:
                assert token.type in SHOWN, token
                if token.type == "code_inline":
                    assert token.content == "0123abcd"


@given(
    st.text(
        st.sampled_from("@#abdGHgh-01239/:.w<>&;`*_[]()|!\\$ \n\u200b\u202e\udc80mailtoxp")
        | st.characters()
    )
)
def test_whatever_is_escaped_may_be_posted(text):
    escaped = escape_markdown(text)
    check_text(f"x {escaped} x", ADDRESS)
    shown = html.unescape(re.sub(r"\\([\\`*_\[\]|~])", r"\1", escaped)).replace("\u200b", "")
    plain = " ".join(text.split()).replace("$", "\N{FULLWIDTH DOLLAR SIGN}")
    plain = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in plain)
    assert shown == (plain if len(plain) <= 300 else f"{plain[:300]}…")


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("@name", "&#64;&#8203;name"),
        ("o/r#1 and GH-12", "o/r&#35;&#8203;1 and GH-&#8203;12"),
        ("https://x.example", "https:&#8203;//x.example"),
        ("WWW.x.example", "WWW&#8203;.x.example"),
        ("mailto:a", "mailto&#8203;:a"),
        ("0123abc", "0123ab&#8203;c"),
        ("x0123abc", "x0123abc"),
        ("012abc", "012abc"),
        ("0123456789AB", "012345&#8203;6789AB"),
        ("0123456789abc", "012345&#8203;6789ab&#8203;c"),
    ],
)
def test_what_github_would_link_is_broken_by_a_character_without_width(text, escaped):
    assert escape_markdown(text) == escaped


@pytest.mark.parametrize(
    ("end", "notes", "found"),
    [
        ("success", [], Reproduction(True)),
        ("success", ["x"], Reproduction(True)),
        ("failure", ["x", "y"], Reproduction(False, "x")),
        ("failure", [], Reproduction(False)),
        ("skipped", ["x"], Reproduction(None)),
        (None, ["x"], Reproduction(None)),
    ],
)
def test_what_a_run_says_of_itself(end, notes, found, github):
    github.steps = {"Set up job": "success", STEP: end}
    github.notes = [{"title": "", "message": "z"}, {"title": None, "message": "z"}]
    github.notes += [{"title": TITLE, "message": note} for note in notes]
    repository = Repository(f"http://127.0.0.1:{github.server_port}", "o/r", "a-secret")
    assert repository.reproduction("1") == found
    github.steps = {}
    assert repository.reproduction("1") == Reproduction(None)


def test_the_token_goes_to_github_alone(github):
    """Neither to another address that it names, nor into what is said of an error."""
    github.status = 302
    repository = Repository(f"http://127.0.0.1:{github.server_port}", "o/r", "a-secret")
    with pytest.raises(UserError, match=r"^GET http://127[\d.:]+/repos/o/r/pulls: 302 Found$"):
        repository.open_pull("them", "branch", "0" * 40)
    assert len(github.asked) == 1
    nowhere = Repository("http://127.0.0.1:9", "o/r", "a-secret")
    with pytest.raises(UserError, match=r"^POST http://127\.0\.0\.1:9/repos/o/r/issues/7/"):
        nowhere._ask("POST", "issues/7/comments", body={})
    github.status = 200
    github.comments = [{"user": {"login": "them"}, "body": MARK}] * 99
    repository.put_comment(7, "text")
    assert [line.split()[0] for line in github.asked] == ["GET", "GET", "POST"]
    assert github.comments[-1]["body"] == f"text\n{MARK}\n"
