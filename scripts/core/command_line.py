"""The command line of a stage: paths, typed parameters and one-line error messages."""

import argparse
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from core.parameters import parse_value, read_schema, takes_several
from core.program import ProgramParser, cleaning_up, one_line_errors
from core.provenance import recorded


class StageParser(ProgramParser):
    """The flags of one stage: paths, and the keys of its section of params.yaml.

    An invalid command line ends the program with one line on standard error and exit status 2.
    """

    def __init__(self, stage: str, description: str) -> None:
        super().__init__(prog=f"{stage}.py", description=description)
        self.stage = stage
        self.parameters: dict[str, dict[str, Any]] = {}  # their JSON schemas
        self.inputs: list[str] = []
        self.outputs: list[str] = []
        self.add_input("environment", "the library versions of the stage, .yaml")
        self.add_argument(
            "--provenance", type=Path, metavar="PATH", help="the provenance record, .json (output)"
        )
        for key, schema in read_schema()["properties"][stage]["properties"].items():
            self._add_parameter(key, schema)

    def add_input(self, name: str, meaning: str, nargs: str | None = None) -> None:
        """Add a file or folder that the stage reads."""
        self.inputs.append(name)
        self.add_argument(f"--{name}", type=Path, nargs=nargs, metavar="PATH", help=meaning)

    def add_output(self, name: str, meaning: str) -> None:
        """Add a file that the stage writes."""
        self.outputs.append(name)
        self.add_argument(f"--{name}", type=Path, metavar="PATH", help=f"{meaning} (output)")

    def add_seed(self) -> None:
        """Add the seed, a parameter that several stages share."""
        self._add_parameter("seed", read_schema()["properties"]["seed"])

    def run(
        self,
        stage: Callable[..., None],
        own_file: Callable[[dict[str, Any]], str | None] = lambda _: None,
        **values: Any,
    ) -> None:
        """Call `stage` with the command-line arguments and `values`; print errors as one line.

        Args:
            stage: the function of the stage.
            own_file: returns, given the arguments, the user's own file or folder that the stage
                reads, or None.
            values: further arguments of `stage`.
        """
        with one_line_errors(self.stage):
            arguments = self._arguments()
            provenance = arguments.pop("provenance")
            inputs, outputs = (
                [path for name in names for path in _as_list(arguments[name])]
                for names in (self.inputs, self.outputs)
            )
            del arguments["environment"]  # for the engine; the record has its hash
            own = own_file(arguments)
            own = own and Path(own)
            with cleaning_up(), recorded(self.stage, provenance, inputs, outputs, own):
                stage(**arguments, **values)

    def error(self, message: str) -> NoReturn:
        """End the program with argparse's message, without the usage text."""
        key = re.match(r"argument --(\w+): ", message)
        if key and key[1] in self.parameters:
            self.exit(2, f"{self._refusal(key[1], 'no value')}\n")
        self.exit(2, f"{self.stage}: {message}\n")

    def _arguments(self) -> dict[str, Any]:
        words: list[str] = []
        for word in sys.argv[1:]:
            # argparse reads -1e-5 as an option unless it is joined to its flag.
            if re.match(r"-[\d.]", word) and words and words[-1].startswith("--"):
                words[-1] += f"={word}"
            else:
                words.append(word)
        arguments, unknown = self.parse_known_args(words)
        if unknown:
            self.exit(2, f"{self._about_unknown(unknown, words)}\n")
        values = vars(arguments)
        for key, schema in self.parameters.items():
            if takes_several(schema) and values[key] is not None:
                values[key] = self._parse(key, values[key], schema)
        missing = [name for name, value in values.items() if value is None]
        for name in sorted(missing, key=lambda name: name not in self.parameters):
            path = f"{self.stage}: the path --{name} is missing"
            self.exit(2, f"{self._refusal(name, 'missing') if name in self.parameters else path}\n")
        return values

    def _about_unknown(self, unknown: list[str], words: list[str]) -> str:
        first, *rest = unknown
        if not first.startswith("--"):
            before = [word for word in words[: words.index(first)] if word.startswith("--")]
            key = before[-1].lstrip("-").partition("=")[0] if before else ""
            if key in self.parameters:
                return self._refusal(key, f"{first!r} is one value too many")
            return f"{self.stage}: {first!r} follows no parameter"
        key, value = first.removeprefix("--"), " ".join(rest) or "no value"
        if key.startswith("no-"):  # DVC's spelling of false; no key has a hyphen
            key, value = key[3:], "False"
            if key in self.parameters:
                return self._refusal(key, "False is not allowed")
        allowed = ", ".join(known for known in self.parameters if known != "seed")
        return f"{self.stage}.{key}: unknown parameter ({value}); allowed: {allowed}"

    def _add_parameter(self, key: str, schema: dict[str, Any]) -> None:
        self.parameters[key] = schema
        meaning = f"{schema['title']}; {schema['description']}"
        if schema.get("type") == "boolean":
            self.add_argument(f"--{key}", action=argparse.BooleanOptionalAction, help=meaning)
        else:
            # Check each word of a list first, so that the message names the invalid one.
            options = schema.get("oneOf", [schema])
            word = {"oneOf": [option.get("items", option) for option in options]}
            self.add_argument(
                f"--{key}",
                type=lambda text: self._parse(key, text, word),
                nargs="+" if takes_several(schema) else None,
                metavar="VALUE",
                help=meaning,
            )

    def _parse(self, key: str, value: Any, schema: dict[str, Any]) -> Any:
        try:
            return parse_value(value, schema)
        except ValueError:
            self.exit(2, f"{self._refusal(key, f'{value!r} is not allowed')}\n")

    def _refusal(self, key: str, problem: str) -> str:
        place = key if key == "seed" else f"{self.stage}.{key}"
        return f"{place}: {problem}; allowed: {self.parameters[key]['description']}"


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
