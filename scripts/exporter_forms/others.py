"""As MXNet's mx2onnx and Paddle2ONNX write networks."""
import numpy as np
from onnx import helper

from . import bodies
from .spelling import Spelling, floats, ints, tensor


class Mxnet(Spelling):
    """mx2onnx of 1.3 to 1.5 with insightface's changes: all initializers among the inputs, pixels scaled inside, slopes
    reshaped to four axes, BatchNormalization with `spatial`, a batch of one."""
    opset, ir, producer = 8, 3, ''
    input_name, output_name, batch = 'data', 'fc1', 1
    inputs_list_initializers = True
    norm_attributes = {'epsilon': bodies.NORM_EPSILON, 'momentum': 0.9, 'spatial': 0}

    def start(self):
        x = self.node('Sub', [self.input_name, self.weight('scalar_op1', floats([127.5]))], '_minusscalar0')
        return self.node('Mul', [x, self.weight('scalar_op2', floats([1 / 127.5]))], '_mulscalar0')

    def prelu(self, x, layer):
        shape = self.weight(self.fresh('reshape'), ints([1, -1, 1, 1]))
        return self.node('PRelu', [x, self.node('Reshape', [self.weight(f'{layer}.slope'), shape], 'slope')])

    def flatten(self, x):
        """insightface drops units before the matrix."""
        return self.node('Flatten', [self.node('Dropout', [x], ratio=0.4)])

    def dense(self, x, layer):
        return self.node('Gemm', [x, self.weight(f'{layer}.weight'), self.weight(f'{layer}.bias')], 'pre_fc1', alpha=1.0,
                         beta=1.0, transA=0, transB=1)

    def l2_normalization(self, x):
        return self.node('LpNormalization', [x], axis=1)


class MxnetSum(Mxnet):
    """add_n."""

    def add(self, x, y):
        return self.node('Sum', [x, y], 'add_n')


class MxnetSlopes(Mxnet):
    """As mx2onnx has slopes: one axis."""

    def prelu(self, x, layer):
        return self.node('PRelu', [x, self.weight(f'{layer}.slope')])


class Mxnet13(Mxnet):
    """mx2onnx of 1.9 and 2.0: Dropout is Identity, no `spatial`."""
    opset, ir = 13, 7
    norm_attributes = {'epsilon': bodies.NORM_EPSILON, 'momentum': 0.9}

    def flatten(self, x):
        return self.node('Flatten', [self.node('Identity', [x], 'dropout')])


class Paddle(Spelling):
    """All weights are Constant nodes; flatten computes its shape; matrices are input x output."""
    opset, ir, producer = 11, 7, 'PaddlePaddle'
    input_name, output_name, batch = 'x', 'fetch_name_0', 'DynamicDimension.0'
    constants_are_nodes = True
    norm_attributes = {'epsilon': bodies.NORM_EPSILON, 'momentum': 0.9}

    def __init__(self, *arguments, **function):
        super().__init__(*arguments, **function)
        self.written = set()

    def weight(self, name, values=None):
        if name not in self.written:
            self.written.add(name)
            values = self.weights[name] if values is None else values
            self.nodes.append(helper.make_node('Constant', [], [name], name, value=tensor('', values)))
        return name

    def prelu(self, x, layer):
        return self.node('PRelu', [x, self.reshape(self.weight(f'{layer}.slope'), [-1, 1, 1])])

    def flatten(self, x):
        rest = self.constant(ints([-1]))
        first = self.node('Slice', [self.node('Shape', [x]), *(self.constant(ints([at])) for at in (0, 1, 0))])
        return self.node('Reshape', [x, self.node('Concat', [first, rest], axis=0)])

    def dense(self, x, layer):
        matrix = self.weight(f'{layer}.w_0', np.ascontiguousarray(self.weights[f'{layer}.weight'].T))
        return self.add(self.node('MatMul', [x, matrix]), self.weight(f'{layer}.bias'))

    linear = dense

    def hard_swish(self, x):
        if self.opset >= 14:
            return self.node('HardSwish', [x])
        clipped = self.node('Clip', [self.add(x, self.scalar(3)), self.scalar(0), self.scalar(6)])
        return self.node('Div', [self.mul(x, clipped), self.scalar(6)])

    def hard_sigmoid(self, x):
        return self.node('HardSigmoid', [x], alpha=float(floats(1 / 6)), beta=0.5)

    def conv(self, x, layer, stride=1, groups=1):
        """Its bias is a sum of its own."""
        x = self.convolve(x, layer, self.weight(f'{layer}.weight'), None, **self.conv_attributes(layer, stride, groups))
        bias = f'{layer}.bias'
        return self.add(x, self.weight(bias, self.weights[bias].reshape(1, -1, 1, 1))) if bias in self.weights else x

    def layer_norm(self, x, layer):
        """Takes a slice of the shape that nothing reads; scale and bias are reshaped."""
        centred = self.node('Sub', [x, self.reduce('ReduceMean', x, [-1])])
        variance = self.reduce('ReduceMean', self.node('Pow', [centred, self.scalar(2)]), [-1])
        root = self.node('Sqrt', [self.add(variance, self.scalar(self.epsilon))])
        self.node('Slice', [self.node('Shape', [x]), *(self.constant(ints([at])) for at in (2, 3, 0))])
        unit = self.node('Div', [centred, root])
        return self.add(self.mul(unit, self.reshape(self.weight(f'{layer}.scale'), [-1])),
                        self.reshape(self.weight(f'{layer}.bias'), [-1]))

    def normalize(self, x):
        """paddle.nn.functional.normalize, whose p_norm is spelled out."""
        powers = self.node('Pow', [self.node('Abs', [x]), self.constant(floats([2]))])
        length = self.node('Pow', [self.reduce('ReduceSum', powers, [1]), self.constant(floats([0.5]))])
        return self.node('Div', [x, self.node('Max', [length, self.constant(floats([1e-12]))])])


class Paddle14(Paddle):
    opset, ir = 14, 8

    def norm_op(self, x):
        """The older operator `norm`."""
        return self.node('LpNormalization', [x], axis=1)
