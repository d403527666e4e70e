#!/usr/bin/python3
"""Face recognition networks with random weights, for measuring speed: the topologies people run, without their terms.

  bench/networks.py                        all, into build/bench-networks
  bench/networks.py iresnet100 --folder /tmp/networks

iresnet18, 34, 50 and 100 are InsightFace's (512-d); mobilefacenet is the paper's (arXiv 1804.07573, 128-d, with PReLU),
mobilefacenet-wide the one of InsightFace's packs (512-d, grouped second layer, twice the widths) with a global depthwise
convolution. 112×112 input, open batch, every batch normalisation a node of its own, as it was trained.

Weights are He-scaled and batch normalisations have the statistics that their inputs have by that scaling, give or take,
so that activations stay around 1 from the first layer to the last: neither denormal numbers nor infinities distort the
measurement. The same name gives the same bytes on every run. What a face looks like to such a network means nothing.
"""
import argparse
import json
import math
import pathlib
import zlib

import numpy as np
from onnx import TensorProto, helper, numpy_helper

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDER = ROOT / "build/bench-networks"
SIDE = 112
SLOPE = 0.25  # of PReLU, where training starts
OPSET = 13


class Value:
    """A tensor while the graph is built: its name, channels, side, and the variance its elements should have."""

    def __init__(self, name, channels, side, variance):
        self.name, self.channels, self.side, self.variance = name, channels, side, variance


class Builder:
    def __init__(self, name):
        self.name = name
        self.random = np.random.default_rng(zlib.crc32(name.encode()))
        self.nodes, self.constants = [], []

    def constant(self, name, values):
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values, np.float32), name))
        return name

    def normal(self, shape, deviation):
        values = self.random.standard_normal(shape, np.float32)
        values *= np.float32(deviation)
        return values

    def node(self, op, name, inputs, **attributes):
        self.nodes.append(helper.make_node(op, inputs, [name], name, **attributes))
        return name

    def conv(self, x, name, channels, kernel=3, stride=1, groups=1, padding=None):
        padding = kernel // 2 if padding is None else padding
        side = (x.side + 2 * padding - kernel) // stride + 1
        # The variance that comes in goes out: He et al. 2015 with the input's second moment in place of ReLU's half.
        fan_in = x.channels // groups * kernel * kernel
        weight = self.normal((channels, x.channels // groups, kernel, kernel), 1 / math.sqrt(fan_in))
        self.node("Conv", name, [x.name, self.constant(f"{name}.weight", weight)], kernel_shape=[kernel, kernel],
                  strides=[stride, stride], pads=[padding] * 4, dilations=[1, 1], group=groups)
        return Value(name, channels, side, x.variance)

    def norm(self, x, name):
        near = lambda centre, spread: centre * self.random.uniform(1 - spread, 1 + spread, x.channels)
        deviation = math.sqrt(x.variance)
        parts = {"weight": near(1.0, 0.2), "bias": 0.1 * self.random.standard_normal(x.channels),
                 "running_mean": 0.1 * deviation * self.random.standard_normal(x.channels),
                 "running_var": near(x.variance, 0.2)}
        inputs = [x.name] + [self.constant(f"{name}.{key}", values) for key, values in parts.items()]
        self.node("BatchNormalization", name, inputs, epsilon=1e-5)
        return Value(name, x.channels, x.side, 1.0)

    def prelu(self, x, name):
        slope = SLOPE * self.random.uniform(0.5, 1.5, (x.channels, 1, 1))
        self.node("PRelu", name, [x.name, self.constant(f"{name}.weight", slope)])
        return Value(name, x.channels, x.side, x.variance * (1 + SLOPE * SLOPE) / 2)

    def add(self, x, y, name):
        self.node("Add", name, [x.name, y.name])
        return Value(name, x.channels, x.side, x.variance + y.variance)

    def matrix(self, x, name, size, bias=True):
        self.node("Flatten", f"{name}.flatten", [x.name], axis=1)
        inputs = x.channels * x.side * x.side
        constants = [self.constant(f"{name}.weight", self.normal((size, inputs), 1 / math.sqrt(inputs)))]
        if bias:
            constants.append(self.constant(f"{name}.bias", 0.01 * self.random.standard_normal(size)))
        self.node("Gemm", name, [f"{name}.flatten", *constants], transB=1)
        return Value(name, size, 1, x.variance)

    def save(self, path, embedding):
        shape = ["batch", embedding.channels]
        graph = helper.make_graph(
            self.nodes, self.name, [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["batch", 3, SIDE, SIDE])],
            [helper.make_tensor_value_info(embedding.name, TensorProto.FLOAT, shape)], self.constants)
        model = helper.make_model(graph, producer_name="prefiqs bench", opset_imports=[helper.make_opsetid("", OPSET)])
        model.ir_version = 7
        preprocessing = {"channels": "rgb", "mean": 127.5, "scale": 127.5}
        model.metadata_props.add(key="prefiqs.preprocessing", value=json.dumps(preprocessing))
        partial = path.with_name(path.name + ".partial")
        partial.write_bytes(model.SerializeToString())
        partial.rename(path)


def picture(side=SIDE):
    return Value("input", 3, side, 1 / 3)  # pixels are even over [-1, 1]


def iresnet(b, blocks):
    """InsightFace's recognition/arcface_torch/backbones/iresnet.py."""
    x = b.prelu(b.norm(b.conv(picture(), "conv1", 64), "bn1"), "prelu")
    for layer, (count, channels) in enumerate(zip(blocks, (64, 128, 256, 512)), 1):
        for i in range(count):
            name, stride = f"layer{layer}.{i}", 2 if i == 0 else 1
            shortcut = x
            if stride == 2:
                shortcut = b.norm(b.conv(x, f"{name}.downsample.0", channels, 1, 2), f"{name}.downsample.1")
            y = b.conv(b.norm(x, f"{name}.bn1"), f"{name}.conv1", channels)
            y = b.prelu(b.norm(y, f"{name}.bn2"), f"{name}.prelu")
            y = b.norm(b.conv(y, f"{name}.conv2", channels, stride=stride), f"{name}.bn3")
            x = b.add(y, shortcut, f"{name}.add")
    return b.norm(b.matrix(b.norm(x, "bn2"), "fc", 512), "features")


def conv_block(b, x, name, channels, activation=True, **options):
    x = b.norm(b.conv(x, f"{name}.conv", channels, **options), f"{name}.bn")
    return b.prelu(x, f"{name}.prelu") if activation else x


def bottleneck(b, x, name, middle, channels, stride):
    y = conv_block(b, x, f"{name}.expand", middle, kernel=1)
    y = conv_block(b, y, f"{name}.depthwise", middle, stride=stride, groups=middle)
    y = conv_block(b, y, f"{name}.project", channels, activation=False, kernel=1)
    return b.add(y, x, f"{name}.add") if stride == 1 and channels == x.channels else y


def mobilefacenet(b, stem, stem_groups, stages, embedding):
    """`stages`: expansion's channels, output channels, repetitions, stride of the first."""
    x = conv_block(b, picture(), "conv1", stem, stride=2)
    x = conv_block(b, x, "conv2", stem, groups=stem_groups)
    for s, (middle, channels, count, stride) in enumerate(stages, 1):
        for i in range(count):
            x = bottleneck(b, x, f"stage{s}.{i}", middle, channels, stride if i == 0 else 1)
    x = conv_block(b, x, "conv3", 512, kernel=1)
    x = conv_block(b, x, "global", 512, activation=False, kernel=x.side, groups=512, padding=0)
    return b.norm(b.matrix(x, "fc", embedding, bias=False), "features")


NETWORKS = {
    "iresnet18": lambda b: iresnet(b, (2, 2, 2, 2)),
    "iresnet34": lambda b: iresnet(b, (3, 4, 6, 3)),
    "iresnet50": lambda b: iresnet(b, (3, 4, 14, 3)),
    "iresnet100": lambda b: iresnet(b, (3, 13, 30, 3)),
    "mobilefacenet": lambda b: mobilefacenet(
        b, 64, 64, [(128, 64, 5, 2), (256, 128, 1, 2), (256, 128, 6, 1), (512, 128, 1, 2), (256, 128, 2, 1)], 128),
    "mobilefacenet-wide": lambda b: mobilefacenet(
        b, 128, 64, [(128, 128, 1, 2), (128, 128, 4, 1), (256, 256, 1, 2), (256, 256, 8, 1), (512, 256, 1, 2), (256, 256, 2, 1)],
        512),
}


def build(name, folder=FOLDER):
    """Path of the network's file, which is written where it is not there or older than this program."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.onnx"
    if not path.exists() or path.stat().st_mtime < pathlib.Path(__file__).stat().st_mtime:
        builder = Builder(name)
        builder.save(path, NETWORKS[name](builder))
    return path


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NETWORKS)} [all]")
    parser.add_argument("--folder", type=pathlib.Path, default=FOLDER)
    arguments = parser.parse_args()
    unknown = [name for name in arguments.names if name not in NETWORKS]
    if unknown:
        parser.error(f"{', '.join(unknown)}: there is no such network; {', '.join(NETWORKS)}")
    for name in arguments.names or NETWORKS:
        path = build(name, arguments.folder)
        print(f"{path} {path.stat().st_size / 2**20:.1f} MiB", flush=True)


if __name__ == "__main__":
    main()
