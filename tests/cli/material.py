"""What the tests of the program work on, made when they run: networks, pictures, and the program itself."""
import csv
import io
import os
import pathlib
import pickle
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
import zlib

import numpy as np
from onnx import TensorProto, helper, numpy_helper

PROGRAM = os.environ.get('PREFIQS_PROGRAM', 'prefiqs')
SHARED = pathlib.Path(__file__).resolve().parents[3] / 'shared'
SIDE = 24  # of the network's input
EMBEDDING = 32
FIRST_COLUMNS = ['path', 'face', 'status', 'quality', 'drift', 'scalar']
PAPER_RECIPE = 'unstructured-l1-global-0.4'


def recognition_network(path, seed=1, width=8, side=SIDE, normalised=False):
    """A small face recognition network with an open batch: convolutions, batch normalisation, PReLU, a matrix; and,
    where asked for, its embedding brought to the length 1, as torch.nn.functional.normalize is exported."""
    random = np.random.default_rng(seed)
    weights = {
        'w1': random.standard_normal((width, 3, 3, 3)) / 5, 'slope': random.uniform(0.1, 0.4, (width, 1, 1)),
        'gamma': random.uniform(0.5, 1.5, width), 'beta': random.standard_normal(width) / 4,
        'mean': random.standard_normal(width) / 4, 'variance': random.uniform(0.5, 1.5, width),
        'w2': random.standard_normal((2 * width, width, 3, 3)) / np.sqrt(9 * width),
        'b2': random.standard_normal(2 * width) / 4,
        'matrix': random.standard_normal((EMBEDDING, 2 * width * (side // 4) ** 2)) / side,
        'offset': random.standard_normal(EMBEDDING) / 4,
    }
    strided = {'kernel_shape': [3, 3], 'strides': [2, 2], 'pads': [1, 1, 1, 1]}
    nodes = [
        helper.make_node('Conv', ['input', 'w1'], ['c1'], 'conv1', **strided),
        helper.make_node('BatchNormalization', ['c1', 'gamma', 'beta', 'mean', 'variance'], ['n1'], 'norm1'),
        helper.make_node('PRelu', ['n1', 'slope'], ['a1'], 'act1'),
        helper.make_node('Conv', ['a1', 'w2', 'b2'], ['c2'], 'conv2', **strided),
        helper.make_node('Relu', ['c2'], ['a2'], 'act2'),
        helper.make_node('Flatten', ['a2'], ['flat'], 'flatten'),
        helper.make_node('Gemm', ['flat', 'matrix', 'offset'], ['raw' if normalised else 'embedding'], 'gemm', transB=1),
    ]
    if normalised:
        weights['least'] = np.array(1e-12)
        nodes += [
            helper.make_node('ReduceL2', ['raw'], ['length'], 'length', axes=[1], keepdims=1),
            helper.make_node('Clip', ['length', 'least'], ['clipped'], 'clip'),
            helper.make_node('Shape', ['raw'], ['shape'], 'shape'),
            helper.make_node('Expand', ['clipped', 'shape'], ['lengths'], 'expand'),
            helper.make_node('Div', ['raw', 'lengths'], ['embedding'], 'normalise'),
        ]
    _save(path, nodes, weights, ['batch', 3, side, side], [('embedding', ['batch', EMBEDDING])])
    return str(path)


# Of 32 pixels: from the corner of a cell to the five points of the face that it finds.
POINTS = (0.3, 0.3, 0.7, 0.3, 0.5, 0.5, 0.35, 0.7, 0.65, 0.7)
# The same where the cell in the middle of a guard's canvas (192, a crop at 160 in its middle) finds an aligned face.
ALIGNED_POINTS = (-0.79, -0.19, 0.78, -0.20, 0.0, 0.70, -0.64, 1.62, 0.66, 1.61)


def guard_network(path):
    """To which a bright square crop is an aligned face."""
    return detector_network(path, points=ALIGNED_POINTS)


def detector_network(path, stops_on_black=False, points=POINTS, upright=False):
    """Of the YuNet family: a face of 40 pixels, its box's centre in the middle, for each 32x32 cell that is bright, or,
    if `upright`, bright in its upper half and dark in its lower one. May divide integers by the mean of the picture, which
    cannot be run on a black one."""
    nodes, weights, outputs = [], {}, []
    for stride in (8, 16, 32):
        # Channels: score twice, box offset and log size, five points.
        channels = np.zeros((16, 3, 1, 1), np.float32)
        bias = np.full(16, 0.5, np.float32)
        bias[:2] = 0
        halves = 2 if stride == 32 and upright else 1
        if halves == 2:
            channels = np.zeros((16, 3, 2, 2), np.float32)
            channels[:2, :, 0], channels[:2, :, 1] = 1 / (6 * 255), -1 / (6 * 255)
        elif stride == 32:
            channels[:2] = 1 / (3 * 255)
        bias[4:6] = np.log(40 / 32)
        bias[6:] = points
        weights |= {f'w{stride}': channels, f'b{stride}': bias, f'flat{stride}': np.array([1, 16, -1], np.int64)}
        nodes += [
            helper.make_node('AveragePool', ['input'], [f'pool{stride}'], kernel_shape=[stride // halves] * 2,
                             strides=[stride // halves] * 2),
            helper.make_node('Conv', [f'pool{stride}', f'w{stride}', f'b{stride}'], [f'all{stride}'],
                             strides=[halves] * 2),
            helper.make_node('Reshape', [f'all{stride}', f'flat{stride}'], [f'rows{stride}']),
            helper.make_node('Transpose', [f'rows{stride}'], [f'table{stride}'], perm=[0, 2, 1]),
            helper.make_node('Split', [f'table{stride}', 'parts'],
                             [f'{name}{stride}' for name in ('cls', 'obj', 'bbox', 'kps')], axis=2),
        ]
        outputs += [(f'{name}{stride}', [1, 'cells', columns])
                    for name, columns in (('cls', 1), ('obj', 1), ('bbox', 4), ('kps', 10))]
    weights['parts'] = np.array([1, 1, 4, 10], np.int64)
    if stops_on_black:
        weights['one'] = np.array(1, np.int64)
        nodes[-1].output[3] = 'points'
        nodes += [
            helper.make_node('ReduceMean', ['input'], ['mean'], keepdims=0),
            helper.make_node('Cast', ['mean'], ['whole'], to=TensorProto.INT64),
            helper.make_node('Div', ['one', 'whole'], ['quotient'], 'quotient'),
            helper.make_node('Cast', ['quotient'], ['offset'], to=TensorProto.FLOAT),
            helper.make_node('Add', ['points', 'offset'], ['kps32']),
        ]
    _save(path, nodes, weights, [1, 3, 'height', 'width'], outputs)
    return str(path)


def _save(path, nodes, weights, shape, outputs):
    constants = []
    for name, values in weights.items():
        values = values if values.dtype == np.int64 else values.astype(np.float32)
        constants.append(numpy_helper.from_array(values, name))
    graph = helper.make_graph(
        nodes, 'test', [helper.make_tensor_value_info('input', TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, dims) for name, dims in outputs], constants)
    model = helper.make_model(graph, producer_name='tests', opset_imports=[helper.make_opsetid('', 13)])
    model.ir_version = 7
    pathlib.Path(path).write_bytes(model.SerializeToString())


def noise(seed, height=SIDE, width=SIDE):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def ppm(pixels):
    height, width = pixels.shape[:2]
    return b'P6 %d %d 255\n' % (width, height) + pixels.tobytes()


def png(pixels):
    """RGB of 8 bits a sample, or grey of 16."""
    height, width = pixels.shape[:2]
    depth, colour = (16, 0) if pixels.dtype == np.uint16 else (8, 2)

    def chunk(kind, data):
        return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))

    rows = b''.join(b'\0' + row.astype('>u2' if depth == 16 else 'u1').tobytes() for row in pixels)
    return (b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', width, height, depth, colour, 0, 0, 0)) +
            chunk(b'IDAT', zlib.compress(rows)) + chunk(b'IEND', b''))


def bright_cells(height, width, *cells):
    """Dark noise with bright 32x32 cells, each given as (row, column): what detector_network finds faces in, where the
    longer side is 320 and so the picture is not scaled."""
    pixels = noise(height + width, height, width) // 8
    for row, column in cells:
        block = noise(row * 100 + column, 32, 32) // 8 + 220
        pixels[32 * row:32 * row + 32, 32 * column:32 * column + 32] = block
    return pixels


def verification_set(path, pictures, same=None):
    """As InsightFace has them: encoded pictures and, for each pair, whether it is of one person (all are)."""
    same = [True] * (len(pictures) // 2) if same is None else same
    pathlib.Path(path).write_bytes(pickle.dumps((pictures, same), protocol=2))


class Run:
    """What a run of the program left behind."""

    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err.decode(errors='surrogateescape')

    def rows(self):
        return csv_rows(self.out)


def csv_rows(data):
    text = data.decode(errors='surrogateescape')
    return list(csv.DictReader(io.StringIO(text, newline='')))


def shared_folder(*parts):
    """Of the real material beside the project; skips the test where there is none at all."""
    if not SHARED.is_dir():
        raise unittest.SkipTest(f'{SHARED} is not there: no real material')
    return SHARED.joinpath(*parts)


class ProgramTest(unittest.TestCase):
    """Each test has a folder of its own, a network in it, and the program."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix='prefiqs-'))
        self.addCleanup(shutil.rmtree, self.folder)
        self.network = recognition_network(self.folder / 'net.onnx')

    def command(self, *arguments):
        return [PROGRAM, *(a if isinstance(a, bytes) else str(a) for a in arguments)]

    def run_program(self, *arguments, stdin=b'', cwd=None, environment=None):
        """`environment`: variables besides those of the tests."""
        done = subprocess.run(self.command(*arguments), input=stdin, capture_output=True, timeout=600,
                              cwd=cwd or self.folder, env={**os.environ, **(environment or {})}, check=False)
        return Run(done.returncode, done.stdout, done.stderr)

    def score(self, *arguments, **options):
        return self.run_program('score', '--model', self.network, '--preset', 'arcface', *arguments, **options)

    def score_aligned(self, *arguments, **options):
        """The crops of these tests show no faces."""
        return self.score('--aligned', '--guard', 'none', *arguments, **options)

    def assert_status(self, run, status):
        self.assertEqual(run.status, status, f'{run.err}{run.out[-2000:]}')

    def assert_refused(self, run, status, *words):
        """With this status and one line on standard error that holds the words."""
        self.assert_status(run, status)
        self.assertEqual(run.out, b'')
        self.assertRegex(run.err, r'\Aprefiqs: [^\n]+\n\Z')
        for word in words:
            self.assertIn(word, run.err)

    def people(self, folder):
        """Three pictures each of ten people: a pattern of their own, and more and more noise."""
        for person in range(10):
            for k in range(3):
                picture = noise(person) * (1 - k / 2.2) + noise(100 + 10 * person + k) * k / 2.2
                self.picture(f'{folder}/{person}/{k}.png', picture.astype(np.uint8))

    def picture(self, name, pixels, encode=png):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode(pixels))
        return path

    def crops(self, count, folder='crops'):
        """Aligned crops as PNG in a folder; returns the folder."""
        for i in range(count):
            self.picture(f'{folder}/{i:04}.png', noise(i))
        return self.folder / folder


def main():
    unittest.main(module=sys.modules['__main__'], verbosity=2)
