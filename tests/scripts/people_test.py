"""training/prefiqs_training/people.py: who is trained on, and that nobody who is measured is."""
import pathlib
import shutil
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path[:0] = [str(HERE.parent / 'cli'), str(HERE.parents[1] / 'training')]
from material import shared_folder  # noqa: E402
from prefiqs_training import people  # noqa: E402


class Roles(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix='prefiqs-'))
        self.addCleanup(shutil.rmtree, self.root)

    def write(self, folds, splits):
        """folds: a pair of names each; splits: a pair of CFP's people each."""
        lines = [f'{len(folds)}\t1'] + [f'{a}\t1\t2\n{a}\t1\t{b}\t1' for a, b in folds]
        (self.root / 'lfw').mkdir()
        (self.root / 'lfw/pairs.txt').write_text('\n'.join(lines) + '\n')
        protocol = self.root / 'cfp/Protocol'
        listed = sorted({person for split in splits for person in split})
        for number, split in enumerate(splits):
            folder = protocol / f'Split/FP/{number + 1:02d}'
            folder.mkdir(parents=True)
            a, b = (listed.index(person) + 1 for person in split)
            (folder / 'same.txt').write_text(f'{a},{a}\n')
            (folder / 'diff.txt').write_text(f'{a},{b}\n')
        for letter, kind in (('F', 'frontal'), ('P', 'profile')):
            rows = [f'{i + 1} ../Data/Images/{person}/{kind}/01.jpg' for i, person in enumerate(listed)]
            (protocol / f'Pair_list_{letter}.txt').write_text('\n'.join(rows) + '\n')

    def test_everybody_has_one_role(self):
        # Of the two left out by name, one would be for validation and one would be trained on.
        self.write([('Ann', 'Jacques_Chirac'), ('Bob', 'Jessica_Simpson'), ('Cid', 'Dan')],
                   [('001', '087'), ('101', '052'), ('201', '202')])
        lfw, cfp = people.roles(self.root)
        self.assertEqual({k: v for k, v in lfw.items() if k not in people.LFW_LEFT_OUT},
                         {'Bob': 'validation', 'Cid': 'kept_out', 'Dan': 'kept_out'})
        self.assertEqual({k: v for k, v in cfp.items() if k not in people.CFP_LEFT_OUT},
                         {'101': 'validation', '201': 'kept_out', '202': 'kept_out'})
        for roles, left_out in ((lfw, people.LFW_LEFT_OUT), (cfp, people.CFP_LEFT_OUT)):
            self.assertEqual({roles.get(person) for person in left_out}, {'left_out'})

    def test_who_is_measured_cannot_be_left_out(self):
        self.write([('Ann', 'Bob'), ('Bob', 'Eve'), ('Cid', 'Jacques_Chirac')], [('001', '002'), ('101', '102'), ('201', '202')])
        with self.assertRaisesRegex(ValueError, 'Jacques_Chirac'):
            people.roles(self.root)

    def test_of_the_real_sets(self):
        data = shared_folder('data')
        lfw, cfp = people.roles(data)
        for person in people.LFW_LEFT_OUT:
            self.assertTrue((data / 'lfw/images' / person).is_dir(), person)
        for person in people.CFP_LEFT_OUT:
            self.assertTrue((data / 'cfp/Data/Images' / person).is_dir(), person)
        # What the model cards measure stays the same.
        self.assertEqual(sum(role == people.KEPT_OUT for role in lfw.values()), 422)
        self.assertEqual(sum(role == people.KEPT_OUT for role in cfp.values()), 50)


if __name__ == '__main__':
    unittest.main()
