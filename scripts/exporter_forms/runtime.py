"""As ONNX Runtime saves what its optimisers made of a PyTorch file. The nodes of Extended and of Nchwc are those that version
1.30 saves (SAVE in onnxruntime.cjs)."""
import numpy as np

from . import bodies
from .pytorch import TorchScript
from .spelling import floats, ints

FUSED_ACTIVATIONS = {'Relu': [], 'HardSigmoid': [1 / 6, 0.5]}


class Extended(TorchScript):
    """Level extended: com.microsoft's fused operators, LayerNormalization in the standard domain whatever the opset, and
    domains imported that nothing uses."""
    opset, ir = 13, 7
    constants_are_nodes = False
    domains = {'ai.onnx.ml': 5, 'ai.onnx.training': 1, 'com.microsoft': 1, 'ai.onnx.preview.training': 1,
               'com.microsoft.experimental': 1, 'com.microsoft.nchwc': 1, 'org.pytorch.aten': 1}

    def last(self, value):
        return next((node for node in self.nodes if node.output[0] == value), None)

    def activated(self, x, op, values, **attributes):
        """In the convolution or matrix before it."""
        node = self.last(x)
        fused = {'Conv': 'FusedConv', 'Gemm': 'FusedGemm'}.get(node.op_type)
        if fused is None:
            return self.node(op, [x], **attributes)
        name = self.fresh(op)
        extra = {'activation': op}
        if fused == 'FusedConv' and values:
            extra['activation_params'] = values
        copied = {a.name: list(a.ints) if a.type == 7 else a.f if a.type == 1 else a.i for a in node.attribute}
        self.nodes.remove(node)
        return self.node(fused, list(node.input), name, domain='com.microsoft', **copied, **extra)

    def relu(self, x):
        return self.activated(x, 'Relu', FUSED_ACTIVATIONS['Relu'])

    def hard_sigmoid(self, x):
        return self.activated(x, 'HardSigmoid', FUSED_ACTIVATIONS['HardSigmoid'], alpha=1 / 6, beta=0.5)

    def hard_swish(self, x):
        """Its second reader keeps the convolution as it is."""
        return self.mul(x, self.node('HardSigmoid', [x], alpha=1 / 6, beta=0.5))

    def dense(self, x, layer):
        return self.node('Gemm', [x, self.weight(f'{layer}.weight'), self.weight(f'{layer}.bias')], alpha=1.0, beta=1.0,
                         transA=0, transB=1)

    def layer_norm(self, x, layer):
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

    def add(self, x, y):
        """The last sum of the block goes into the normalisation behind it."""
        node = self.last(y)
        if node is not None and node.output[0].startswith('mlp2/MatMul'):
            return (x, y)
        return super().add(x, y)

    def skip(self, x, layer, bias=None, **attributes):
        inputs = [*x, self.weight(f'{layer}.scale'), self.weight(f'{layer}.bias')] + ([self.weight(bias)] if bias else [])
        return self.node('SkipLayerNormalization', inputs, domain='com.microsoft', epsilon=self.epsilon, **attributes)

    def features_of(self, x):
        return self.flatten(x)


class ExtendedTransformer(Extended):
    def layer_norm(self, x, layer):
        return self.skip(x, layer, 'mlp2.bias') if isinstance(x, tuple) else super().layer_norm(x, layer)


class Transformers(Extended):
    """onnxruntime.transformers.optimizer, --model_type vit: attention is one operator, and both sums of the block are in
    normalisations; the first of them gives its sum to the next."""
    opset, ir, producer = 17, 8, 'onnxruntime.transformers'
    domains = {'com.microsoft': 1}
    heads_operator = 'Attention'

    def linear(self, x, layer):
        matrix = self.weight(f'{layer}.weight.T', np.ascontiguousarray(self.weights[f'{layer}.weight'].T))
        return self.node('MatMul', [x, matrix], f'{layer}/MatMul')

    def attention(self, x):
        parts = ('query', 'key', 'value')
        if self.heads_operator == 'Attention':
            matrix = np.concatenate([self.weights[f'{part}.weight'].T for part in parts], 1)
            bias = np.concatenate([self.weights[f'{part}.bias'] for part in parts])
            x = self.node('Attention', [x, self.weight('Attention_0_qkv_weight', np.ascontiguousarray(matrix)),
                                        self.weight('Attention_0_qkv_bias', bias)], 'Attention_0', domain='com.microsoft',
                          num_heads=bodies.HEADS)
        else:
            bias = np.concatenate([self.weights[f'{part}.bias'] for part in parts])
            x = self.node('MultiHeadAttention', [*(self.linear(x, part) for part in parts), self.weight('qkv.bias', bias)],
                          'Attention_0', domain='com.microsoft', num_heads=bodies.HEADS)
        return self.linear(x, 'project')

    def add(self, x, y):
        node = self.last(y)
        if node is not None and node.output[0].startswith(('mlp2/MatMul', 'project/MatMul')):
            return (x, y)
        return TorchScript.add(self, x, y)

    def layer_norm(self, x, layer):
        if not isinstance(x, tuple):
            return super().layer_norm(x, layer)
        bias = {'norm2': 'project.bias', 'norm3': 'mlp2.bias'}[layer]
        if layer == 'norm3':
            return self.skip((self.summed, x[1]), layer, bias)
        name, self.summed = self.fresh('SkipLayerNorm'), self.fresh('SkipLayerNorm_sum')
        inputs = [*x, self.weight(f'{layer}.scale'), self.weight(f'{layer}.bias'), self.weight(bias)]
        self.node('SkipLayerNormalization', inputs, name, domain='com.microsoft', epsilon=self.epsilon)
        self.nodes[-1].output.extend(['', '', self.summed])
        return self.nodes[-1].output[0]


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
