"""`prefiqs calibrate`: what a network's qualities mean among faces, and which recipe it gets."""
import json
import unittest

from material import ProgramTest, detector_network, main, noise


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

    def test_the_recipe_is_chosen_by_faces_alone(self):
        guard = detector_network(self.folder / 'guard.onnx')
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
