"""The command takes what it is given: few processors, folders that cannot be written, very large photographs."""
import json
import os
import subprocess

import numpy as np

import material
from material import ProgramTest, Run, bright_cells, detector_network, main, noise

WARNING = 'processor'


def jpeg(blocks, progressive=False):
    """Of a grey picture whose 8x8 blocks are flat: 2 bits for each that is as bright as the one before it, so that a
    hundred megapixels are half a megabyte. `blocks`: brightness of each, 0 to 255. `progressive`: the header says so."""
    height, width = blocks.shape
    marker = lambda code, data: b'\xff' + bytes([code]) + (len(data) + 2).to_bytes(2, 'big') + data
    frame = b'\x08' + (8 * height).to_bytes(2, 'big') + (8 * width).to_bytes(2, 'big') + b'\x01\x01\x11\x00'
    # Of differences the categories 0 (code 0), 8 (10), 9 (110), 10 (1110) and 11 (11110); of what follows in a block its end (0).
    differences = bytes(5 * [1] + 11 * [0]) + bytes([0, 8, 9, 10, 11])
    others = bytes([1] + 15 * [0]) + b'\x00'
    # A step of 8 of the mean coefficient is a step of one level: that coefficient is quantised by 1.
    before, rows = 0, []
    for row in blocks.astype(int) * 8 - 1024:
        bits = []
        changes = np.flatnonzero(np.diff(np.concatenate([[before], row])))
        last = 0
        for at in changes:
            bits.append('00' * (at - last))
            difference = row[at] - (row[at - 1] if at else before)
            category = max(8, int(abs(difference)).bit_length())
            amplitude = difference if difference > 0 else difference + (1 << category) - 1
            bits.append({8: '10', 9: '110', 10: '1110', 11: '11110'}[category] + format(amplitude, f'0{category}b') + '0')
            last = at + 1
        bits.append('00' * (len(row) - last))
        before = row[-1]
        rows.append(''.join(bits))
    bits = ''.join(rows)
    bits += '1' * (-len(bits) % 8)
    data = int(bits, 2).to_bytes(len(bits) // 8, 'big').replace(b'\xff', b'\xff\x00')
    kind, selection = (0xc2, b'\x00\x00\x00') if progressive else (0xc0, b'\x00\x3f\x00')
    return (b'\xff\xd8' + marker(0xdb, b'\x00' + bytes(64 * [1])) + marker(kind, frame) +
            marker(0xc4, b'\x00' + differences) + marker(0xc4, b'\x10' + others) +
            marker(0xda, b'\x01\x01\x00' + selection) + data + b'\xff\xd9')


class Threads(ProgramTest):
    def bound(self, *arguments):
        """The program where it may use one processor."""
        one = {min(os.sched_getaffinity(0))}
        done = subprocess.run(self.command(*arguments), capture_output=True, timeout=600, cwd=self.folder, check=False,
                              preexec_fn=lambda: os.sched_setaffinity(0, one))
        return Run(done.returncode, done.stdout, done.stderr)

    def test_more_than_processors_are_said_once(self):
        self.crops(3)
        score = ['score', '--model', self.network, '--preset', 'arcface', '--aligned', '--guard', 'none', 'crops']
        expected = self.bound(*score)
        self.assert_status(expected, 0)
        self.assertNotIn(WARNING, expected.err)
        for threads, warns in (('0', 0), ('1', 0), ('2', 1), ('64', 1)):
            run = self.bound(*score, '--threads', threads)
            self.assert_status(run, 0)
            self.assertEqual(run.out, expected.out)
            self.assertEqual(run.err.count(WARNING), warns, run.err)
            self.assertEqual(run.err.count(f'--threads {threads}: this process may use 1 processor'), warns, run.err)

    def test_all_means_those_that_are_usable(self):
        for bench, expected in (([], [1]), (['--threads', '0'], [1]), (['--threads', '3,1'], [3, 1])):
            run = self.bound('bench', '--model', self.network, '--preset', 'arcface', '--batch', '1', '--seconds',
                             '0.1', '--json', *bench)
            self.assert_status(run, 0)
            report = json.loads(run.out)
            self.assertEqual(report['machine']['cores'], 1)
            passes = [s['threads'] for s in report['stages'] if s['stage'] == 'drift pass']
            self.assertEqual(passes, expected)
            self.assertEqual(run.err.count(WARNING), expected == [3, 1], run.err)


class Sidecar(ProgramTest):
    def setUp(self):
        super().setUp()
        self.crops(110)
        self.beside = self.folder / 'net.onnx.json'

    def calibrate(self, *arguments, **options):
        return self.run_program('calibrate', self.network, 'crops', '--aligned', '--guard', 'none', *arguments,
                                **options)

    def scalars(self, *arguments):
        run = self.run_program('score', '--model', self.network, 'crops', '--aligned', '--guard', 'none', *arguments)
        self.assert_status(run, 0)
        return [row['scalar'] for row in run.rows()], run.err

    def test_is_written_and_read_elsewhere(self):
        self.beside.write_text('{"preprocessing":{"channels":"bgr"},"recipe":{"sparsity":0.2,"scope":"layer"}}')
        before = self.beside.read_bytes()
        run = self.calibrate('--sidecar', 'other.json')
        self.assert_status(run, 0)
        self.assertIn('prefiqs: other.json: 110 faces, recipe unstructured-l1-layer-0.2', run.err)
        self.assertEqual(self.beside.read_bytes(), before)
        stored = json.loads((self.folder / 'other.json').read_text())
        self.assertEqual(stored['preprocessing'], {'channels': 'bgr'})
        self.assertEqual(stored['recipe'], {'sparsity': 0.2, 'scope': 'layer'})
        self.assertEqual(set(self.scalars()[0]), {''})
        scalars, said = self.scalars('--sidecar', 'other.json')
        self.assertIn('100', scalars)
        self.assertNotIn('warning', said)
        inspected = json.loads(self.run_program('inspect', self.network, '--sidecar', 'other.json', '--json').out)
        self.assertEqual((inspected['calibration']['faces'], inspected['preprocessing_source']), (110, 'sidecar'))
        self.assertIn('(from other.json)', self.run_program('inspect', self.network, '--sidecar',
                                                            'other.json').out.decode())
        # What is there is replaced when that is asked alone.
        self.assert_refused(self.calibrate('--sidecar', 'other.json'), 4, 'calibrated already', '--force', 'other.json')
        self.assert_status(self.calibrate('--sidecar', 'other.json', '--force'), 0)
        self.assert_status(self.calibrate('--force'), 0)
        self.assert_status(self.calibrate('--sidecar', 'new.json'), 0)  # replaces nothing
        self.assertEqual(self.scalars('--sidecar', 'new.json')[0], scalars)

    def test_takes_the_preprocessing_and_the_chosen_recipe(self):
        run = self.calibrate('--sidecar', 'other.json', '--preset', 'adaface', '--recipe', 'auto')
        self.assert_status(run, 0)
        stored = json.loads((self.folder / 'other.json').read_text())
        self.assertEqual(stored['preprocessing']['channels'], 'bgr')
        self.assertEqual(stored['recipe'], stored['calibration']['recipe'])
        self.assertFalse(self.beside.exists())
        scalars, said = self.scalars('--sidecar', 'other.json', '--recipe', 'auto')
        self.assertIn('100', scalars)
        self.assertNotIn('warning', said)

    def test_is_said_to_be_unwritable_before_the_work(self):
        (self.folder / 'file').write_text('')
        for path in ('none/such.json', 'file/such.json', 'crops'):
            self.assert_refused(self.calibrate('--preset', 'arcface', '--sidecar', path), 4, path)
        os.chmod(self.folder, 0o555)
        self.addCleanup(os.chmod, self.folder, 0o700)
        user = 65534 if os.geteuid() == 0 else os.geteuid()  # what is forbidden to others is allowed to root
        for recipe in ([], ['--recipe', 'auto']):
            done = subprocess.run(self.command('calibrate', self.network, 'crops', '--aligned', '--guard', 'none',
                                               '--preset', 'arcface', *recipe),
                                  capture_output=True, timeout=600, cwd=self.folder, check=False,
                                  user=user if user != os.geteuid() else None)
            self.assert_refused(Run(done.returncode, done.stdout, done.stderr), 4, 'net.onnx.json: cannot write',
                                'Permission denied', '--sidecar FILE')
        self.assertEqual(sorted(p.name for p in self.folder.iterdir()), ['crops', 'file', 'net.onnx'])

    def test_must_exist_where_it_is_read(self):
        picture = str(next((self.folder / 'crops').iterdir()))
        model = ['--model', self.network]
        for command in (['score', *model, '--aligned', picture],
                        ['embed', *model, '--aligned', picture, '--embeddings', 'e.npy', '--output', 'e.csv'],
                        ['inspect', self.network], ['prune', self.network, 'pruned.onnx'], ['bench', *model],
                        ['demo', *model, picture], ['explain', *model, '--aligned', picture, '--output', 'map.png'],
                        ['sweep', *model, 'all', '--aligned', 'crops', '--folder', 'sweep'],
                        ['evaluate', 'all', 'crops', '--aligned', '--network', self.network, '--work', 'work']):
            with self.subTest(command[0]):
                self.assert_refused(self.run_program(*command, '--sidecar', 'none.json'), 4, 'none.json',
                                    'no such file')

    def test_of_another_network_is_refused(self):
        self.assert_status(self.calibrate('--preset', 'arcface', '--sidecar', 'other.json'), 0)
        another = material.recognition_network(self.folder / 'another.onnx', seed=2)
        run = self.run_program('score', '--model', another, '--sidecar', 'other.json', '--aligned', 'crops')
        self.assert_refused(run, 3, 'other.json', 'of another network than', 'another.onnx')

    def test_is_of_the_assessing_network_alone(self):
        self.people('people')
        self.assert_status(self.calibrate('--preset', 'arcface', '--sidecar', 'other.json'), 0)
        another = material.recognition_network(self.folder / 'another.onnx', seed=2)
        run = self.run_program('evaluate', 'all', 'people', '--network', another + ':arcface', '--model', self.network,
                               '--sidecar', 'other.json', '--aligned', '--work', 'work', '--resamples', '0')
        self.assert_status(run, 0)

    def test_is_of_the_assessing_network_where_it_verifies_too(self):
        self.people('people')
        (self.folder / 'other.json').write_text('{"recipe":{"sparsity":0.25,"scope":"layer"}}')
        evaluate = ['evaluate', 'all', 'people', '--network', self.network + ':arcface', '--aligned', '--guard', 'none',
                    '--resamples', '0', '--sidecar', 'other.json']
        for work, model in (('a', []), ('b', ['--model', self.network, '--preset', 'arcface'])):
            with self.subTest(work):
                self.assert_status(self.run_program(*evaluate, *model, '--work', work), 0)
                drifts = [p.name for p in (self.folder / work).glob('*-drift-*.csv')]
                self.assertEqual(len(drifts), 1)
                self.assertIn('layer-0.25', drifts[0])
        quality = material.recognition_network(self.folder / 'quality.onnx', seed=3)
        run = self.run_program(*evaluate, '--model', self.network, '--method', f'onnx:{quality}', '--work', 'c')
        self.assert_refused(run, 2, '--sidecar', 'leave it out')

    def test_a_new_one_takes_the_place_of_one_of_a_network_that_is_gone(self):
        self.assert_status(self.calibrate('--preset', 'arcface'), 0)
        material.recognition_network(self.folder / 'net.onnx', seed=2)
        self.assert_refused(self.calibrate('--preset', 'arcface'), 3, 'of another network', '--sidecar')
        self.assert_status(self.calibrate('--preset', 'arcface', '--sidecar', 'new.json'), 0)
        self.assertIn('100', self.scalars('--preset', 'arcface', '--sidecar', 'new.json')[0])


class MaxPixels(ProgramTest):
    def setUp(self):
        super().setUp()
        self.detector = detector_network(self.folder / 'detector.onnx')

    def one_row(self, status, *arguments):
        run = self.score('--detector', self.detector, '--guard', 'none', *arguments)
        self.assert_status(run, status)
        self.assertEqual(len(run.rows()), 1)
        return run.rows()[0]

    def large_photograph(self, **options):
        """108 megapixels, with a face in one of the cells that are 32 pixels wide where the longer side is 320."""
        blocks = np.full((1125, 1500), 20)
        blocks[300:450, 600:750] = 230
        return self.picture('large.jpg', blocks, lambda b: jpeg(b, **options))

    def test_large_jpegs_are_scored(self):
        path = self.large_photograph()
        small = self.picture('small.png', bright_cells(240, 320, (2, 4)))
        expected, row = self.one_row(0, small), self.one_row(0, path)
        self.assertEqual(row['status'], 'ok')
        for column in ('box_x', 'box_y', 'box_width', 'box_height', 'nose_x', 'nose_y', 'left_eye_x'):
            self.assertAlmostEqual(float(row[column]), 37.5 * (float(expected[column]) + 0.5) - 0.5
                                   if not column.endswith(('width', 'height')) else 37.5 * float(expected[column]),
                                   delta=40, msg=column)
        for options in (['--threads', '1'], ['--threads', '2', '--batch', '3']):
            self.assertEqual(self.one_row(0, path, *options)['drift'], row['drift'])
        self.assert_status(self.score('--detector', self.detector, '--guard', 'none', path, '--save-crops', 'saved'), 0)
        self.assertEqual(len(list((self.folder / 'saved').iterdir())), 1)

    def test_progressive_ones_are_refused_with_the_reason(self):
        row = self.one_row(1, self.large_photograph(progressive=True))
        self.assertEqual(row['status'], 'too_large')
        for word in ('12000x9000', 'progressive', '--max-pixels'):
            self.assertIn(word, row['detail'])

    def test_the_limit_can_be_moved(self):
        small = self.picture('small.png', bright_cells(240, 320, (2, 4)))
        self.assertEqual(self.one_row(0, small, '--max-pixels', 320 * 240)['status'], 'ok')
        row = self.one_row(1, small, '--max-pixels', 320 * 240 - 1)
        self.assertEqual(row['status'], 'too_large')
        self.assertIn('320x240 is more than the limit of 76799 pixels', row['detail'])
        self.assertEqual(self.one_row(1, self.large_photograph(), '--max-pixels', '100000000')['status'], 'too_large')

    def test_all_commands_that_read_pictures_have_it(self):
        photograph = str(self.picture('p.png', bright_cells(240, 320, (2, 4))))
        model = ['--model', self.network, '--preset', 'arcface']
        detect = ['--detector', self.detector, '--guard', 'none']
        limit = ['--max-pixels', '1000']
        for command, status, word in (
                (['embed', *model, *detect, photograph, '--embeddings', 'e.npy'], 1, 'limit of 1000 pixels'),
                (['explain', *model, *detect, photograph, '--output', 'map.png'], 1, 'limit of 1000 pixels'),
                (['demo', *model, *detect, photograph], 0, 'too_large'),
                (['bench', *model, '--detector', self.detector, '--pictures', photograph], 4, 'limit of 1000 pixels'),
                (['calibrate', self.network, photograph, '--preset', 'arcface', *detect], 2, '0 faces'),
                (['sweep', *model, *detect, 'all', photograph, '--folder', 'sweep', '--sparsity', '0.2', '--scope', 'layer'], 2,
                 'no number for any of the compared pictures')):
            with self.subTest(command[0]):
                run = self.run_program(*command, *limit)
                self.assert_status(run, status)
                self.assertIn(word, run.err + run.out.decode())
        self.assert_refused(self.run_program('evaluate', 'all', '--rows', 'r.csv', '--embeddings', 'r.npy', *limit), 2,
                            '--max-pixels', '--html')
        for bad in ('0', '-1', 'many'):
            self.assert_status(self.score(photograph, '--max-pixels', bad), 2)


if __name__ == '__main__':
    main()
