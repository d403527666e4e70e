"""Runs files in prefiqs and in ONNX Runtime on the same two crops."""
import base64
import json
import os
import pathlib
import struct
import subprocess
import sys
import zlib

import numpy as np

from . import bodies

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent
REFUSED = 3  # prefiqs' exit status for a network that it does not take


def crops():
    """Two 112 x 112 x 3 pictures: blurred ovals where a face has its parts, and noise."""
    y, x = np.mgrid[0:bodies.SIDE, 0:bodies.SIDE]
    face = np.full((bodies.SIDE, bodies.SIDE, 3), 60.0)
    for (row, column), (high, wide), colour in (((60, 56), (52, 40), (205, 160, 135)), ((52, 38), (5, 8), (50, 40, 45)),
                                                ((52, 74), (5, 8), (55, 42, 45)), ((72, 56), (11, 6), (180, 130, 110)),
                                                ((92, 56), (5, 15), (150, 60, 70))):
        share = np.clip(2 - 2 * np.sqrt(((y - row) / high) ** 2 + ((x - column) / wide) ** 2), 0, 1)[..., None]
        face += share * (np.array(colour) - face)
    face = np.clip(face + 12 * np.sin(x / 9 + y / 17)[..., None], 0, 255)
    noise = np.random.RandomState(7).randint(0, 256, face.shape)
    return np.stack([face, noise]).astype(np.uint8)


def write_png(path, pixels):
    def chunk(kind, data):
        return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))
    rows = b''.join(b'\0' + row.tobytes() for row in pixels)
    header = struct.pack('>IIBBBBB', pixels.shape[1], pixels.shape[0], 8, 2, 0, 0, 0)
    path.write_bytes(b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', header) + chunk(b'IDAT', zlib.compress(rows)) + chunk(b'IEND', b''))


def write_crops(folder):
    paths = [folder / 'face.png', folder / 'noise.png']
    for path, pixels in zip(paths, crops()):
        write_png(path, pixels)
    return paths


class Program:
    def __init__(self, path, folder):
        self.path, self.folder = path, folder
        self.pictures = write_crops(folder)

    def embeddings(self, network, options):
        """(N x d, None), or (None, what the program says) where it refuses the network."""
        table, array = self.folder / 'rows.csv', self.folder / 'embeddings.npy'
        words = [self.path, 'embed', '--model', network, '--aligned', '--threads', '1', '--force', '--output', table,
                 '--embeddings', array, *options, *self.pictures]
        done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False)
        if done.returncode == REFUSED:
            said = [line for line in done.stderr.splitlines() if line.startswith('prefiqs: ')]
            return None, said[-1].removeprefix('prefiqs: ').replace(f'{network}: ', '').replace(str(network), network.name)
        if done.returncode != 0:
            raise RuntimeError(f'{network.name}: status {done.returncode}\n{done.stderr}')
        return np.load(array), None


TYPES = {'float32': np.float32, 'float16': np.float16, 'uint8': np.uint8}


def pixels_for(kind):
    """What ONNX Runtime gets: the crops as a form's input has them."""
    pixels = crops()
    planes = pixels.astype(np.float32).transpose(0, 3, 1, 2)
    scaled = (planes - np.float32(127.5)) / np.float32(127.5)
    return {'planes': scaled, 'half planes': scaled.astype(np.float16), 'raw planes': planes,
            'channels last': np.ascontiguousarray(scaled.transpose(0, 2, 3, 1)), 'bytes': pixels}[kind]


class OnnxRuntime:
    """`modules`: a folder node_modules that holds onnxruntime-node."""

    def __init__(self, modules, folder):
        self.modules, self.folder = modules, folder
        self.version = json.loads((modules / 'onnxruntime-node/package.json').read_text())['version']

    def embeddings(self, jobs):
        """jobs: [(network, kind of input, output's name, one picture a run)] -> for each (N x d, None) or (None, what it
        says)."""
        orders = []
        for i, (network, kind, output, single) in enumerate(jobs):
            values = pixels_for(kind)
            (self.folder / f'input-{i}').write_bytes(values.tobytes())
            orders.append({'network': str(network), 'input': str(self.folder / f'input-{i}'), 'type': str(values.dtype),
                           'shape': values.shape, 'output': output, 'single': single})
        listed = self.folder / 'jobs.json'
        listed.write_text(json.dumps(orders))
        environment = dict(os.environ, NODE_PATH=str(self.modules))
        done = subprocess.run(['node', HERE / 'onnxruntime.cjs', listed], capture_output=True, text=True, check=False,
                              env=environment)
        if done.returncode != 0:
            sys.exit(f'exporters: ONNX Runtime: {done.stderr[-2000:]}')
        answers = []
        for line in done.stdout.splitlines():
            answer = json.loads(line)
            if 'error' in answer:
                answers.append((None, answer['error']))
            else:
                values = np.frombuffer(base64.b64decode(answer['values']), TYPES[answer['type']])
                answers.append((values.reshape(len(crops()), -1), None))
        return answers
