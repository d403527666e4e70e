"""`prefiqs calibrate`: what a network's qualities mean among faces, and which recipe it gets."""
import json
import unittest

import numpy as np
import onnx
from onnx import numpy_helper

from material import ProgramTest, guard_network, main, noise


class Calibrate(ProgramTest):
    def calibrate(self, *arguments):
        return self.run_program('calibrate', self.network, *arguments, '--aligned', '--preset', 'arcface', '--force')

    def faces(self, folder, count):
        """Such as detector_network calls one."""
        for i in range(count):
            self.picture(f'{folder}/{i:04}.png', 220 + noise(i) // 8)

    def drift_and_faces(self, run):
        self.assert_status(run, 0)
        return (next(line.split()[1] for line in run.err.splitlines() if line.startswith('unstructured-l1-global-0.4')),
                next(line for line in run.err.splitlines() if ' by ' in line).split(' by ')[1].split(':')[0])

    def test_a_gate_ends_with_a_status_where_that_is_asked(self):
        self.network = 'default'  # which is calibrated; noise is the worst that there is
        self.crops(3)
        for gate, passes in (('30', 'no'), ('0', 'yes')):
            run = self.score_aligned('crops', '--gate', gate)
            self.assert_status(run, 0)
            self.assertEqual([row['passes'] for row in run.rows()], 3 * [passes])
            asked = self.score_aligned('crops', '--gate', gate, '--fail-under-gate')
            self.assert_status(asked, 5 if passes == 'no' else 0)
            self.assertEqual(asked.out, run.out)
            self.assertEqual('3 faces under the gate of 30' in asked.err, passes == 'no')

    def test_the_recipe_is_chosen_by_faces_alone(self):
        guard = guard_network(self.folder / 'guard.onnx')
        self.faces('faces', 110)
        alone = self.drift_and_faces(self.calibrate('faces', '--recipe', 'auto', '--guard', guard))
        self.assertEqual(alone[1], '110 faces')
        for i in range(120):
            self.picture(f'dark/{i:04}.png', noise(1000 + i) // 40)
        self.assertEqual(self.drift_and_faces(self.calibrate('faces', 'dark', '--recipe', 'auto', '--guard', 'none'))[1],
                         '230 faces')
        # Their order is another one, so sums may differ in the last place.
        both = self.drift_and_faces(self.calibrate('faces', 'dark', '--recipe', 'auto', '--guard', guard))
        self.assertAlmostEqual(float(both[0]), float(alone[0]), delta=0.0011)
        self.assertEqual(both[1], '110 faces')
        with open(self.network + '.json', encoding='utf-8') as stored:
            self.assertEqual(json.load(stored)['calibration']['faces'], 110)

    def test_depth_is_asked_where_the_papers_recipe_is_left(self):
        model = onnx.load(str(self.network))
        # Weights so small that thresholds over all layers leave nothing of the picture.
        times = {'w1': 1e-4, 'gamma': 1e4, **dict.fromkeys(('mean', 'beta', 'b2', 'offset'), 0)}
        for tensor in model.graph.initializer:
            if tensor.name in times:
                numbers = numpy_helper.to_array(tensor) * np.float32(times[tensor.name])
                tensor.CopyFrom(numpy_helper.from_array(numbers, tensor.name))
        onnx.save(model, str(self.network))
        self.faces('faces', 110)
        run = self.calibrate('faces', '--recipe', 'auto', '--guard', 'none')
        self.assert_status(run, 0)
        lines = [line.split() for line in run.err.splitlines() if line.startswith('unstructured-l1-')]
        self.assertEqual(len(lines), 7, run.err)
        chosen = [line[0] for line in lines if line[-1] == 'chosen']
        with open(self.network + '.json', encoding='utf-8') as stored:
            recipe = json.load(stored)['recipe']
        self.assertEqual(chosen, [f'unstructured-l1-layer-{recipe["sparsity"]}'
                                  + (f'-from{recipe["from"]}' if recipe['from'] else '')])
        base = chosen[0].split('-from')[0]
        self.assertEqual([line[0] for line in lines[4:]], [f'{base}-from{start}' for start in (0.5, 0.8, 0.9)])
        for line in lines:  # the share that is told, of a deeper copy also how surely
            self.assertEqual(line.count('%'), (line[0].startswith(base)) + ('-from' in line[0]), line)

    def test_too_few_are_refused_before_the_work(self):
        self.faces('faces', 60)
        self.assert_refused(self.calibrate('faces', '--recipe', 'auto', '--guard', 'none'), 2, '60 faces', '100')

    def test_auto_excludes_what_else_says_a_recipe(self):
        self.crops(1)
        for option in (['--sparsity', '0.2'], ['--scope', 'layer'], ['--seed', '3']):
            with self.subTest(option=option):
                self.assert_refused(self.calibrate('crops', '--recipe', 'auto', *option), 2, '--recipe', option[0])


if __name__ == '__main__':
    main()
