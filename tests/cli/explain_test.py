"""`prefiqs explain`: which regions a quality hangs on."""
import re
import struct
import unittest

from material import SIDE, ProgramTest, bright_cells, detector_network, guard_network, main, noise


def png_size(path):
    return struct.unpack('>II', path.read_bytes()[16:24])


class Explain(ProgramTest):
    def explain_guarded(self, *arguments):
        return self.run_program('explain', *arguments, '--model', self.network, '--preset', 'arcface')

    def explain(self, *arguments):
        """The crops of these tests show no faces."""
        return self.explain_guarded(*arguments, '--guard', 'none')

    def test_draws_and_says_the_quality_of_score(self):
        self.picture('crop.png', noise(3))
        run = self.explain('crop.png', '--aligned', '--output', 'map.png')
        self.assert_status(run, 0)
        self.assertEqual(png_size(self.folder / 'map.png'), (2 * 448 + 8, 448))
        quality = float(self.score_aligned('crop.png').rows()[0]['quality'])
        said = re.search(r'quality ([0-9.]+); ([0-9]+) places', run.out.decode())
        self.assertAlmostEqual(float(said[1]), quality, delta=1e-4)
        steps = len(range(0, SIDE - 6, 2)) + 1  # a quarter and a sixteenth (rounded up to 2) of 24 pixels
        self.assertEqual(int(said[2]), steps ** 2)
        # The same bits with other threads, others with another fill or method.
        maps = {}
        for name, options in (('again', ['--threads', '1']), ('grey', ['--fill', 'grey']), ('norm', ['--method', 'norm'])):
            self.assert_status(self.explain('crop.png', '--aligned', '--output', f'{name}.png', *options), 0)
            maps[name] = (self.folder / f'{name}.png').read_bytes()
        first = (self.folder / 'map.png').read_bytes()
        self.assertEqual(maps['again'], first)
        self.assertNotEqual(maps['grey'], first)
        self.assertNotEqual(maps['norm'], first)

    def test_takes_the_face_of_a_photograph(self):
        detector = detector_network(self.folder / 'detector.onnx')
        self.picture('photo.png', bright_cells(320, 320, (4, 5)))
        self.assert_status(self.explain('photo.png', '--detector', detector, '--output', 'map.png'), 0)
        self.picture('empty.png', bright_cells(320, 320))
        run = self.explain('empty.png', '--detector', detector, '--output', 'none.png')
        self.assert_status(run, 1)
        self.assertIn('empty.png', run.err)
        self.assertFalse((self.folder / 'none.png').exists())

    def test_says_that_it_is_no_face(self):
        self.picture('noise.png', noise(3))
        self.assert_status(self.explain('noise.png', '--aligned', '--output', 'plain.png'), 0)
        run = self.explain_guarded('noise.png', '--aligned', '--output', 'map.png')
        self.assert_status(run, 1)
        self.assertIn('noise.png: ', run.err)
        self.assertIn('the guard sees no face', run.err)
        self.assertEqual((self.folder / 'map.png').read_bytes(), (self.folder / 'plain.png').read_bytes())
        self.assertEqual(self.run_program('score', 'noise.png', '--aligned', '--model', self.network, '--preset',
                                          'arcface').rows()[0]['status'], 'not_a_face')
        # A guard that sees one.
        guard = guard_network(self.folder / 'guard.onnx')
        self.picture('bright.png', 220 + noise(3) // 8)
        run = self.explain_guarded('bright.png', '--aligned', '--guard', guard, '--output', 'bright-map.png')
        self.assert_status(run, 0)
        self.assertNotIn('guard', run.err)

    def test_refuses_by_name(self):
        self.picture('crop.png', noise(3))
        self.picture('map.png', noise(3))
        self.assert_refused(self.explain('crop.png', '--aligned', '--output', 'map.png'), 4, 'map.png', '--force')
        self.assert_refused(self.explain('crop.png', '--aligned', '--output', 'a.png', '--fill', 'red'), 2, 'red')
        self.assert_refused(self.explain('crop.png', '--aligned', '--output', 'a.png', '--step', '0.5'), 2, 'step')
        self.assert_refused(self.explain('crop.png', '--aligned', '--output', 'a.png', '--method', 'embed'), 2, 'embed')
        self.assert_refused(self.explain('crop.png', '--aligned', '--output', 'a.jpg'), 2, 'a.jpg', '.png')
        (self.folder / 'bad.png').write_bytes(b'no picture')
        run = self.explain('bad.png', '--aligned', '--output', 'a.png')
        self.assert_status(run, 1)
        self.assertIn('bad.png', run.err)


if __name__ == '__main__':
    main()
