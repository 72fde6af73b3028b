"""Models and results of any content: predict, export and try read them, or refuse them in a line
that names the file.
"""

import copy
import json
import shutil
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from small_stages import run_evaluate, run_logreg, run_mlp, split

from core.errors import UserError
from core.files import read_json
from core.npz import write_arrays
from core.split import read_split
from data_checks.summary import summarize
from dataset.dataset import read_dataset
from evaluation.evaluation import read_evaluation
from evaluation.trained_model import read_model
from export.exporting import Results, export_models
from prediction.models import read_models
from tools import try_models

pytestmark = pytest.mark.xdist_group("predict")
NUMBERS = st.sampled_from([0, 1, -1, 0.5, 1e39, 1e308, float("nan"), float("inf"), 10**400])
TEXTS = st.sampled_from(["", "a", "\n", "\ud800", "5", "nan", "\u202e", "../x"])
JSON = st.recursive(
    NUMBERS | TEXTS | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=4,
)
DTYPES = (
    *("f2", "f4", ">f8", "longdouble", "u1", "i8", "?", "c8", "U3", "S3", "M8[s]", "m8[s]"),
    *("U0", [("a", "f4")], "V4"),
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """Two models and their evaluation. Not to be changed."""
    folder = tmp_path_factory.mktemp("whole")
    split(folder)
    run_logreg(folder, calibration="temperature")
    run_mlp(folder, hidden=[4])
    run_evaluate(folder, "logreg", "mlp")
    stats = summarize(read_dataset(folder / "dataset.npz"))
    (folder / "stats.json").write_text(json.dumps({**stats, "checks": {}}))
    return folder


@pytest.fixture(scope="module")
def folder(whole, tmp_path_factory) -> Iterator[Path]:
    """A copy, in which tests replace files."""
    folder = tmp_path_factory.mktemp("damaged") / "copy"
    shutil.copytree(whole, folder)
    return folder


def read(tool: str, name: str, folder: Path) -> None:
    """What `tool` does with the model `name`."""
    if tool == "predict":
        lines: list[str] = []
        try:
            read_models([folder / name], 64, lambda _: {}, lines.append)
        except UserError:
            (line,) = lines
            raise UserError(line) from None
    elif tool == "export":
        paths = folder / "test.npz", folder / "evaluation.npz", folder / "stats.json"
        export_models([folder / name], folder / "exports", Results(*paths, "own", 64, 2))
    elif tool == "try":
        (folder / "params.yaml").write_text("evaluate: {threads: 2}\n")
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            patch.setattr(try_models, "check_results", lambda _: None)
            patch.setattr(try_models, "use_threads", lambda _: None)
            names = {"metrics": "metrics.json", "stats": "stats.json", "test": "test.npz"}
            try_models.run(
                folder,
                **{key: folder / each for key, each in names.items()},
                html=folder / "try.html",
            )


def is_used_or_refused(use: Callable[[], Any], file: str) -> bool:
    """Whether `use` refuses, with a line that names `file`."""
    refusal = None
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        try:
            use()
        except UserError as error:
            refusal = str(error)
    if refusal is not None:
        assert refusal.isprintable()
        folder, name = Path(file).parent.name, Path(file).name
        assert name in refusal or (folder and folder in refusal), refusal
    return refusal is not None


def damaged(path: Path, name: str, array: np.ndarray, whole: Path) -> None:
    with np.load(whole) as arrays:
        write_arrays(path, **{**arrays, name: array})


@st.composite
def arrays_like(draw: Callable, array: np.ndarray) -> np.ndarray:
    """Of any type, shape and value: often only one of these differs from `array`."""
    dtype = draw(st.just(array.dtype) | st.sampled_from(DTYPES).map(np.dtype))
    shape = draw(st.just(array.shape) | hnp.array_shapes(min_dims=0, max_dims=4, min_side=0))
    if draw(st.booleans()):
        elements = hnp.from_dtype(dtype) if dtype.kind != "V" else st.just(np.zeros((), dtype)[()])
        return draw(hnp.arrays(dtype, shape, elements=elements, fill=elements))
    changed = np.resize(array, shape)
    with np.errstate(all="ignore"):
        try:
            changed = changed.astype(dtype)
        except (ValueError, TypeError):
            changed = np.zeros(shape, dtype)
    if changed.size and dtype.kind in "fiu":
        place = draw(st.integers(0, changed.size - 1))
        changed.flat[place] = draw(hnp.from_dtype(dtype))
    return changed


ARRAYS = {
    "logreg/model.npz": lambda folder: read_model(folder / "logreg", 64),
    "mlp/network.weights.npz": lambda folder: read_model(folder / "mlp", 64),
    "test.npz": lambda folder: read_split(folder / "test.npz"),
    "evaluation.npz": lambda folder: read_evaluation(folder / "evaluation.npz"),
}


@pytest.mark.parametrize("file", ARRAYS)
@settings(max_examples=60)
@given(data=st.data())
def test_arrays_of_any_kind(file, folder, whole, data):
    """All tools, stages and checks read them here."""
    with np.load(whole / file) as arrays:
        name = data.draw(st.sampled_from(sorted(arrays.files)))
        array = data.draw(arrays_like(arrays[name]))
        dtype = arrays[name].dtype
    damaged(folder / file, name, array, whole / file)
    images = np.zeros((2, 8, 8), np.uint8)

    def use() -> None:
        found = ARRAYS[file](folder)
        if hasattr(found, "answer"):
            found.probabilities(images, 10)

    try:
        refused = is_used_or_refused(use, file)
        kinds = "uf" if name.endswith(("images", "examples")) else dtype.kind
        finite = array.dtype.kind != "f" or np.isfinite(array).all()
        assert refused or (array.dtype.kind in kinds and finite)
    finally:
        shutil.copy(whole / file, folder / file)


@pytest.mark.parametrize("tool", ["predict", "export", "try"])
@pytest.mark.parametrize("change", ["text", "nan", "flat", "missing"])
@pytest.mark.parametrize(
    ("file", "name"),
    [("logreg/model.npz", "coefficients"), ("mlp/network.weights.npz", "weight_0")],
)
def test_each_tool_names_a_damaged_model(tool, file, name, change, folder, whole):
    with np.load(whole / file) as loaded:
        arrays = dict(loaded)
    array = arrays.pop(name)
    changed = {"text": array.astype("U9"), "nan": array * np.nan, "flat": array.ravel()}
    if change in changed:
        arrays[name] = changed[change]
    write_arrays(folder / file, **arrays)
    try:
        assert is_used_or_refused(lambda: read(tool, Path(file).parent.name, folder), file)
    finally:
        shutil.copy(whole / file, folder / file)


def places(value: Any) -> Iterator[tuple]:
    """The path of each node in a JSON document."""
    yield ()
    items = value.items() if isinstance(value, dict) else ()
    for key, inner in enumerate(value) if isinstance(value, list) else items:
        yield from ((key, *rest) for rest in places(inner))


def changed_json(document: Any, place: tuple, value: Any) -> Any:
    """`document` with another value at `place`; without it if the value is KeyError."""
    if not place:
        return None if value is KeyError else value
    document = copy.deepcopy(document)
    inner = document
    for key in place[:-1]:
        inner = inner[key]
    if value is KeyError:
        del inner[place[-1]]
    else:
        inner[place[-1]] = value
    return document


USES = [
    *(("predict", "logreg/training.json"), ("export", "logreg/training.json")),
    *(("try", "logreg/training.json"), ("export", "stats.json"), ("try", "stats.json")),
    *(("try", "metrics.json"), ("predict", "mlp/network.json")),
    *(("export", "mlp/network.json"), ("try", "mlp/network.json")),
]


@pytest.mark.parametrize("tool", ["predict", "export", "try"])
def test_a_network_that_cannot_compute(tool, folder, whole):
    """Keras reads it, and fails when it predicts."""
    file = "mlp/network.json"
    network = read_json(whole / file)
    layers = network["config"]["layers"]
    (rescaling,) = (layer for layer in layers if layer["class_name"] == "Rescaling")
    rescaling["config"]["offset"] = [0, ""]
    (folder / file).write_text(json.dumps(network))
    try:
        assert is_used_or_refused(lambda: read(tool, "mlp", folder), file)
    finally:
        shutil.copy(whole / file, folder / file)


@pytest.mark.parametrize(("tool", "file"), USES)
@settings(max_examples=30)
@given(data=st.data())
def test_json_of_any_content(tool, file, folder, whole, data):
    document = read_json(whole / file)
    every = sorted(places(document), key=lambda place: (len(place), str(place)))
    value = data.draw(st.just(KeyError) | JSON)
    place = data.draw(st.sampled_from(every))
    text = json.dumps(changed_json(document, place, value))
    (folder / file).write_text(text)
    name = "mlp" if file.startswith("mlp") else "logreg"
    try:
        is_used_or_refused(lambda: read(tool, name, folder), file)
    finally:
        shutil.copy(whole / file, folder / file)
