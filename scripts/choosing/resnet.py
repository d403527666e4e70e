"""A network that no rule was fitted to: dlib's ResNet as the npm package @vladmandic/face-api ships it, made into ONNX, and
the crops that it wants."""
import json

import numpy as np
import onnx
from onnx import helper, numpy_helper
from PIL import Image

SIDE = 150
INPUT = ['--channels', 'rgb', '--mean', '122.782,117.001,104.298', '--scale', '256']
# Where the eyes are: middle between them, and how far apart; in crops of 112x112, and in dlib's chips with a quarter around.
EYES_112, APART_112 = (55.913, 51.599), 35.239
EYES, APART = (74.0, 47.1), 52.6
BLOCKS = [('conv32', 3, 32), ('conv64', 3, 64), ('conv128', 2, 128), ('conv256', 2, 256)]


def _weights(folder):
    manifest = json.loads((folder / 'model/face_recognition_model-weights_manifest.json').read_text(encoding='utf-8'))
    found = {}
    for group in manifest:
        data, offset = b''.join((folder / 'model' / path).read_bytes() for path in group['paths']), 0
        kinds = [np.dtype(entry.get('quantization', entry)['dtype']) for entry in group['weights']]
        counts = [int(np.prod(entry['shape'])) for entry in group['weights']]
        if sum(kind.itemsize * count for kind, count in zip(kinds, counts, strict=True)) != len(data):
            raise SystemExit(f'study: {folder}: weights of another size than their manifest says')
        for entry, kind, count in zip(group['weights'], kinds, counts, strict=True):
            array = np.frombuffer(data, kind, count, offset)
            offset += array.nbytes
            if 'quantization' in entry:
                array = array * np.float64(entry['quantization']['scale']) + entry['quantization']['min']
            found[entry['name']] = array.astype(np.float32).reshape(entry['shape'])
    return found


class _Builder:
    def __init__(self, weights):
        self.weights, self.nodes, self.constants = weights, [], []

    def constant(self, name, array):
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def add(self, kind, inputs, name, **attributes):
        self.nodes.append(helper.make_node(kind, inputs, [name], name, **attributes))
        return name

    def conv(self, x, name, stride, padding, relu):
        """A convolution and the scale that is left of its batch normalisation."""
        w = self.weights
        filters = w[f'{name}/conv/filters'].transpose(3, 2, 0, 1)
        y = self.add('Conv', [x, self.constant(f'{name}.w', filters), self.constant(f'{name}.b', w[f'{name}/conv/bias'])], f'{name}.conv',
                     kernel_shape=filters.shape[2:], strides=[stride] * 2, pads=[padding] * 4)
        channels = len(filters)
        numbers = {'scale': w[f'{name}/scale/weights'], 'bias': w[f'{name}/scale/biases'], 'mean': np.zeros(channels, np.float32),
                   'var': np.ones(channels, np.float32)}
        y = self.add('BatchNormalization', [y, *(self.constant(f'{name}.{k}', v) for k, v in numbers.items())], f'{name}.bn',
                     epsilon=1e-12)
        return self.add('Relu', [y], f'{name}.relu') if relu else y

    def padded(self, x, name, channels, side):
        if channels == 0 and side == 0:
            return x
        pads = self.constant(f'{name}.pads', np.array([0, 0, 0, 0, 0, channels, side, side], np.int64))
        return self.add('Pad', [x, pads], f'{name}.pad')

    def block(self, x, name, side, more=None):
        """A residual block; with `more`, the channels that it adds, at half the side. Returns also the new side."""
        down = more is not None
        y = self.conv(x, f'{name}/conv1', 2 if down else 1, 0 if down else 1, True)
        y = self.conv(y, f'{name}/conv2', 1, 1, False)
        if down:
            pooled, side = side // 2, (side - 3) // 2 + 1
            x = self.add('AveragePool', [x], f'{name}.pool', kernel_shape=[2, 2], strides=[2, 2])
            x = self.padded(x, f'{name}.x', more, 0)
            y = self.padded(y, f'{name}.y', 0, pooled - side)
            side = pooled
        y = self.add('Add', [y, x], f'{name}.add')
        return self.add('Relu', [y], f'{name}.relu'), side


def convert(folder, path):
    """The package's folder -> an ONNX file."""
    build = _Builder(_weights(folder))
    x, side = build.conv('input', 'conv32_down', 2, 0, True), (SIDE - 7) // 2 + 1
    x, side = build.add('MaxPool', [x], 'pool', kernel_shape=[3, 3], strides=[2, 2]), (side - 3) // 2 + 1
    before = 32
    for name, count, channels in BLOCKS:
        if channels > before:
            x, side = build.block(x, f'{name}_down', side, channels - before)
        before = channels
        for k in range(1, count + 1):
            x, side = build.block(x, f'{name}_{k}', side)
    x, side = build.block(x, 'conv256_down_out', side, 0)
    x = build.add('Flatten', [build.add('GlobalAveragePool', [x], 'mean')], 'flat')
    build.add('MatMul', [x, build.constant('fc.w', build.weights['fc'])], 'embedding')
    graph = helper.make_graph(build.nodes, 'dlib', [helper.make_tensor_value_info('input', onnx.TensorProto.FLOAT,
                                                                                  ['batch', 3, SIDE, SIDE])],
                              [helper.make_tensor_value_info('embedding', onnx.TensorProto.FLOAT, ['batch', 128])], build.constants)
    model = helper.make_model(graph, producer_name='study_choosing', opset_imports=[helper.make_opsetid('', 13)])
    model.ir_version = 7
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def chips(material, name, folder):
    """Folder of the chips of all aligned crops below a folder."""
    target, scale, edge = material.work / f'{name}-chips', APART_112 / APART, 16

    def make():
        for crop in sorted(folder.rglob('*.png')):
            pixels = np.pad(np.asarray(Image.open(crop).convert('RGB')), ((edge, edge), (edge, edge), (0, 0)), 'edge')
            start = [EYES_112[k] + edge - scale * EYES[k] for k in (0, 1)]
            chip = Image.fromarray(pixels).transform((SIDE, SIDE), Image.Transform.AFFINE, (scale, 0, start[0], 0, scale, start[1]),
                                                     Image.Resampling.BICUBIC)
            path = target / crop.relative_to(folder)
            path.parent.mkdir(parents=True, exist_ok=True)
            chip.save(path)

    material.once(f'{name}-chips', make)
    return target
