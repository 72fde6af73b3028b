"""Modules that two or more stages share. Stages import this first: it hashes every project module,
and starts the stage again if environment variables of libraries are set.

The hash is that of the source text that Python compiles, so that a module that is edited while its
stage starts is recorded as it ran. Cached `.pyc` files are not used: Python compares only a time in
whole seconds and a size, which an edit can leave unchanged.

Also prepares the program before its other imports: see program.py.
"""

import hashlib
import sys
from importlib.machinery import SOURCE_SUFFIXES, FileFinder, SourceFileLoader
from pathlib import Path
from types import CodeType

SCRIPTS = Path(__file__).resolve().parents[1]

# The SHA-256 of each imported project file, as Python read it; None if it can no longer be known.
imported: dict[Path, str | None] = {}


class _Loader(SourceFileLoader):
    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        source = self.get_data(path)
        imported[Path(path)] = hashlib.sha256(source).hexdigest()
        return self.source_to_code(source, path)


def _find_ours(folder: str) -> FileFinder:
    if not _is_ours(folder):
        raise ImportError(folder)
    return FileFinder(folder, (_Loader, SOURCE_SUFFIXES))


def _is_ours(path: str) -> bool:
    return Path(path).resolve().is_relative_to(SCRIPTS)


def _remember_running() -> None:
    """Hash the files that Python read before this hook: this one and those that import it."""
    frame = sys._getframe(1)
    while frame:
        code = frame.f_code
        if code.co_name == "<module>" and _is_ours(code.co_filename):
            source = Path(code.co_filename).read_bytes()
            same = compile(source, code.co_filename, "exec", dont_inherit=True) == code
            imported[Path(code.co_filename)] = hashlib.sha256(source).hexdigest() if same else None
        frame = frame.f_back


def _refuse_hiding() -> None:
    """Python looks for modules beside the script first, also for those of its standard library."""
    for path in SCRIPTS.iterdir():
        if path.name.partition(".")[0] in sys.stdlib_module_names:
            sys.exit(f"{path}: hides a module of Python's standard library; allowed: other names")


_remember_running()
sys.path_hooks.insert(0, _find_ours)
for _folder in filter(_is_ours, list(sys.path_importer_cache)):
    del sys.path_importer_cache[_folder]

from core.environment import start_again_if_needed  # noqa: E402 - after the hook, to be hashed

from core.program import end_when_interrupted, open_closed_streams  # noqa: E402

_main = getattr(sys.modules["__main__"], "__file__", None)
if _main and _is_ours(_main) and sys.argv[0] in sys.orig_argv:  # not in a test, engine or notebook
    _refuse_hiding()
    end_when_interrupted()
    start_again_if_needed()
    open_closed_streams()
