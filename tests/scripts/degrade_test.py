"""scripts/degrade: graded copies of pictures."""
import csv
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import numpy as np
from PIL import Image

PROGRAM = pathlib.Path(__file__).resolve().parents[2] / 'scripts/degrade'
STEPS = 4
KINDS = ['blur', 'resolution', 'noise', 'jpeg', 'dark', 'bright', 'occlusion', 'turn']


def drawing(seed, side=112):
    """Soft blobs with edges: what every kind can spoil."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side] / side
    picture = np.full((side, side, 3), 110.0)
    for _ in range(12):
        cx, cy, r = random.uniform(0.1, 0.9), random.uniform(0.1, 0.9), random.uniform(0.05, 0.25)
        picture[(x - cx) ** 2 + (y - cy) ** 2 < r * r] += random.uniform(-70, 70, 3)
    return np.clip(picture, 0, 255).astype(np.uint8)


class Degrade(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix='prefiqs-'))
        self.addCleanup(shutil.rmtree, self.folder)
        for person in ('ann', 'bob'):
            (self.folder / 'in' / person).mkdir(parents=True)
            for k in range(2):
                Image.fromarray(drawing(k + 10 * len(person) + ord(person[0]))).save(self.folder / f'in/{person}/{k}.png')

    def run_program(self, *words, status=0):
        done = subprocess.run([sys.executable, '-B', PROGRAM, *map(str, words)], capture_output=True, text=True,
                              cwd=self.folder, check=False)
        self.assertEqual(done.returncode, status, done.stderr)
        return done

    def rows(self, folder):
        with open(self.folder / folder / 'degraded.csv', encoding='utf-8') as file:
            return list(csv.DictReader(file))

    def pixels(self, *parts):
        return np.asarray(Image.open(self.folder.joinpath(*parts)).convert('RGB')).astype(float)

    def test_every_step_is_further_from_the_picture(self):
        self.run_program('in', '--output', 'out')
        rows = self.rows('out')
        self.assertEqual(len(rows), 4 * len(KINDS) * STEPS)
        self.assertEqual(list(dict.fromkeys(r['kind'] for r in rows)), KINDS)
        for source in ('ann/0', 'ann/1', 'bob/0', 'bob/1'):
            original = self.pixels('in', f'{source}.png')
            for kind in KINDS:
                copies = [self.pixels('out', f'{source}-{kind}-{step}.png') for step in range(1, STEPS + 1)]
                for copy in copies:
                    self.assertEqual(copy.shape, original.shape)
                far = [np.abs(copy - original).mean() for copy in copies]
                self.assertGreater(far[0], 0.3, kind)
                if kind in ('occlusion', 'turn'):  # of blobs, one place is as far as another: what is lost counts
                    far = [(copy == 128).all(axis=2).mean() for copy in copies]
                self.assertTrue(all(a < b for a, b in zip(far, far[1:])), (kind, far))
        strengths = [float(r['strength']) for r in rows if r['kind'] == 'blur' and r['source'] == 'in/ann/0.png']
        self.assertEqual(strengths, [1, 2, 3, 4.5])

    def test_occlusion_covers_its_share(self):
        self.run_program('in', '--output', 'out', '--kinds', 'occlusion')
        for row in self.rows('out'):
            grey = (self.pixels('out', row['path']) == 128).all(axis=2).mean()
            self.assertAlmostEqual(grey, float(row['strength']), delta=0.02)

    def test_light_changes_by_stops(self):
        self.run_program('in', '--output', 'out', '--kinds', 'dark')
        original = self.pixels('in', 'ann', '0.png')
        self.assertTrue((np.abs(self.pixels('out', 'ann', '0-dark-2.png') - original / 4) <= 0.5).all())

    def test_the_same_bits_again_and_of_a_subset(self):
        self.run_program('in', '--output', 'out')
        self.run_program('in', '--output', 'again')
        self.run_program('in', '--output', 'some', '--kinds', 'noise,turn')
        for row in self.rows('out'):
            self.assertTrue((self.pixels('out', row['path']) == self.pixels('again', row['path'])).all(), row)
        for row in self.rows('some'):
            self.assertTrue((self.pixels('out', row['path']) == self.pixels('some', row['path'])).all(), row)
        self.run_program('in', '--output', 'other', '--kinds', 'noise', '--seed', 5)
        self.assertTrue((self.pixels('out', 'ann/0-noise-1.png') != self.pixels('other', 'ann/0-noise-1.png')).any())
        # Pictures do not share their noise.
        a, b = (self.pixels('out', f'{n}-noise-1.png') - self.pixels('in', f'{n}.png') for n in ('ann/0', 'ann/1'))
        self.assertGreater(np.abs(a - b).mean(), 1)

    def test_one_strength_is_one_of_all(self):
        self.run_program('in', '--output', 'out')
        self.run_program('in', '--output', 'one', '--strengths', 'one')
        rows = self.rows('one')
        self.assertEqual(len(rows), 4 * len(KINDS))
        self.assertGreater(len({r['step'] for r in rows}), 1)
        for row in rows:
            self.assertTrue((self.pixels('out', row['path']) == self.pixels('one', row['path'])).all(), row)

    def test_refuses_by_name(self):
        self.assertIn('fog', self.run_program('in', '--output', 'out', '--kinds', 'blur,fog', status=1).stderr)
        self.assertIn('nowhere', self.run_program('nowhere', '--output', 'out', status=1).stderr)
        (self.folder / 'bad.png').write_bytes(b'no picture')
        self.assertIn('bad.png', self.run_program('bad.png', '--output', 'out', status=1).stderr)
        self.run_program('in', '--output', 'whole')
        self.assertIn('degraded.csv', self.run_program('in', '--output', 'whole', status=1).stderr)


if __name__ == '__main__':
    unittest.main(verbosity=2)
