"""Runs the few ONNX operators of the teacher, of YuNet and of our own exports in PyTorch."""

import numpy as np
import onnx
import onnx.numpy_helper
import torch
import torch.nn.functional as F


def _attributes(node):
    return {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}


def _pads(attributes):
    """ONNX (top, left, bottom, right) -> (vertical, horizontal); asymmetric padding does not occur here."""
    top, left, bottom, right = attributes.get("pads", [0, 0, 0, 0])
    if (top, left) != (bottom, right):
        raise ValueError("asymmetric padding is not supported")
    return top, left


def _conv(a, x, weight, bias=None):
    return F.conv2d(x, weight, bias, a.get("strides", [1, 1]), _pads(a), a.get("dilations", [1, 1]), a.get("group", 1))


def _max_pool(a, x):
    return F.max_pool2d(x, a["kernel_shape"], a.get("strides"), _pads(a))


def _resize(a, x, _roi=None, scales=None, sizes=None):
    if sizes is not None and sizes.numel():
        return F.interpolate(x, size=[int(s) for s in sizes[2:]], mode="nearest")
    return F.interpolate(x, scale_factor=[float(s) for s in scales[2:]], mode="nearest")


def _reshape(_a, x, shape):
    sides = [x.shape[i] if int(s) == 0 else int(s) for i, s in enumerate(shape)]
    return x.reshape(sides)


def _gemm(a, x, weight, bias=None):
    if a.get("alpha", 1.0) != 1.0 or a.get("beta", 1.0) != 1.0 or a.get("transA", 0):
        raise ValueError("only plain Gemm is supported")
    return F.linear(x, weight if a.get("transB", 0) else weight.t(), bias)


def _batch_norm(a, x, scale, shift, mean, variance):
    return F.batch_norm(x, mean, variance, scale, shift, False, 0.0, a.get("epsilon", 1e-5))


def _prelu(_a, x, slope):
    return torch.where(x < 0, x * slope, x)


def _unsqueeze(a, x):
    for axis in sorted(a["axes"]):
        x = x.unsqueeze(axis)
    return x


def _cast(a, x):
    return x.to({1: torch.float32, 7: torch.int64, 10: torch.float16}[a["to"]])


_OPERATORS = {
    "Conv": _conv,
    "BatchNormalization": _batch_norm,
    "PRelu": _prelu,
    "Relu": lambda a, x: F.relu(x),
    "Sigmoid": lambda a, x: torch.sigmoid(x),
    "Clip": lambda a, x, low, high: torch.clamp(x, float(low), float(high)),
    "Add": lambda a, x, y: x + y,
    "MaxPool": _max_pool,
    "Resize": _resize,
    "Transpose": lambda a, x: x.permute(a["perm"]),
    "Reshape": _reshape,
    "Flatten": lambda a, x: x.flatten(a.get("axis", 1)),
    "Gemm": _gemm,
    "Shape": lambda a, x: torch.tensor(x.shape),
    "Gather": lambda a, x, index: torch.index_select(x, a.get("axis", 0), index.reshape(-1)).reshape(index.shape),
    "Unsqueeze": _unsqueeze,
    "Concat": lambda a, *x: torch.cat(x, a["axis"]),
    "Cast": _cast,
}


class OnnxNetwork:
    """One input, outputs by name. Inference only; weights live on `device`."""

    def __init__(self, path, device="cpu"):
        graph = onnx.load(str(path)).graph
        self._values = {}
        for initializer in graph.initializer:
            self._values[initializer.name] = self._tensor(initializer, device)
        self._nodes = []
        for node in graph.node:
            attributes = _attributes(node)
            if node.op_type == "Constant":
                self._values[node.output[0]] = self._tensor(attributes["value"], device)
            elif node.op_type in _OPERATORS:
                self._nodes.append((_OPERATORS[node.op_type], attributes, list(node.input), node.output[0]))
            else:
                raise ValueError(f"{path}: operator {node.op_type} is not supported here")
        self._input = next(i.name for i in graph.input if i.name not in self._values)
        self.outputs = [o.name for o in graph.output]

    @staticmethod
    def _tensor(proto, device):
        """Weights on the device; shapes and bounds stay where Python reads them without waiting for it."""
        tensor = torch.from_numpy(np.array(onnx.numpy_helper.to_array(proto)))
        return tensor.to(device) if tensor.ndim and tensor.is_floating_point() else tensor

    @torch.no_grad()
    def __call__(self, x):
        values = dict(self._values)
        values[self._input] = x
        for operator, attributes, inputs, output in self._nodes:
            values[output] = operator(attributes, *[values[i] if i else None for i in inputs])
        return {name: values[name] for name in self.outputs}
