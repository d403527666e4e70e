"""As ONNX Runtime's quantiser and others store weights, or weights and activations, in few bits."""
import numpy as np
from onnx import TensorProto

from .pytorch import HardSwish, ScaledDotProduct, TorchScript
from .spelling import BFLOAT16, INT4, Spelling, floats, tensor


def signed(values, axis=None, levels=127):
    """(integers, scale) with which integers * scale is near the values: symmetric, a scale a tensor or a place of an axis."""
    over = tuple(i for i in range(values.ndim) if i != axis) if axis is not None else None
    scale = floats(np.abs(values).max(over) / levels)
    shape = [-1 if i == axis else 1 for i in range(values.ndim)] if axis is not None else []
    return np.round(values / scale.reshape(shape)).astype(np.int8), scale


def unsigned(values):
    """(integers, scale, zero point) of a whole tensor."""
    low, high = min(values.min(), 0), max(values.max(), 0)
    scale = floats((high - low) / 255)
    zero = np.uint8(np.round(-low / scale))
    return np.clip(np.round(values / scale) + zero, 0, 255).astype(np.uint8), scale, zero


class Dequantised(TorchScript):
    """Weights of matrices and convolutions come as integers behind DequantizeLinear; `meant` collects what they stand for."""
    opset, ir, producer = 13, 7, 'onnx.quantize'
    constants_are_nodes = False

    def __init__(self, *arguments, **function):
        super().__init__(*arguments, **function)
        self.meant = {}

    def quantisable(self, name):
        return name.endswith('.weight') and self.weights[name].ndim > 1

    def weight(self, name, values=None):
        if values is not None or not self.quantisable(name):
            return super().weight(name, values)
        if name not in self.meant:
            self.dequantise(name, self.weights[name])
        return name

    def dequantise(self, name, values):
        """A scale an output channel."""
        whole, scale = signed(values, axis=0)
        self.meant[name] = floats(whole * scale.reshape(-1, *[1] * (values.ndim - 1)))
        inputs = [super(Dequantised, self).weight(f'{name}_{part}', array) for part, array in (
            ('quantized', whole), ('scale', scale), ('zero_point', np.zeros(len(scale), np.int8)))]
        self.node('DequantizeLinear', inputs, name, axis=0)

    folded = False


class DequantisedTensor(Dequantised):
    """Bytes with a zero point, a scale a tensor; opset 10."""
    opset, ir = 10, 5

    def dequantise(self, name, values):
        whole, scale, zero = unsigned(values)
        self.meant[name] = floats((whole.astype(np.float32) - np.float32(zero)) * scale)
        inputs = [TorchScript.weight(self, f'{name}_{part}', array) for part, array in (
            ('quantized', whole), ('scale', scale), ('zero_point', zero))]
        self.node('DequantizeLinear', inputs, name)


class DequantisedBlocks(Dequantised):
    """Four bits, a scale for 16 weights in a row (opset 21); convolutions stay as they are."""
    opset, ir, producer = 21, 10, 'onnxruntime.quantization.matmul_nbits_quantizer'
    block = 16

    def quantisable(self, name):
        return name == 'features.weight'

    def dequantise(self, name, values):
        blocks = values.reshape(len(values), -1, self.block)
        scale = floats(np.abs(blocks).max(2) / 7)
        whole = np.clip(np.round(blocks / scale[..., None]), -8, 7).astype(np.int8)
        self.meant[name] = floats(whole * scale[..., None]).reshape(values.shape)
        pairs = (whole.reshape(-1, 2) & 15).astype(np.uint8)
        packed = (pairs[:, 0] | pairs[:, 1] << 4).astype(np.uint8)  # the first of two is in the low bits
        self.initializers[f'{name}_Q4'] = tensor(f'{name}_Q4', whole.reshape(values.shape), INT4, packed.tobytes())
        scales = TorchScript.weight(self, f'{name}_scales', scale)
        self.node('DequantizeLinear', [f'{name}_Q4', scales], name, axis=1, block_size=self.block)


class MatMulNBits(DequantisedBlocks):
    """The quantiser's own operator for that."""
    opset, ir = 17, 8
    domains = {'com.microsoft': 1}

    def dense(self, x, layer):
        values = self.weights[f'{layer}.weight']
        blocks = values.reshape(len(values), -1, self.block)
        scale = floats(np.abs(blocks).max(2) / 7)
        whole = np.clip(np.round(blocks / scale[..., None]), -8, 7) + 8
        self.meant[f'{layer}.weight'] = floats((whole - 8) * scale[..., None]).reshape(values.shape)
        pairs = whole.astype(np.uint8).reshape(len(values), -1, self.block // 2, 2)
        inputs = [x, self.weight(f'{layer}.weight_Q4', pairs[..., 0] | pairs[..., 1] << 4),
                  self.weight(f'{layer}.weight_scales', scale.reshape(-1))]
        x = self.node('MatMulNBits', inputs, domain='com.microsoft', K=values.shape[1], N=len(values), bits=4,
                      block_size=self.block)
        return self.add(x, TorchScript.weight(self, f'{layer}.bias'))


class QuantisedActivations(Dequantised):
    """quantize_static with QuantFormat.QDQ: activations too."""

    def around(self, x):
        scale, zero = TorchScript.weight(self, f'{x}_scale', floats(0.05)), TorchScript.weight(self, f'{x}_zero', np.uint8(128))
        whole = self.node('QuantizeLinear', [x, scale, zero], f'{x}_QuantizeLinear')
        return self.node('DequantizeLinear', [whole, scale, zero], f'{x}_DequantizeLinear')

    def convolve(self, x, layer, weight, bias, **attributes):
        return super().convolve(self.around(x), layer, weight, bias, **attributes)

    def dense(self, x, layer):
        return super().dense(self.around(x), layer)


class QuantisedOperators(TorchScript):
    """QuantFormat.QOperator."""
    opset, ir, producer = 13, 7, 'onnx.quantize'
    constants_are_nodes = False

    def convolve(self, x, layer, weight, bias, **attributes):
        values = np.frombuffer(self.initializers.pop(weight).raw_data, np.float32)
        values = values.reshape(self.weights[f'{layer}.weight'].shape)
        offset = np.frombuffer(self.initializers.pop(bias).raw_data, np.float32)
        whole, scale = signed(values, axis=0)
        size, zero = self.scalar(0.05), self.constant(np.uint8(128), 'zero_point')
        quantised = self.node('QuantizeLinear', [x, size, zero])
        inputs = [quantised, size, zero, self.weight(f'{layer}_quantized', whole), self.weight(f'{layer}_scale', scale),
                  self.weight(f'{layer}_zero_point', np.zeros(len(scale), np.int8)), size, zero,
                  self.weight(f'{layer}_bias_quantized', np.round(offset / scale / np.float32(0.05)).astype(np.int32))]
        return self.node('DequantizeLinear', [self.node('QLinearConv', inputs, **attributes), size, zero])


class DynamicallyQuantised(TorchScript):
    """quantize_dynamic."""
    opset, ir, producer = 13, 7, 'onnx.quantize'
    constants_are_nodes = False

    def dense(self, x, layer):
        whole, scale = signed(self.weights[f'{layer}.weight'].T.copy())
        quantised, size, zero = self.node('DynamicQuantizeLinear', [x], outputs=3)
        inputs = [quantised, self.weight(f'{layer}_quantized', whole), zero, self.weight(f'{layer}_zero_point', np.int8(0))]
        product = self.node('Cast', [self.node('MatMulInteger', inputs)], to=TensorProto.FLOAT)
        product = self.mul(product, self.mul(size, self.weight(f'{layer}_scale', scale)))
        return self.add(product, self.weight(f'{layer}.bias'))


class Half(TorchScript):
    """convert_float_to_float16: float16 weights and arithmetic between two casts. Denormal and huge weights are moved to
    1e-7 and 1e4; there are none."""
    opset, ir, producer = 13, 7, 'onnxconverter-common'
    constants_are_nodes = False
    keep_io_types = True

    def __init__(self, *arguments, **function):
        super().__init__(*arguments, **function)
        self.meant = {name: floats(values.astype(np.float16)) for name, values in self.weights.items()}
        if not self.keep_io_types:
            self.input_type = self.output_type = TensorProto.FLOAT16

    folded = False

    def weight(self, name, values=None):
        values = self.weights[name] if values is None else values
        return super().weight(name, values.astype(np.float16) if values.dtype == np.float32 else values)

    def start(self):
        return self.node('Cast', ['input'], 'graph_input_cast_0', to=TensorProto.FLOAT16) if self.keep_io_types else 'input'

    def finish(self, x):
        outputs = super().finish(x)
        if not self.keep_io_types:
            return outputs
        return [(self.node('Cast', [outputs[0][0]], 'graph_output_cast_0', to=TensorProto.FLOAT), *outputs[0][1:])]

    def normalise(self, x):
        """Max is on the converter's list of operators that stay in float32."""
        squares = self.reduce('ReduceSum', self.mul(x, x), [1])
        squares = self.node('Cast', [squares], 'Max_input_cast0', to=TensorProto.FLOAT)
        least = Spelling.weight(self, 'least', floats([1e-12]))
        larger = self.node('Cast', [self.node('Max', [squares, least])], 'Max_output_cast0', to=TensorProto.FLOAT16)
        return self.node('Div', [x, self.node('Sqrt', [larger])])


class AllHalf(Half):
    keep_io_types = False


class HalfTransformer(Half, ScaledDotProduct):
    opset, ir = 17, 8

    def attend(self, q, k, v):
        return TorchScript.attend(self, q, k, v)


class Brain(HardSwish):
    """bfloat16 weights behind casts: half the file, float32 arithmetic."""
    constants_are_nodes = folded = False

    def __init__(self, *arguments, **function):
        super().__init__(*arguments, **function)
        self.meant = {}

    def weight(self, name, values=None):
        if values is not None or name in self.meant:
            return name if name in self.meant else super().weight(name, values)
        bits = self.weights[name].view(np.uint32)
        upper = ((bits + 0x7fff + (bits >> 16 & 1)) >> 16).astype(np.uint16)  # to nearest, ties to even
        self.meant[name] = (upper.astype(np.uint32) << 16).view(np.float32)
        self.initializers[name] = tensor(f'{name}.bf16', upper, BFLOAT16)
        self.node('Cast', [f'{name}.bf16'], name, to=TensorProto.FLOAT)
        return name
