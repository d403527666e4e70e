"""bench/networks.py makes the networks it says, and bench/compare's targets are judged by the worst."""
import contextlib
import importlib.machinery
import importlib.util
import io
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import types
import unittest
import unittest.mock

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / 'bench'), str(ROOT / 'bench/rivals')]
import networks  # noqa: E402
import targets  # noqa: E402

LOADER = importlib.machinery.SourceFileLoader('compare', str(ROOT / 'bench/compare'))
compare = importlib.util.module_from_spec(importlib.util.spec_from_loader('compare', LOADER))
LOADER.exec_module(compare)

PROGRAM = os.environ.get('PREFIQS_PROGRAM', 'prefiqs')


class Counter(networks.Builder):
    """Weights that take no time: what is counted is what is connected."""

    def __init__(self):
        super().__init__('counted')
        self.weights = 0

    def normal(self, shape, deviation):
        self.weights += int(np.prod(shape))
        return np.zeros(1, np.float32)


class Networks(unittest.TestCase):
    def test_topologies(self):
        # Weights of convolutions and matrices. iResNet-100: InsightFace's has 65.16 M parameters, with biases and norms.
        def of_iresnet(blocks):
            weights, before = 27 * 64, 64
            for count, width in zip(blocks, (64, 128, 256, 512)):
                weights += 9 * before * width + 9 * width * width + before * width + (count - 1) * 18 * width * width
                before = width
            return weights + 49 * 512 * 512

        expected = {'iresnet18': of_iresnet((2, 2, 2, 2)), 'iresnet34': of_iresnet((3, 4, 6, 3)),
                    'iresnet50': of_iresnet((3, 4, 14, 3)), 'iresnet100': of_iresnet((3, 13, 30, 3))}
        self.assertEqual(round(expected['iresnet100'] / 1e6), 65)
        convolutions = {'iresnet18': 1 + 8 * 2 + 4, 'iresnet34': 1 + 16 * 2 + 4, 'iresnet50': 1 + 24 * 2 + 4,
                        'iresnet100': 1 + 49 * 2 + 4, 'mobilefacenet': 2 + 15 * 3 + 2, 'mobilefacenet-wide': 2 + 17 * 3 + 2}
        for name, make in networks.NETWORKS.items():
            with self.subTest(name):
                counter = Counter()
                embedding = make(counter)
                self.assertEqual(embedding.channels, 128 if name == 'mobilefacenet' else 512)
                self.assertEqual(sum(n.op_type == 'Conv' for n in counter.nodes), convolutions[name])
                if name in expected:
                    self.assertEqual(counter.weights, expected[name])

    def test_activations_stay_ordinary_and_bytes_the_same(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            path = networks.build('mobilefacenet', folder / 'a')
            self.assertEqual(path.read_bytes(), networks.build('mobilefacenet', folder / 'b').read_bytes())
            crop = folder / 'crop.ppm'
            pixels = np.random.default_rng(1).integers(0, 256, (112, 112, 3), np.uint8)
            crop.write_bytes(b'P6 112 112 255\n' + pixels.tobytes())
            done = subprocess.run([PROGRAM, 'score', '--model', path, '--aligned', '--guard', 'none', '--format', 'jsonl',
                                   crop], capture_output=True, check=True)
            self.assertNotIn(b'warning', done.stderr)  # the preprocessing is in the file
            row = json.loads(done.stdout)
            # 128 numbers of variance 1 have a norm of 11.
            self.assertGreater(row['embedding_norm'], 5)
            self.assertLess(row['embedding_norm'], 25)
            self.assertGreater(row['drift'], 0.05)
            self.assertLess(row['drift'], 1.5)


class Targets(unittest.TestCase):
    @staticmethod
    def row(batch, median, engine='ONNX Runtime fp32', ours='fp32'):
        return {'section': 'twins', 'network': 'iresnet100', 'engine': engine, 'batch': batch, 'threads': 1,
                'ratios': {ours: {'median': median}}}

    def judged(self, rows, beginning):
        return next(t for t in targets.judge(rows) if t['target'].startswith(beginning))

    def test_the_worst_counts(self):
        rows = [self.row(8, 2.5), self.row(8, 1.7), self.row(8, 1.9), self.row(1, 0.1)]
        target = self.judged(rows, 'fp32 twin, batch 8')
        self.assertEqual((target['measured'], target['met'], target['configurations']), (1.7, False, 3))
        self.assertTrue(self.judged(rows[:1], 'fp32 twin, batch 8')['met'])
        start = [{'section': 'start', 'network': 'mobilefacenet', 'ours_ms': ms, 'above_weights_mb': 1} for ms in (50, 70)]
        self.assertEqual(self.judged(start, 'start to first score, MobileFaceNets')['measured'], 70)

    def test_both_forms_of_pytorch_are_judged(self):
        engines = [f'{compare.LABELS[rival]} {form}' for rival, forms in compare.FORMS.items() for form in forms]
        self.assertLessEqual({targets.ORT, targets.TORCH_AUTOCAST, targets.TORCH_WEIGHTS}, set(engines))
        rows = [self.row(8, ratio, engine, 'bf16') for engine, ratio in ((targets.TORCH_AUTOCAST, 3.5),
                                                                         (targets.TORCH_WEIGHTS, 2.5))]
        beginning = 'bf16 twin, batch 8, beside two bf16 passes of PyTorch, '
        self.assertEqual([self.judged(rows, beginning + form)['measured'] for form in ('autocast', 'bf16 weights')],
                         [3.5, 2.5])

    def test_both_precisions_of_a_section_are_judged(self):
        rows = [{'section': 'threads', 'network': 'iresnet50', 'precision': precision, 'batch': 8, 'ratio': ratio}
                for precision, ratio in (('fp32', 2.0), ('bf16', 1.5))]
        target = self.judged(rows, 'two threads beside one')
        self.assertEqual((target['measured'], target['where']), (1.5, 'iresnet50, precision bf16, batch 8'))

    def test_what_was_not_measured_is_neither(self):
        target = self.judged([self.row(8, 2.5)], 'bf16 twin, batch 8')
        self.assertEqual((target['measured'], target['met']), (None, None))

    def test_what_is_no_number_is_not_met(self):
        for rows in ([self.row(8, float('nan')), self.row(8, 2)], [self.row(8, 2), self.row(8, float('nan'))]):
            self.assertIs(self.judged(rows, 'fp32 twin, batch 8')['met'], False)

    def test_each_has_a_line(self):
        self.assertTrue(all(len(targets.line(t)) == 5 for t in targets.judge([self.row(8, 2.5)])))


class Sections(unittest.TestCase):
    """`from` and `threads`, of processes that do not run."""

    class Child:
        def __init__(self, _label, command, threads):
            words = [str(w) for w in command]
            self.precision = words[words.index('--precision') + 1]
            if self.precision == 'bf16' and Sections.without_bf16:
                raise compare.process.Failure('bf16: not on this processor')
            self.about = {'engine': 'prefiqs', 'version': '1', 'suffix_share': 0.1}
            self.milliseconds = [{'embed': 10, 'drift': 12}[words[words.index('--method') + 1]] / threads] * 3

        def close(self):
            pass

    def rows(self, without_bf16):
        Sections.without_bf16 = without_bf16
        network = types.SimpleNamespace(name='iresnet50', path='iresnet50.onnx', small=False,
                                        pixels=lambda batch: 'noise')
        arguments = types.SimpleNamespace(batch=None, threads=[1, 2], precision=['fp32', 'bf16'], start=0.9, rounds=1,
                                          seconds=0.1)
        comparison = compare.Comparison(arguments)
        with (unittest.mock.patch.object(compare.process, 'Child', self.Child),
              unittest.mock.patch.object(compare.process, 'measure_in_turn'),
              contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO())):
            comparison.shared_prefix([network])
            comparison.two_threads([network])
        return comparison

    def test_each_precision_is_measured(self):
        rows = self.rows(without_bf16=False).rows
        self.assertEqual([(r['section'], r['precision'], r.get('threads'), r['ratio']) for r in rows],
                         [('from', 'fp32', 1, 1.2), ('from', 'fp32', 2, 1.2), ('from', 'bf16', 1, 1.2),
                          ('from', 'bf16', 2, 1.2), ('threads', 'fp32', None, 2), ('threads', 'bf16', None, 2)])

    def test_a_processor_without_bf16_is_noted(self):
        comparison = self.rows(without_bf16=True)
        self.assertEqual([r['precision'] for r in comparison.rows], ['fp32'] * 3)
        self.assertEqual(comparison.notes, ['left out: prefiqs bf16: bf16: not on this processor'])


if __name__ == '__main__':
    unittest.main()
