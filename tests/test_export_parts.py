"""The parts of an export, with made models and numbers by hand."""

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper

from core.errors import UserError
from export.checking import BOUND, check_predictions
from export.description import Description, describe
from export.linear_forms import add_linear_model, predict_plain_arrays, write_plain_arrays
from export.onnx_graph import Graph
from linear.linear_model import LinearModel
from prediction.form import read_trained

IMAGES = np.arange(7 * 4, dtype=np.uint8).reshape(7, 2, 2)
EXPECTED = np.tile([0.25, 0.75], (7, 1))


class TestChecking:
    def check(self, monkeypatch, found: np.ndarray, batch_size: int) -> float:
        """Of a model that predicts `found` for IMAGES."""

        def predict(images: np.ndarray) -> np.ndarray:
            assert images.dtype == np.float32
            assert len(images) <= batch_size
            return found[(images[:, 0, 0] // 4).astype(int)]

        monkeypatch.setattr("export.checking.LOADED", {".onnx": lambda path, threads: predict})
        return check_predictions(Path("a.onnx"), "cnn", IMAGES, EXPECTED, batch_size, 1)

    @pytest.mark.parametrize("batch_size", [1, 2, 7, 9])
    def test_the_largest_difference_of_all_batches(self, batch_size, monkeypatch):
        found = EXPECTED.copy()
        found[:, 0] += np.linspace(-0.99, 0.5, 7) * BOUND
        assert self.check(monkeypatch, found, batch_size) == pytest.approx(0.99 * BOUND, rel=1e-6)
        found[2, 1] += BOUND * 3
        with pytest.raises(UserError, match=r"class for 0 of 7 test images, .* up to 3e-05; "):
            self.check(monkeypatch, found, batch_size)
        assert self.check(monkeypatch, EXPECTED, batch_size) == 0

    @pytest.mark.parametrize("batch_size", [1, 2, 7, 9])
    def test_each_image_of_another_class_is_counted(self, batch_size, monkeypatch):
        found = EXPECTED.copy()
        found[[0, 3, 6]] = found[[0, 3, 6], ::-1]
        with pytest.raises(UserError, match=r"^cnn: not exported, because a\.onnx .* for 3 of 7"):
            self.check(monkeypatch, found, batch_size)

    def test_a_difference_of_the_bound_is_allowed(self, monkeypatch):
        found = np.tile([BOUND, 0], (7, 1))
        monkeypatch.setattr("export.checking.LOADED", {".onnx": lambda *_: lambda _: found})
        expected = np.zeros((7, 2))
        assert check_predictions(Path("a.onnx"), "a", IMAGES, expected, 7, 1) == BOUND

    def test_other_classes(self, monkeypatch):
        with pytest.raises(UserError, match=r"because a\.onnx has other classes"):
            self.check(monkeypatch, EXPECTED[:, :1], 3)


RECORD = {
    "classes": ["a", "7"],
    "image": {
        **{"height": 5, "width": 3, "dtype": "uint8"},
        **{"pixel_range": [0, 16], "background": 2},
    },
}


class TestDescription:
    def read(self, folder: Path, record: object) -> Description:
        (folder / "cnn").mkdir(exist_ok=True)
        (folder / "cnn" / "training.json").write_text(json.dumps(record))
        _, classes, form = read_trained(folder / "cnn")
        return describe("cnn", classes, form)

    def test_by_hand(self, tmp_path):
        found = self.read(tmp_path, RECORD)
        assert found == ("cnn", ["a", "7"], 5, 3, "uint8", [0.0, 16.0], 2.0)
        written = found.as_json()
        shapes = [written[side]["shape"] for side in ("input", "output")]
        assert shapes == ["(images, 5, 3)", "(images, 2)"]
        texts = found.as_metadata()
        assert (texts["name"], texts["classes"]) == ("cnn", '["a", "7"]')
        assert (texts["height"], texts["pixel_range"]) == ("5", "[0.0, 16.0]")
        assert texts["input"].startswith('{"dtype": "float32", "name": "images", "shape"')

    @pytest.mark.parametrize(
        "change",
        [
            *({"pixel_range": [0, float("inf")]}, {"pixel_range": [float("nan"), 1]}),
            *({"background": float("-inf")}, {"pixel_range": [0]}, {"pixel_range": [1, 1]}),
            *({"height": None}, {"width": float("inf")}, {"height": 0}, {"dtype": "int8"}),
        ],
    )
    def test_what_is_no_form(self, change, tmp_path):
        with pytest.raises(UserError, match=r"training\.json: .*are missing.* or not valid"):
            self.read(tmp_path, {**RECORD, "image": {**RECORD["image"], **change}})

    @pytest.mark.parametrize("classes", [[], ["a"], ["a", "a"], ["a", ""], ["a", 7], None])
    def test_what_are_no_classes(self, classes, tmp_path):
        with pytest.raises(UserError, match=r"training\.json: .*are missing.* or not valid"):
            self.read(tmp_path, {**RECORD, "classes": classes})


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("doubt", [0.0, 0.25])
def test_a_logistic_regression_as_arrays_and_as_a_graph(classes, doubt, tmp_path):
    """Pixels are scaled; the first of two classes has the logit 0."""
    random = np.random.default_rng(0)
    shape = (1 if classes == 2 else classes, 6)
    weights, bias = random.normal(size=shape), random.normal(size=shape[0])
    pixel_range = np.array([-1.0, 3.0])
    model = LinearModel(weights.astype("f4"), bias.astype("f4"), pixel_range, np.float64(doubt))
    images = random.uniform(-1, 3, (5, 2, 3)).astype(np.float32)
    logits = (images.reshape(5, 6) + 1) / 4 @ weights.T + bias
    if classes == 2:
        logits = np.hstack([np.zeros((5, 1)), logits])
    odds = np.exp(logits)
    expected = (1 - doubt) * odds / odds.sum(axis=1, keepdims=True) + doubt / classes
    names = ["x", "y", "z"][:classes]
    write_plain_arrays(tmp_path / "model.npz", model, names)
    np.testing.assert_allclose(
        predict_plain_arrays(tmp_path / "model.npz", images), expected, rtol=1e-5
    )
    assert np.load(tmp_path / "model.npz")["classes"].tolist() == names
    graph = Graph()
    written = graph.model(add_linear_model(graph, model), 2, 3, classes, {})
    (tmp_path / "model.onnx").write_bytes(written.SerializeToString())
    for name in ("model.npz", "model.onnx"):
        assert check_predictions(tmp_path / name, "a", images, expected, 2, 1) <= BOUND


def test_large_logits_are_no_overflow(tmp_path):
    model = LinearModel(np.float32([[999], [0]]), np.zeros(2, "f4"), np.array([0.0, 1.0]))
    write_plain_arrays(tmp_path / "model.npz", model, ["x", "y"])
    found = predict_plain_arrays(tmp_path / "model.npz", np.ones((1, 1, 1)))
    assert found.tolist() == [[1, 0]]


class TestGraph:
    def test_a_value_is_stored_once_and_another_of_its_name_gets_a_number(self):
        graph = Graph()
        names = [graph.constant("w", np.float32([value])) for value in (1, 2, 1, 3, 2)]
        assert names == ["w", "w_2", "w", "w_3", "w_2"]
        assert graph.numbers(1, -2) == graph.numbers(1, -2) == "int64_1_-2"
        assert graph.scalar(0.5) == graph.scalar(np.float64(0.5))
        assert graph.scalar(0.5) != graph.scalar(-0.5)

    def test_the_file(self):
        """Of images and the sum of their pixels: a model that old runtimes can read."""
        graph = Graph()
        rows = graph.apply("Flatten", "images", axis=1)
        total = graph.apply("ReduceSum", rows, graph.numbers(1), keepdims=1)
        model = graph.model(total, 2, 3, 1, {"b": "1", "a": "2"})
        assert (model.ir_version, model.opset_import[0].version) == (8, 17)
        assert [(each.key, each.value) for each in model.metadata_props] == [("a", "2"), ("b", "1")]
        assert [node.name for node in model.graph.node] == [rows, total, "probabilities"]
        assert (rows, total) == ("Flatten_0", "ReduceSum_1")
        shapes = [
            [side.dim_param or side.dim_value for side in one.type.tensor_type.shape.dim]
            for one in (*model.graph.input, *model.graph.output)
        ]
        assert shapes == [["batch", 2, 3], ["batch", 1]]
        (constant,) = model.graph.initializer
        assert numpy_helper.to_array(constant).tolist() == [1]
        session = onnxruntime.InferenceSession(model.SerializeToString())
        found = session.run(["probabilities"], {"images": np.ones((4, 2, 3), np.float32)})[0]
        assert found.tolist() == [[6]] * 4

    def test_a_graph_that_makes_no_sense_is_not_written(self):
        graph = Graph()
        with pytest.raises(onnx.checker.ValidationError):
            graph.model(graph.apply("NoSuchOperation", "images"), 2, 2, 1, {})
