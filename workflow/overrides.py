"""The parameters of a Snakemake run: params.yaml and the overrides on the command line."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from snakemake.utils import update_config

from core.parameters import TOO_LARGE, parse_yaml, read_sections


def read_parameters(file: Path, overriding: Sequence[Path], options: Mapping[str, Any]) -> dict:
    """Read `file`, overridden by the files `overriding` and then by the --config `options`."""
    values: dict[str, Any] = {}
    for path in (file, *overriding):
        update_config(values, read_sections(path))
    update_config(values, _retyped(dict(options)))
    return values


def unread_sections(values: Mapping[str, Any], schema: dict[str, Any]) -> list[str]:
    """The sections that no stage reads."""
    return [str(key) for key in values if key not in schema["properties"]]


def _retyped(value: Any) -> Any:
    """A --config value with typed nested values, which Snakemake leaves as strings."""
    if isinstance(value, dict):
        return {key: _retyped(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_retyped(inner) for inner in value]
    if type(value) is int and abs(value) >= TOO_LARGE:
        return str(value)
    try:
        return parse_yaml(value) if isinstance(value, str) else value
    except ValueError as error:
        sys.exit(f"--config: {value} is not valid YAML ({error})")
