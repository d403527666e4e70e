"""Copies of a network that `prefiqs prune` does not make: pruned by kinds of layers, by chance that hangs on magnitude, and
with what is averaged of an inner layer in place of the embedding (docs/cheaper.md, "Supplement")."""
import numpy as np
import onnx
from onnx import helper, numpy_helper

KINDS = ('depthwise', 'pointwise', 'FC', 'others', 'all')
LATE = 0.9
SEEDS = (1, 2, 3, 4)
DEPTHS = (0.5, 0.75)
CHANCE = (0.2, 0.4)


def kind(layer, weights, node):
    """Of a layer as `prefiqs inspect` tells it, by its weights and its node."""
    group = next((a.i for a in node.attribute if a.name == 'group'), 1)
    if node.op_type != 'Conv' or (weights.shape[2:] == (1, 1) and layer['shape'][2:] == [1, 1]):
        return 'FC'
    if group > 1:
        return 'depthwise'
    return 'pointwise' if weights.shape[2:] == (1, 1) else 'others'


class Layers:
    """Layers with weights of a network that `prefiqs prune` wrote, in the order of `layers` (those of `prefiqs inspect`)."""

    def __init__(self, model, layers):
        self.model = model
        self.layers = [layer for layer in layers if layer['prunable'] > 0]
        tensors = {tensor.name: tensor for tensor in model.graph.initializer}
        nodes = {node.name: node for node in model.graph.node}
        self.nodes = [nodes[layer['name']] for layer in self.layers]
        if len({node.input[1] for node in self.nodes}) != len(self.nodes):
            raise ValueError('layers share their weights')
        self.weights = [numpy_helper.to_array(tensors[node.input[1]]) for node in self.nodes]
        self.kinds = [kind(*one) for one in zip(self.layers, self.weights, self.nodes, strict=True)]

    def first(self, start):
        return int(start * len(self.layers))

    def of(self, name, start):
        """Places of the layers of a kind."""
        return [k for k in range(self.first(start), len(self.layers)) if name in ('all', self.kinds[k])]

    def cost(self, places):
        """Multiply-adds of a pass from the first of these layers on, in passes."""
        macs = [layer['macs'] for layer in self.layers]
        return sum(macs[min(places):]) / sum(macs)

    def masked(self, gone):
        """A copy in which the weights that `gone` (place -> where) tells are zeros."""
        copy = onnx.ModelProto()
        copy.CopyFrom(self.model)
        tensors = {tensor.name: tensor for tensor in copy.graph.initializer}
        for place, where in gone.items():
            tensor = tensors[self.nodes[place].input[1]]
            weights = np.where(where, np.float32(0), self.weights[place])
            tensor.CopyFrom(numpy_helper.from_array(weights, tensor.name))
        return copy

    def by_magnitude(self, places, sparsity):
        """Of each layer the smallest go."""
        gone = {}
        for k in places:
            size = np.abs(self.weights[k]).ravel()
            gone[k] = np.zeros(len(size), bool)
            gone[k][np.argsort(size, kind='stable')[:int(sparsity * len(size) + 0.5)]] = True
            gone[k] = gone[k].reshape(self.weights[k].shape)
        return self.masked(gone)

    def by_chance(self, places, sparsity, seed):
        """Of all these layers' weights those are kept that are drawn first, each with a chance in proportion to its
        magnitude, without putting back."""
        size = np.concatenate([np.abs(self.weights[k]).ravel() for k in places]).astype(float)
        with np.errstate(divide='ignore'):
            turn = np.random.default_rng(seed).standard_exponential(len(size)) / size  # the lowest is drawn first
        gone = np.zeros(len(size), bool)
        gone[np.argsort(-turn, kind='stable')[:int(sparsity * len(size) + 0.5)]] = True
        ends = np.cumsum([self.weights[k].size for k in places])[:-1]
        return self.masked({k: part.reshape(self.weights[k].shape)
                            for k, part in zip(places, np.split(gone, ends), strict=True)})


def averaged(model, layers, place):
    """A copy whose output is the globally averaged input of a layer, given by its place."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    graph = copy.graph
    at = next(k for k, node in enumerate(graph.node) if node.name == layers.nodes[place].name)
    inner = graph.node[at].input[0]
    del graph.node[at:]
    graph.node.extend([helper.make_node('GlobalAveragePool', [inner], ['inner.mean'], 'inner.mean'),
                       helper.make_node('Flatten', ['inner.mean'], ['inner'], 'inner')])
    used = {name for node in graph.node for name in node.input}
    for tensor in [t for t in graph.initializer if t.name not in used]:
        graph.initializer.remove(tensor)
    channels = layers.weights[place].shape[1] * next((a.i for a in layers.nodes[place].attribute if a.name == 'group'), 1)
    del graph.output[:], graph.value_info[:]
    graph.output.append(helper.make_tensor_value_info('inner', onnx.TensorProto.FLOAT, ['batch', channels]))
    return copy


def widths(models):
    """Of each the size of its output."""
    return [model.graph.output[0].type.tensor_type.shape.dim[-1].dim_value for model in models]


def variants(layers, paper, last):
    """{name: (model, passes it costs beside the whole network's)}; `paper` and `last`: copies of the program."""
    everything = list(range(len(layers.layers)))
    found = {'whole': (layers.model, 0), 'paper': (paper, 1), 'last': (last, layers.cost(everything[-1:]))}
    for start in (0, LATE):
        for name in KINDS:
            places = layers.of(name, start)
            if places:
                found[f'{name} from {start}'] = layers.by_magnitude(places, 0.4), layers.cost(places)
    late = everything[layers.first(LATE):]
    for sparsity in CHANCE:
        for seed in SEEDS:
            found[f'chance {sparsity} {seed}'] = layers.by_chance(late, sparsity, seed), layers.cost(late)
    for start in DEPTHS:
        place = layers.first(start)
        share = 1 - layers.cost(everything[place:])
        found[f'whole at {start}'] = averaged(layers.model, layers, place), 0
        found[f'paper at {start}'] = averaged(paper, layers, place), share
    return found
