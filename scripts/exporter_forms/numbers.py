"""The networks in NumPy, in double precision: what every form of them computes."""
import math

import numpy as np

from . import bodies


class Numbers:
    """Layers on arrays. The other arguments say which of the functions of that name."""

    def __init__(self, weights, padding='even', gelu='erf', class_token=False, epsilon=bodies.LAYER_NORM_EPSILON):
        self.weights = {name: values.astype(np.float64) for name, values in weights.items()}
        self.padding, self.kind_of_gelu, self.class_token, self.epsilon = padding, gelu, class_token, epsilon

    def conv(self, x, layer, stride=1, groups=1):
        weight = self.weights[f'{layer}.weight']
        kernel = weight.shape[2]
        before, after = bodies.padding(kernel, stride, self.padding) if layer != 'patches' else (0, 0)
        x = np.pad(x, ((0, 0), (0, 0), (before, after), (before, after)))
        windows = np.lib.stride_tricks.sliding_window_view(x, (kernel, kernel), (2, 3))[:, :, ::stride, ::stride]
        if groups > 1:
            y = np.einsum('nchwij,cij->nchw', windows, weight[:, 0])
        else:
            y = np.einsum('nchwij,ocij->nohw', windows, weight, optimize=True)
        return y + self.weights[f'{layer}.bias'].reshape(-1, 1, 1) if f'{layer}.bias' in self.weights else y

    def norm(self, x, layer):
        scale, bias, mean, variance = (self.weights[f'{layer}.norm.{part}'] for part in ('scale', 'bias', 'mean', 'variance'))
        factor = scale / np.sqrt(variance + bodies.NORM_EPSILON)
        shape = (-1,) + (1,) * (x.ndim - 2)
        return x * factor.reshape(shape) + (bias - mean * factor).reshape(shape)

    def conv_norm(self, x, layer, stride=1, groups=1):
        return self.norm(self.conv(x, layer, stride, groups), layer)

    def prelu(self, x, layer):
        return np.where(x >= 0, x, x * self.weights[f'{layer}.slope'].reshape(-1, 1, 1))

    def relu(self, x):
        return np.maximum(x, 0)

    def hard_sigmoid(self, x):
        return np.clip(x / 6 + 0.5, 0, 1)

    def hard_swish(self, x):
        return x * self.hard_sigmoid(x)

    def add(self, x, y):
        return x + y

    def mul(self, x, y):
        return x * y

    def pool(self, x):
        return x.mean((2, 3), keepdims=True)

    def flatten(self, x):
        return x.reshape(len(x), -1)

    def pooled(self, x):
        return x.mean((2, 3))

    def dense(self, x, layer):
        return x @ self.weights[f'{layer}.weight'].T + self.weights[f'{layer}.bias']

    linear = dense

    def tokens(self, x):
        x = self.conv(x, 'patches', stride=bodies.PATCH)
        x = x.reshape(len(x), bodies.WIDTH, -1).transpose(0, 2, 1)
        if self.class_token:
            x = np.concatenate([np.broadcast_to(self.weights['token'], (len(x), 1, bodies.WIDTH)), x], 1)
        return x

    def positions(self, x):
        return x + self.weights['positions']

    def features_of(self, x):
        return x[:, 0] if self.class_token else self.flatten(x)

    def layer_norm(self, x, layer):
        centred = x - x.mean(-1, keepdims=True)
        unit = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + self.epsilon)
        return unit * self.weights[f'{layer}.scale'] + self.weights[f'{layer}.bias']

    def attention(self, x):
        q, k, v = (self.linear(x, name).reshape(len(x), -1, bodies.HEADS, bodies.WIDTH // bodies.HEADS).transpose(0, 2, 1, 3)
                   for name in ('query', 'key', 'value'))
        scores = q @ k.transpose(0, 1, 3, 2) / np.sqrt(bodies.WIDTH // bodies.HEADS)
        shares = np.exp(scores - scores.max(-1, keepdims=True))
        shares /= shares.sum(-1, keepdims=True)
        return self.linear((shares @ v).transpose(0, 2, 1, 3).reshape(x.shape), 'project')

    def gelu(self, x):
        if self.kind_of_gelu == 'tanh':
            return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))
        if self.kind_of_gelu == 'quick':
            return x / (1 + np.exp(-1.702 * x))
        return 0.5 * x * (1 + np.vectorize(math.erf)(x / np.sqrt(2)))


def embeddings(network, weights, crops, **function):
    """Of N x 112 x 112 x 3 pixels, 0 to 255, at length 1."""
    x = (crops.astype(np.float64).transpose(0, 3, 1, 2) - 127.5) / 127.5
    return unit(bodies.BODIES[network](Numbers(weights, **function), x))


def unit(embedding):
    embedding = np.asarray(embedding, np.float64)
    return embedding / np.linalg.norm(embedding, axis=1, keepdims=True)
