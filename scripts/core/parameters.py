"""The parameters: params.yaml, its schema (schemas/params.schema.yaml), and sections as flags."""

import math
import re
import shlex
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, ValidationError, validators
from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.error import YAMLError

from core.damage import damage
from core.text import printable, shortened

SCHEMAS = Path(__file__).parents[2] / "schemas"
TOO_LARGE = 10**18  # for a whole number, of either sign
LONGEST = 200  # columns of a value in a message


class _Numbers(SafeConstructor):
    """Reads a whole number that a stage would not read as one, because it is too long, as text: no
    parameter allows it, and Python fails to compare it or to write it.
    """

    def construct_yaml_int(self, node: Any) -> int | str:
        text = self.construct_scalar(node)
        try:
            number = super().construct_yaml_int(node)
        except ValueError:  # over 4,300 digits
            return text
        return number if abs(number) < TOO_LARGE else text


_Numbers.add_constructor("tag:yaml.org,2002:int", _Numbers.construct_yaml_int)


def parse_yaml(content: bytes | str) -> Any:
    """Parse a YAML 1.2 document, as DVC does; Snakemake's own reader reads 1e-05 as a string.

    Raises:
        ValueError: it is not valid; the message has one line.
    """
    yaml = YAML(typ="safe")
    yaml.Constructor = _Numbers
    try:
        return yaml.load(content)
    except (YAMLError, ValueError, RecursionError) as error:
        why = re.sub(r'in "<[a-z ]+>", ', "in ", str(error)) or type(error).__name__
        raise ValueError(printable(why)) from error


def read_yaml(path: Path) -> Any:
    """Read a YAML file; end the program with one line if this is not possible."""
    try:
        content = path.read_bytes()
        why = damage(content)
        if why:
            sys.exit(f"{path}: {why}")
        return parse_yaml(content)
    except OSError as error:
        project, is_here = SCHEMAS.resolve().parent, not path.is_absolute()
        if isinstance(error, FileNotFoundError) and is_here and Path.cwd() != project:
            place = f"no such file in {Path.cwd()}"
            sys.exit(f"{path}: {place}; run this in the project's folder, {project}")
        sys.exit(f"{path}: {error.strerror}; allowed: a parameter file")
    except ValueError as error:
        sys.exit(f"{path}: not valid YAML ({error})")


def read_sections(path: Path) -> dict[str, Any]:
    """Read a parameter file; end the program if it has no sections."""
    document = read_yaml(path)
    if not isinstance(document, dict):
        sys.exit(f"{path}: {document!r} is not allowed; allowed: sections of parameters")
    return document


@cache
def read_schema() -> dict[str, Any]:
    """The JSON schema of params.yaml; every key in it is required, and no other key is allowed."""
    schema = read_yaml(SCHEMAS / "params.schema.yaml")
    sections = schema["properties"]
    for section in sections.values():
        if "properties" in section:
            section |= {
                **{"type": "object", "description": "a section", "additionalProperties": False},
                "required": list(section["properties"]),
            }
    return {**schema, "required": list(sections)}


def first_error(values: Any, schema: dict[str, Any]) -> str | None:
    """The first error in `values`, in one line; None if `schema` allows them.

    The values are checked as the stages read them from the command line, so that DVC and the stages
    agree: there, the string "3" is a number, and a list of one value is that value.
    """
    errors = find_errors(_as_stages_read(values, schema), schema)
    return printable(_in_one_line(errors[0], schema)) if errors else None


def find_errors(document: Any, schema: dict[str, Any]) -> list[ValidationError]:
    """The places where `document` violates `schema`, in order."""
    types = Draft202012Validator.TYPE_CHECKER.redefine_many(
        {
            # JSON Schema accepts 3.0 as an integer and NaN as a number; the command line does not.
            "integer": lambda _, value: type(value) is int,
            "number": lambda _, value: (
                type(value) is int or (type(value) is float and math.isfinite(value))
            ),
        }
    )
    validator = validators.extend(Draft202012Validator, type_checker=types)(schema)
    return sorted(validator.iter_errors(document), key=lambda error: list(map(str, error.path)))


def parse_value(text: Any, schema: dict[str, Any]) -> Any:
    """The value of a parameter, given a flag's text or list of texts, as the stage receives it.

    A value of type "number" becomes a float, and a string of format "path" becomes a Path.

    Raises:
        ValueError: `schema` does not allow it.
    """
    value = _from_words(text, schema)
    for option in schema.get("oneOf", [schema]):
        if not find_errors(value, option):
            if option.get("type") == "number":
                return float(value)
            return Path(value) if option.get("format") == "path" else value
    raise ValueError(text)


def takes_several(schema: dict[str, Any]) -> bool:
    """Whether a parameter can be a list."""
    return any(option.get("type") == "array" for option in schema.get("oneOf", [schema]))


def as_number(text: Any) -> Any:
    """`text` as a number if the stages read it as one, else unchanged.

    int() and float() would also accept "1_000", " 7 ", "infinity" and non-ASCII digits.
    """
    if not isinstance(text, str):
        return text
    if re.fullmatch(r"[+-]?[0-9]{1,18}", text):
        return int(text)
    if re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", text):
        return float(text)
    return text


def as_flags(section: Mapping[str, Any]) -> str:
    """A section of the parameters as command-line flags, exactly as DVC unpacks it."""
    words = []
    for key, value in section.items():
        if isinstance(value, bool):
            words.append(f"--{key}" if value else f"--no-{key}")
            continue
        values = value if isinstance(value, list) else [value]
        words += [f"--{key}", *(shlex.quote(str(value)) for value in values)]
    return " ".join(words)


def _as_stages_read(values: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """`values` as the stages read them from their command lines, where this is possible."""
    read = {}
    for section, value in values.items():
        if isinstance(value, dict):
            keys = schema["properties"].get(section, {}).get("properties", {})
            read[section] = {
                key: _from_words(inner, keys.get(key, {})) for key, inner in value.items()
            }
        else:
            read[section] = as_number(value)
    return read


def _from_words(value: Any, schema: dict[str, Any]) -> Any:
    words = value if isinstance(value, list) else [value]
    if any(word is None or isinstance(word, bool | list | dict) for word in words):
        return value
    if len(words) == 1 and schema.get("type") != "array":
        return as_number(words[0])
    return [as_number(word) for word in words] if takes_several(schema) else value


def _in_one_line(error: ValidationError, schema: dict[str, Any]) -> str:
    keys = [key for key in error.absolute_path if isinstance(key, str)]  # without list indices
    problem = f"{shortened(repr(error.instance), LONGEST)} is not allowed"
    if error.validator == "additionalProperties":
        known = error.schema["properties"]
        unknown = next(key for key in error.instance if key not in known)
        place, value = ".".join([*keys, str(unknown)]), error.instance[unknown]
        written = shortened(str(value), LONGEST)
        return f"{place}: unknown parameter ({written}); allowed: {', '.join(known)}"
    if error.validator == "required":
        keys.append(next(key for key in error.validator_value if key not in error.instance))
        problem = "missing"
    allowed = error.schema.get("description") if error.validator == "const" else None
    for key in keys:
        schema = schema["properties"][key]
    return f"{'.'.join(keys)}: {problem}; allowed: {allowed or schema['description']}"
