"""As ONNX Runtime saves what its optimisers made of a PyTorch file. The nodes of Extended and of Nchwc are those that version
1.30 saves (SAVE in onnxruntime.cjs)."""
import numpy as np
from onnx import helper

from . import bodies
from .pytorch import TorchScript


class Extended(TorchScript):
    """Level extended: com.microsoft's fused operators, LayerNormalization in the standard domain whatever the opset, and
    domains imported that nothing uses."""
    opset, ir = 13, 7
    constants_are_nodes = False
    domains = {'ai.onnx.ml': 5, 'ai.onnx.training': 1, 'com.microsoft': 1, 'ai.onnx.preview.training': 1,
               'com.microsoft.experimental': 1, 'com.microsoft.nchwc': 1, 'org.pytorch.aten': 1}

    def source(self, value):
        """The node that makes it."""
        return next((node for node in self.nodes if node.output[0] == value), None)

    def fuse(self, x, activation, **parameters):
        """Into the convolution or the matrix that makes x."""
        node = self.source(x)
        self.nodes.remove(node)
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        if parameters:
            attributes['activation_params'] = list(parameters.values())
        return self.node(f'Fused{node.op_type}', list(node.input), activation, domain='com.microsoft', **attributes,
                         activation=activation)

    def relu(self, x):
        return self.fuse(x, 'Relu')

    def hard_sigmoid(self, x):
        return self.fuse(x, 'HardSigmoid', alpha=1 / 6, beta=0.5)

    def hard_swish(self, x):
        """Its second reader keeps the convolution as it is."""
        return self.mul(x, self.node('HardSigmoid', [x], alpha=1 / 6, beta=0.5))

    def dense(self, x, layer):
        return self.node('Gemm', [x, self.weight(f'{layer}.weight'), self.weight(f'{layer}.bias')], alpha=1.0, beta=1.0,
                         transA=0, transB=1)

    def layer_norm(self, x, layer):
        if isinstance(x, tuple):
            return self.skip(x, layer, 'mlp2.bias')
        return self.node('LayerNormalization', [x, self.weight(f'{layer}.scale'), self.weight(f'{layer}.bias')], axis=-1,
                         epsilon=self.epsilon, stash_type=1)

    def linear(self, x, layer):
        """The gelu and the sum behind take its bias."""
        matrix = self.weight(f'{layer}.weight.T', np.ascontiguousarray(self.weights[f'{layer}.weight'].T))
        x = self.node('MatMul', [x, matrix], f'{layer}/MatMul')
        return x if layer in ('mlp1', 'mlp2') else self.add(x, self.weight(f'{layer}.bias'))

    def gelu(self, x):
        return self.node('BiasGelu', [x, self.weight('mlp1.bias')], domain='com.microsoft')

    def attention(self, x):
        """As the plain form, but for the product."""
        q, k, v = (self.heads(self.linear(x, name)) for name in ('query', 'key', 'value'))
        k = self.node('Transpose', [k], perm=[0, 1, 3, 2])
        scores = self.node('FusedMatMul', [q, k], domain='com.microsoft', alpha=(bodies.WIDTH // bodies.HEADS) ** -0.5,
                           transA=0, transB=0, transBatchA=0, transBatchB=0)
        x = self.node('MatMul', [self.node('Softmax', [scores], axis=-1), v])
        return self.linear(self.reshape(self.node('Transpose', [x], perm=[0, 2, 1, 3]), [0, -1, bodies.WIDTH]), 'project')

    joined = ('mlp2/MatMul',)  # sums that go into the normalisation behind them

    def add(self, x, y):
        """A pair where the normalisation behind it takes the sum."""
        node = self.source(y)
        return (x, y) if node is not None and node.name.startswith(self.joined) else super().add(x, y)

    def skip(self, x, layer, bias, outputs=()):
        """The normalisation of the sum of a pair and a bias; `outputs` beside the first."""
        parts = [self.weight(name) for name in (f'{layer}.scale', f'{layer}.bias', bias)]
        result = self.node('SkipLayerNormalization', [*x, *parts], domain='com.microsoft', epsilon=self.epsilon)
        self.nodes[-1].output.extend(outputs)
        return result


class Transformers(Extended):
    """onnxruntime.transformers.optimizer, --model_type vit: attention is one operator, and both sums of the block are in
    normalisations; the first of them gives its sum to the next."""
    opset, ir, producer = 17, 8, 'onnxruntime.transformers'
    domains = {'com.microsoft': 1}
    heads_operator = 'Attention'
    joined = ('mlp2/MatMul', 'project/MatMul')

    def linear(self, x, layer):
        matrix = self.weight(f'{layer}.weight.T', np.ascontiguousarray(self.weights[f'{layer}.weight'].T))
        return self.node('MatMul', [x, matrix], f'{layer}/MatMul')

    def attention(self, x):
        parts = ('query', 'key', 'value')
        bias = self.weight('Attention_0_qkv_bias', np.concatenate([self.weights[f'{part}.bias'] for part in parts]))
        if self.heads_operator == 'Attention':
            matrix = np.concatenate([self.weights[f'{part}.weight'].T for part in parts], 1)
            inputs = [x, self.weight('Attention_0_qkv_weight', np.ascontiguousarray(matrix)), bias]
        else:
            inputs = [*(self.linear(x, part) for part in parts), bias]
        x = self.node(self.heads_operator, inputs, 'Attention_0', domain='com.microsoft', num_heads=bodies.HEADS)
        return self.linear(x, 'project')

    def layer_norm(self, x, layer):
        if layer == 'norm2':
            self.summed = self.fresh('SkipLayerNorm_sum')
            return self.skip(x, layer, 'project.bias', ['', '', self.summed])
        return super().layer_norm((self.summed, x[1]) if layer == 'norm3' else x, layer)


class MultiHead(Transformers):
    """--use_multi_head_attention, and GELU by tanh with --enable_gelu_approximation."""
    heads_operator = 'MultiHeadAttention'

    def gelu(self, x):
        return self.node('FastGelu', [x, self.weight('mlp1.bias')], domain='com.microsoft')


class QuickGelu(Extended):
    """CLIP's x * sigmoid(1.702 x), at level extended."""

    linear = TorchScript.linear
    add = TorchScript.add

    def gelu(self, x):
        return self.node('QuickGelu', [x], domain='com.microsoft', alpha=1.702)


class Nchwc(TorchScript):
    """Level all: convolutions in a layout of blocks of eight or sixteen channels."""
    opset, ir = 13, 7
    constants_are_nodes = False
    domains = {'com.microsoft': 1, 'com.microsoft.nchwc': 1}
    block = 16

    def blocked(self, values, axis):
        """Padded along an axis to a multiple of the block."""
        padding = [(0, 0)] * values.ndim
        padding[axis] = (0, -values.shape[axis] % self.block)
        return np.pad(values, padding)

    def array(self, name):
        """An initializer, taken out."""
        proto = self.initializers.pop(name)
        return np.frombuffer(proto.raw_data, np.float32).reshape(tuple(proto.dims))

    def convolve(self, x, layer, weight, bias, **attributes):
        values, offset = self.array(weight), self.array(bias)
        channels, depth = values.shape[:2]
        depthwise = attributes['group'] > 1
        values = self.blocked(values, 0)
        if depthwise:
            attributes['group'] = len(values)
        elif depth >= self.block:  # else the input stays as it is
            values = self.blocked(values, 1)
        shape = values.shape
        values = values.reshape(-1, self.block, *shape[1:])
        if depthwise or depth < self.block:
            values = values.transpose(0, 2, 3, 4, 1)
        else:
            values = values.reshape(-1, self.block, shape[1] // self.block, self.block, *shape[2:])
            values = values.transpose(0, 2, 4, 5, 3, 1)
        if depthwise or depth >= self.block:
            x = self.node('ReorderInput', [x], domain='com.microsoft.nchwc', channels_last=0)
        inputs = [x, self.weight(f'reorder_{weight}', np.ascontiguousarray(values).reshape(shape)),
                  self.weight(f'reorder_{bias}', self.blocked(offset, 0))]
        x = self.node('Conv', inputs, f'{layer}/Conv', domain='com.microsoft.nchwc', **attributes)
        return self.node('ReorderOutput', [x], domain='com.microsoft.nchwc', channels=channels, channels_last=0)
