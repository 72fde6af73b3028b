"""The command line of a stage: paths and typed parameters, and one line for each mistake."""

import argparse
import math
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from shared.errors import UserError
from shared.provenance import recorded


@dataclass(frozen=True)
class Kind:
    """What a parameter's value may be.

    Attributes:
        parse: turns the flag's text into the value; raises ValueError when it is not allowed.
        allowed: the same in words, for `--help` and for error messages.
    """

    parse: Callable[[str], Any]
    allowed: str


def whole_number(at_least: int, at_most: int = 1_000_000, or_word: str | None = None) -> Kind:
    """A whole number within both bounds, or the one word `or_word`."""

    def parse(text: str) -> int | str:
        if text == or_word:
            return text
        # int() alone would also take "1_000", " 7 " and other digits than ASCII's.
        if not re.fullmatch(r"[+-]?[0-9]{1,18}", text) or not at_least <= int(text) <= at_most:
            raise ValueError(text)
        return int(text)

    word = f", or {or_word}" if or_word else ""
    return Kind(parse, f"a whole number from {at_least} to {at_most}{word}")


def number(
    above: float = -math.inf,
    at_least: float = -math.inf,
    below: float = math.inf,
    or_word: str | None = None,
) -> Kind:
    """A finite number greater than `above`, not less than `at_least` and less than `below`, or the
    one word `or_word`.
    """

    def parse(text: str) -> float | str:
        if text == or_word:
            return text
        # float() alone would also take "1_000", " 7 " and "infinity".
        if not re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", text):
            raise ValueError(text)
        value = float(text)
        if not math.isfinite(value) or not above < value < below or value < at_least:
            raise ValueError(text)
        return value

    bounds = [
        f"greater than {above:g}" if above > -math.inf else "",
        f"at least {at_least:g}" if at_least > -math.inf else "",
        f"less than {below:g}" if below < math.inf else "",
        f"or {or_word}" if or_word else "",
    ]
    return Kind(parse, ", ".join(["a number", *filter(None, bounds)]))


def one_of(*words: str) -> Kind:
    """One of a few words."""

    def parse(text: str) -> str:
        if text not in words:
            raise ValueError(text)
        return text

    return Kind(parse, " or ".join(words))


class StageParser(argparse.ArgumentParser):
    """The flags of one stage: paths, and the keys of its section of params.yaml.

    A wrong command line ends the program with one line on standard error and exit status 2.
    """

    def __init__(self, stage: str, description: str) -> None:
        super().__init__(prog=f"{stage}.py", description=description, allow_abbrev=False)
        self.stage = stage
        self.kinds: dict[str, Kind] = {}
        self.inputs: list[str] = []
        self.outputs: list[str] = []
        self.add_argument(
            "--provenance", type=Path, metavar="PATH", help="what it was made of, to write, .json"
        )

    def add_input(self, name: str, meaning: str, nargs: str | None = None) -> None:
        """Add a file or folder that the stage reads."""
        self.inputs.append(name)
        self.add_argument(f"--{name}", type=Path, nargs=nargs, metavar="PATH", help=meaning)

    def add_output(self, name: str, meaning: str) -> None:
        """Add a file that the stage writes."""
        self.outputs.append(name)
        self.add_argument(f"--{name}", type=Path, metavar="PATH", help=f"{meaning}, to write")

    def add_parameter(self, key: str, kind: Kind, meaning: str, nargs: str | None = None) -> None:
        """Add a parameter, spelt as in params.yaml."""
        self.kinds[key] = kind
        self.add_argument(
            f"--{key}",
            type=lambda text: self._parse(key, text),
            nargs=nargs,
            metavar="VALUE",
            help=f"{meaning}; {kind.allowed}",
        )

    def add_seed(self) -> None:
        """Add the seed, which all stages share."""
        self.add_parameter("seed", whole_number(0, 2**32 - 1), "seed of every random choice")

    def run(self, stage: Callable[..., None], **values: Any) -> None:
        """Call `stage` with the command line's arguments and `values`; a mistake is one line."""
        arguments = self._arguments()
        provenance = arguments.pop("provenance")
        inputs, outputs = (
            [
                path
                for name in names
                for path in _as_list(arguments[name])
                if isinstance(path, Path)  # a parameter may be a path or a word
            ]
            for names in (self.inputs, self.outputs)
        )
        try:
            with recorded(self.stage, provenance, inputs, outputs):
                stage(**arguments, **values)
        except UserError as error:
            sys.exit(str(error))
        except OSError as error:
            place = f": {error.filename}" if error.filename else ""
            sys.exit(f"{self.stage}: {error.strerror or error}{place}")
        except MemoryError:
            sys.exit(f"{self.stage}: not enough memory; fewer images or a smaller batch need less")

    def error(self, message: str) -> NoReturn:
        """End with argparse's own complaint, without its usage text."""
        key = re.match(r"argument --(\w+): ", message)
        if key and key[1] in self.kinds:
            self.exit(2, f"{self._complaint(key[1], 'no value')}\n")
        self.exit(2, f"{self.stage}: {message}\n")

    def _arguments(self) -> dict[str, Any]:
        words: list[str] = []
        for word in sys.argv[1:]:
            # argparse takes -1e-5 for an option, unless it is joined to its flag.
            if re.match(r"-[\d.]", word) and words and words[-1].startswith("--"):
                words[-1] += f"={word}"
            else:
                words.append(word)
        arguments, unknown = self.parse_known_args(words)
        if unknown:
            self.exit(2, f"{self._about_unknown(unknown, words)}\n")
        missing = [name for name, value in vars(arguments).items() if value is None]
        for name in sorted(missing, key=lambda name: name not in self.kinds):  # parameters first
            fault = f"{self.stage}: the path --{name} is missing"
            self.exit(2, f"{self._complaint(name, 'missing') if name in self.kinds else fault}\n")
        return vars(arguments)

    def _about_unknown(self, unknown: list[str], words: list[str]) -> str:
        first, *rest = unknown
        if not first.startswith("--"):
            before = [word for word in words[: words.index(first)] if word.startswith("--")]
            key = before[-1].lstrip("-").partition("=")[0] if before else ""
            if key in self.kinds:
                return self._complaint(key, f"{first!r} is one value too many")
            return f"{self.stage}: {first!r} belongs to no parameter"
        key, value = first.removeprefix("--"), " ".join(rest) or "no value"
        if key.startswith("no-"):  # DVC's spelling of false; no key has a hyphen
            key, value = key[3:], "False"
            if key in self.kinds:
                return self._complaint(key, "False is not allowed")
        allowed = ", ".join(kind for kind in self.kinds if kind != "seed")
        return f"{self.stage}.{key}: unknown parameter ({value}); allowed: {allowed}"

    def _parse(self, key: str, text: str) -> Any:
        try:
            return self.kinds[key].parse(text)
        except ValueError:
            self.exit(2, f"{self._complaint(key, f'{text!r} is not allowed')}\n")

    def _complaint(self, key: str, fault: str) -> str:
        place = key if key == "seed" else f"{self.stage}.{key}"
        return f"{place}: {fault}; allowed: {self.kinds[key].allowed}"


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
