"""One network that holds a network and many pruned copies of it, so that one pass gives all their embeddings."""
import hashlib

import onnx
from onnx import numpy_helper

LATE, LAST = '0.9', 'last'


def unstructured(scope, sparsity, start, seed=None):
    """Options of `prefiqs prune`."""
    words = ['--scope', scope, '--sparsity', str(sparsity), '--from', str(start)]
    return words + (['--criterion', 'random', '--seed', str(seed)] if seed is not None else [])


def _masks():
    masks = {'paper': unstructured('global', 0.4, 0)}
    for start, name in (('0.5', 'half'), ('0.7', 'seven'), (LATE, 'late')):
        grid = {'half': {'global': [0.4]}, 'seven': {'global': [0.4]},
                'late': {'global': [0.2, 0.4, 0.6, 0.8], 'layer': [0.2, 0.4, 0.6], 'channel': [0.2, 0.4, 0.6]}}[name]
        for scope, sparsities in grid.items():
            for sparsity in sparsities:
                masks[f'{name} {scope} {sparsity}'] = unstructured(scope, sparsity, start)
    for seed in (1, 2, 3, 4):
        masks[f'late random 0.05 seed {seed}'] = unstructured('global', 0.05, LATE, seed)
    for sparsity in (0.2, 0.4, 0.6, 0.8):
        masks[f'last {sparsity}'] = unstructured('global', sparsity, LAST)
    return masks


MASKS = _masks()  # name -> options; docs/cheaper.md lists them


def first_layer(options, count):
    """Of a mask: the first of a network's `count` layers with weights that is not shared."""
    start = options[options.index('--from') + 1]
    return count - 1 if start == LAST else int(float(start) * count)


def options_for(options, count):
    """As `prefiqs prune` takes them: in the middle of the last layer's share, LAST cannot be rounded to another."""
    return [str((count - 0.5) / count) if word == LAST else word for word in options]


def cost(masks, macs):
    """Multiply-adds of a pass with these masks beside the embedding's own pass, by that; `macs` of layers with weights."""
    extra = sum(sum(macs[first_layer(MASKS[name], len(macs)):]) for name in masks)
    return 1 + extra / sum(macs)


def _content(tensor):
    array = numpy_helper.to_array(tensor)
    return hashlib.sha256(f'{array.dtype}{array.shape}'.encode() + array.tobytes()).hexdigest()


def merged(models):
    """An ONNX model whose output is the outputs of all `models`, side by side. Nodes that do the same to the same are
    there once: what copies share up to their first pruned layer runs once."""
    nodes, constants, known, outputs = [], {}, {}, []
    for model in models:
        graph = model.graph
        name_of = {value.name: 'input' for value in graph.input
                   if value.name not in {tensor.name for tensor in graph.initializer}}
        name_of[''] = ''
        for tensor in graph.initializer:
            name_of[tensor.name] = name = 'c' + _content(tensor)
            if name not in constants:
                constants[name] = onnx.TensorProto()
                constants[name].CopyFrom(tensor)
                constants[name].name = name
        for node in graph.node:
            inputs = [name_of[i] for i in node.input]
            attributes = sorted(a.SerializeToString() for a in node.attribute)
            key = (node.domain, node.op_type, tuple(inputs), tuple(attributes), len(node.output))
            if key not in known:
                copy = onnx.NodeProto()
                copy.CopyFrom(node)
                copy.name = f'n{len(nodes)}'
                del copy.input[:], copy.output[:]
                copy.input.extend(inputs)
                copy.output.extend(f'{copy.name}.{k}' if name else '' for k, name in enumerate(node.output))
                nodes.append(copy)
                known[key] = copy
            name_of.update(zip(node.output, known[key].output, strict=True))
        outputs.append(name_of[graph.output[0].name])
    first = models[0].graph
    nodes.append(onnx.helper.make_node('Concat', outputs, ['embeddings'], 'side_by_side', axis=1))
    entry = onnx.ValueInfoProto()
    entry.CopyFrom(next(v for v in first.input if v.name not in {t.name for t in first.initializer}))
    entry.name = 'input'
    size = first.output[0].type.tensor_type.shape.dim[-1].dim_value
    result = onnx.helper.make_tensor_value_info('embeddings', onnx.TensorProto.FLOAT, ['batch', size * len(models)])
    graph = onnx.helper.make_graph(nodes, 'side by side', [entry], [result], list(constants.values()))
    model = onnx.helper.make_model(graph, producer_name='study_cheaper', opset_imports=models[0].opset_import)
    model.ir_version = models[0].ir_version
    return model
