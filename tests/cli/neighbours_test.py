"""Files of other projects: archives of arrays, lists of FERET's pictures, qualities of other networks and tools."""
import pathlib
import re
import shlex

import numpy as np

import material
from material import ProgramTest


class Neighbours(ProgramTest):
    def setUp(self):
        super().setUp()
        self.people('in')
        self.assert_status(self.score_aligned('in', '--output', 'rows.csv', '--embeddings', 'rows.npy'), 0)

    def evaluate(self, *options, pairs='all', embeddings='rows.npy'):
        return self.run_program('evaluate', pairs, '--rows', 'rows.csv', '--embeddings', embeddings, '--fmr', '0.05',
                                '--resamples', '5', *options)

    @staticmethod
    def numbers(run):
        return [{**row, 'network': ''} for row in run.rows()]

    def test_arrays_of_archives(self):
        plain = self.evaluate('--tables', 'csv')
        self.assert_status(plain, 0)
        values = np.load(self.folder / 'rows.npy')
        for save in (np.savez, np.savez_compressed):
            save(self.folder / 'several.npz', ids=np.arange(3), features=values, wide=values.astype(np.float64),
                 columns=np.asfortranarray(values))
            save(self.folder / 'one.npz', values)
            for name in ('several.npz:features', 'several.npz:wide', 'several.npz:columns', 'one.npz', 'one.npz:arr_0'):
                run = self.evaluate('--tables', 'csv', embeddings=name)
                self.assert_status(run, 0)
                self.assertEqual(self.numbers(run), self.numbers(plain))
            for name, words in (('several.npz', ['ids, features, wide, columns', 'FILE.npz:NAME']),
                                ('several.npz:x', ['there is no array x; there are ids, features']),
                                ('several.npz:ids', ['not two dimensions'])):
                self.assert_refused(self.evaluate(embeddings=name), 4, *words)
        self.assert_refused(self.evaluate(embeddings='none.npz:x'), 4, 'none.npz:x: there is no such file')

    def test_ferets_lists_say_who_is_who(self):
        # The same pictures under FERET's names: the first five digits are the person.
        names = {}
        for person in range(10):
            for k, kind in enumerate(('fa', 'fb', 'ra')):
                names[f'in/{person}/{k}.png'] = f'{person:05}_93083{k}_{kind}'
        rows = (self.folder / 'rows.csv').read_text()
        for old, new in names.items():
            rows = rows.replace(old, f'feret/{new}.png')
        (self.folder / 'rows.csv').write_text(rows)
        listed = sorted(names.values())
        (self.folder / 'fa.txt').write_text('\r\n'.join(f'{name}.ppm.bz2' for name in listed[:15]) + '\r\n')
        (self.folder / 'rest.srt').write_text(' '.join(f'{name}.sfi' for name in listed[15:]) + '\n')
        run = self.evaluate('--identities', 'fa.txt', '--identities', 'rest.srt')
        self.assert_status(run, 0)
        self.assertIn('30 images of 10 people; 30 mated and 405 non-mated comparisons', run.out.decode())

    def test_means_over_data_sets_leave_xqlfw_out(self):
        lines = {}
        for name, seed in (('lfw', '1'), ('cfp', '2'), ('XQLFW', '3')):
            run = self.evaluate('--tables', 'csv', '--seed', seed)
            self.assert_status(run, 0)
            (self.folder / f'{name}.csv').write_bytes(run.out)
            lines[name] = {(row['protocol'], row['FMR'], row['method']): row['pAUC 30 %'] for row in run.rows()}
        words = ['evaluate', 'mean', 'lfw.csv', 'other=cfp.csv', 'XQLFW.csv']
        run = self.run_program(*words, '--tables', 'csv')
        self.assert_status(run, 0)
        self.assertEqual(run.err, 'XQLFW is not in the mean: its pairs were chosen with scores of SER-FIQ, one of the methods '
                                  'that are compared\n')
        compared = 0
        for row in run.rows():
            key = row['protocol'], row['rate'], row['method']
            self.assertEqual([row['lfw'], row['other'], row['XQLFW']], [lines[name][key] for name in ('lfw', 'cfp', 'XQLFW')])
            if row['lfw'] and row['other']:
                self.assertAlmostEqual(float(row['mean']), (float(row['lfw']) + float(row['other'])) / 2, places=5)
                compared += key[2] == 'random' and row['lfw'] != row['other']
        self.assertGreater(compared, 0)
        self.assertIn('mean', self.run_program(*words).out.decode())
        self.assert_refused(self.run_program('evaluate', 'mean', 'XQLFW.csv'), 2, 'no data set')
        self.assert_refused(self.run_program('evaluate', 'mean', 'a=lfw.csv', 'a=cfp.csv'), 2, 'two data sets are named a')
        self.assert_refused(self.run_program('evaluate', 'mean', 'rows.csv'), 2, 'rows.csv', 'protocol')
        self.assert_refused(self.run_program('evaluate', 'mean', 'lfw.csv', '--fmr', '0.1'), 2, '--fmr')

    def test_the_tutorial_of_the_documents(self):
        """docs/comparing.md, on pictures and files of its names that are made here: its commands run and print its table."""
        text = (pathlib.Path(__file__).resolve().parents[2] / 'docs/comparing.md').read_text(encoding='utf-8')
        commands = [line for block in re.findall(r'```sh\n(.*?)```', text, re.S)
                    for line in block.replace('\\\n', ' ').splitlines() if line.startswith('prefiqs ')]
        table = re.search(r'```\n(protocol .*?)```', text, re.S).group(1)
        self.assertGreaterEqual(len(commands), 2)
        self.folder.joinpath('lfw').mkdir()
        self.folder.joinpath('in').rename(self.folder / 'lfw/images')
        material.recognition_network(self.folder / 'magface.onnx', seed=7)
        self.folder.joinpath('net.onnx').rename(self.folder / 'arcface.onnx')
        names = [f'lfw/images/{person}/{k}.png' for person in range(10) for k in range(3)]
        with open(self.folder / 'ofiq.csv', 'w', encoding='utf-8') as ofiq:
            ofiq.write('Filename;UnifiedQualityScore;UnifiedQualityScore.scalar;assessment_time_in_ms;\n')
            for i, name in enumerate(names):
                ofiq.write(f'{name};;;0\n' if i == 4 else f'{name};{30 - 10 * (i % 3) + i / 100};{30 - 10 * (i % 3)};9\n')
        for i, command in enumerate(commands):
            words = shlex.split(command)[1:]
            if '>' in words:
                words = words[:words.index('>')]
            if 'mean' in words:
                for name in ('lfw', 'cfp', 'xqlfw'):
                    (self.folder / f'{name}-table.csv').write_bytes(csv)
            if '--network' in words:  # these crops show no faces
                words += ['--aligned', '--guard', 'none']
            run = self.run_program(*words)
            self.assert_status(run, 0)
            if '--tables' in words and 'csv' in words:
                csv = run.out
            if i == 0:
                printed = run.out.decode()
        said = {tuple(line.split()[:3]): line.split()[3:] for line in printed.splitlines() if len(line.split()) > 5}
        for line in table.splitlines()[1:]:
            protocol, rate, method, *numbers = line.split()
            for wanted, number in zip(numbers[:2], said[protocol, rate, method]):  # processors differ in the last digits
                self.assertAlmostEqual(float(number), float(wanted), delta=0.03 * float(wanted), msg=line)
        self.assertIn('1 of the images has no quality of ofiq, which is the worst', printed)


if __name__ == '__main__':
    material.main()
