"""Rows, embeddings and files."""
import json
import math
import os
import subprocess

import numpy as np

import material
from material import EMBEDDING, FIRST_COLUMNS, ProgramTest, noise


class Rows(ProgramTest):
    def test_columns_that_scripts_depend_on(self):
        run = self.score_aligned(self.crops(2))
        header, *lines = run.out.decode().splitlines()
        self.assertEqual(header.split(',')[:6], FIRST_COLUMNS)
        self.assertTrue(header.startswith('path,face,status,quality,drift,scalar'))
        self.assertEqual(len(lines), 2)

    def test_rows_name_the_software(self):
        crops = self.crops(1)
        row = self.score_aligned(crops).rows()[0]
        self.assertEqual([c for c in ('schema', 'engine', 'image_libraries') if c not in row], [])
        self.assertEqual(row['schema'], '2')
        self.assertRegex(row['engine'], r'\Aonednn \d+\.\d+\.\d+\Z')
        self.assertRegex(row['image_libraries'], r'\Aopencv [0-9.]+\S* \+ libjpeg\S* [0-9.]+ \+ libpng [0-9.]+ \+ '
                                                 r'libwebp [0-9.]+ \+ openjpeg [0-9.]+\Z')
        slow = self.score_aligned(crops, '--executor', 'reference').rows()[0]
        self.assertEqual((slow['engine'], slow['image_libraries']), ('reference', row['image_libraries']))

    def test_failures_can_be_allowed(self):
        crops = self.crops(2)
        (crops / 'z.png').write_bytes(b'broken')
        for words in (['score'], ['embed', '--embeddings', 'e.npy', '--force']):
            run = [*words, '--model', self.network, '--preset', 'arcface', '--aligned', '--guard', 'none', crops]
            self.assert_status(self.run_program(*run), 1)
            allowed = self.run_program(*run, '--allow-failures')
            self.assert_status(allowed, 0)
            self.assertEqual([row['status'] for row in allowed.rows()], ['ok', 'ok', 'undecodable'])
            self.assertIn('2 scored, 1 not', allowed.err)
        # Other statuses stay.
        self.assert_status(self.run_program('score', '--allow-failures', '--no-such-option'), 2)
        self.assert_status(self.run_program('score', crops, '--allow-failures', '--model', 'none.onnx'), 4)
        explain = ['explain', crops / 'z.png', '--aligned', '--guard', 'none', '--model', self.network, '--preset', 'arcface',
                   '--output', 'map.png']
        self.assert_status(self.run_program(*explain), 1)
        self.assert_status(self.run_program(*explain, '--allow-failures'), 0)

    def test_values(self):
        hashes = set()
        for row in self.score_aligned(self.crops(5)).rows():
            drift, quality = float(row['drift']), float(row['quality'])
            self.assertTrue(0 < drift < 2, row)
            self.assertTrue(abs(quality - (1 - drift / 2)) < 1e-7, row)
            self.assertEqual(row['scalar'], '')
            self.assertEqual(row['face'], '0')
            self.assertEqual(row['recipe'], material.PAPER_RECIPE)
            self.assertTrue(abs(float(row['sparsity']) - 0.4) < 0.001, row)
            self.assertEqual((row['method'], row['precision'], row['preprocessing']),
                             ('drift', 'fp32', 'rgb:127.5:127.5'))
            hashes.add(row['network'])
        self.assertEqual(len(hashes), 1)
        self.assertRegex(hashes.pop(), r'\A[0-9a-f]{32}\Z')

    def test_no_pruning_is_no_drift_and_more_is_more(self):
        crops = self.crops(4)
        drifts = []
        for sparsity in ('0', '0.1', '0.6'):
            rows = self.score_aligned(crops, '--sparsity', sparsity).rows()
            drifts.append(sum(float(row['drift']) for row in rows))
        self.assertEqual(drifts[0], 0)
        self.assertTrue(0 < drifts[1] < drifts[2], drifts)

    def test_drift_to_first_order(self):
        crops = self.crops(3)
        for row, drift in zip(self.score_aligned(crops, '--method', 'jvp', '--sparsity', '0.01').rows(),
                              self.score_aligned(crops, '--sparsity', '0.01').rows(), strict=True):
            sensitivity = float(row['sensitivity'])
            self.assertTrue(abs(sensitivity - float(drift['drift'])) < 0.05 * sensitivity, row)
            self.assertTrue(abs(float(row['quality']) - (1 - sensitivity / 2)) < 1e-7, row)
            self.assertEqual((row['method'], row['drift'], row['recipe'], row['sparsity']),
                             ('jvp', '', drift['recipe'], drift['sparsity']))
            self.assertEqual(drift['sensitivity'], '')

    def test_preprocessing_matters_and_is_named(self):
        crops = self.crops(1)
        base = self.score_aligned(crops).rows()[0]
        options = ['score', '--model', self.network, '--aligned', '--guard', 'none', crops]
        spelled = self.run_program(*options, '--channels', 'rgb', '--mean', '127.5', '--scale', '127.5', '127.5',
                                   '127.5')
        self.assertEqual(spelled.rows()[0], base)
        bgr = self.run_program(*options, '--channels', 'bgr').rows()[0]
        self.assertNotEqual(bgr['drift'], base['drift'])
        self.assertEqual(bgr['preprocessing'], 'bgr:127.5:127.5')
        self.assertEqual(spelled.err.count('warning'), 0)
        assumed = self.run_program(*options)
        self.assertEqual(assumed.rows()[0], base)
        self.assertEqual(assumed.err.count('warning'), 1)
        self.assertIn('--preset', assumed.err)

    def test_executors_agree(self):
        crops = self.crops(4)
        fast = self.score_aligned(crops).rows()
        slow = self.score_aligned(crops, '--executor', 'reference').rows()
        for a, b in zip(fast, slow, strict=True):
            self.assertTrue(abs(float(a['drift']) - float(b['drift'])) <= 1e-4, (a['drift'], b['drift']))

    def test_json_lines_say_the_same(self):
        crops = self.crops(3)
        (crops / 'z.png').write_bytes(b'broken')
        rows = self.score_aligned(crops).rows()
        run = self.score_aligned(crops, '--format', 'jsonl')
        self.assert_status(run, 1)
        objects = [json.loads(line) for line in run.out.decode().splitlines()]
        self.assertEqual(len(objects), len(rows))
        for row, one in zip(rows, objects):
            self.assertEqual(list(one), list(row))
            for name, cell in row.items():
                value = one[name]
                if cell == '':
                    self.assertIn(value, (None, ''), name)
                elif isinstance(value, str):
                    self.assertEqual(value, cell)
                else:
                    self.assertEqual(float(value), float(cell))
        self.assertIsInstance(objects[0]['drift'], float)
        self.assertIsNone(objects[3]['drift'])


class Embeddings(ProgramTest):
    def test_agree_with_the_rows(self):
        crops = self.crops(5)
        (crops / '0002.png').write_bytes(b'broken')
        rows = self.score_aligned(crops, '--embeddings', 'e.npy').rows()
        array = np.load(self.folder / 'e.npy')
        self.assertEqual((array.dtype, array.shape), (np.float32, (5, EMBEDDING)))
        for row, values in zip(rows, array):
            if row['status'] == 'ok':
                norm = math.sqrt(float(np.sum(values.astype(np.float64) ** 2)))
                self.assertTrue(abs(norm - float(row['embedding_norm'])) < 1e-5 * norm, row)
            else:
                self.assertTrue(np.isnan(values).all())

    def test_embed_gives_the_same(self):
        crops = self.crops(4)
        scored = self.score_aligned(crops, '--embeddings', 'a.npy').rows()
        run = self.run_program('embed', '--model', self.network, '--preset', 'arcface', '--aligned', crops,
                               '--embeddings', 'b.npy')
        self.assert_status(run, 0)
        a, b = np.load(self.folder / 'a.npy'), np.load(self.folder / 'b.npy')
        self.assertTrue(np.abs(a - b).max() <= 1e-4 * np.abs(a).max())
        for one, other in zip(scored, run.rows(), strict=True):
            self.assertEqual((other['path'], other['status'], other['drift'], other['recipe'], other['method']),
                             (one['path'], 'ok', '', '', 'embed'))


class Files(ProgramTest):
    def test_existing_output_stays(self):
        crops = self.crops(2)
        for option in ('--output', '--embeddings'):
            (self.folder / 'mine').write_bytes(b'mine')
            run = self.score_aligned(crops, option, 'mine')
            self.assert_refused(run, 4, 'mine', '--force')
            self.assertEqual((self.folder / 'mine').read_bytes(), b'mine')
        self.assert_status(self.score_aligned(crops, '--output', 'mine', '--force'), 0)
        self.assertEqual(len(material.csv_rows((self.folder / 'mine').read_bytes())), 2)

    def test_a_file_holds_what_standard_output_would(self):
        crops = self.crops(3)
        run = self.score_aligned(crops)
        to_file = self.score_aligned(crops, '--output', 'out.csv')
        self.assertEqual(to_file.out, b'')
        self.assertEqual((self.folder / 'out.csv').read_bytes(), run.out)

    def test_full_disk(self):
        crops = self.crops(3)
        self.assert_refused(self.score_aligned(crops, '--output', '/dev/full'), 4, '/dev/full')
        with open('/dev/full', 'wb') as full:
            for arguments in (['score', '--model', self.network, '--preset', 'arcface', '--aligned', crops],
                              ['inspect', self.network], ['--help']):
                done = subprocess.run(self.command(*arguments), stdout=full, stderr=subprocess.PIPE, check=False)
                self.assertEqual(done.returncode, 4, done.stderr)
                self.assertIn(b'standard output', done.stderr)


class ReaderGone(ProgramTest):
    """A reader that has seen enough, like head, ends a command without a word."""

    def test_is_quiet(self):
        crops = self.crops(3)
        score = ['score', '--model', self.network, '--preset', 'arcface', '--aligned', crops]
        for arguments in (score, [*score, '--embeddings', 'e.npy', '--format', 'jsonl'], ['inspect', self.network],
                          ['inspect', self.network, '--json'], ['--help'], ['score', '--help'], ['--version']):
            with self.subTest(arguments=arguments):
                reader, writer = os.pipe()
                os.close(reader)
                try:
                    done = subprocess.run(self.command(*arguments), stdout=writer, stderr=subprocess.PIPE,
                                          cwd=self.folder, check=False)
                finally:
                    os.close(writer)
                self.assertEqual((done.returncode, done.stderr), (4, b''))

    def test_of_standard_error_does_not_matter(self):
        reader, writer = os.pipe()
        os.close(reader)
        try:
            command = self.command('score', '--model', self.network, '--aligned', '--guard', 'none', self.crops(3))
            done = subprocess.run(command, stdout=subprocess.PIPE, stderr=writer, check=False)
        finally:
            os.close(writer)
        self.assertEqual(done.returncode, 0)
        self.assertEqual(len(material.csv_rows(done.stdout)), 3)


if __name__ == '__main__':
    material.main()
