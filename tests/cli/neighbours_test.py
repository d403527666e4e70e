"""Files of other projects: archives of arrays, lists of FERET's pictures, qualities of other networks and tools."""
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


if __name__ == '__main__':
    material.main()
