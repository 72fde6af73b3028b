# What the rules share: the parameters, checked before any job, and the guard for a missing conda.

import shlex
import shutil
import sys

from jsonschema import Draft202012Validator, validators
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from snakemake.logging import logger
from snakemake.settings.types import DeploymentMethod
from snakemake.utils import update_config


def read_yaml(source):
    """A YAML 1.2 document, as DVC reads it; Snakemake's own reader takes 1e-05 for a text."""
    try:
        return YAML(typ="safe").load(source)
    except OSError as error:
        sys.exit(f"{source}: {error.strerror}; allowed: a file of parameters")
    except YAMLError as error:
        sys.exit(f"{source}: not YAML ({' '.join(str(error).split())})")


def read_mapping(path):
    values = read_yaml(path)
    if not isinstance(values, dict):
        sys.exit(f"{path}: {values!r} is not allowed; allowed: sections of parameters")
    return values


def retyped(value):
    """A value of --config, whose nested values Snakemake leaves texts, as params.yaml would have it."""
    if isinstance(value, dict):
        return {key: retyped(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [retyped(inner) for inner in value]
    return read_yaml(value) if isinstance(value, str) else value


def read_parameters():
    """params.yaml, overridden by each --configfile and then by --config."""
    values = read_mapping(Path("params.yaml"))
    for path in workflow.config_settings.configfiles:
        update_config(values, read_mapping(Path(path)))
    update_config(values, retyped(dict(workflow.config_settings.config)))
    return values


def check(values, schema):
    """Stop before any job, with one line on what is wrong first, unless `schema` allows `values`."""
    # JSON Schema counts 3.0 as an integer; the command line of a stage does not.
    whole = lambda _, value: isinstance(value, int) and not isinstance(value, bool)
    types = Draft202012Validator.TYPE_CHECKER.redefine("integer", whole)
    validator = validators.extend(Draft202012Validator, type_checker=types)(schema)
    for error in sorted(
        validator.iter_errors(values), key=lambda error: list(map(str, error.path))
    ):
        sys.exit(in_one_line(error, schema))


def in_one_line(error, schema):
    """A schema error that names the key, the value and what is allowed."""
    keys = [
        key for key in error.absolute_path if isinstance(key, str)
    ]  # without places in a list
    fault = f"{error.instance!r} is not allowed"
    if error.validator == "additionalProperties":
        allowed = ", ".join(error.schema["properties"])
        strange = next(
            key for key in error.instance if key not in error.schema["properties"]
        )
        place = ".".join([*keys, str(strange)])
        return f"{place}: unknown parameter ({error.instance[strange]}); allowed: {allowed}"
    if error.validator == "required":
        keys.append(
            next(key for key in error.validator_value if key not in error.instance)
        )
        fault = "missing"
    for key in keys:
        schema = schema["properties"][key]
    return f"{'.'.join(keys)}: {fault}; allowed: {schema['description']}"


def flags(section):
    """A section of the parameters as flags, exactly as DVC unpacks it."""
    words = []
    for key, value in parameters[section].items():
        values = value if isinstance(value, list) else [value]
        words += [f"--{key}", *(shlex.quote(str(value)) for value in values)]
    return " ".join(words)


parameters = read_parameters()
check(
    parameters, read_yaml(Path(workflow.source_path("../schemas/params.schema.yaml")))
)

methods = workflow.deployment_settings.deployment_method
if DeploymentMethod.CONDA in methods and not shutil.which("conda"):
    # Snakemake would fail at the first job, even if that asks for no environment.
    logger.warning("conda is not on PATH: the rules run in the current environment.")
    workflow.deployment_settings.deployment_method = set(methods) - {
        DeploymentMethod.CONDA
    }
