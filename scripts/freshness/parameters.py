"""The parameters of a revision. YAML files are read with limited time and memory."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from core.damage import CONFLICT, RESTORE, damage
from core.errors import UserError
from core.parameters import parse_yaml
from core.text import printable
from freshness.processor_time import limited_time
from freshness.revision import Revision, unreadable

LARGEST_YAML = 2_000_000  # bytes
MOST_NODES = 100_000  # per YAML file; aliases can expand a short file without end


def changed_parameters(base: Revision, here: Revision) -> dict[str, tuple[str, str]]:
    """The parameters that differ, by dotted name: the values in `base` and in `here`.

    Raises:
        UserError: params.yaml is missing or damaged in one of them.
    """
    with reading(f"params.yaml of {base.name} or {here.name}"):
        before, now = (flat(read_parameters(revision)) for revision in (base, here))
        return {
            key: (as_written(before.get(key)), as_written(now.get(key)))
            for key in differing(before, now)
        }


def read_parameters(revision: Revision) -> dict[str, Any]:
    parameters = read_yaml(revision, "params.yaml")
    if parameters is None:
        raise UserError(f"{revision.name} has no params.yaml")
    return parameters


def read_yaml(revision: Revision, path: str) -> dict[str, Any] | None:
    """A YAML file of `revision`; None if it does not exist. Raises UserError if it is damaged, too
    large, or not a mapping.
    """
    text = revision.read(path)
    if text is None:
        return None
    try:
        if len(text) > LARGEST_YAML:
            raise ValueError(f"{len(text)} bytes; allowed: up to {LARGEST_YAML}")
        why = damage(text)
        if why:
            raise ValueError(why)
        content = parse_yaml(text)
        if not isinstance(content, dict):
            raise ValueError("not a mapping")
        _check_size(content)
    except ValueError as error:
        raise damaged(revision, path, str(error)) from error
    return content


def damaged(revision: Revision, path: str, why: str) -> UserError:
    """An error that says why the file `path` of `revision` cannot be used, and what to do."""
    is_lock = path == "dvc.lock" and revision.commit is None and why != CONFLICT
    return UserError(f"{path} of {revision.name}: {printable(why)}{RESTORE if is_lock else ''}")


def _check_size(content: Any) -> None:
    waiting, nodes = [content], 0
    while waiting:
        node = waiting.pop()
        nodes += 1
        if nodes > MOST_NODES:
            raise ValueError(f"over {MOST_NODES} values")
        waiting += (
            node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
        )


def differing(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """The keys whose values differ; 1, true and "1" are different values."""
    keys = [*now, *(key for key in before if key not in now)]
    return [key for key in keys if repr(before.get(key)) != repr(now.get(key))]


def changed_values(before: dict[str, Any], now: dict[str, Any]) -> Iterator[str]:
    """A sentence for each value that differs."""
    for key in differing(before, now):
        yield f"{key} was {as_written(before.get(key))} and is {as_written(now.get(key))}"


def flat(values: dict[str, Any], before: str = "") -> dict[str, Any]:
    """`values` without nesting, by dotted name."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        name = f"{before}{key}"
        found |= flat(value, f"{name}.") if isinstance(value, dict) else {name: value}
    return found


def as_written(value: Any) -> str:
    return "none" if value is None else printable(str(value))


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Limit the time of the block, and turn every error in it into a UserError."""
    try:
        with limited_time(what):
            yield
    except UserError:
        raise
    except ValueError as error:
        raise UserError(f"{what}: {printable(str(error))}") from error
    except OSError as error:
        raise unreadable(error.filename or what, error) from error
    except Exception as error:  # in a malicious file, any value can have any type
        raise UserError(f"{what}: not in DVC's format ({type(error).__name__})") from error
