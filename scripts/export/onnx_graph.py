"""An ONNX graph, built one operation at a time: the same model gives the same bytes."""

from collections.abc import Mapping
from itertools import count

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET, IR_VERSION = 17, 8  # from 2022, so that older runtimes can read the files
IMAGES, PROBABILITIES = "images", "probabilities"  # the names of input and output


class Graph:
    """Operations on the images, (batch, height, width), float32, that are the input."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[str, onnx.TensorProto] = {}

    def constant(self, name: str, value: np.ndarray) -> str:
        """The name of `value`, which is stored only once. Another value with the same name gets a
        number: the members of an ensemble use the same layer names.
        """
        array, own = np.ascontiguousarray(value), name
        for number in count(2):
            constant = numpy_helper.from_array(array, own)
            if self._constants.setdefault(own, constant) == constant:
                break
            own = f"{name}_{number}"
        return own

    def numbers(self, *values: int) -> str:
        """A constant of int64, for shapes and axes."""
        return self.constant("_".join(map(str, ("int64", *values))), np.array(values, np.int64))

    def scalar(self, value: float) -> str:
        """A float32 constant."""
        value = np.float32(value)
        return self.constant(f"float32_{value.tobytes().hex()}", value)

    def apply(self, operation: str, *inputs: str, **attributes: object) -> str:
        """Add an operation; returns the name of its output."""
        name = f"{operation}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(operation, inputs, [name], name, **attributes))
        return name

    def model(
        self, output: str, height: int, width: int, classes: int, metadata: Mapping[str, str]
    ) -> onnx.ModelProto:
        """The graph as a model whose probabilities, (batch, classes), float32, are `output`.

        Args:
            metadata: the metadata of the file.
        """
        self._nodes.append(helper.make_node("Identity", [output], [PROBABILITIES], PROBABILITIES))
        shapes = {IMAGES: ["batch", height, width], PROBABILITIES: ["batch", classes]}
        ends = [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
            for name, shape in shapes.items()
        ]
        constants = list(self._constants.values())
        graph = helper.make_graph(self._nodes, "classifier", ends[:1], ends[1:], constants)
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="digits-pipeline",
        )
        helper.set_model_props(model, dict(sorted(metadata.items())))
        onnx.checker.check_model(model, full_check=True)
        return model
