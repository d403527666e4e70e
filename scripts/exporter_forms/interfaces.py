"""Files whose inputs, outputs or storage are special, whoever wrote them."""
import numpy as np
from onnx import TensorProto, helper

from . import bodies
from .pytorch import Dynamo, TorchScript
from .spelling import floats, ints


class Bytes(TorchScript):
    """Preprocessing inside: N x 112 x 112 x 3 bytes."""
    opset, ir = 17, 8
    input_name, input_type, input_shape = 'image', TensorProto.UINT8, (bodies.SIDE, bodies.SIDE, 3)

    def start(self):
        x = self.node('Transpose', [self.node('Cast', ['image'], to=TensorProto.FLOAT)], perm=[0, 3, 1, 2])
        x = self.node('Sub', [x, self.constant(floats(np.full((1, 3, 1, 1), 127.5)))])
        return self.node('Div', [x, self.constant(floats(np.full((1, 3, 1, 1), 127.5)))])


class OpenSize(TorchScript):
    input_shape = (3, 'height', 'width')


class Numbered24(Dynamo):
    opset, ir = 24, 12


class Numbered25(Dynamo):
    opset, ir = 25, 13


class Column(TorchScript):
    """The embedding as N x 64 x 1 x 1: a last convolution in place of a matrix."""

    def dense(self, x, layer):
        side = 7
        weight = self.weights[f'{layer}.weight'].reshape(bodies.EMBEDDING, -1, side, side)
        inputs = [x, self.weight(f'{layer}.kernel', weight), self.weight(f'{layer}.bias')]
        return self.node('Conv', inputs, kernel_shape=[side] * 2)

    def flatten(self, x):
        return x

    def finish(self, x):
        return [(x, TensorProto.FLOAT, [self.batch, bodies.EMBEDDING, 1, 1])]


class Keypoints(TorchScript):
    """KPRPE of CVLface: five points beside the picture."""

    def model(self, body):
        model = super().model(body)
        model.graph.input.append(helper.make_tensor_value_info('keypoints', TensorProto.FLOAT, [self.batch, 5, 2]))
        return model

    def finish(self, x):
        outputs = super().finish(x)
        spread = self.reduce('ReduceMean', 'keypoints', [1, 2], keepdims=0)
        spread = self.node('Unsqueeze', [spread], axes=[1])
        return [(self.add(outputs[0][0], spread), *outputs[0][1:])]


class Conditional(TorchScript):
    """x.squeeze(2) of a size that the exporter does not know: If the size is 1, Squeeze, else Identity."""
    opset, ir = 11, 6

    def squeeze_if_one(self, x, axis):
        one = self.node('Equal', [self.size(x, axis), self.constant(ints(1))])
        branches = []
        for i, node in enumerate((helper.make_node('Squeeze', [x], [f'{x}.then'], axes=[axis]),
                                  helper.make_node('Identity', [x], [f'{x}.else']))):
            branches.append(helper.make_graph([node], f'branch{i}', [], [
                helper.make_tensor_value_info(node.output[0], TensorProto.FLOAT, None)]))
        return self.node('If', [one], then_branch=branches[0], else_branch=branches[1])

    def pooled(self, x):
        return self.squeeze_if_one(self.squeeze_if_one(self.pool(x), 3), 2)


def external(model, path):
    """Stores the weights of 1 KiB and more in PATH.data, as torch.onnx does with external_data=True; names the place in the
    model."""
    data = b''
    for initializer in model.graph.initializer:
        if len(initializer.raw_data) < 1024:
            continue
        raw = initializer.raw_data
        data += b'\0' * (-len(data) % 64)
        for key, value in (('location', f'{path.name}.data'), ('offset', len(data)), ('length', len(raw))):
            initializer.external_data.add(key=key, value=str(value))
        initializer.ClearField('raw_data')
        initializer.data_location = TensorProto.EXTERNAL
        data += raw
    path.with_name(f'{path.name}.data').write_bytes(data)
