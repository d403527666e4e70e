#!/usr/bin/python3
"""Writes the conformance cases that prefiqs_conformance_test runs: make_cases.py FOLDER

FOLDER/cases.json names each case, its forms, and where in FOLDER/tensors.bin the inputs and expected outputs lie;
FOLDER/models holds one ONNX file a form. Values are written in the type that prefiqs widens their type to, by numpy,
so that the reader's own widening is tested and not trusted.

A case comes in up to three forms:
  given     as the test has it. Inputs that say what to compute rather than on what (shapes, axes, bounds, sizes) are
            graph inputs there and become initialisers here: face networks have them as constants.
  weights   only the first input is left, all others are initialisers, as weights are in a network.
  newest    `given`, as a file of opset 26, where the operators' forms did not change since. Of ONNX's cases alone: ours
            are each of a certain opset.
"""
import json
import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

import collect
import opset_cases

NEWEST_OPSET = 26

# Positions of inputs that prefiqs needs to know before the run.
PARAMETERS = {
    'Clip': {1, 2}, 'ConstantOfShape': {0}, 'DequantizeLinear': {0, 1, 2}, 'Dropout': {1, 2}, 'Expand': {1},
    'Pad': {1, 2, 3}, 'ReduceL1': {1}, 'ReduceL2': {1}, 'ReduceMax': {1}, 'ReduceMean': {1}, 'ReduceMin': {1},
    'Range': {0, 1, 2}, 'ReduceProd': {1}, 'ReduceSum': {1}, 'ReduceSumSquare': {1}, 'Reshape': {1}, 'Resize': {1, 2, 3},
    'Slice': {1, 2, 3, 4}, 'Split': {1}, 'Squeeze': {1}, 'Tile': {1},
    'Unsqueeze': {1}, 'Upsample': {1},
}

# Operators whose newest form differs from the one of opset 17; opset_cases.py holds their cases.
CHANGED = {'ReduceL1', 'ReduceL2', 'ReduceMax', 'ReduceMean', 'ReduceMin', 'ReduceProd', 'ReduceSumSquare', 'Split',
           'Upsample'}

# ONNX element type -> numpy type of what prefiqs widens it to, and the name of that.
WIDENED = {
    TensorProto.FLOAT: 'float32', TensorProto.DOUBLE: 'float32', TensorProto.FLOAT16: 'float32',
    TensorProto.BFLOAT16: 'float32', TensorProto.INT8: 'int32', TensorProto.UINT8: 'int32',
    TensorProto.INT16: 'int32', TensorProto.UINT16: 'int32', TensorProto.INT32: 'int32',
    TensorProto.UINT32: 'int64', TensorProto.UINT64: 'int64', TensorProto.INT64: 'int64', TensorProto.BOOL: 'bool',
}


def element_type(info):
    """Of a graph's input or output; None for what is no tensor of a type prefiqs reads."""
    kind = info.type.WhichOneof('value')
    element = info.type.tensor_type.elem_type if kind == 'tensor_type' else None
    return element if element in WIDENED else None


def widened(array, element):
    if isinstance(array, TensorProto):  # as newer tests have the types that numpy lacks
        array = numpy_helper.to_array(array).astype(np.float32)
    array = np.asarray(array)
    if element == TensorProto.BFLOAT16 and array.dtype == np.uint16:  # the tests keep the upper halves of floats
        array = (array.astype(np.uint32) << 16).view(np.float32)
    return np.array(array, dtype=WIDENED[element], order='C')  # keeps the rank of scalars


def initialiser(array, info):
    element = element_type(info)
    if element == TensorProto.BFLOAT16:
        tensor = TensorProto(name=info.name, data_type=element, dims=array.shape)
        tensor.raw_data = np.asarray(array, np.uint16).tobytes()
        return tensor
    return numpy_helper.from_array(np.asarray(array), info.name)


def parameters(model):
    """Names of graph inputs that are parameters wherever they are read."""
    names = set()
    for node in model.graph.node:
        names |= {node.input[i] for i in PARAMETERS.get(node.op_type, ()) if i < len(node.input)}
    return names & {info.name for info in model.graph.input}


def with_constants(model, inputs, names):
    """The model with the named inputs as initialisers, and what is left of the inputs as (info, array)."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    del copy.graph.input[:]
    left = []
    for info, array in zip(model.graph.input, inputs):
        if info.name in names:
            copy.graph.initializer.append(initialiser(array, info))
        else:
            copy.graph.input.append(info)
            left.append((info, array))
    return copy, left


def forms(model, inputs, source):
    """Yields (form, model, remaining inputs)."""
    fixed = parameters(model)
    given, left = with_constants(model, inputs, fixed)
    yield 'given', given, left
    operators = {node.op_type for node in model.graph.node}
    default_domain = [entry for entry in given.opset_import if entry.domain == '']
    if source == 'onnx' and not operators & CHANGED and default_domain and default_domain[0].version < NEWEST_OPSET:
        newest = onnx.ModelProto()
        newest.CopyFrom(given)
        next(e for e in newest.opset_import if e.domain == '').version = NEWEST_OPSET
        yield 'newest', newest, left
    if len(left) > 1:
        weights, first = with_constants(model, inputs, fixed | {info.name for info, _ in left[1:]})
        yield 'weights', weights, first


class Writer:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        (self.folder / 'models').mkdir(parents=True, exist_ok=True)
        self.tensors = open(self.folder / 'tensors.bin', 'wb')
        self.entries = []

    def tensor(self, info, array):
        values = widened(array, element_type(info))
        entry = {'name': info.name, 'type': values.dtype.name, 'shape': list(values.shape),
                 'offset': self.tensors.tell()}
        self.tensors.write(values.tobytes())
        return entry

    def add(self, name, model, inputs, outputs, source):
        readable = all(element_type(info) is not None for info in [*model.graph.input, *model.graph.output])
        operators = sorted({node.op_type for node in model.graph.node if node.op_type != 'Constant'})
        entry = {'name': name, 'source': source, 'operators': operators or ['Constant'], 'has_data': readable,
                 # Of arithmetic in 16 bits, nobody can ask for more digits than it has.
                 'half': any(element_type(i) in (TensorProto.FLOAT16, TensorProto.BFLOAT16)
                             for i in [*model.graph.input, *model.graph.output]),
                 'outputs': [], 'forms': []}
        if readable:
            entry['outputs'] = [self.tensor(i, a) for i, a in zip(model.graph.output, outputs)]
            variants = forms(model, inputs, source)
        else:
            variants = [('given', model, [])]
        for form, variant, left in variants:
            path = f'models/{name}.{form}.onnx'
            (self.folder / path).write_bytes(variant.SerializeToString())
            entry['forms'].append({'form': form, 'model': path, 'inputs': [self.tensor(i, a) for i, a in left]})
        self.entries.append(entry)

    def finish(self):
        self.tensors.close()
        (self.folder / 'cases.json').write_text(json.dumps(self.entries, indent=1))
        (self.folder / 'onnx_version').write_text(onnx.__version__)


def main():
    if len(sys.argv) != 2:
        sys.exit('usage: make_cases.py FOLDER')
    writer = Writer(sys.argv[1])
    for name, model, inputs, outputs in collect.node_cases():
        writer.add(name, model, inputs, outputs, 'onnx')
    for name, model, inputs, outputs in opset_cases.node_cases():
        writer.add(name, model, inputs, outputs, 'prefiqs')
    writer.finish()
    print(f'{len(writer.entries)} cases, {sum(len(e["forms"]) for e in writer.entries)} forms')


if __name__ == '__main__':
    main()
