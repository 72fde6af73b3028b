"""Check params.yaml, and where outputs go; say in one line what is not allowed, with status 1.

The first command of each of DVC's stages, since DVC puts keys and values into the next one, for the
shell to read, as they are. Snakemake does the same before any job.
"""

import math
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, ValidationError, validators
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

SCHEMAS = Path(__file__).parents[1] / "schemas"


def read_yaml(source: Path | str) -> Any:
    """Read a YAML 1.2 document, as DVC does; Snakemake's own reader takes 1e-05 for a text."""
    try:
        return YAML(typ="safe").load(source)
    except OSError as error:
        sys.exit(f"{source}: {error.strerror}; allowed: a file of parameters")
    except (YAMLError, UnicodeDecodeError) as error:
        sys.exit(f"{source}: not YAML ({' '.join(str(error).split())})")


def read_sections(path: Path) -> dict[str, Any]:
    """Read a file of parameters, or end the program if it has no sections."""
    document = read_yaml(path)
    if not isinstance(document, dict):
        sys.exit(f"{path}: {document!r} is not allowed; allowed: sections of parameters")
    return document


def complaint(values: Any, schema: dict[str, Any]) -> str | None:
    """What is wrong with `values` first, in one line; None if `schema` allows them.

    What counts is the command line that becomes of them, so that DVC and the stages agree: there
    the text "3" is the number, and a list of one value is that value.
    """
    errors = faults(_as_stages_read(values, schema), schema)
    return printable(_in_one_line(errors[0], schema)) if errors else None


def own_file(download: Mapping[str, Any]) -> str | None:
    """The path of the .npz that the section `download` names, if that is what it names."""
    dataset = download["dataset"]
    dataset = dataset[0] if isinstance(dataset, list) else dataset  # the stage cannot tell
    return dataset if dataset.endswith(".npz") else None


def overwriting(file: str | None, outputs: Iterable[str]) -> str | None:
    """Why `file`, a dataset of one's own, would be lost, in one line: it is one of `outputs`, by
    whatever path or link; None if it is not.
    """
    for output in map(Path, outputs if file else ()):
        partial = output.with_name(f".partial.{output.name}")
        if _is_same(Path(file), output) or _is_same(Path(file), partial):
            return printable(
                f"download.dataset: {file!r} is not allowed (a stage writes {output}); allowed: a"
                " path that no stage writes: move the file, and name its new path"
            )
    return None


def faults(document: Any, schema: dict[str, Any]) -> list[ValidationError]:
    """Where `document` is not what `schema` allows, in the order of the places."""
    types = Draft202012Validator.TYPE_CHECKER.redefine_many(
        {
            # JSON Schema counts 3.0 as an integer, and NaN as a number; no command line does.
            "integer": lambda _, value: type(value) is int,
            "number": lambda _, value: type(value) in (int, float) and math.isfinite(value),
        }
    )
    validator = validators.extend(Draft202012Validator, type_checker=types)(schema)
    return sorted(validator.iter_errors(document), key=lambda error: list(map(str, error.path)))


def printable(line: str) -> str:
    """`line` without control characters."""
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in line)


def as_number(text: Any) -> Any:
    """`text`, or the number that the stages would take it for."""
    if not isinstance(text, str):
        return text
    if re.fullmatch(r"[+-]?[0-9]{1,18}", text):
        return int(text)
    if re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", text):
        return float(text)
    return text


def _is_same(path: Path, other: Path) -> bool:
    try:
        return os.path.realpath(path) == os.path.realpath(other) or path.samefile(other)
    except OSError:  # one of them does not exist
        return False


def _as_stages_read(values: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """`values` as they come out of the stages' command lines, where they can get into one."""
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
    if schema.get("type") == "array":
        return [as_number(word) for word in words]
    return as_number(words[0]) if len(words) == 1 else value


def _in_one_line(error: ValidationError, schema: dict[str, Any]) -> str:
    keys = [key for key in error.absolute_path if isinstance(key, str)]  # without places in a list
    fault = f"{error.instance!r} is not allowed"
    if error.validator == "additionalProperties":
        known = error.schema["properties"]
        strange = next(key for key in error.instance if key not in known)
        place, value = ".".join([*keys, str(strange)]), error.instance[strange]
        return f"{place}: unknown parameter ({value}); allowed: {', '.join(known)}"
    if error.validator == "required":
        keys.append(next(key for key in error.validator_value if key not in error.instance))
        fault = "missing"
    allowed = error.schema.get("description") if error.validator == "const" else None
    for key in keys:
        schema = schema["properties"][key]
    return f"{'.'.join(keys)}: {fault}; allowed: {allowed or schema['description']}"


def _outputs_of_dvc() -> Iterator[str]:
    for stage in read_yaml(Path("dvc.yaml"))["stages"].values():
        for kind in ("outs", "metrics", "plots"):
            for output in stage.get(kind, []):
                yield output if isinstance(output, str) else next(iter(output))


def _behind_a_link(outputs: Iterable[str]) -> str | None:
    """The folder of an output that is a symbolic link: DVC would fail once the stage has run."""
    folders = {folder for output in outputs for folder in Path(output).parents}
    linked = next((folder for folder in sorted(folders) if folder.is_symlink()), None)
    return linked and f"{linked}: a symbolic link, where DVC keeps nothing; allowed: a folder"


def main() -> None:
    values = read_sections(Path("params.yaml"))
    fault = complaint(values, read_yaml(SCHEMAS / "params.schema.yaml"))
    outputs = list(_outputs_of_dvc())
    fault = fault or overwriting(own_file(values["download"]), outputs) or _behind_a_link(outputs)
    if fault:
        sys.exit(fault)


if __name__ == "__main__":
    main()
