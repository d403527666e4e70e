"""Two passes in PyTorch, eager, channels-last, in inference mode. How it is spoken to: serve.py.

The network is made of PyTorch's own modules, one a node of the ONNX file. bf16 has two forms, each a process and so
measured in turn with everybody else: autocast, which converts the weights in every pass, and a network whose weights
are bf16 already.
"""
import sys

import numpy as np
import onnx
import onnx.numpy_helper
import torch
from torch import nn

import serve

FORMS = ("fp32", "bf16 autocast", "bf16 weights")


class Network(nn.Module):
    """Of the operators in bench/networks.py and of exports like them; an embedding out."""

    def __init__(self, path):
        super().__init__()
        graph = onnx.load(path).graph
        constants = {i.name: onnx.numpy_helper.to_array(i) for i in graph.initializer}
        for node in graph.node:
            if node.op_type == "Constant":
                constants[node.output[0]] = onnx.numpy_helper.to_array(onnx.helper.get_attribute_value(node.attribute[0]))
        self.input = next(i.name for i in graph.input if i.name not in constants)
        self.output = graph.output[0].name
        self.steps, self.parts = [], nn.ModuleList()
        last_use = {}
        for i, node in enumerate(graph.node):
            last_use.update(dict.fromkeys(node.input, i))
        for i, node in enumerate(graph.node):
            if node.op_type == "Constant":
                continue
            inputs = [n for n in node.input if n and n not in constants]
            module = make(node, [constants.get(n) for n in node.input if n])
            self.parts.append(module)
            done = [n for n in set(inputs) if last_use[n] == i and n != self.input]
            self.steps.append((module, inputs, node.output[0], done))

    def forward(self, x):
        values = {self.input: x}
        for module, inputs, output, done in self.steps:
            values[output] = module(*[values[n] for n in inputs])
            for name in done:
                del values[name]
        return values[self.output]


class Norm(nn.BatchNorm2d):
    """Of maps and of vectors."""

    def _check_input_dim(self, x):
        pass


class Sum(nn.Module):
    def forward(self, x, y):
        return x + y


class Reshape(nn.Module):
    """Of feature maps to vectors: what networks that compute the batch's size in their graph mean."""

    def forward(self, x):
        return x.flatten(1)


def filled(module, **values):
    with torch.no_grad():
        for name, array in values.items():
            target = getattr(module, name)
            target.copy_(torch.from_numpy(np.array(array)).reshape(target.shape))
    return module


def make(node, constants):
    a = {x.name: onnx.helper.get_attribute_value(x) for x in node.attribute}
    op = node.op_type
    if op == "Conv":
        weight, *bias = constants[1:]
        pads = a.get("pads", [0, 0, 0, 0])
        if pads[:2] != pads[2:]:
            raise ValueError(f"{node.name}: asymmetric padding")
        groups = a.get("group", 1)
        conv = nn.Conv2d(weight.shape[1] * groups, weight.shape[0], weight.shape[2:], a.get("strides", 1), pads[:2],
                         a.get("dilations", 1), groups, bool(bias))
        return filled(conv, weight=weight, **({"bias": bias[0]} if bias else {}))
    if op == "BatchNormalization":
        return filled(Norm(len(constants[1]), a.get("epsilon", 1e-5)), weight=constants[1], bias=constants[2],
                      running_mean=constants[3], running_var=constants[4])
    if op == "PRelu":
        return filled(nn.PReLU(constants[1].size), weight=constants[1])
    if op == "Gemm":
        weight, *bias = constants[1:]
        weight = weight if a.get("transB", 0) else weight.T
        linear = nn.Linear(weight.shape[1], weight.shape[0], bool(bias))
        return filled(linear, weight=weight, **({"bias": bias[0]} if bias else {}))
    if op == "Clip":
        return nn.Hardtanh(float(constants[1]), float(constants[2]))
    if op in ("Add", "Relu", "Flatten"):
        return {"Add": Sum, "Relu": nn.ReLU, "Flatten": Reshape}[op]()
    raise ValueError(f"{node.name}: {op} is not supported here")


def runner(networks, x, form):
    networks = [n.to(memory_format=torch.channels_last) for n in networks]
    x = x.to(memory_format=torch.channels_last)
    if form == "bf16 weights":
        networks, x = [n.to(torch.bfloat16) for n in networks], x.to(torch.bfloat16)

    def once():
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=form == "bf16 autocast"):
            return [n(x).float().numpy() for n in networks]

    return once


def main():
    job = serve.Job(sys.argv[1:])
    if job.form not in FORMS:
        sys.exit(f"{job.form}: one of {', '.join(FORMS)}")
    torch.set_num_threads(job.threads)
    networks = [Network(path).eval() for path in (job.dense, job.pruned)]
    serve.serve("PyTorch", torch.__version__, job, runner(networks, torch.from_numpy(job.input), job.form))


if __name__ == "__main__":
    main()
