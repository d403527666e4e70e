"""As tf2onnx and keras2onnx write Keras networks: channels last outside, channels first inside."""
import numpy as np
from onnx import TensorProto

from . import bodies
from .spelling import Spelling, floats, ints, tensor


class Tf2Onnx(Spelling):
    """Its optimiser has folded normalisations and moved the inner transpositions away; dense layers stay MatMul and Add."""
    opset, ir, producer = 13, 7, 'tf2onnx'
    folded = True
    input_name, output_name, batch = 'input_1', 'normalize', 'unk__100'
    input_shape = (bodies.SIDE, bodies.SIDE, 3)

    def start(self):
        return self.node('Transpose', [self.input_name], 'StatefulPartitionedCall/model/conv2d/Conv2D__6', perm=[0, 3, 1, 2])

    def prelu(self, x, layer):
        """Keras: relu(x) - alpha * relu(-x), with a negated alpha."""
        alpha = self.weight(f'{layer}/Neg:0', -self.weights[f'{layer}.slope'].reshape(1, -1, 1, 1))
        other = self.node('Relu', [self.node('Neg', [x], f'{layer}/Neg_1')], f'{layer}/Relu_1')
        return self.add(self.node('Relu', [x], f'{layer}/Relu'), self.mul(alpha, other))

    def flatten(self, x):
        x = self.node('Transpose', [x], perm=[0, 2, 3, 1])
        return self.reshape(x, [-1, self.weights['features.weight'].shape[1]])

    def features_of(self, x):
        return self.reshape(x, [-1, self.weights['features.weight'].shape[1]])

    def dense(self, x, layer):
        weight = self.weights[f'{layer}.weight']
        if 'last.weight' in self.weights:  # flattened as rows, columns, channels
            channels = self.weights['last.weight'].shape[0]
            side = int(np.sqrt(weight.shape[1] // channels))
            weight = weight.reshape(-1, channels, side, side).transpose(0, 2, 3, 1).reshape(weight.shape)
        matrix = self.weight(f'{layer}/MatMul/ReadVariableOp:0', np.ascontiguousarray(weight.T))
        return self.add(self.node('MatMul', [x, matrix], f'{layer}/MatMul'), self.weight(f'{layer}.bias'))

    def norm(self, x, layer):
        """Of vectors: no operator of TensorFlow, so a product and a sum."""
        factor, offset = self.folded_norm(layer)
        x = self.mul(x, self.weight(f'{layer}/batchnorm/mul:0', floats(factor)))
        return self.add(x, self.weight(f'{layer}/batchnorm/sub:0', floats(offset)))

    def pooled(self, x):
        return self.node('Squeeze', [self.pool(x), self.constant(ints([2, 3]), 'axes')])

    def relu6(self, x):
        return self.node('Clip', [x, self.scalar(0), self.scalar(6)])

    def hard_sigmoid(self, x):
        return self.mul(self.relu6(self.add(x, self.scalar(3))), self.scalar(1 / 6))

    def gelu(self, x):
        one_more = self.add(self.node('Erf', [self.node('Div', [x, self.scalar(np.sqrt(2))])]), self.scalar(1))
        return self.mul(self.mul(self.scalar(0.5), x), one_more)

    def reciprocal_root(self, x):
        """Rsqrt."""
        return self.node('Reciprocal', [self.node('Sqrt', [x])])

    def layer_norm(self, x, layer):
        """tf.nn.moments and tf.nn.batch_normalization."""
        mean = self.reduce('ReduceMean', x, [2])
        centred = self.node('Sub', [x, mean])
        variance = self.reduce('ReduceMean', self.mul(centred, centred), [2])
        factor = self.mul(self.reciprocal_root(self.add(variance, self.scalar(self.epsilon))), self.weight(f'{layer}.scale'))
        offset = self.node('Sub', [self.weight(f'{layer}.bias'), self.mul(mean, factor)])
        return self.add(self.mul(x, factor), offset)

    def l2_normalize(self, x):
        summed = self.reduce('ReduceSum', self.mul(x, x), [1])
        return self.mul(x, self.reciprocal_root(self.node('Max', [summed, self.scalar(1e-12)])))


class ChannelsFirst(Tf2Onnx):
    """--inputs-as-nchw."""
    input_shape = (3, bodies.SIDE, bodies.SIDE)

    def start(self):
        return self.input_name


class AutoPad(Tf2Onnx):
    """A size that the converter does not know: it leaves the padding to the operator. Opset 9; constants of the
    normalisation are computed in the graph."""
    opset, ir = 9, 4

    def pads(self, kernel, stride):
        return None

    def conv_attributes(self, layer, stride, groups):
        attributes = super().conv_attributes(layer, stride, groups)
        del attributes['pads']
        return {**attributes, 'auto_pad': 'SAME_UPPER'}

    def norm(self, x, layer):
        scale, bias, mean, variance = (self.weight(f'{layer}.norm.{part}') for part in ('scale', 'bias', 'mean', 'variance'))
        root = self.reciprocal_root(self.add(variance, self.scalar(bodies.NORM_EPSILON)))
        factor = self.mul(root, scale)
        return self.add(self.mul(x, factor), self.node('Sub', [bias, self.mul(mean, factor)]))

    def relu6(self, x):
        return self.node('Clip', [x], min=0.0, max=6.0)

    def pool(self, x):
        return self.node('ReduceMean', [x], axes=[2, 3], keepdims=1)

    def pooled(self, x):
        return self.node('ReduceMean', [x], axes=[2, 3], keepdims=0)


class FusedLayerNorm(Tf2Onnx):
    """Keras' LayerNormalization with its default epsilon: a batch normalisation in training mode of a reshaped input, whose
    statistics tf2onnx computes."""

    def layer_norm(self, x, layer):
        shape = self.node('Shape', [x])
        rows, width = (self.node('Slice', [shape, *(self.constant(ints([at])) for at in ends)]) for ends in ((0, 2), (2, 3)))
        rows = self.node('ReduceProd', [rows], axes=[0], keepdims=1)
        one = self.constant(ints([1]))
        packed = self.node('Reshape', [x, self.node('Concat', [one, rows, width, one], axis=0)])
        scale = self.node('ConstantOfShape', [rows], value=tensor('', floats([1])))
        offset = self.node('ConstantOfShape', [rows], value=tensor('', floats([0])))
        mean = self.reduce('ReduceMean', packed, [0, 2, 3])
        squares = self.node('ReduceSumSquare', [self.node('Sub', [packed, mean])], axes=[0, 2, 3], keepdims=0)
        sizes = self.node('Gather', [self.node('Shape', [packed]), self.constant(ints([0, 2, 3]))], axis=0)
        count = self.node('Cast', [self.node('ReduceProd', [sizes], axes=[0], keepdims=0)], to=TensorProto.FLOAT)
        variance = self.node('Div', [squares, count])
        mean = self.node('Squeeze', [mean, self.constant(ints([0, 2, 3]))])
        x = self.node('BatchNormalization', [packed, scale, offset, mean, variance], epsilon=self.epsilon)
        x = self.node('Reshape', [x, shape])
        return self.add(self.mul(x, self.weight(f'{layer}.scale')), self.weight(f'{layer}.bias'))


class Keras2Onnx(Spelling):
    """Before its optimiser: each layer turns channels first and back; normalisations have mean 0 and variance 1."""
    opset, ir, producer = 11, 6, 'keras2onnx'
    input_name, output_name, batch = 'input_1', 'features', 'N'
    input_shape = (bodies.SIDE, bodies.SIDE, 3)

    def channels_first(self, x):
        return self.node('Transpose', [x], 'adjusted_input', perm=[0, 3, 1, 2])

    def channels_last(self, x):
        return self.node('Transpose', [x], 'transpose_output', perm=[0, 2, 3, 1])

    def convolve(self, x, layer, weight, bias, **attributes):
        x = super().convolve(self.channels_first(x), layer, weight, bias, **{**attributes, 'auto_pad': 'NOTSET'})
        return self.node('Identity', [self.channels_last(x)])

    def norm(self, x, layer):
        factor, offset = self.folded_norm(layer)
        parts = [self.weight(f'{layer}.norm.{name}', floats(values)) for name, values in (
            ('scale', factor), ('bias', offset), ('mean', 0 * factor), ('variance', 1 + 0 * factor))]
        maps = layer != 'features'
        x = self.node('BatchNormalization', [self.channels_first(x) if maps else x, *parts],
                      epsilon=bodies.NORM_EPSILON * 1e-3, momentum=0.99)
        return self.channels_last(x) if maps else x

    def prelu(self, x, layer):
        return self.node('PRelu', [x, self.weight(f'{layer}.slope', self.weights[f'{layer}.slope'].reshape(1, 1, -1))])

    def flatten(self, x):
        return self.node('Flatten', [x], axis=1)

    dense = Tf2Onnx.dense

    def relu(self, x):
        return self.node('LeakyRelu', [x], alpha=0.0)

    def hard_sigmoid(self, x):
        x = self.node('LeakyRelu', [self.add(x, self.scalar(3))], alpha=0.0)
        return self.mul(self.node('Min', [x, self.scalar(6)]), self.scalar(1 / 6))

    def pool(self, x):
        return self.channels_last(self.node('GlobalAveragePool', [self.channels_first(x)]))

    def pooled(self, x):
        """GlobalAveragePooling2D: a Reshape to [0, -1]."""
        return self.node('Identity', [self.reshape(self.pool(x), [0, -1])])
