"""As torch.onnx writes networks: from TorchScript, and since 2.5 from torch.export ("dynamo")."""
import numpy as np
from onnx import TensorProto, helper

from . import bodies
from .spelling import Spelling, floats, ints, tensor


class TorchScript(Spelling):
    """In evaluation mode, with constants folded: as most files of face networks are."""
    opset, ir, producer = 11, 6, 'pytorch'
    folded = constants_are_nodes = True
    norm_attributes = {'epsilon': bodies.NORM_EPSILON, 'momentum': 0.9}

    def normalise(self, x):
        """torch.nn.functional.normalize."""
        length = self.node('Clip', [self.reduce('ReduceL2', x, [1]), self.scalar(1e-12)])
        return self.node('Div', [x, self.node('Expand', [length, self.node('Shape', [x])])])

    def hard_swish(self, x):
        """Until opset 14."""
        clipped = self.node('Clip', [self.add(x, self.scalar(3)), self.scalar(0), self.scalar(6)])
        return self.node('Div', [self.mul(x, clipped), self.scalar(6)])

    def hard_sigmoid(self, x):
        return self.node('HardSigmoid', [x], alpha=0.1666666716337204)

    def tokens(self, x):
        """flatten(2): the shape's first two numbers and -1."""
        x = self.conv(x, 'patches', stride=bodies.PATCH)
        shape = self.node('Shape', [x])
        head = self.node('Slice', [shape, *(self.constant(ints(at)) for at in ([0], [2], [0]))])
        x = self.node('Reshape', [x, self.node('Concat', [head, self.constant(ints([-1]))], axis=0)])
        x = self.node('Transpose', [x], perm=[0, 2, 1])
        return self.with_class_token(x) if self.class_token else x

    def with_class_token(self, x):
        """expand(N, -1, -1): a size of -1 is compared with -1 and replaced by 1 when the network runs."""
        batch = self.size(x, 0)
        shape = self.node('Concat', [self.unsqueeze(batch), self.constant(ints([-1])), self.constant(ints([-1]))], axis=0)
        shape = self.node('Reshape', [shape, self.constant(ints([-1]))])
        ones = self.node('ConstantOfShape', [self.node('Shape', [shape])], value=tensor('', ints([1])))
        asked = self.node('Equal', [shape, self.mul(ones, self.constant(ints(-1)))])
        token = self.node('Expand', [self.weight('token'), self.node('Where', [asked, ones, shape])])
        return self.node('Concat', [token, x], axis=1)

    def size(self, x, axis):
        return self.node('Gather', [self.node('Shape', [x]), self.constant(ints(axis))], axis=0)

    def unsqueeze(self, x):
        if self.opset >= 13:
            return self.node('Unsqueeze', [x, self.constant(ints([0]))])
        return self.node('Unsqueeze', [x], axes=[0])

    def squeeze(self, x):
        if self.opset >= 13:
            return self.node('Squeeze', [x, self.constant(ints([0]))])
        return self.node('Squeeze', [x], axes=[0])

    def attention(self, x):
        """timm's: one matrix for query, key and value, whose three parts are gathered from the first of five axes."""
        batch, count = self.size(x, 0), self.size(x, 1)
        parts = ('query', 'key', 'value')
        self.weights['qkv.weight'] = np.concatenate([self.weights[f'{part}.weight'] for part in parts])
        self.weights['qkv.bias'] = np.concatenate([self.weights[f'{part}.bias'] for part in parts])
        sizes = [self.unsqueeze(batch), self.unsqueeze(count)] + [
            self.constant(ints([size])) for size in (3, bodies.HEADS, bodies.WIDTH // bodies.HEADS)]
        qkv = self.node('Reshape', [self.linear(x, 'qkv'), self.node('Concat', sizes, axis=0)])
        qkv = self.node('Transpose', [qkv], perm=[2, 0, 3, 1, 4])
        x = self.attend(*self.three(qkv))
        x = self.node('Transpose', [x], perm=[0, 2, 1, 3])
        sizes = [self.unsqueeze(batch), self.unsqueeze(count), self.constant(ints([bodies.WIDTH]))]
        return self.linear(self.node('Reshape', [x, self.node('Concat', sizes, axis=0)]), 'project')

    def three(self, qkv):
        return [self.node('Gather', [qkv, self.constant(ints(i))], axis=0) for i in range(3)]

    def attend(self, q, k, v):
        """Before 2.0: query times scale."""
        q = self.mul(q, self.scalar((bodies.WIDTH // bodies.HEADS) ** -0.5))
        scores = self.node('MatMul', [q, self.node('Transpose', [k], perm=[0, 1, 3, 2])])
        return self.node('MatMul', [self.node('Softmax', [scores], axis=-1 if self.opset >= 13 else 3), v])


class Unfolded(TorchScript):
    """Opset 9, constants as they come, the initializers among the inputs, and x.view(x.size(0), -1)."""
    opset, ir, folded, inputs_list_initializers = 9, 4, False, True

    def prelu(self, x, layer):
        slope = self.node('Unsqueeze', [self.weight(f'{layer}.slope')], axes=[1, 2])
        return self.node('PRelu', [x, slope])

    def flatten(self, x):
        shape = self.node('Concat', [self.unsqueeze(self.size(x, 0)), self.constant(ints([-1]))], axis=0)
        return self.node('Reshape', [x, shape])


class Old(TorchScript):
    """PyTorch 0.4: opset 7, numbered values, BatchNormalization with `spatial`, Dropout, all initializers as inputs."""
    opset, ir, folded, inputs_list_initializers = 7, 3, False, True
    input_name, output_name, batch = '0', '90', 1
    norm_attributes = {'epsilon': bodies.NORM_EPSILON, 'momentum': 0.9, 'spatial': 1}

    def fresh(self, stem):
        return super().fresh('v')

    def prelu(self, x, layer):
        slope = self.node('Unsqueeze', [self.weight(f'{layer}.slope')], axes=[1, 2])
        return self.node('PRelu', [x, slope])

    def dense(self, x, layer):
        x = self.node('Dropout', [x], ratio=0.4)
        return self.node('Gemm', [x, self.weight(f'{layer}.weight'), self.weight(f'{layer}.bias')],
                         alpha=1.0, beta=1.0, transB=1)


class PowerNorm(TorchScript):
    """2.0 and 2.1 take a norm apart."""
    opset, ir, producer = 14, 7, 'pytorch'
    norm_attributes = {**TorchScript.norm_attributes, 'training_mode': 0}

    def normalise(self, x):
        two = self.scalar(2)
        summed = self.reduce('ReduceSum', self.node('Pow', [self.node('Abs', [x]), two]), [1])
        length = self.node('Pow', [summed, self.node('Div', [self.scalar(1), two])])
        length = self.node('Clip', [length, self.scalar(1e-12), ''])
        return self.node('Div', [x, self.node('Expand', [length, self.node('Shape', [x])])])


class TwoOutputs(TorchScript):
    """AdaFace: the embedding of length 1, and its length before."""
    output_name = 'feature'

    def finish(self, x):
        length = self.reduce('ReduceL2', x, [1])
        return [(self.node('Div', [x, length]), TensorProto.FLOAT, [self.batch, bodies.EMBEDDING]),
                (length, TensorProto.FLOAT, [self.batch, 1])]


class HardSwish(TorchScript):
    opset, ir = 14, 7

    def hard_swish(self, x):
        return self.node('HardSwish', [x])


class ScaledDotProduct(TorchScript):
    """2.0 and newer: LayerNormalization, and scaled_dot_product_attention that computes its scale from the shape."""
    opset, ir = 17, 8

    def layer_norm(self, x, layer):
        return self.node('LayerNormalization', [x, self.weight(f'{layer}.scale'), self.weight(f'{layer}.bias')], axis=-1,
                         epsilon=self.epsilon)

    def attend(self, q, k, v):
        size = self.node('Slice', [self.node('Shape', [q]), *(self.constant(ints([at])) for at in (-1, 2**63 - 1))])
        size = self.node('Cast', [size], to=TensorProto.FLOAT)
        scale = self.node('Div', [self.constant(floats([1])), self.node('Sqrt', [size])])
        scale = self.node('Sqrt', [self.node('Cast', [scale], to=TensorProto.FLOAT)])
        k = self.node('Transpose', [k], perm=[0, 1, 3, 2])
        scores = self.node('MatMul', [self.mul(q, scale), self.mul(k, scale)])
        return self.node('MatMul', [self.node('Softmax', [scores], axis=-1), v])


class Einsum(ScaledDotProduct):
    """Attention by torch.einsum, as lucidrains' ViT and those after it."""

    def attend(self, q, k, v):
        scores = self.node('Einsum', [q, k], equation='bhid,bhjd->bhij')
        scores = self.mul(scores, self.scalar((bodies.WIDTH // bodies.HEADS) ** -0.5))
        return self.node('Einsum', [self.node('Softmax', [scores], axis=-1), v], equation='bhij,bhjd->bhid')


class Training(HardSwish):
    """training=TrainingMode.TRAINING, or a network that was not put into evaluation mode: normalisation by the batch."""
    folded = False

    def norm(self, x, layer):
        parts = [self.weight(f'{layer}.norm.{part}') for part in ('scale', 'bias', 'mean', 'variance')]
        return self.node('BatchNormalization', [x, *parts], outputs=3, epsilon=bodies.NORM_EPSILON, momentum=0.9,
                         training_mode=1)[0]


class Dynamo(ScaledDotProduct):
    """torch.onnx.export(dynamo=True), optimised: shapes as inputs, Reshape with allowzero, slopes of four axes."""
    opset, ir, producer = 18, 10, 'pytorch'
    folded = constants_are_nodes = False
    batch = 's0'

    def merged(self, x, *sizes):
        first = self.node('Shape', [x], start=0, end=1)
        shape = self.node('Concat', [first, *(self.constant(ints([size]), 'val') for size in sizes)], axis=0)
        return shape

    def flatten(self, x):
        size = self.weights['features.weight'].shape[1]
        return self.node('Reshape', [x, self.merged(x, size)], 'view', allowzero=1)

    def prelu(self, x, layer):
        slope = self.weight(f'{layer}.weight_2', self.weights[f'{layer}.slope'].reshape(1, -1, 1, 1))
        return self.node('PRelu', [x, slope], 'prelu')

    def normalise(self, x):
        length = self.node('Clip', [self.reduce('ReduceL2', x, [1]), self.scalar(1e-12), ''], 'clamp_min')
        return self.node('Div', [x, self.node('Expand', [length, self.merged(x, bodies.EMBEDDING)])], 'div')

    def pool(self, x):
        """x.mean((2, 3), keepdim=True): what adaptive_avg_pool2d(1) is decomposed into."""
        return self.node('ReduceMean', [x, self.constant(ints([-1, -2]))], 'mean', keepdims=1, noop_with_empty_axes=0)

    def pooled(self, x):
        x = self.pool(x)
        return self.node('Reshape', [x, self.merged(x, self.weights['hidden.weight'].shape[1])], 'view', allowzero=1)

    def hard_swish(self, x):
        return self.node('HardSwish', [x], 'hardswish')

    def tokens(self, x):
        x = self.conv(x, 'patches', stride=bodies.PATCH)
        x = self.node('Reshape', [x, self.merged(x, bodies.WIDTH, bodies.TOKENS)], 'view', allowzero=1)
        x = self.node('Transpose', [x], perm=[0, 2, 1])
        return self.with_class_token(x) if self.class_token else x

    def with_class_token(self, x):
        token = self.node('Expand', [self.weight('token'), self.merged(x, 1, 1)], 'expand')
        return self.node('Concat', [token, x], 'cat', axis=1)

    def count(self):
        return self.weights['positions'].shape[1]

    def attention(self, x):
        q, k, v = (self.heads(self.linear(x, name)) for name in ('query', 'key', 'value'))
        joined = self.node('Transpose', [self.attend(q, k, v)], perm=[0, 2, 1, 3])
        x = self.node('Reshape', [joined, self.merged(joined, self.count(), bodies.WIDTH)], 'view', allowzero=1)
        return self.linear(x, 'project')

    def heads(self, x):
        head = bodies.WIDTH // bodies.HEADS
        x = self.node('Reshape', [x, self.merged(x, self.count(), bodies.HEADS, head)], 'view', allowzero=1)
        return self.node('Transpose', [x], perm=[0, 2, 1, 3])

    def attend(self, q, k, v):
        scale = self.constant(floats((bodies.WIDTH // bodies.HEADS) ** -0.25))
        k = self.node('Transpose', [k], perm=[0, 1, 3, 2])
        scores = self.node('MatMul', [self.mul(q, scale), self.mul(k, scale)])
        return self.node('MatMul', [self.node('Softmax', [scores], axis=-1), v], 'scaled_dot_product_attention')

    def linear(self, x, layer):
        weight = self.node('Transpose', [self.weight(f'{layer}.weight')], perm=[1, 0])
        return self.add(self.node('MatMul', [x, weight], f'{layer}/linear'), self.weight(f'{layer}.bias'))


class Attention(Dynamo):
    """Opset 23: attention is an operator, and so is GELU since 20."""
    opset, ir = 23, 10

    def attend(self, q, k, v):
        return self.node('Attention', [q, k, v], 'scaled_dot_product_attention', scale=(bodies.WIDTH // bodies.HEADS) ** -0.5)

    def gelu(self, x):
        return self.node('Gelu', [x], 'gelu', approximate='none')


class Functions(Dynamo):
    """torch.onnx.dynamo_export of 2.1 to 2.4, not inlined: modules are functions that call functions of ATen's operators."""
    opset, ir = 18, 8
    domains = {'pkg.onnxscript.torch_lib': 1, 'pkg.onnxscript.torch_lib.common': 1, 'pkg.torch.2.1.0': 1}

    def function(self, domain, name, inputs, outputs, nodes, attributes=()):
        if not any(f.name == name and f.domain == domain for f in self.functions):
            imports = [helper.make_opsetid(key, version) for key, version in {'': self.opset, **self.domains}.items()]
            made = helper.make_function(domain, name, inputs, outputs, nodes, imports, list(attributes))
            self.functions.append(made)

    def conv_norm(self, x, layer, stride=1, groups=1):
        """A module of a convolution and its normalisation; the convolution's attributes come from the call."""
        attributes = ('dilations', 'group', 'kernel_shape', 'pads', 'strides')
        convolution = helper.make_node('Conv', ['input', 'weight'], ['result'])
        for name in attributes:
            kind = 2 if name == 'group' else 7  # INT, INTS
            convolution.attribute.add(name=name, ref_attr_name=name, type=kind)
        self.function('pkg.onnxscript.torch_lib', 'aten_conv2d', ['input', 'weight'], ['result'], [convolution], attributes)
        parts = ['weight', 'bias', 'running_mean', 'running_var']
        self.function('pkg.onnxscript.torch_lib', '_aten_native_batch_norm_inference_onnx', ['input', *parts], ['norm'], [
            helper.make_node('BatchNormalization', ['input', *parts], ['norm'], epsilon=bodies.NORM_EPSILON, momentum=0.9,
                             training_mode=0)])
        self.function('pkg.torch.2.1.0', f'torch_nn_modules_container_Sequential_{layer}_1',
                      ['x', 'conv_weight', *parts], ['getitem'], [
                          helper.make_node('aten_conv2d', ['x', 'conv_weight'], ['convolution'],
                                           domain='pkg.onnxscript.torch_lib', **self.conv_attributes(layer, stride, groups)),
                          helper.make_node('_aten_native_batch_norm_inference_onnx', ['convolution', *parts], ['getitem'],
                                           domain='pkg.onnxscript.torch_lib')])
        norms = [self.weight(f'{layer}.norm.{part}') for part in ('scale', 'bias', 'mean', 'variance')]
        return self.node(f'torch_nn_modules_container_Sequential_{layer}_1', [x, self.weight(f'{layer}.weight'), *norms],
                         domain='pkg.torch.2.1.0')

    def prelu(self, x, layer):
        self.function('pkg.onnxscript.torch_lib', 'aten_prelu', ['self', 'weight'], ['result'], [
            helper.make_node('Constant', [], ['shape'], value_ints=[1, -1, 1, 1]),
            helper.make_node('Reshape', ['weight', 'shape'], ['slope']),
            helper.make_node('PRelu', ['self', 'slope'], ['result'])])
        return self.node('aten_prelu', [x, self.weight(f'{layer}.slope')], domain='pkg.onnxscript.torch_lib')

    def hard_swish(self, x):
        self.function('pkg.onnxscript.torch_lib', 'aten_hardswish', ['self'], ['result'], [
            helper.make_node('HardSwish', ['self'], ['result'])])
        return self.node('aten_hardswish', [x], domain='pkg.onnxscript.torch_lib')

    def add(self, x, y):
        self.function('pkg.onnxscript.torch_lib', 'aten_add', ['self', 'other'], ['result'], [
            helper.make_node('Constant', [], ['one'], value_float=1.0),
            helper.make_node('CastLike', ['one', 'other'], ['alpha']),
            helper.make_node('Mul', ['other', 'alpha'], ['scaled']),
            helper.make_node('Add', ['self', 'scaled'], ['result'])])
        return self.node('aten_add', [x, y], domain='pkg.onnxscript.torch_lib')
