"""How a network is written as ONNX, layer by layer. `Spelling` writes plainly; exporters' spellings override what they say
in their own way."""
import numpy as np
import onnx
from onnx import TensorProto, helper

from . import bodies

TYPES = {np.dtype(np.float32): TensorProto.FLOAT, np.dtype(np.float16): TensorProto.FLOAT16,
         np.dtype(np.int64): TensorProto.INT64, np.dtype(np.int32): TensorProto.INT32, np.dtype(np.int8): TensorProto.INT8,
         np.dtype(np.uint8): TensorProto.UINT8, np.dtype(np.float64): TensorProto.DOUBLE,
         np.dtype(np.bool_): TensorProto.BOOL}
BFLOAT16, INT4 = 16, 22  # the second is newer than Debian's library


def tensor(name, values, data_type=None, raw=None):
    """Types that the library does not know come as `data_type` and bytes."""
    values = np.asarray(values)
    proto = TensorProto(name=name, dims=values.shape, data_type=data_type or TYPES[values.dtype])
    proto.raw_data = np.ascontiguousarray(values).tobytes() if raw is None else raw
    return proto


def floats(values):
    return np.asarray(values, np.float32)


def ints(values):
    return np.asarray(values, np.int64)


class Spelling:
    opset, ir, producer = 13, 7, 'plain'
    domains = {}              # beside the standard one: name -> version
    input_name, output_name, batch = 'input', 'output', 'batch'
    input_type = output_type = TensorProto.FLOAT
    input_shape = (3, bodies.SIDE, bodies.SIDE)
    constants_are_nodes = False   # small constants: nodes, or initializers
    inputs_list_initializers = False
    folded = False                # batch normalisation into the convolution before it
    unit = None                   # name of the method that brings the embedding to length 1

    def __init__(self, weights, padding='even', class_token=False, epsilon=bodies.LAYER_NORM_EPSILON):
        self.weights, self.padding, self.class_token, self.epsilon = dict(weights), padding, class_token, epsilon
        self.nodes, self.initializers, self.names, self.functions = [], {}, {}, []

    # The file.

    def fresh(self, stem):
        """The first is NAME, the others NAME_1, NAME_2."""
        self.names[stem] = self.names.get(stem, -1) + 1
        return f'{stem}_{self.names[stem]}' if self.names[stem] else stem

    def node(self, op, inputs, name=None, outputs=1, domain=None, **attributes):
        name = self.fresh(name or op)
        named = [name] if outputs == 1 else [f'{name}.{i}' for i in range(outputs)]
        self.nodes.append(helper.make_node(op, inputs, named, name, domain=domain, **attributes))
        return named[0] if outputs == 1 else named

    def weight(self, name, values=None):
        """An initializer of that name, once; without values the network's weight."""
        if name not in self.initializers:
            self.initializers[name] = tensor(name, self.weights[name] if values is None else values)
        return name

    def constant(self, values, name='constant'):
        """A small one: a shape, an epsilon."""
        name = self.fresh(name)
        if self.constants_are_nodes:
            self.nodes.append(helper.make_node('Constant', [], [name], name, value=tensor('', values)))
            return name
        return self.weight(name, values)

    def scalar(self, value):
        return self.constant(floats(value))

    def start(self):
        return self.input_name

    def finish(self, x):
        if self.unit:
            x = getattr(self, self.unit)(x)
        return [(x, self.output_type, [self.batch, bodies.EMBEDDING])]

    def model(self, body):
        outputs = self.finish(body(self, self.start()))
        inputs = [helper.make_tensor_value_info(self.input_name, self.input_type, [self.batch, *self.input_shape])]
        initializers = list(self.initializers.values())
        if self.inputs_list_initializers:
            inputs += [helper.make_tensor_value_info(t.name, t.data_type, list(t.dims)) for t in initializers]
        names = [self.output_name] + [name for name, *_ in outputs[1:]]
        for (value, *_), name in zip(outputs, names):
            self.rename(value, name)
        graph = helper.make_graph(
            self.nodes, 'network', inputs,
            [helper.make_tensor_value_info(name, kind, shape) for name, (_, kind, shape) in zip(names, outputs)], initializers)
        model = onnx.ModelProto(ir_version=self.ir, producer_name=self.producer, graph=graph)
        for domain, version in {'': self.opset, **self.domains}.items():
            model.opset_import.add(domain=domain, version=version)
        model.functions.extend(self.functions)
        return model

    def rename(self, value, name):
        for node in self.nodes:
            for names in (node.input, node.output):
                for i, found in enumerate(names):
                    if found == value:
                        names[i] = name

    # Layers of convolutional networks.

    def pads(self, kernel, stride):
        before, after = bodies.padding(kernel, stride, self.padding)
        return [before, before, after, after]

    def convolve(self, x, layer, weight, bias, **attributes):
        """The node of a convolution; bias may be None."""
        return self.node('Conv', [x, weight] + [b for b in [bias] if b], f'{layer}/Conv', **attributes)

    def conv_attributes(self, layer, stride, groups):
        kernel = self.weights[f'{layer}.weight'].shape[2]
        pads = [0] * 4 if layer == 'patches' else self.pads(kernel, stride)
        return {'dilations': [1, 1], 'group': groups, 'kernel_shape': [kernel] * 2, 'pads': pads, 'strides': [stride] * 2}

    def conv(self, x, layer, stride=1, groups=1):
        bias = self.weight(f'{layer}.bias') if f'{layer}.bias' in self.weights else None
        return self.convolve(x, layer, self.weight(f'{layer}.weight'), bias, **self.conv_attributes(layer, stride, groups))

    def folded_norm(self, layer):
        """The factor and the offset of a batch normalisation, in double precision."""
        scale, bias, mean, variance = (self.weights[f'{layer}.norm.{part}'].astype(np.float64)
                                       for part in ('scale', 'bias', 'mean', 'variance'))
        factor = scale / np.sqrt(variance + bodies.NORM_EPSILON)
        return factor, bias - mean * factor

    def conv_norm(self, x, layer, stride=1, groups=1):
        if not self.folded:
            return self.norm(self.conv(x, layer, stride, groups), layer)
        factor, offset = self.folded_norm(layer)
        weight = floats(self.weights[f'{layer}.weight'] * factor.reshape(-1, 1, 1, 1))
        return self.convolve(x, layer, self.weight(f'{layer}.folded.weight', weight),
                             self.weight(f'{layer}.folded.bias', floats(offset)),
                             **self.conv_attributes(layer, stride, groups))

    norm_attributes = {'epsilon': bodies.NORM_EPSILON}

    def norm(self, x, layer):
        parts = [self.weight(f'{layer}.norm.{part}') for part in ('scale', 'bias', 'mean', 'variance')]
        return self.node('BatchNormalization', [x, *parts], f'{layer}/BatchNormalization', **self.norm_attributes)

    def prelu(self, x, layer):
        slope = self.weight(f'{layer}.slope', self.weights[f'{layer}.slope'].reshape(-1, 1, 1))
        return self.node('PRelu', [x, slope], f'{layer}/PRelu')

    def relu(self, x):
        return self.node('Relu', [x])

    def hard_sigmoid(self, x):
        return self.node('HardSigmoid', [x], alpha=1 / 6, beta=0.5)

    def hard_swish(self, x):
        return self.mul(x, self.hard_sigmoid(x))

    def add(self, x, y):
        return self.node('Add', [x, y])

    def mul(self, x, y):
        return self.node('Mul', [x, y])

    def pool(self, x):
        return self.node('GlobalAveragePool', [x])

    def flatten(self, x):
        return self.node('Flatten', [x], axis=1)

    def pooled(self, x):
        return self.flatten(self.pool(x))

    def dense(self, x, layer):
        return self.node('Gemm', [x, self.weight(f'{layer}.weight'), self.weight(f'{layer}.bias')], f'{layer}/Gemm', transB=1)

    # Layers of transformers: N x tokens x width.

    def tokens(self, x):
        x = self.conv(x, 'patches', stride=bodies.PATCH)
        x = self.reshape(x, [0, bodies.WIDTH, -1])
        x = self.node('Transpose', [x], perm=[0, 2, 1])
        return self.with_class_token(x) if self.class_token else x

    def with_class_token(self, x):
        raise NotImplementedError(f'{type(self).__name__} has no class token')

    def positions(self, x):
        return self.add(x, self.weight('positions'))

    def features_of(self, x):
        if self.class_token:
            return self.node('Gather', [x, self.constant(ints(0))], axis=1)
        return self.flatten(x)

    def reshape(self, x, shape):
        return self.node('Reshape', [x, self.constant(ints(shape), 'shape')])

    def linear(self, x, layer):
        """Over the last of three axes."""
        weight = self.weight(f'{layer}.weight.T', np.ascontiguousarray(self.weights[f'{layer}.weight'].T))
        return self.add(self.node('MatMul', [x, weight], f'{layer}/MatMul'), self.weight(f'{layer}.bias'))

    def layer_norm(self, x, layer):
        """LayerNormalization's parts, as before opset 17."""
        centred = self.node('Sub', [x, self.reduce('ReduceMean', x, [-1])])
        squared = self.node('Pow', [centred, self.scalar(2)])
        spread = self.add(self.reduce('ReduceMean', squared, [-1]), self.scalar(self.epsilon))
        unit = self.node('Div', [centred, self.node('Sqrt', [spread])])
        return self.add(self.mul(unit, self.weight(f'{layer}.scale')), self.weight(f'{layer}.bias'))

    def heads(self, x):
        """N x tokens x width -> N x heads x tokens x width of a head."""
        split = self.reshape(x, [0, -1, bodies.HEADS, bodies.WIDTH // bodies.HEADS])
        return self.node('Transpose', [split], perm=[0, 2, 1, 3])

    def attention(self, x):
        q, k, v = (self.heads(self.linear(x, name)) for name in ('query', 'key', 'value'))
        x = self.attend(q, k, v)
        return self.linear(self.reshape(self.node('Transpose', [x], perm=[0, 2, 1, 3]), [0, -1, bodies.WIDTH]), 'project')

    def attend(self, q, k, v):
        scores = self.node('MatMul', [q, self.node('Transpose', [k], perm=[0, 1, 3, 2])])
        scores = self.node('Div', [scores, self.scalar(np.sqrt(bodies.WIDTH // bodies.HEADS))])
        return self.node('MatMul', [self.node('Softmax', [scores], axis=-1), v])

    def gelu(self, x):
        one_more = self.add(self.node('Erf', [self.node('Div', [x, self.scalar(np.sqrt(2))])]), self.scalar(1))
        return self.mul(self.mul(x, one_more), self.scalar(0.5))

    # Bringing the embedding to length 1.

    def reduce(self, op, x, axes, keepdims=1):
        """Axes are an attribute up to a version of the operator's own, then an input."""
        if self.opset >= (13 if op == 'ReduceSum' else 18):
            return self.node(op, [x, self.constant(ints(axes), 'axes')], keepdims=keepdims)
        return self.node(op, [x], axes=axes, keepdims=keepdims)
