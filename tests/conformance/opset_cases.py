"""Cases of our own for the forms that operators have in opsets that the installed onnx has no node tests for: newer
than 17, and older forms that face networks are still stored in. Expected values are numpy's."""
import math

import numpy as np
from onnx import TensorProto, helper

import interpolation

_ELEMENT = {np.dtype(np.float32): TensorProto.FLOAT, np.dtype(np.int64): TensorProto.INT64,
            np.dtype(np.int32): TensorProto.INT32, np.dtype(np.bool_): TensorProto.BOOL}


def _random(*shape):
    return np.random.default_rng(sum(shape) * 31 + len(shape)).standard_normal(shape).astype(np.float32)


def _ints(*values):
    return np.array(values, np.int64)


def _case(name, opset, op, inputs, outputs, domain='', **attributes):
    """`inputs`: arrays in order, None for one that is left out."""
    names = ['' if array is None else f'x{i}' for i, array in enumerate(inputs)]
    node = helper.make_node(op, names, [f'y{i}' for i in range(len(outputs))], domain=domain, **attributes)
    given = [array for array in inputs if array is not None]

    def infos(letter, arrays):
        return [helper.make_tensor_value_info(n, _ELEMENT[a.dtype], a.shape) for n, a in zip(letter, arrays)]

    graph = helper.make_graph([node], name, infos([n for n in names if n], given), infos(node.output, outputs))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', opset)])
    return f'opset{opset}_{name}', model, given, outputs


def _split():
    x = _random(2, 7)
    yield _case('split_uneven', 18, 'Split', [x], np.split(x, [3, 6], axis=1), axis=1, num_outputs=3)
    yield _case('split_even_negative_axis', 18, 'Split', [x], np.split(x, 2, axis=0), axis=-2, num_outputs=2)
    yield _case('split_sizes', 18, 'Split', [x, _ints(2, 5)], np.split(x, [2], axis=1), axis=1)
    yield _case('split_sizes', 11, 'Split', [x], np.split(x, [2], axis=1), axis=1, split=[2, 5])
    yield _case('split_by_outputs', 11, 'Split', [_random(4, 2)], np.split(_random(4, 2), 2))


def _reductions():
    x = _random(2, 3, 4, 5)
    for op, function in (('ReduceMean', np.mean), ('ReduceL2', lambda a, **k: np.sqrt(np.sum(a * a, **k)))):
        def expect(axis, keepdims, function=function):
            return [np.asarray(function(x.astype(np.float64), axis=axis, keepdims=bool(keepdims)), np.float32)]
        label = op.lower()
        for opset in (18, 23):
            yield _case(f'{label}_axes', opset, op, [x, _ints(2, 3)], expect((2, 3), 1))
            yield _case(f'{label}_negative_axis', opset, op, [x, _ints(-1)], expect(-1, 0), keepdims=0)
            yield _case(f'{label}_all', opset, op, [x], expect(None, 1))
            yield _case(f'{label}_empty_axes', opset, op, [x, _ints()], expect(None, 0), keepdims=0)
        yield _case(f'{label}_empty_axes_no_op', 18, op, [x, _ints()], [x], noop_with_empty_axes=1)
        yield _case(f'{label}_axes', 11, op, [x], expect((1, 2), 0), axes=[1, -2], keepdims=0)


def _pad():
    x = _random(1, 2, 3, 4)
    value = np.float32(2.5)
    around = np.pad(x, ((0, 0), (0, 0), (1, 2), (3, 0)), constant_values=value)
    yield _case('pad_axes', 18, 'Pad', [x, _ints(1, 3, 2, 0), np.array(value), _ints(2, 3)], [around])
    yield _case('pad_negative_axes', 21, 'Pad', [x, _ints(3, 1, 0, 2), np.array(value), _ints(-1, -2)], [around])
    yield _case('pad_axes_reflect', 18, 'Pad', [x, _ints(2, 1), None, _ints(2)],
                [np.pad(x, ((0, 0), (0, 0), (2, 1), (0, 0)), mode='reflect')], mode='reflect')
    yield _case('pad_wrap', 19, 'Pad', [x, _ints(0, 0, 1, 2, 0, 0, 2, 1)],
                [np.pad(x, ((0, 0), (0, 0), (1, 2), (2, 1)), mode='wrap')], mode='wrap')
    yield _case('pad', 9, 'Pad', [x], [around], pads=[0, 0, 1, 3, 0, 0, 2, 0], value=2.5)


def _resize():
    x = _random(1, 2, 5, 6)

    def case(name, opset, inputs, mode='nearest', coordinates='half_pixel', policy='stretch', axes=None, scales=None,
             sizes=None, **attributes):
        y = interpolation.resize(x, mode, coordinates, scales=scales, sizes=sizes, axes=axes, policy=policy,
                                 cubic=attributes.get('cubic_coeff_a', -0.75))
        if coordinates != 'half_pixel':
            attributes['coordinate_transformation_mode'] = coordinates
        if axes is not None:
            attributes['axes'] = axes
        if policy != 'stretch':
            attributes['keep_aspect_ratio_policy'] = policy
        return _case(f'resize_{name}', opset, 'Resize', [x, *inputs], [y], mode=mode, **attributes)

    for mode in ('nearest', 'linear', 'cubic'):
        scales = np.array([2.0, 1.5], np.float32)
        yield case(f'{mode}_axes_scales', 18, [None, scales], mode, axes=[2, 3], scales=scales)
        yield case(f'{mode}_axes_sizes', 18, [None, None, _ints(9, 4)], mode, axes=[3, 2], sizes=[9, 4])
    # Sizes whose product with the common scale is exact in floats, so that rounding is not the question.
    for policy, sizes in (('not_larger', [10, 18]), ('not_smaller', [10, 18])):
        for mode in ('nearest', 'linear'):
            yield case(f'{mode}_{policy}', 18, [None, None, _ints(*sizes)], mode, policy=policy, axes=[2, 3],
                       sizes=sizes)
    scales = np.array([1, 1, 1.3, 0.6], np.float32)
    for opset in (19, 23):
        yield case('linear_half_pixel_symmetric', opset, [None, scales], 'linear', 'half_pixel_symmetric',
                   scales=scales)
    yield case('linear_align_corners', 19, [None, None, _ints(1, 2, 9, 11)], 'linear', 'align_corners',
               sizes=[1, 2, 9, 11])
    twice = np.array([1, 1, 2, 3], np.float32)
    blocks = x.repeat(2, axis=2).repeat(3, axis=3)
    yield _case('resize_nearest', 10, 'Resize', [x, twice], [blocks], mode='nearest')
    yield _case('upsample_nearest', 9, 'Upsample', [x, twice], [blocks], mode='nearest')
    yield _case('upsample_nearest', 7, 'Upsample', [x], [blocks], mode='nearest', scales=[1.0, 1.0, 2.0, 3.0])
    yield _case('upsample_linear', 9, 'Upsample', [x, twice],
                [interpolation.resize(x, 'linear', 'asymmetric', scales=twice)], mode='linear')


def _average_pool():
    x = _random(1, 2, 7, 8)

    def pool(kernel, dilation, pad, include):
        """Stride 1, the same numbers for rows and columns; from the definition."""
        padded = np.pad(x.astype(np.float64), ((0, 0), (0, 0), (pad, pad), (pad, pad)))
        inside = np.pad(np.ones_like(x, np.float64), ((0, 0), (0, 0), (pad, pad), (pad, pad)))
        rows, columns = (n + 2 * pad - dilation * (kernel - 1) for n in x.shape[2:])
        total = np.zeros((1, 2, rows, columns))
        count = np.zeros_like(total)
        for i in range(0, kernel * dilation, dilation):
            for j in range(0, kernel * dilation, dilation):
                total += padded[:, :, i:i + rows, j:j + columns]
                count += 1 if include else inside[:, :, i:i + rows, j:j + columns]
        return [(total / count).astype(np.float32)]

    for opset in (19, 22):
        yield _case('averagepool_dilations', opset, 'AveragePool', [x], pool(3, 2, 0, 0), kernel_shape=[3, 3],
                    dilations=[2, 2])
    yield _case('averagepool_dilations_pads', 19, 'AveragePool', [x], pool(2, 2, 1, 0), kernel_shape=[2, 2],
                dilations=[2, 2], pads=[1, 1, 1, 1])
    yield _case('averagepool_dilations_pads_counted', 19, 'AveragePool', [x], pool(2, 3, 1, 1), kernel_shape=[2, 2],
                dilations=[3, 3], pads=[1, 1, 1, 1], count_include_pad=1)


def _elementwise():
    x = _random(3, 40) * 3
    wide = x.astype(np.float64)
    erf = np.vectorize(math.erf)(wide / math.sqrt(2))
    tanh = np.tanh(math.sqrt(2 / math.pi) * (wide + 0.044715 * wide**3))
    yield _case('gelu', 20, 'Gelu', [x], [(0.5 * wide * (1 + erf)).astype(np.float32)])
    yield _case('gelu_tanh', 20, 'Gelu', [x], [(0.5 * wide * (1 + tanh)).astype(np.float32)], approximate='tanh')
    yield _case('cast_saturate', 19, 'Cast', [x], [x.astype(np.int32)], to=TensorProto.INT32, saturate=1)
    yield _case('clip', 6, 'Clip', [x], [np.clip(x, -1, 0.5)], min=-1.0, max=0.5)
    yield _case('dropout', 7, 'Dropout', [x], [x], ratio=0.4)


def _older_shapes():
    x = _random(1, 3, 1, 4)
    yield _case('squeeze', 11, 'Squeeze', [x], [x.reshape(3, 4)], axes=[0, 2])
    yield _case('unsqueeze', 11, 'Unsqueeze', [x], [x.reshape(1, 1, 3, 1, 1, 4)], axes=[0, 4])
    yield _case('slice', 9, 'Slice', [x], [x[:, 1:3, :, -3:-1]], axes=[1, 3], starts=[1, -3], ends=[3, -1])


def _older_normalisations():
    x = _random(2, 3, 2, 4)
    for axis in (0, 1, 2, 3):
        rows = x.reshape(math.prod(x.shape[:axis]), -1).astype(np.float64)
        e = np.exp(rows - rows.max(axis=1, keepdims=True))
        y = (e / e.sum(axis=1, keepdims=True)).reshape(x.shape).astype(np.float32)
        yield _case(f'softmax_axis_{axis}', 11, 'Softmax', [x], [y], axis=axis)
    scale, bias, mean = (_random(3) + k for k in (1, 2, 3))
    variance = np.abs(_random(3)) + np.float32(0.5)
    y = x.astype(np.float64) - mean.reshape(3, 1, 1)
    y = y / np.sqrt(variance.reshape(3, 1, 1) + 1e-3) * scale.reshape(3, 1, 1) + bias.reshape(3, 1, 1)
    for opset, extra in ((7, {'spatial': 1}), (9, {'momentum': 0.9})):
        yield _case('batchnorm', opset, 'BatchNormalization', [x, scale, bias, mean, variance],
                    [y.astype(np.float32)], epsilon=1e-3, **extra)


def _normalised(x, axes, epsilon=1e-5):
    wide = x.astype(np.float64)
    mean = wide.mean(axis=axes, keepdims=True)
    return (wide - mean) / np.sqrt(((wide - mean) ** 2).mean(axis=axes, keepdims=True) + epsilon)


def _rms(x, axes, epsilon=1e-5):
    wide = x.astype(np.float64)
    return wide / np.sqrt((wide ** 2).mean(axis=axes, keepdims=True) + epsilon)


def _softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def _newer_activations():
    x = _random(3, 40) * 3
    wide = x.astype(np.float64)
    softplus = np.log1p(np.exp(wide))
    yield _case('mish', 18, 'Mish', [x], [(wide * np.tanh(softplus)).astype(np.float32)])
    yield _case('swish', 24, 'Swish', [x], [(wide / (1 + np.exp(-wide))).astype(np.float32)])
    yield _case('swish_alpha', 24, 'Swish', [x], [(wide / (1 + np.exp(-1.5 * wide))).astype(np.float32)], alpha=1.5)
    yield _case('celu', 12, 'Celu', [x],
                [(np.maximum(wide, 0) + np.minimum(0, 2 * np.expm1(wide / 2))).astype(np.float32)], alpha=2.0)
    yield _case('thresholdedrelu', 22, 'ThresholdedRelu', [x], [np.where(x > 0.5, x, 0).astype(np.float32)], alpha=0.5)


def _newer_reductions():
    x = _random(2, 3, 4, 5)
    wide = x.astype(np.float64)
    functions = {'ReduceMax': (18, wide, np.max), 'ReduceMin': (18, wide, np.min), 'ReduceSum': (13, wide, np.sum),
                 'ReduceProd': (18, wide, np.prod),
                 'ReduceSumSquare': (18, wide * wide, np.sum), 'ReduceL1': (18, abs(wide), np.sum)}
    for op, (since, values, function) in functions.items():
        def expect(axis, keepdims, values=values, function=function):
            return [np.asarray(function(values, axis=axis, keepdims=bool(keepdims)), np.float32)]
        label = op.lower()
        for opset in (since, 23):
            yield _case(f'{label}_axes', opset, op, [x, _ints(2, 3)], expect((2, 3), 1))
            yield _case(f'{label}_negative_axis', opset, op, [x, _ints(-1)], expect(-1, 0), keepdims=0)
            yield _case(f'{label}_all', opset, op, [x], expect(None, 1))
        yield _case(f'{label}_axes', 11, op, [x], expect((1, 2), 0), axes=[1, -2], keepdims=0)
    for op, function in (('ReduceMax', np.max), ('ReduceMin', np.min), ('ReduceSum', np.sum), ('ReduceProd', np.prod)):
        n = np.arange(-6, 6).reshape(3, 4)
        for kind in (np.int32, np.int64):
            yield _case(f'{op.lower()}_{np.dtype(kind).name}', 18, op, [n.astype(kind), _ints(1)],
                        [function(n, axis=1, keepdims=True).astype(kind)])


def _lp_normalization():
    x = _random(2, 5, 3)
    x[0, :, 1] = 0
    for p in (1, 2):
        for axis in (1, -1):
            norm = (np.abs(x.astype(np.float64)) ** p).sum(axis=axis, keepdims=True) ** (1 / p)
            y = np.where(norm == 0, 0, x / np.where(norm == 0, 1, norm)).astype(np.float32)
            for opset in (1, 22):
                yield _case(f'lpnormalization_{p}_{axis}'.replace('-', 'm'), opset, 'LpNormalization', [x], [y],
                            axis=axis, p=p)


def _newer_normalisations():
    x = _random(2, 6, 4, 3)
    grouped = _normalised(x.reshape(2, 3, -1), (2,), 1e-3)
    by_group = [_random(3) + 1, _random(3)]
    y = grouped * by_group[0].reshape(3, 1) + by_group[1].reshape(3, 1)
    yield _case('groupnormalization', 18, 'GroupNormalization', [x, *by_group], [y.reshape(x.shape).astype(np.float32)],
                num_groups=3, epsilon=1e-3)
    scale, offset = _random(6) + 1, _random(6)
    y = grouped.reshape(x.shape) * scale.reshape(6, 1, 1) + offset.reshape(6, 1, 1)
    for opset in (21, 23):
        yield _case('groupnormalization', opset, 'GroupNormalization', [x, scale, offset], [y.astype(np.float32)],
                    num_groups=3, epsilon=1e-3)
    for axis in (-1, 1, -2, 0):
        axes = tuple(range(axis % 4, 4))
        scale = _random(*x.shape[axis % 4:]) + 1
        yield _case(f'rmsnormalization_{axis}'.replace('-', 'm'), 23, 'RMSNormalization', [x, scale],
                    [(_rms(x, axes) * scale).astype(np.float32)], axis=axis)
    yield _case('layernormalization_of_onnx_runtime', 11, 'LayerNormalization', [x, _random(3)],
                [(_normalised(x, (3,)) * _random(3)).astype(np.float32)], axis=-1)
    yield _case('simplifiedlayernormalization', 11, 'SimplifiedLayerNormalization', [x, _random(3)],
                [(_rms(x, (3,)) * _random(3)).astype(np.float32)], axis=-1)


def _heads(x, heads):
    return x.reshape(*x.shape[:2], heads, -1).transpose(0, 2, 1, 3)


def _attended(q, k, v, scale=None, mask=0):
    q, k, v = (a.astype(np.float64) for a in (q, k, v))
    scale = scale or 1 / math.sqrt(q.shape[-1])
    return _softmax(q @ k.transpose(0, 1, 3, 2) * scale + mask) @ v


def _beside(y):
    return y.transpose(0, 2, 1, 3).reshape(y.shape[0], y.shape[2], -1)


def _attention():
    q, k, v = _random(2, 3, 4, 8), _random(2, 3, 5, 8), _random(2, 3, 5, 6)
    mask = _random(4, 5)
    for opset in (23, 24):
        yield _case('attention_4d', opset, 'Attention', [q, k, v], [_attended(q, k, v).astype(np.float32)])
        yield _case('attention_4d_scale', opset, 'Attention', [q, k, v],
                    [_attended(q, k, v, 0.25).astype(np.float32)], scale=0.25)
        yield _case('attention_4d_mask', opset, 'Attention', [q, k, v, mask],
                    [_attended(q, k, v, mask=mask).astype(np.float32)])
    allowed = np.arange(20).reshape(4, 5) % 3 != 1
    some = np.where(allowed, 0, -np.inf)
    yield _case('attention_4d_bool_mask', 23, 'Attention', [q, k, v, allowed],
                [_attended(q, k, v, mask=some).astype(np.float32)])
    q, k, v = _random(2, 4, 12), _random(2, 5, 12), _random(2, 5, 6)
    y = _beside(_attended(_heads(q, 3), _heads(k, 3), _heads(v, 3)))
    yield _case('attention_3d', 23, 'Attention', [q, k, v], [y.astype(np.float32)], q_num_heads=3, kv_num_heads=3)


def _onnx_runtime():
    """What its optimiser writes."""
    def case(name, op, inputs, outputs, **attributes):
        return _case(f'ort_{name}', 17, op, inputs, [np.asarray(y, np.float32) for y in outputs],
                     domain='com.microsoft', **attributes)

    x, w, b = _random(1, 2, 5, 5), _random(3, 2, 1, 1), _random(3)
    product = np.einsum('nchw,oc->nohw', x.astype(np.float64), w[:, :, 0, 0]) + b.reshape(3, 1, 1)
    other = _random(1, 3, 5, 5)
    yield case('fusedconv', 'FusedConv', [x, w, b], [np.maximum(product, 0)], activation='Relu', kernel_shape=[1, 1])
    yield case('fusedconv_leaky', 'FusedConv', [x, w, b], [np.where(product < 0, 0.1 * product, product)],
               activation='LeakyRelu', activation_params=[0.1], kernel_shape=[1, 1])
    yield case('fusedconv_clip', 'FusedConv', [x, w, b], [np.clip(product, 0, 0.5)], activation='Clip',
               activation_params=[0.0, 0.5], kernel_shape=[1, 1])
    yield case('fusedconv_sum', 'FusedConv', [x, w, b, other], [np.maximum(product + other, 0)], activation='Relu',
               kernel_shape=[1, 1])
    yield case('fusedconv_no_bias', 'FusedConv', [x, w, None, other], [product - b.reshape(3, 1, 1) + other],
               kernel_shape=[1, 1])
    a, m, c = _random(3, 4), _random(5, 4), _random(5)
    product = a.astype(np.float64) @ m.T + c
    yield case('fusedgemm', 'FusedGemm', [a, m, c], [np.where(product < 0, 0.2 * product, product)], transB=1,
               activation='LeakyRelu', activation_alpha=0.2)
    q, k = _random(2, 3, 4, 5), _random(2, 3, 6, 5)
    yield case('fusedmatmul', 'FusedMatMul', [q, k], [0.5 * (q.astype(np.float64) @ k.transpose(0, 1, 3, 2))],
               alpha=0.5, transB=1)
    yield case('fusedmatmul_a', 'FusedMatMul', [_random(4, 3), _random(4, 2)],
               [_random(4, 3).T.astype(np.float64) @ _random(4, 2)], transA=1)
    x = _random(3, 40)
    wide = x.astype(np.float64)

    def gelu(v):
        return 0.5 * v * (1 + np.vectorize(math.erf)(v / math.sqrt(2)))

    def fast_gelu(v):
        return 0.5 * v * (1 + np.tanh(math.sqrt(2 / math.pi) * (v + 0.044715 * v**3)))

    b = _random(40)
    yield case('gelu', 'Gelu', [x], [gelu(wide)])
    yield case('biasgelu', 'BiasGelu', [x, b], [gelu(wide + b)])
    yield case('fastgelu', 'FastGelu', [x], [fast_gelu(wide)])
    yield case('fastgelu_bias', 'FastGelu', [x, b], [fast_gelu(wide + b)])
    yield case('quickgelu', 'QuickGelu', [x], [wide / (1 + np.exp(-1.702 * wide))], alpha=1.702)
    x, skip, scale, offset, bias = _random(2, 3, 8), _random(2, 3, 8) + 1, _random(8), _random(8) + 2, _random(8) - 1
    total = x.astype(np.float64) + skip + bias
    yield case('layernormalization', 'LayerNormalization', [x, scale, offset],
               [_normalised(x, (2,)) * scale + offset], epsilon=1e-5)
    yield case('skiplayernormalization', 'SkipLayerNormalization', [x, skip, scale, offset, bias],
               [_normalised(total, (2,), 1e-6) * scale + offset], epsilon=1e-6)
    yield case('skipsimplifiedlayernormalization', 'SkipSimplifiedLayerNormalization', [x, skip, scale, bias],
               [_rms(total, (2,), 1e-6) * scale], epsilon=1e-6)
    q, k, v, bias = _random(2, 4, 12), _random(2, 5, 12), _random(2, 5, 12) + 1, _random(36)
    bq, bk, bv = np.split(bias, 3)
    yield case('multiheadattention', 'MultiHeadAttention', [q, k, v],
               [_beside(_attended(_heads(q, 3), _heads(k, 3), _heads(v, 3)))], num_heads=3)
    yield case('multiheadattention_bias', 'MultiHeadAttention', [q, k, v, bias],
               [_beside(_attended(_heads(q + bq, 3), _heads(k + bk, 3), _heads(v + bv, 3)))], num_heads=3)
    x, w, bias = _random(2, 4, 6), _random(6, 18), _random(18)
    parts = np.split(x.astype(np.float64) @ w + bias, 3, axis=-1)
    yield case('attention', 'Attention', [x, w, bias],
               [_beside(_attended(*(_heads(part, 2) for part in parts)))], num_heads=2)


def node_cases():
    for family in (_split, _reductions, _pad, _resize, _average_pool, _elementwise, _older_shapes,
                   _older_normalisations, _newer_activations, _newer_reductions, _lp_normalization,
                   _newer_normalisations, _attention, _onnx_runtime):
        yield from family()
