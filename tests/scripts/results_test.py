"""What scripts/results keeps, counts and prints, with a program that says how often it was asked."""
import importlib.machinery
import importlib.util
import pathlib
import stat
import sys
import tempfile
import types
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / 'scripts/results'
sys.dont_write_bytecode = True

PROGRAM = r'''#!/bin/sh
echo "$@" >>"$(dirname "$0")/asked"
case "$1" in
  inspect) echo "{\"path\": \"$(dirname "$0")/prefiqs_face.onnx\"}" ;;
  score|embed) while [ $# -gt 0 ]; do case "$1" in --output|--embeddings) touch "$2" ;; esac; shift; done ;;
  sweep) cat "$(dirname "$0")/sweep.csv" ;;
  *) printf 'a,b\n1,2\n' ;;
esac
'''
SWEEP = '''granularity,criterion,scope,from,sparsity,drift,accuracy,FNMR,by drift,by drift 95 % low,by drift 95 % high,by drift better,\
by norm,by norm 95 % low,by norm 95 % high,by norm better
whole network,,,,0.000000,,,0.082100,,,,,16.644444,9.000000,25.000000,
random score,,,,,,,,25.311111,17.480000,33.760000,0.000000,,,,
unstructured,l1,global,0,0.101100,0.037700,,0.081000,16.155555,9.584000,25.770000,0.790000,16.681000,9.000000,25.000000,0.430000
structured,l1,layer,0.5,0.250000,1.000000,,,,,,,,,,
'''


def load():
    loader = importlib.machinery.SourceFileLoader('results', str(SCRIPT))
    module = importlib.util.module_from_spec(importlib.util.spec_from_file_location(loader.name, SCRIPT, loader=loader))
    loader.exec_module(module)
    return module


results = load()


class Results(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix='prefiqs-')
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        program = self.folder / 'prefiqs'
        program.write_text(PROGRAM)
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        (self.folder / 'sweep.csv').write_text(SWEEP)
        for file in ('face', 'detector'):
            (self.folder / f'prefiqs_{file}.onnx').write_text(file)
        self.runs = self.again()

    def again(self):
        """As a later call of the script, which has asked for nothing yet."""
        return results.Runs(types.SimpleNamespace(shared=self.folder, work=self.folder / 'work',
                                                  program=self.folder / 'prefiqs'))

    def test_a_person_of_cfp_is_one_folder(self):
        for kind, number in (('frontal', '01'), ('profile', '01'), ('profile', '04')):
            picture = self.folder / f'data/cfp/Data/Images/007/{kind}/{number}.jpg'
            picture.parent.mkdir(parents=True, exist_ok=True)
            picture.write_text(kind)
        runs = self.again()
        self.again()  # is content with what is there
        found = sorted(p.relative_to(runs.data['cfp']).as_posix() for p in runs.data['cfp'].rglob('*.jpg'))
        self.assertEqual(found, ['007/frontal-01.jpg', '007/profile-01.jpg', '007/profile-04.jpg'])
        self.assertEqual((runs.data['cfp'] / '007/profile-01.jpg').read_text(), 'profile')
        self.assertTrue((runs.data['cfp-listed'] / '007/profile/04.jpg').is_file())

    def asked(self, command):
        return [line for line in (self.folder / 'asked').read_text().splitlines() if line.startswith(command)]

    def test_what_is_finished_is_kept_until_its_words_change(self):
        first = self.runs.finished('rows', 'score', 'in', '--sparsity', '0.4', embeddings=True)
        self.assertEqual(first, self.again().finished('rows', 'score', 'in', '--sparsity', '0.4', embeddings=True))
        self.assertEqual(len(self.asked('score')), 1)
        self.assertTrue(first.exists() and first.with_suffix('.npy').exists() and first.name.startswith('rows-'))
        other = self.runs.finished('rows', 'score', 'in', '--sparsity', '0.3', embeddings=True)
        self.assertNotEqual(first, other)
        self.assertEqual(len(self.asked('score')), 2)
        # A table of those rows is another one too.
        for rows, count in ((first, 1), (first, 1), (other, 2)):
            self.assertEqual(self.again().table('table', 'evaluate', '--rows', rows), [{'a': '1', 'b': '2'}])
            self.assertEqual(len(self.asked('evaluate')), count)

    def test_another_default_network_is_another_result(self):
        ours = ('score', 'in', '--model', 'default')
        theirs = ('embed', 'in', '--model', 'theirs.onnx')
        before = [self.runs.finished('rows', *words) for words in (ours, theirs)]
        (self.folder / 'prefiqs_face.onnx').write_text('trained further')
        after = [self.again().finished('rows', *words) for words in (ours, theirs)]
        self.assertNotEqual(before[0], after[0])
        self.assertEqual(before[1], after[1])

    def test_the_default_detector_counts_where_no_other_is_named(self):
        ours = ('score', 'in', '--model', 'theirs.onnx')
        theirs = (*ours, '--detector', 'yunet.onnx')
        before = [self.runs.finished('rows', *words) for words in (ours, theirs)]
        (self.folder / 'prefiqs_detector.onnx').write_text('trained further')
        after = [self.again().finished('rows', *words) for words in (ours, theirs)]
        self.assertNotEqual(before[0], after[0])
        self.assertEqual(before[1], after[1])

    def test_reads_a_sweep(self):
        text = results.sweep_blocks(self.runs, 'w600k').splitlines()
        self.assertEqual(text[2:6], [
            '| whole network | 0 |  | 8.2 % |  |  |  | 16.64 | 9.00 to 25.00 |  |',
            '| random score |  |  |  | 25.31 | 17.48 to 33.76 |  |  |  |  |',
            '| l1 global | 0.1011 | 0.038 | 8.1 % | 16.16 | 9.58 to 25.77 | 79 % | 16.68 | 9.00 to 25.00 | 43 % |',
            '| structured l1 layer from 0.5 | 0.2500 | 1.000 |  |  |  | - |  |  | - |'])
        self.assertEqual(len(text), 2 + 2 + 4 * 2)  # four grids, the first two lines once
        with self.assertRaises(SystemExit):
            results.named('95 %,95 %\n1,2\n')

    def test_interval_of_wilson(self):
        # Its ends are the shares of which the one that was seen is 1.96 standard deviations away.
        for count, total in ((17, 99), (4, 91), (0, 20), (20, 20)):
            low, high = results.wilson(count, total)
            self.assertTrue(-1e-12 < low <= count / total <= high < 1 + 1e-12 and low < high, (count, total, low, high))
            for end in (low, high):
                deviations = (count / total - end) ** 2 * total
                self.assertTrue(abs(deviations - 1.959964 ** 2 * end * (1 - end)) < 1e-5, (count, total, end))
        self.assertEqual([round(100 * end) for end in results.wilson(17, 99)], [11, 26])

    def test_groups_and_how_sure_they_are(self):
        rows = self.folder / 'rows.csv'
        lines = [f'{age}.{gender}/{k}.jpg,ok,{1 if k or age else 0}' for age in range(10) for gender in '01' for k in range(5)]
        rows.write_text('path,status,quality\n' + '\n'.join([*lines, '9.1/5.jpg,no_face,']) + '\n')
        self.runs.score = lambda data, network: rows
        text = results.groups(self.runs, 'w600k').splitlines()
        self.assertEqual(text[0].count('set aside (95 %)'), 2)
        self.assertEqual(text[3], '| 1: small children |' + ' 5 of 5 | 1.000 | 0.0 % (0.0 to 43.4) |' * 2)
        self.assertEqual(text[2], '| 0: babies |' + ' 5 of 5 | 1.000 | 20.0 % (3.6 to 62.4) |' * 2)
        self.assertIn('| 5 of 6 | 1.000 | 16.7 % (3.0 to 56.4) |', text[11])

    def test_shares_have_no_digits_that_resamples_do_not_tell(self):
        self.assertEqual([results.share('0.79'), results.share('1'), results.share(''), results.share('0.945', 200)],
                         ['79 %', '100 %', '-', '94.5 %'])


if __name__ == '__main__':
    unittest.main()
