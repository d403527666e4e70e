"""What scripts/study_cheaper_more makes by itself, against the program and plain forms."""
import json
import os
import pathlib
import sys
import unittest

import numpy as np
import onnx
from onnx import helper, numpy_helper

HERE = pathlib.Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path[:0] = [str(HERE.parent / 'cli'), str(HERE.parents[1] / 'scripts')]
from cheaper import more, networks  # noqa: E402
from material import ProgramTest  # noqa: E402
from study_test import script  # noqa: E402


def weights_of(model, node):
    name = next(n.input[1] for n in model.graph.node if n.name == node)
    return numpy_helper.to_array(next(t for t in model.graph.initializer if t.name == name))


class Copies(ProgramTest):
    def setUp(self):
        super().setUp()
        self.model = self.pruned('--sparsity', '0')
        told = self.run_program('inspect', self.network, '--preset', 'arcface', '--json')
        self.assert_status(told, 0)
        self.layers = more.Layers(self.model, json.loads(told.out)['layers'])

    def pruned(self, *recipe):
        self.assert_status(self.run_program('prune', self.network, 'copy.onnx', '--preset', 'arcface', '--force', *recipe), 0)
        return onnx.load(str(self.folder / 'copy.onnx'))

    def embeddings(self, model):
        onnx.save(model, str(self.folder / 'asked.onnx'))
        self.assert_status(self.run_program('embed', 'crops', '--aligned', '--guard', 'none', '--model', 'asked.onnx', '--preset',
                                            'arcface', '--embeddings', 'e.npy', '--output', 'e.csv', '--force'), 0)
        return np.load(self.folder / 'e.npy')

    def test_all_kinds_are_the_programs_masks(self):
        self.assertEqual(self.layers.kinds, ['others', 'others', 'FC'])
        for start in (0, 0.5):
            mine = self.layers.by_magnitude(self.layers.of('all', start), 0.4)
            program = self.pruned('--sparsity', '0.4', '--scope', 'layer', '--from', str(start))
            for node in self.layers.nodes:
                self.assertTrue(np.array_equal(weights_of(mine, node.name), weights_of(program, node.name)), (start, node.name))
        self.assertLess(np.count_nonzero(weights_of(mine, 'gemm')), np.count_nonzero(weights_of(self.model, 'gemm')))

    def test_a_kind_leaves_the_others(self):
        copy = self.layers.by_magnitude(self.layers.of('FC', 0), 0.4)
        for node, changed in (('conv1', False), ('conv2', False), ('gemm', True)):
            self.assertEqual(not np.array_equal(weights_of(copy, node), weights_of(self.model, node)), changed, node)

    def test_chance_takes_as_many_and_more_of_the_small(self):
        places = self.layers.of('all', 0.5)
        copies = [self.layers.by_chance(places, 0.4, seed) for seed in (1, 1, 2)]
        gone = [np.concatenate([weights_of(copy, self.layers.nodes[k].name).ravel() == 0 for k in places]) for copy in copies]
        size = np.concatenate([np.abs(self.layers.weights[k]).ravel() for k in places])
        self.assertEqual([int(g.sum()) for g in gone], [int(0.4 * len(size) + 0.5)] * 3)
        self.assertTrue(np.array_equal(gone[0], gone[1]))
        self.assertFalse(np.array_equal(gone[0], gone[2]))
        quarters = [gone[0][part].mean() for part in np.array_split(np.argsort(size), 4)]
        self.assertEqual(quarters, sorted(quarters, reverse=True))
        self.assertGreater(quarters[0], 0.7)
        self.assertTrue(0.02 < quarters[3] < 0.4, quarters)
        self.assertTrue(np.array_equal(weights_of(copies[0], 'conv1'), weights_of(self.model, 'conv1')))

    def test_inner_outputs_are_averages(self):
        self.crops(3)
        place = self.layers.first(0.5)
        inner = more.averaged(self.model, self.layers, place)
        models = [self.model, inner]
        both = networks.merged(models)
        self.assertEqual(more.widths(models), [32, 8])
        both.graph.output[0].type.tensor_type.shape.dim[-1].dim_value = 40
        got = self.embeddings(both)
        np.testing.assert_allclose(got[:, :32], self.embeddings(self.model), rtol=1e-4, atol=1e-5)
        # The same, averaged outside: all of the inner map as an output.
        plain = onnx.ModelProto()
        plain.CopyFrom(inner)
        del plain.graph.node[-2]
        plain.graph.node[-1].input[0] = self.layers.nodes[place].input[0]
        plain.graph.output[0].CopyFrom(helper.make_tensor_value_info('inner', onnx.TensorProto.FLOAT, ['batch', 8 * 144]))
        maps = self.embeddings(plain).reshape(3, 8, 144)
        self.assertGreater(np.abs(maps).max(), 0.1)
        np.testing.assert_allclose(got[:, 32:], maps.mean(2), rtol=1e-4, atol=1e-5)


class Kinds(unittest.TestCase):
    def test_by_shape_and_groups(self):
        conv, grouped, gemm = (helper.make_node(op, ['x', 'w'], ['y'], **more_of) for op, more_of in (
            ('Conv', {}), ('Conv', {'group': 4}), ('Gemm', {})))
        for shape, node, weights, wanted in (
                ([1, 8, 5, 5], conv, (8, 4, 1, 1), 'pointwise'), ([1, 8, 5, 5], conv, (8, 4, 3, 3), 'others'),
                ([1, 4, 5, 5], grouped, (4, 1, 3, 3), 'depthwise'), ([1, 4, 1, 1], grouped, (4, 1, 7, 7), 'depthwise'),
                ([1, 8, 1, 1], conv, (8, 4, 1, 1), 'FC'), ([1, 8], gemm, (8, 4), 'FC')):
            self.assertEqual(more.kind({'shape': shape}, np.zeros(weights), node), wanted)


class Scores(unittest.TestCase):
    def test_several_masks_and_depths(self):
        study = script('study_cheaper_more')
        whole, turned = np.array([[3.0, 0.0], [0.0, 2.0]]), np.array([[0.0, 1.0], [0.0, 5.0]])
        of = {'whole': whole, 'paper': turned, 'whole at 0.5': whole, 'paper at 0.5': whole, 'whole at 0.75': whole,
              'paper at 0.75': turned, **{f'chance 0.2 {seed}': turned if seed == 1 else whole for seed in more.SEEDS}}
        found = study.qualities(of, dict.fromkeys(of, 0.25))
        drift, value = np.array([np.sqrt(2), 0]), {name: quality for name, (quality, _) in found.items()}
        np.testing.assert_allclose(value['paper · product'], [3, 2] * (1 - drift / 2), atol=1e-12)
        np.testing.assert_allclose(value['depth 0.5 · angle'], 1, atol=1e-12)
        np.testing.assert_allclose(value['depth, all · angle'], 1 - drift / 3, atol=1e-12)
        np.testing.assert_allclose(value['chance 0.2, four · mean angle'], 1 - drift / 8, atol=1e-12)
        np.testing.assert_allclose(value['chance 0.2, four · minus the deviation'], [-np.std([np.sqrt(2), 0, 0, 0]), 0], atol=1e-12)
        self.assertEqual(found['chance 0.2, four · spread'][1], 1)
        of['paper'] = np.full((2, 2), np.nan)
        with self.assertRaises(SystemExit):
            study.qualities(of, dict.fromkeys(of, 0.25))

    def test_ratios_are_means_over_cells(self):
        study = script('study_cheaper_more')
        cells = {('a', 'cfp'): {'norm': np.ones(3), 's': np.array([2.0, 1, 4])}, ('a', 'lfw'): {'norm': np.ones(3), 's': np.full(3, 0.5)},
                 ('b', 'cfp'): {'norm': np.ones(3)}, ('b', 'lfw'): {'norm': np.ones(3)}}
        tables = study.Tables({cell: (ratios, dict.fromkeys(ratios, 1)) for cell, ratios in cells.items()})
        np.testing.assert_allclose(tables.mean('s'), [1, np.sqrt(0.5), np.sqrt(2)])
        self.assertIsNone(tables.mean('s', network='b'))
        self.assertEqual(tables.row('S', 's')[:4], ['S', '1.000', '1.000', '–'])


if __name__ == '__main__':
    os.environ.setdefault('PREFIQS_PROGRAM', 'prefiqs')
    unittest.main(verbosity=2)
