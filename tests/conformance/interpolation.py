"""Resize as matrices, one an axis: from ONNX's definition, slow and plain."""
import math

import numpy as np


def _source(out, scale, n_in, n_out, coordinates):
    if coordinates == 'half_pixel':
        return (out + 0.5) / scale - 0.5
    if coordinates == 'half_pixel_symmetric':
        # Centres the picture where n_out was rounded.
        offset = n_in / 2 * (1 - n_out / (scale * n_in))
        return offset + (out + 0.5) / scale - 0.5
    if coordinates == 'asymmetric':
        return out / scale
    if coordinates == 'align_corners':
        return 0.0 if n_out == 1 else out * (n_in - 1) / (n_out - 1)
    raise ValueError(coordinates)


def _taps(position, mode, cubic):
    """Pairs of input index (which may lie outside) and weight."""
    low = math.floor(position)
    fraction = position - low
    if mode == 'nearest':  # round_prefer_floor
        return [(math.ceil(position - 0.5), 1.0)]
    if mode == 'linear':
        return [(low, 1 - fraction), (low + 1, fraction)]

    def kernel(distance):
        d = abs(distance)
        if d <= 1:
            return (cubic + 2) * d**3 - (cubic + 3) * d**2 + 1
        return cubic * d**3 - 5 * cubic * d**2 + 8 * cubic * d - 4 * cubic
    return [(low + k, kernel(k - fraction)) for k in (-1, 0, 1, 2)]


def resize(x, mode, coordinates, scales=None, sizes=None, axes=None, policy='stretch', cubic=-0.75):
    axes = list(range(x.ndim)) if axes is None else axes
    if sizes is None:
        factors = [float(s) for s in scales]
        lengths = [math.floor(x.shape[a] * s) for a, s in zip(axes, factors)]
    else:
        factors = [size / x.shape[a] for a, size in zip(axes, sizes)]
        lengths = list(sizes)
        if policy != 'stretch':
            common = min(factors) if policy == 'not_larger' else max(factors)
            factors = [common] * len(axes)
            lengths = [math.floor(x.shape[a] * common + 0.5) for a in axes]
    y = x.astype(np.float64)
    for axis, factor, length in zip(axes, factors, lengths):
        n = x.shape[axis]
        matrix = np.zeros((length, n))
        for out in range(length):
            for index, weight in _taps(_source(out, factor, n, length, coordinates), mode, cubic):
                matrix[out, min(max(index, 0), n - 1)] += weight
        y = np.moveaxis(np.tensordot(matrix, y, axes=(1, axis)), 0, axis)
    return y.astype(np.float32)
