"""`prefiqs sweep`: a grid of recipes over one set of pairs."""
import csv
import io
import re
import shutil
import unittest

import numpy as np

from material import ProgramTest


class Sweep(ProgramTest):
    def setUp(self):
        super().setUp()
        self.people('in')

    def sweep(self, *options, fmr='0.1', resamples='5'):
        return self.run_program('sweep', 'all', 'in', '--aligned', '--guard', 'none', '--model', self.network, '--preset',
                                'arcface', '--folder', 'sweep', '--fmr', fmr, '--resamples', resamples, *options)

    def table(self, run):
        """Its lines by column: of the whole network, of a random score, of the recipes."""
        rows = list(csv.reader(io.StringIO(run.out.decode())))  # which holds nothing else
        self.assertEqual(len(set(rows[0])), len(rows[0]))
        table = [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]
        self.assertEqual([row['granularity'] for row in table[:2]], ['whole network', 'random score'])
        for row in table:
            for column, cell in row.items():
                if column not in ('granularity', 'criterion', 'scope', 'protocol', 'mirrored') and cell:
                    self.assertTrue(np.isfinite(float(cell)), (column, cell))
        return table

    def rows_of(self, name):
        with open(self.folder / name, encoding='utf-8') as rows:
            return list(csv.DictReader(rows))

    def test_prints_a_row_a_recipe_and_keeps_what_it_made(self):
        run = self.sweep('--sparsity', '0.2,0.6', '--scope', 'global,channel', '--tables', 'csv', '--plot', 'area.svg')
        self.assert_status(run, 0)
        table = self.table(run)
        self.assertEqual([[row[c] for c in ('granularity', 'criterion', 'scope', 'from')] for row in table[2:]],
                         [['unstructured', criterion, scope, '0'] for criterion, scope in
                          (('l1', 'global'), ('l1', 'channel'), ('random', 'global')) for _ in range(2)])
        self.assertTrue(table[0]['by drift'] == '' and table[1]['by norm'] == '')
        for row, sparsity in zip(table[2:], [0.2, 0.6] * 3, strict=True):
            self.assertTrue(abs(float(row['sparsity']) - sparsity) < 0.001, row)
            self.assertEqual([row[c] for c in ('by S', 'r', 'protocol', 'FMR', 'mirrored')], ['', '', 'A', '0.1', 'no'])
            self.assertTrue(float(row['drift']) > 0, row)
            for area in ('by drift', 'by norm'):
                self.assertTrue(0 < float(row[area]), row)
                self.assertTrue(float(row[f'{area} 95 % low']) <= float(row[f'{area} 95 % high']), row)
                self.assertTrue(0 <= float(row[f'{area} better']) <= 1, row)
        # What people read is the same, rounded.
        text = self.sweep('--sparsity', '0.2,0.6', '--scope', 'global,channel').out.decode()
        self.assertIn('protocol A (no mirrors), FMR 0.1', text)
        shown = re.search(r'(?m)^unstructured +l1 +global +0 +0\.6\d* +([0-9.]+) +\S+ +[0-9.]+ % +([0-9.]+) +'
                          r'([0-9.]+) to ([0-9.]+) +([0-9.]+) % ', text)
        for there, column, scale, half in ((1, 'drift', 1, 6e-4), (2, 'by drift', 1, 6e-3), (3, 'by drift 95 % low', 1, 6e-3),
                                           (4, 'by drift 95 % high', 1, 6e-3), (5, 'by drift better', 100, 0.06)):
            self.assertTrue(abs(float(shown[there]) - scale * float(table[3][column])) < half, (shown[0], table[3]))
        self.assertIn('l1 channel', (self.folder / 'area.svg').read_text(encoding='utf-8'))
        # The drift is what score says.
        self.assert_status(self.score_aligned('in', '--sparsity', '0.6', '--output', 'rows.csv'), 0)
        mine, theirs = self.rows_of('sweep/unstructured-l1-global-0.6.csv'), self.rows_of('rows.csv')
        self.assertEqual(len(mine), 30)
        for a, b in zip(mine, theirs, strict=True):
            self.assertEqual((a['path'], a['recipe']), (b['path'], b['recipe']))
            self.assertTrue(abs(float(a['drift']) - float(b['drift'])) < 1e-5)
            self.assertTrue(abs(float(a['pruned_norm']) - float(b['pruned_norm'])) < 1e-3)
        self.assertAlmostEqual(float(table[3]['drift']), np.mean([float(b['drift']) for b in theirs]), places=3)
        # The area is what evaluate says of these rows.
        other = self.run_program('evaluate', 'all', '--rows', 'sweep/whole.csv', '--embeddings', 'sweep/whole.npy',
                                 '--quality', 'drift=rows.csv', '--fmr', '0.1', '--resamples', '0', '--tables', 'csv')
        area = next(line.split(',')[4] for line in other.out.decode().splitlines() if line.startswith('A,0.1,drift,'))
        self.assertAlmostEqual(float(table[3]['by drift']), float(area), places=5)
        # One recipe more: the others are not done again, and say the same.
        before = (self.folder / 'sweep/unstructured-l1-global-0.2.csv').read_bytes()
        again = self.sweep('--sparsity', '0.2,0.6,0.7', '--scope', 'global,channel', '--criterion', 'l1', '--tables', 'csv')
        self.assert_status(again, 0)
        self.assertEqual((self.folder / 'sweep/unstructured-l1-global-0.2.csv').read_bytes(), before)
        self.assertEqual([row['drift'] for row in self.table(again)[2:4]], [row['drift'] for row in table[2:4]])
        # Without its crops nothing new can be done, and that is said.
        shutil.rmtree(self.folder / 'sweep/crops')
        self.assert_status(self.sweep('--sparsity', '0.2,0.6', '--criterion', 'l1', '--scope', 'global'), 0)
        run = self.sweep('--sparsity', '0.8', '--criterion', 'l1', '--scope', 'global')
        self.assert_status(run, 4)
        self.assertRegex(run.err.splitlines()[-1], r'\Aprefiqs: sweep/crops/.*png')

    def test_structured_pruning(self):
        run = self.sweep('--sparsity', '0.2,0.5', '--granularity', 'unstructured,structured', '--criterion', 'l1',
                         '--scope', 'layer,channel', '--tables', 'csv', '--plot', 'area.svg')
        self.assert_status(run, 0)
        table = self.table(run)
        self.assertEqual([[row[c] for c in ('granularity', 'criterion', 'scope')] for row in table[2::2]],
                         [['unstructured', 'l1', 'layer'], ['unstructured', 'l1', 'channel'],
                          ['structured', 'l1', 'layer']])
        for row in table[-2:]:
            self.assertGreater(float(row['drift']), 0, row)
        self.assertIn('structured l1 layer', (self.folder / 'area.svg').read_text(encoding='utf-8'))
        for name, start in (('area.pdf', b'%PDF-'), ('area.png', b'\x89PNG')):
            run = self.sweep('--sparsity', '0.5', '--criterion', 'l1', '--scope', 'layer', '--plot', name)
            self.assert_status(run, 0)
            self.assertTrue((self.folder / name).read_bytes().startswith(start))
        self.assert_status(self.score_aligned('in', '--sparsity', '0.5', '--granularity', 'structured', '--scope', 'layer',
                                              '--output', 'rows.csv'), 0)
        mine, theirs = self.rows_of('sweep/structured-l1-layer-0.5.csv'), self.rows_of('rows.csv')
        for a, b in zip(mine, theirs, strict=True):
            self.assertEqual((a['path'], a['recipe'], a['sparsity']), (b['path'], b['recipe'], b['sparsity']))
            self.assertTrue(abs(float(a['drift']) - float(b['drift'])) < 1e-5)

    def test_compares_the_drift_with_its_theory(self):
        options = ('--sparsity', '0.01,0.3', '--scope', 'global', '--criterion', 'l1', '--tables', 'csv')
        plain = self.table(self.sweep(*options))
        run = self.sweep(*options, '--jvp', '--jvp-plot', 'theory.svg')
        self.assert_status(run, 0)
        table = self.table(run)
        others = [{c: cell for c, cell in row.items() if c not in ('r', 'rank r') and not c.startswith('by S')}
                  for row in table]
        self.assertEqual(others, [{c: row[c] for c in others[0]} for row in plain])
        little, much = table[2:]
        self.assertTrue(float(little['r']) > 0.98 and float(little['rank r']) > 0.95, little)
        self.assertTrue(float(much['r']) < float(little['r']), much)
        self.assertTrue(float(little['by S']) > 0 and little['by S 95 % low'] != '', little)
        rows = self.rows_of('sweep/unstructured-l1-global-0.3-jvp.csv')
        self.assertEqual({row['method'] for row in rows}, {'jvp'})
        self.assertIn('equal', (self.folder / 'theory.svg').read_text(encoding='utf-8'))

    def test_refuses_before_it_works(self):
        for words, options in ((['--scope'], ['--scope', 'nowhere']), (['--sparsity'], ['--sparsity', '0.2,']),
                               (['channel'], ['--criterion', 'random', '--scope', 'channel']),
                               (['channel'], ['--granularity', 'structured', '--scope', 'channel']),
                               (['--granularity'], ['--granularity', 'whole']),
                               (['--rows'], ['--rows', 'x.csv']), (['--protocol'], ['--protocol', 'D']),
                               (['--plot'], ['--plot', 'x.gif']),
                               (['--jvp'], ['--jvp-plot', 'x.svg'])):
            with self.subTest(options=options):
                self.assert_refused(self.sweep(*options), 2, *words)
        self.assert_status(self.sweep('--seed', '-1'), 2)
        self.assert_refused(self.sweep(fmr='2'), 2, '--fmr')
        self.assert_refused(self.sweep(resamples='1'), 2, '--resamples 1')
        self.assert_refused(self.sweep('--rows', 'none.csv', '--embeddings', 'none.npy'), 4, 'none.csv')
        self.assertFalse((self.folder / 'sweep').exists())


if __name__ == '__main__':
    unittest.main()
