"""Three small face networks, as a sequence of layers. Whoever spells them brings the layers as methods: `numbers` computes
them, `spelling` and its relatives write nodes. An input is N x 3 x 112 x 112, an output N x 64."""
import numpy as np

SIDE = 112
EMBEDDING = 64
HEADS = 4
WIDTH = 32     # of a token
PATCH = 16
TOKENS = (SIDE // PATCH) ** 2
NORM_EPSILON = 1e-5
LAYER_NORM_EPSILON = 1e-6  # as PyTorch's ViTs have it

# name: output channels, input channels a group, kernel
CONVOLUTIONS = {
    'convolutional': {'stem': (8, 3, 3), 'depthwise': (8, 1, 3), 'pointwise': (16, 8, 1), 'first': (16, 16, 3),
                      'second': (16, 16, 3), 'down': (16, 16, 3), 'last': (16, 16, 3)},
    'mobile': {'stem': (8, 3, 3), 'depthwise': (8, 1, 5), 'pointwise': (24, 8, 1), 'down': (32, 24, 3)},
}
WITH_SLOPES = ('stem', 'depthwise', 'first', 'down', 'last')


def convolutional(layers, x):
    """A short MobileFaceNet: depthwise convolution, residual block, PReLU, flattened 7 x 7, matrix, normalised features."""
    x = layers.prelu(layers.conv_norm(x, 'stem', stride=2), 'stem')
    x = layers.prelu(layers.conv_norm(x, 'depthwise', stride=2, groups=8), 'depthwise')
    x = layers.conv_norm(x, 'pointwise')
    y = layers.prelu(layers.conv_norm(x, 'first'), 'first')
    x = layers.add(layers.conv_norm(y, 'second'), x)
    x = layers.prelu(layers.conv_norm(x, 'down', stride=2), 'down')
    x = layers.prelu(layers.conv_norm(x, 'last', stride=2), 'last')
    return layers.norm(layers.dense(layers.flatten(x), 'features'), 'features')


def mobile(layers, x):
    """A short MobileNetV3: hard swish, squeeze and excitation, global average, two matrices."""
    x = layers.hard_swish(layers.conv_norm(x, 'stem', stride=2))
    x = layers.relu(layers.conv_norm(x, 'depthwise', stride=2, groups=8))
    gate = layers.relu(layers.conv(layers.pool(x), 'squeeze'))
    x = layers.mul(x, layers.hard_sigmoid(layers.conv(gate, 'excite')))
    x = layers.hard_swish(layers.conv_norm(x, 'pointwise'))
    x = layers.relu(layers.conv_norm(x, 'down', stride=2))
    x = layers.relu(layers.dense(layers.pooled(x), 'hidden'))
    return layers.norm(layers.dense(x, 'features'), 'features')


def transformer(layers, x):
    """A ViT of one block: patches, positions, attention, GELU; all tokens, or the class token, make the embedding."""
    x = layers.positions(layers.tokens(x))
    x = layers.add(x, layers.attention(layers.layer_norm(x, 'norm1')))
    y = layers.gelu(layers.linear(layers.layer_norm(x, 'norm2'), 'mlp1'))
    x = layers.add(x, layers.linear(y, 'mlp2'))
    x = layers.features_of(layers.layer_norm(x, 'norm3'))
    return layers.norm(layers.dense(x, 'features'), 'features')


BODIES = {'convolutional': convolutional, 'mobile': mobile, 'transformer': transformer}


class _Draw:
    def __init__(self, seed):
        self.random, self.drawn = np.random.RandomState(seed), {}

    def weight(self, name, shape):
        fan_in = int(np.prod(shape[1:]))
        self.drawn[name] = self.random.standard_normal(shape) * np.sqrt(2 / fan_in)

    def around(self, name, size, middle, width):
        self.drawn[name] = middle + width * self.random.uniform(-1, 1, size)

    def norm(self, name, size):
        self.around(f'{name}.norm.scale', size, 1, 0.5)
        self.around(f'{name}.norm.bias', size, 0, 0.5)
        self.around(f'{name}.norm.mean', size, 0, 0.3)
        self.around(f'{name}.norm.variance', size, 1, 0.4)

    def linear(self, name, outputs, inputs):
        self.weight(f'{name}.weight', (outputs, inputs))
        self.around(f'{name}.bias', outputs, 0, 0.2)


def weights(network, class_token=False):
    """By name, as float32: convolutions O x I x H x W, matrices O x I. The same in every run."""
    draw = _Draw(sorted(BODIES).index(network) + 1)
    for name, (outputs, inputs, kernel) in CONVOLUTIONS.get(network, {}).items():
        draw.weight(f'{name}.weight', (outputs, inputs, kernel, kernel))
        draw.norm(name, outputs)
        if network == 'convolutional' and name in WITH_SLOPES:
            draw.around(f'{name}.slope', outputs, 0.25, 0.15)
    if network == 'mobile':
        for name, outputs, inputs in (('squeeze', 4, 8), ('excite', 8, 4)):
            draw.weight(f'{name}.weight', (outputs, inputs, 1, 1))
            draw.around(f'{name}.bias', outputs, 0.1, 0.3)
        draw.linear('hidden', 48, 32)
    flat = {'convolutional': 16 * 7 * 7, 'mobile': 48, 'transformer': WIDTH if class_token else TOKENS * WIDTH}[network]
    if network == 'transformer':
        draw.weight('patches.weight', (WIDTH, 3, PATCH, PATCH))
        draw.around('patches.bias', WIDTH, 0, 0.2)
        draw.around('positions', (1, TOKENS + class_token, WIDTH), 0, 0.4)
        if class_token:
            draw.around('token', (1, 1, WIDTH), 0, 0.4)
        for name in ('norm1', 'norm2', 'norm3'):
            draw.around(f'{name}.scale', WIDTH, 1, 0.4)
            draw.around(f'{name}.bias', WIDTH, 0, 0.3)
        for name, outputs, inputs in (('query', WIDTH, WIDTH), ('key', WIDTH, WIDTH), ('value', WIDTH, WIDTH),
                                      ('project', WIDTH, WIDTH), ('mlp1', 2 * WIDTH, WIDTH), ('mlp2', WIDTH, 2 * WIDTH)):
            draw.linear(name, outputs, inputs)
    draw.linear('features', EMBEDDING, flat)
    draw.norm('features', EMBEDDING)
    return {name: values.astype(np.float32) for name, values in draw.drawn.items()}


def padding(kernel, stride, kind):
    """(before, after) along an axis whose length is a multiple of the stride: `even` as PyTorch has it, `same` as
    TensorFlow."""
    if kind == 'even':
        return (kernel - 1) // 2, (kernel - 1) // 2
    total = max(kernel - stride, 0)
    return total // 2, total - total // 2
