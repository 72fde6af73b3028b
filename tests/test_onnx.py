"""Every network that a training can write can be exported to ONNX, and predicts as in Keras."""

import numpy as np
import onnx
import onnxruntime
import pytest

from core.errors import UserError
from export.checking import BOUND
from export.linear_forms import add_linear_model
from export.onnx_graph import Graph
from export.onnx_network import ACTIVATIONS, LAYERS, add_network
from layers.architectures import ARCHITECTURES
from linear.linear_model import LinearModel
from networks.backend import keras, use_threads
from networks.network import SAFE_CLASSES, predict, read_network, write_network
from training import fit

use_threads(2)  # as every test that trains; TensorFlow takes it only before it computes
SHAPE = (9, 7)  # no side may stand for the other


def images(count: int = 20, shape: tuple[int, int] = SHAPE) -> np.ndarray:
    return np.random.default_rng(0).uniform(-3, 250, (count, *shape)).astype(np.float32)


def network(layers: list[keras.Layer], shape: tuple[int, int] = SHAPE, name: str = "member_1"):
    """As a training makes it, with any weights, and scaling that leaves nothing out."""
    model = keras.Sequential(
        [
            keras.Input((*shape, 1)),
            keras.layers.Rescaling(1 / 253, offset=3 / 253),
            *layers,
            keras.layers.Dense(4, activation="softmax"),
        ],
        name=name,
    )
    random = np.random.default_rng(ord(name[-1]))
    model.set_weights(
        [
            random.normal(size=weight.shape) * 1.4 / np.sqrt(np.prod(weight.shape[:-1]))
            if len(weight.shape) > 1
            else random.uniform(0.2, 1, weight.shape)  # a variance is above 0
            for weight in model.weights
        ]
    )
    return fit._for_any_processor(model)


def answer(graph: Graph, output: str, shown: np.ndarray, classes: int = 4) -> np.ndarray:
    model = graph.model(output, *shown.shape[1:], classes, {})
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return session.run(["probabilities"], {"images": shown})[0]


def same(model: keras.Model, shown: np.ndarray) -> None:
    graph = Graph()
    found = answer(graph, add_network(graph, model), shown)
    expected = predict(model, shown, 64)
    assert np.ptp(expected, axis=0).max() > 0.01, "the images must make a difference"
    np.testing.assert_allclose(found, expected, rtol=0, atol=BOUND)


@pytest.mark.parametrize("shift", [0, 1])
@pytest.mark.parametrize("members", [1, 2])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_convolutional_networks(architecture, members, shift, tmp_path):
    """As they are read: there the weights of each member have the same names."""
    made = ARCHITECTURES[architecture]
    dropout = dict.fromkeys(made.dropout, 0.25)
    trained = []
    for number in range(members):
        keras.utils.clear_session()  # as a training does: layers of all members have the same names
        layers = made.hidden_layers(SHAPE, **dropout)
        trained.append(network(layers, name=f"member_{number + 1}"))
    files = tmp_path / "network.json", tmp_path / "network.weights.npz"
    write_network(*files, fit._as_one(trained, shift, fill=70))
    same(read_network(*files), images())


@pytest.mark.parametrize("side", [16, 28])
def test_where_the_first_convolution_halves_the_image(side):
    same(
        network(ARCHITECTURES["compact"].hidden_layers((side, 17)), (side, 17)),
        images(4, (side, 17)),
    )


@pytest.mark.parametrize("activation", sorted(set(ACTIVATIONS) - {"softmax", "linear"}))
def test_activations(activation):
    layers = [keras.layers.Flatten(), keras.layers.Dense(8, activation=activation)]
    same(network(layers), images())


@pytest.mark.parametrize("layer", [keras.layers.Cropping2D, keras.layers.ZeroPadding2D])
@pytest.mark.parametrize("sides", [((0, 1), (2, 3)), ((1, 2), (0, 0))])
def test_each_side_is_cut_or_padded_by_its_own_number(layer, sides):
    same(network([layer(sides), keras.layers.Flatten()]), images())


def test_every_class_that_is_allowed_has_a_form():
    others = {"InputLayer", "GlorotUniform", "Zeros", "Ones", "DTypePolicy", "__keras_tensor__"}
    assert set(LAYERS) == SAFE_CLASSES - others


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (keras.layers.Conv2D(2, 3, strides=2), r"Conv2D with strides \(2, 2\).*\(1, 1\)"),
        (keras.layers.MaxPooling2D(2, padding="same"), "MaxPooling2D with padding same"),
        (keras.layers.ReLU(max_value=6), "ReLU with max_value 6"),
        (keras.layers.Conv2D(2, 3, activation="mish"), "activation mish cannot be exported"),
        (keras.layers.GaussianNoise(0.1), "layer GaussianNoise cannot be exported to ONNX"),
    ],
)
def test_what_has_no_form_is_refused(layer, message):
    with pytest.raises(UserError, match=message):
        add_network(Graph(), network([layer, keras.layers.Flatten()]))


@pytest.mark.parametrize("classes", [2, 5])
def test_logistic_regression(classes):
    random = np.random.default_rng(1)
    rows = 1 if classes == 2 else classes
    shape = (rows, SHAPE[0] * SHAPE[1])
    weights = random.normal(size=shape), random.normal(size=rows)
    arrays = (w.astype(np.float32) for w in weights)
    model = LinearModel(*arrays, np.array([-3.0, 250.0]), doubt=0.1)
    graph = Graph()
    found = answer(graph, add_linear_model(graph, model), images(), classes)
    np.testing.assert_allclose(found, model.probabilities(images()), rtol=0, atol=BOUND)


def test_weights_are_stored_once_and_bytes_are_the_same():
    """Each member is asked five times."""
    made = []
    for _ in range(2):
        keras.utils.clear_session()
        layers = ARCHITECTURES["fast"].hidden_layers(SHAPE)
        graph, model = Graph(), fit._as_one([network(layers)], 1, 0)
        written = graph.model(add_network(graph, model), *SHAPE, 4, {"b": "1", "a": "2"})
        made.append(written.SerializeToString(deterministic=True))
    assert made[0] == made[1]
    read = onnx.load_from_string(made[0])
    arrays = [tuple(each.dims) for each in read.graph.initializer if each.dims]
    assert sum(map(np.prod, filter(lambda dims: len(dims) > 1, arrays))) < model.count_params()
    assert [each.key for each in read.metadata_props] == ["a", "b"]
