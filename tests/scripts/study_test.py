"""What scripts/study_cheaper and study_folding compute by themselves, against slow and plain forms and the program."""
import csv
import importlib.machinery
import importlib.util
import os
import pathlib
import sys
import unittest

import numpy as np
import onnx

HERE = pathlib.Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path[:0] = [str(HERE.parent / 'cli'), str(HERE.parents[1] / 'scripts')]
from cheaper import curves, networks, scores  # noqa: E402
from material import ProgramTest  # noqa: E402


def script(name):
    """One of scripts/ as a module."""
    loader = importlib.machinery.SourceFileLoader(name, str(HERE.parents[1] / 'scripts' / name))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
    loader.exec_module(module)
    return module


def slow_errors(unit, person, side, quality, drawn):
    """Protocol C pair by pair, a picture counting as often as its person was drawn."""
    people, pictures = len(drawn), len(unit)
    order = sorted(range(pictures), key=lambda i: (quality[i], i))
    total = sum(drawn[p] for p in person)
    errors = []
    for k in range(6):
        kept, gone = set(range(pictures)), 0
        for i in order:
            gone += drawn[person[i]]
            if gone > total * k // 20:
                break
            kept.remove(i)
        mated, other = [], []
        for i in sorted(kept):
            for j in sorted(kept):
                if j <= i or (side is not None and side[i] == side[j]):
                    continue
                s = float(unit[i] @ unit[j])
                if person[i] == person[j]:
                    mated.append((s, drawn[person[i]]))
                else:
                    other.append((s, drawn[person[i]] * drawn[person[j]]))
        mated, other = ([(s, w) for s, w in x if w > 0] for x in (mated, other))
        all_other = sum(w for _, w in other)
        best = None
        for t in sorted({s for s, _ in mated + other}):
            off = abs(sum(w for s, w in other if s >= t) - curves.FMR * all_other)
            if best is None or off < best[0] - 1e-9:
                best = off, t
        errors.append(sum(w for s, w in mated if s < best[1]) / sum(w for _, w in mated))
    assert people == len(drawn)
    return errors


def faces(seed, people, each, size=6):
    """Unit embeddings (float64 that float32 holds), people, and qualities that mean something."""
    random = np.random.default_rng(seed)
    person = np.repeat(np.arange(people), each)
    spread = random.uniform(0.2, 1.6, len(person))
    x = random.standard_normal((people, size))[person] + spread[:, None] * random.standard_normal((len(person), size))
    return x, person, -spread + 0.2 * random.standard_normal(len(person))


class Curves(unittest.TestCase):
    def setUp(self):
        self.addCleanup(setattr, curves, 'FMR', curves.FMR)
        self.addCleanup(setattr, curves, 'FLOOR', curves.FLOOR)
        curves.FMR, curves.FLOOR = 0.02, 0.5

    def test_are_those_of_plain_loops(self):
        for seed in range(4):
            x, person, quality = faces(seed, 12, 3)
            random = np.random.default_rng(100 + seed)
            unit = x / np.linalg.norm(x, axis=1, keepdims=True)
            for side in (None, random.integers(0, 2, len(person))):
                for drawn in (np.ones(12, int), np.bincount(random.integers(0, 12, 12), minlength=12)):
                    pairs = curves.Pairs(x, person, side)
                    got = pairs.errors(pairs.rank(quality), pairs.weights(drawn))
                    self.assertTrue(np.allclose(got, slow_errors(unit, person, side, quality, drawn), atol=1e-12),
                                    (seed, side, drawn, got))

    def test_refuse_what_is_no_number(self):
        x, person, quality = faces(0, 12, 3)
        quality[3] = np.nan
        with self.assertRaises(ValueError):
            curves.Pairs(x, person).rank(quality)

    def test_refuse_to_guess(self):
        curves.FLOOR = 0.02
        x, person, quality = faces(0, 12, 3)
        pairs = curves.Pairs(x, person)
        with self.assertRaises(ValueError):
            pairs.errors(pairs.rank(quality), pairs.weights())


class Program(ProgramTest):
    def test_areas_are_those_of_evaluate(self):
        x, person, quality = faces(5, 60, 3)
        np.save(self.folder / 'x.npy', x.astype(np.float32))
        with open(self.folder / 'rows.csv', 'w', encoding='utf-8', newline='') as file:
            out = csv.writer(file)
            out.writerow(['path', 'identity', 'status', 'quality'])
            out.writerows([f'{p}/{i}.png', p, 'ok', q] for i, (p, q) in enumerate(zip(person, quality, strict=True)))
        run = self.run_program('evaluate', 'all', '--rows', 'rows.csv', '--embeddings', 'x.npy', '--quality', 'q=rows.csv',
                               '--fmr', '0.001', '--resamples', '0', '--tables', 'csv')
        self.assert_status(run, 0)
        area = next(float(line.split(',')[4]) for line in run.out.decode().splitlines() if line.startswith('C,0.001,q,'))
        pairs = curves.Pairs(x.astype(np.float32), person)
        self.assertAlmostEqual(1000 * pairs.area(pairs.rank(quality), pairs.weights()), area, delta=0.001)

    def test_one_network_gives_what_many_give(self):
        recipes = [['--sparsity', '0.4'], ['--sparsity', '0.3', '--from', '0.5'],
                   ['--sparsity', '0.3', '--from', '0.5', '--criterion', 'random', '--seed', '2']]
        copies = []
        for k, options in enumerate([['--sparsity', '0'], *recipes]):
            self.assert_status(self.run_program('prune', self.network, f'{k}.onnx', '--preset', 'arcface', *options), 0)
            copies.append(onnx.load(str(self.folder / f'{k}.onnx')))
        model = networks.merged(copies)
        # What comes before the first pruned layer is there once: two convolutions in the network, the first is shared.
        self.assertEqual(sum(n.op_type == 'Conv' for n in model.graph.node), 2 + 2 + 1 + 1)
        onnx.save(model, str(self.folder / 'all.onnx'))
        self.crops(5)
        self.assert_status(self.run_program('embed', 'crops', '--aligned', '--guard', 'none', '--model', 'all.onnx', '--preset',
                                            'arcface', '--embeddings', 'all.npy', '--output', 'all.csv'), 0)
        numbers = np.load(self.folder / 'all.npy').reshape(5, 1 + len(recipes), -1)
        f = scores.Faces(numbers[:, 0])
        for k, options in enumerate(recipes, 1):
            rows = self.score_aligned('crops', *options).rows()
            for row, quality, norm in zip(rows, f.angle(numbers[:, k]), np.linalg.norm(numbers[:, k], axis=1), strict=True):
                self.assertAlmostEqual(float(row['quality']), quality, delta=1e-6)
                self.assertAlmostEqual(float(row['pruned_norm']) / norm, 1, delta=1e-5)


class Folding(ProgramTest):
    def embeddings(self, model):
        self.assert_status(self.run_program('embed', 'crops', '--aligned', '--guard', 'none', '--model', model, '--preset',
                                            'arcface', '--embeddings', 'e.npy', '--output', 'e.csv', '--force'), 0)
        return np.load(self.folder / 'e.npy')

    def test_changes_weights_and_no_embedding(self):
        model = onnx.load(self.network)
        self.assertEqual(script('study_folding').fold(model), 1)
        self.assertNotIn('BatchNormalization', [node.op_type for node in model.graph.node])
        onnx.checker.check_model(model)
        onnx.save(model, str(self.folder / 'folded.onnx'))
        self.crops(5)
        kept, folded = self.embeddings('net.onnx'), self.embeddings('folded.onnx')
        self.assertGreater(np.abs(kept).min(), 0)
        self.assertLess(np.abs(kept - folded).max(), 1e-5 * np.abs(kept).max())
        rows = [self.run_program('score', 'crops', '--aligned', '--guard', 'none', '--model', model, '--preset', 'arcface',
                                 '--sparsity', '0.4', '--scope', scope).rows()
                for scope in ('channel', 'global') for model in ('net.onnx', 'folded.onnx')]
        drifts = [np.array([float(row['drift']) for row in r]) for r in rows]
        self.assertLess(np.abs(drifts[0] - drifts[1]).max(), 1e-4)
        self.assertGreater(np.abs(drifts[2] - drifts[3]).max(), 1e-3)


class Scores(unittest.TestCase):
    def test_read_off_what_they_say(self):
        f, g = np.array([[3.0, 4.0]]), np.array([[0.0, 2.0]])
        read = scores.Faces(f).of_one(g)
        drift = np.hypot(0.6, 0.2)
        wanted = {'angle': 1 - drift / 2, 'norm': 2, 'product': 5 * (1 - drift / 2), 'kept': 1.6, 'back': 4, 'length': 0.4,
                  'change': -np.hypot(3, 2), 'relative change': -np.hypot(3, 2) / 5}
        self.assertEqual(set(read), set(wanted))
        for name, value in wanted.items():
            self.assertAlmostEqual(read[name][0], value, places=12, msg=name)
        several = scores.Faces(f).of_several([g, np.array([[1.0, 0.0]])])
        self.assertAlmostEqual(several['spread'][0], np.hypot(0.5, 0.5), places=12)
        self.assertAlmostEqual(several['mean norm'][0], np.hypot(0.5, 1), places=12)
        self.assertAlmostEqual(several['product'][0], 5 * np.hypot(0.5, 0.5), places=12)

    def test_cost_counts_what_is_not_shared(self):
        macs = [10] * 8 + [4, 6]
        self.assertEqual(networks.cost(['paper'], macs), 2)
        self.assertEqual(networks.cost(['half global 0.4'], macs), 1 + 40 / 90)
        self.assertEqual(networks.cost(scores.masks_of(('last, four', 'spread')), macs), 1 + 24 / 90)
        self.assertEqual(networks.options_for(networks.MASKS['last 0.2'], 10)[-1], '0.95')


if __name__ == '__main__':
    os.environ.setdefault('PREFIQS_PROGRAM', 'prefiqs')
    unittest.main(verbosity=2)
