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
from prefiqs_training import people, verify  # noqa: E402


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

    def test_pairs_are_of_people_of_the_role_alone(self):
        self.write([('Ann', 'Bob'), ('Eve', 'Jessica_Simpson'), ('Cid', 'Dan')], [('001', '002'), ('101', '102'), ('201', '202')])
        for fold in ('01', '02', '03'):  # frontal pairs, of the same people
            shutil.copytree(self.root / 'cfp/Protocol/Split/FP' / fold, self.root / 'cfp/Protocol/Split/FF' / fold)
        lfw, cfp = people.roles(self.root)
        faces = [('lfw', f'{name}_{n:04d}', lfw.get(name, people.TRAIN)) for name in ('Ann', 'Bob', 'Eve', 'Jessica_Simpson', 'Cid', 'Dan')
                 for n in (1, 2)]
        faces += [('cfp', f'{name}/{kind}/01', cfp.get(name, people.TRAIN)) for name in ('001', '002', '101', '102', '201', '202')
                  for kind in ('frontal', 'profile')]
        rows = [{'set': kind, 'picture': picture, 'role': role, 'index': i} for i, (kind, picture, role) in enumerate(faces)]
        for fold, role, of_lfw in ((-2, people.VALIDATION, 1), (-1, people.KEPT_OUT, 2)):
            sets = verify.pair_sets(self.root, rows, fold)
            self.assertEqual({name: len(mated) for name, (_, mated) in sets.items()}, {'LFW': of_lfw, 'CFP-FF': 2, 'CFP-FP': 2})
            for pairs, _ in sets.values():
                self.assertEqual({rows[i]['role'] for i in pairs.ravel()}, {role})
        for row in rows:
            del row['role']  # rows that say nothing of it are all taken
        self.assertEqual(len(verify.pair_sets(self.root, rows, -2)['LFW'][1]), 2)

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
