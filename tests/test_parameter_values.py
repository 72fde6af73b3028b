"""How a value of params.yaml is read, judged and written, on small schemas made by hand."""

import shlex
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.parameters import (
    as_flags,
    as_number,
    find_errors,
    first_error,
    parse_value,
    read_schema,
    read_sections,
    read_yaml,
)

EIGHTEEN = "9" * 18  # the most digits of a whole number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0),
        ("-3", -3),
        ("+3", 3),
        ("010", 10),
        (EIGHTEEN, 10**18 - 1),
        (f"-{EIGHTEEN}", 1 - 10**18),
        (f"+{EIGHTEEN}", 10**18 - 1),
        (f"9{EIGHTEEN}", 1e19),  # and longer ones are read as those with a dot
        ("3.", 3.0),
        (".5", 0.5),
        ("-.5", -0.5),
        ("+1.25", 1.25),
        ("1e5", 100000.0),
        ("1E-05", 0.00001),
        (".5e+1", 5.0),
        ("12.50", 12.5),
        ("1e999", float("inf")),
    ],
)
def test_a_text_that_is_a_number(text, number):
    assert (type(as_number(text)), as_number(text)) == (type(number), number)


@pytest.mark.parametrize(
    "value",
    [
        *("", ".", "-", "e5", "1e", "1e+", "1_000", " 7", "7 ", "7\n", "infinity", "nan", "1,5"),
        *("0x10", "--3", "٣", "٣.5", "1.2.3", ".e1", "all", None, True, 5, 5.0, ["5"]),
    ],
)
def test_what_is_no_number_stays(value):
    assert as_number(value) is value


@given(st.integers(1 - 10**18, 10**18 - 1) | st.floats(allow_nan=False, allow_infinity=False))
def test_each_number_is_what_python_writes(number):
    read = as_number(str(number))
    assert (type(read), read) == (type(number), number)


NUMBER, WHOLE = {"type": "number"}, {"type": "integer"}
OWN = {"type": "string", "format": "path", "pattern": "npz$"}


@pytest.mark.parametrize(
    ("text", "schema", "value"),
    [
        ("3", WHOLE, 3),
        ("3", NUMBER, 3.0),
        ("1e-5", NUMBER, 0.00001),
        ("a.npz", OWN, Path("a.npz")),
        ("all", {"const": "all"}, "all"),
        ("3", {"oneOf": [{"const": "all"}, WHOLE]}, 3),
        ("3", {"oneOf": [{"const": "all"}, NUMBER]}, 3.0),
        ("all", {"oneOf": [WHOLE, {"const": "all"}]}, "all"),
        ("b.npz", {"oneOf": [{"enum": ["digits", "b"]}, OWN]}, Path("b.npz")),
        ("digits", {"oneOf": [{"enum": ["digits", "b"]}, OWN]}, "digits"),
    ],
)
def test_the_value_of_a_flag(text, schema, value):
    found = parse_value(text, schema)
    assert (type(found), found) == (type(value), value) or isinstance(found, Path)
    assert found == value


@pytest.mark.parametrize(
    ("text", "schema"),
    [
        ("3.0", WHOLE),
        (f"9{EIGHTEEN}", WHOLE),
        ("x", NUMBER),
        ("nan", NUMBER),
        ("1e999", NUMBER),
        ("b", OWN),
        ("3", {"type": "string"}),
        ("some", {"oneOf": [WHOLE, {"const": "all"}]}),
        ("", {"oneOf": [WHOLE, NUMBER]}),
    ],
)
def test_a_flag_that_is_not_allowed(text, schema):
    with pytest.raises(ValueError, match=f"^{text}$"):
        parse_value(text, schema)


@pytest.mark.parametrize(
    ("value", "whole", "number"),
    [
        (3, True, True),
        (3.0, False, True),
        (True, False, False),
        (float("nan"), False, False),
        (float("inf"), False, False),
        ("3", False, False),
        (None, False, False),
    ],
)
def test_what_counts_as_a_number(value, whole, number):
    assert (find_errors(value, WHOLE) == []) is whole
    assert (find_errors(value, NUMBER) == []) is number


SCHEMA = {
    "type": "object",
    "additionalProperties": True,
    "required": ["seed", "fit"],
    "properties": {
        "seed": {**WHOLE, "description": "a seed"},
        "fit": {
            "type": "object",
            "description": "a section",
            "additionalProperties": False,
            "required": ["epochs", "layers"],
            "properties": {
                "epochs": {**WHOLE, "minimum": 1, "description": "from 1"},
                "layers": {
                    **{"type": "array", "minItems": 1, "maxItems": 3},
                    **{"items": {**WHOLE, "minimum": 1}, "description": "one to three sizes"},
                },
            },
        },
        "fixed": {"const": 5, "description": "five"},
    },
}
SOUND = {"seed": 1, "fit": {"epochs": 3, "layers": [8, 8]}, "fixed": 5}


def fit(**changes: object) -> dict:
    return {**SOUND, "fit": {**SOUND["fit"], **changes}}


@pytest.mark.parametrize(
    "values",
    [
        SOUND,
        {**SOUND, "seed": "7", "fixed": "5"},
        {**SOUND, "unknown": {"a": ["b"]}, "more": "x"},
        *[fit(epochs=value) for value in ("3", [3], ["3"])],
        *[fit(layers=value) for value in ("8", 8, ["8", 4], [1, 2, 3])],
    ],
)
def test_what_a_schema_allows_once_a_command_line_has_said_it(values):
    assert first_error(values, SCHEMA) is None


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({**SOUND, "seed": "x"}, "seed: 'x' is not allowed; allowed: a seed"),
        ({**SOUND, "seed": 1.0}, "seed: 1.0 is not allowed; allowed: a seed"),
        ({**SOUND, "fit": 3}, "fit: 3 is not allowed; allowed: a section"),
        ({**SOUND, "fixed": "6"}, "fixed: 6 is not allowed; allowed: five"),
        ({"fit": SOUND["fit"]}, "seed: missing; allowed: a seed"),
        ({"seed": 1}, "fit: missing; allowed: a section"),
        ({"seed": 1, "fit": {"epochs": 3}}, "fit.layers: missing; allowed: one to three sizes"),
        (
            fit(more=[1, 2], other=2),
            "fit.more: unknown parameter ([1, 2]); allowed: epochs, layers",
        ),
        (fit(epochs=0, layers=[]), "fit.epochs: 0 is not allowed; allowed: from 1"),
        (fit(epochs=[0, 1]), "fit.epochs: [0, 1] is not allowed; allowed: from 1"),
        (fit(epochs=[]), "fit.epochs: [] is not allowed; allowed: from 1"),
        (fit(epochs=[True]), "fit.epochs: [True] is not allowed; allowed: from 1"),
        (fit(epochs=[[3]]), "fit.epochs: [[3]] is not allowed; allowed: from 1"),
        (fit(epochs=[{}]), "fit.epochs: [{}] is not allowed; allowed: from 1"),
        (fit(epochs=[None]), "fit.epochs: [None] is not allowed; allowed: from 1"),
        (fit(epochs=None), "fit.epochs: None is not allowed; allowed: from 1"),
        (fit(epochs={"a": 1}), "fit.epochs: {'a': 1} is not allowed; allowed: from 1"),
        (fit(layers=True), "fit.layers: True is not allowed; allowed: one to three sizes"),
        (fit(layers=[8, "x"]), "fit.layers: 'x' is not allowed; allowed: one to three sizes"),
        (fit(layers=[1, 2, 3, 4]), "fit.layers: [1, 2, 3, 4] is not allowed; allowed: one to"),
        (fit(**{"a\n\x1b": 1}), r"fit.a \x1b: unknown parameter (1); allowed: epochs, layers"),
        ({**SOUND, "seed": "x" * 3, "fit": {}}, "fit.epochs: missing; allowed: from 1"),
    ],
)
def test_the_first_error_is_named(values, line):
    assert first_error(values, SCHEMA).startswith(line)


def test_a_fixed_value_is_named_by_its_own_description():
    fixed = {"const": 5, "description": "five"}
    one, two = {"oneOf": [fixed, NUMBER]}, {"items": fixed}
    schema = {
        "properties": {"one": {**one, "description": "1"}, "two": {**two, "description": "2"}}
    }
    assert first_error({"one": "x"}, schema) == "one: 'x' is not allowed; allowed: 1"
    assert first_error({"two": [6]}, schema) == "two: 6 is not allowed; allowed: five"


def test_the_schema_of_params_yaml_needs_every_key_and_allows_no_other():
    schema = read_schema()
    assert schema is read_schema()
    assert schema["required"] == list(schema["properties"])
    assert {"seed", "download", "train_cnn"} <= set(schema["required"])
    for name, section in schema["properties"].items():
        if name == "seed":
            assert section["type"] == "integer"
            assert "required" not in section
        else:
            assert section["required"] == list(section["properties"])
            assert section["additionalProperties"] is False
            assert (section["type"], section["description"]) == ("object", "a section")


def test_a_file_that_is_no_parameters_is_one_line(tmp_path):
    path = tmp_path / "params.yaml"
    with pytest.raises(SystemExit, match=r"params\.yaml: No such file or directory; allowed: a pa"):
        read_sections(path)
    for content in (b"a: [", b"a: 1\na: 2\n", b"\xff\xfe\x00\xd8"):
        path.write_bytes(content)
        with pytest.raises(SystemExit, match=r"params\.yaml: not valid YAML \(.+\)$") as ending:
            read_yaml(path)
        assert "\n" not in str(ending.value)
    path.write_text("- 1\n")
    with pytest.raises(SystemExit, match=r"params\.yaml: \[1\] is not allowed; allowed: sections"):
        read_sections(path)
    path.write_text("a: {b: 1e-05, c: yes}\n")
    assert read_sections(path) == {"a": {"b": 0.00001, "c": "yes"}}


WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6)


def test_flags_in_the_order_of_the_section():
    section = {"a": 1, "b": [1, "x y"], "c": [], "d": "it's", "e": ""}
    assert as_flags(section) == "--a 1 --b 1 'x y' --c --d 'it'\"'\"'s' --e ''"
    assert as_flags({"yes": True, "no": False, "a": 1}) == "--yes --no-no --a 1"


@given(st.dictionaries(st.from_regex(r"[a-z]+", fullmatch=True), WORDS | st.lists(WORDS)))
def test_a_shell_gets_the_words_back(section):
    words = []
    for key, value in section.items():
        words += [f"--{key}", *(value if isinstance(value, list) else [value])]
    assert shlex.split(as_flags(section)) == words
