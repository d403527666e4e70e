"""`prefiqs evaluate` that runs the networks itself: the same numbers as by way of `score` and `embed`, kept in a folder."""
import collections
import os
import shutil

import material
from material import ProgramTest


class EvaluatePictures(ProgramTest):
    def setUp(self):
        super().setUp()
        self.people('in')
        self.other = material.recognition_network(self.folder / 'other.onnx', seed=2)
        # A quality network, for which one of embeddings does: its norm.
        self.scorer = material.recognition_network(self.folder / 'scorer.onnx', seed=3)

    def evaluate(self, *options, networks=('net.onnx:arcface', 'other.onnx:raw'), pictures=('in',), **more):
        verifying = [word for network in networks for word in ('--network', network)]
        return self.run_program('evaluate', 'all', *pictures, '--aligned', '--guard', 'none', *verifying, '--work', 'work',
                                '--fmr', '0.1,0.02', '--resamples', '10', *options, **more)

    def stored(self, *options):
        """The same by way of files."""
        aligned = ['--aligned', '--guard', 'none']
        recipe = ['--sparsity', '0.3']
        first, second = ['--model', 'net.onnx', '--preset', 'arcface'], ['--model', 'other.onnx', '--preset', 'raw']
        for name, words in (('drift', ['score', 'in', *first, *recipe]), ('other', ['embed', 'in', *second]),
                            ('mirrored', ['embed', 'in', *first, '--mirror']),
                            ('other-mirrored', ['embed', 'in', *second, '--mirror']),
                            ('jvp', ['score', 'in', *first, *recipe, '--method', 'jvp']),
                            ('stochastic', ['score', 'in', *first, '--method', 'stochastic']),
                            ('scorer', ['score', 'in', '--method', 'onnx:scorer.onnx', '--preset', 'raw'])):
            kept = ['--output', f'{name}.csv']
            if name in ('drift', 'other', 'mirrored', 'other-mirrored'):
                kept += ['--embeddings', f'{name}.npy']
            self.assert_status(self.run_program(*words, *aligned, *kept), 0)
        return self.run_program('evaluate', 'all', '--rows', 'drift.csv', '--embeddings', 'drift.npy', '--mirrored',
                                'mirrored.npy', '--rows', 'other.csv', '--embeddings', 'other.npy', '--mirrored',
                                'other-mirrored.npy', '--fmr', '0.1,0.02', '--resamples', '10', *options)

    @staticmethod
    def numbers(run):
        """The table without what the networks' files are called."""
        return [{**row, 'network': row['network'] == 'mean'} for row in run.rows()]

    def test_leaves_out_norms_that_say_nothing(self):
        material.recognition_network(self.folder / 'unit.onnx', normalised=True)
        run = self.evaluate('--tables', 'csv', networks=['unit.onnx:arcface'])
        self.assert_status(run, 0)
        self.assertEqual({row['method'] for row in run.rows()}, {'drift', 'random'})
        said = [line for line in run.err.splitlines() if 'left out' in line]
        self.assertEqual(len(said), 1, run.err)
        self.assertIn('norm and pruned-norm are left out: the output of unit.onnx has the same length', said[0])
        refused = self.evaluate('--method', 'drift', '--method', 'pruned-norm', networks=['unit.onnx:arcface'])
        self.assert_status(refused, 2)
        self.assertIn('unit.onnx has the same length', refused.err)
        # Of rows that were kept.
        rows = next((self.folder / 'work').glob('unit-*-drift-*.csv'))
        stored = self.run_program('evaluate', 'all', '--rows', rows, '--embeddings', rows.with_suffix('.npy'), '--fmr', '0.1',
                                  '--resamples', '0')
        self.assert_status(stored, 0)
        text = stored.out.decode()
        for column in ('embedding_norm', 'pruned_norm'):
            self.assertIn(f'{column} is left out: it is the same for all images', text)
        self.assertNotIn('left out', self.evaluate('--tables', 'csv', networks=['net.onnx:arcface']).err)

    def test_is_what_stored_rows_and_embeddings_say(self):
        methods = ['drift', 'norm', 'pruned-norm', 'jvp', 'stochastic', 'sharpness', 'theirs=onnx:scorer.onnx:raw']
        run = self.evaluate('--sparsity', '0.3', *[word for m in methods for word in ('--method', m)], '--tables', 'csv',
                            '--curves', 'a.csv', '--html', 'a.html')
        self.assert_status(run, 0)
        stored = self.stored('--quality', 'drift=drift.csv', '--quality', 'norm=drift.csv:embedding_norm', '--quality',
                             'pruned-norm=drift.csv:pruned_norm', '--quality', 'jvp=jvp.csv', '--quality',
                             'stochastic=stochastic.csv', '--quality', 'sharpness=drift.csv:sharpness', '--quality',
                             'theirs=scorer.csv', '--tables', 'csv', '--curves', 'b.csv')
        self.assert_status(stored, 0)
        self.assertEqual(self.numbers(run), self.numbers(stored))
        self.assertGreater(len(self.numbers(run)), 3 * 8 * 6 - 1)
        for i in '12':
            self.assertEqual((self.folder / f'a-{i}.csv').read_bytes(), (self.folder / f'b-{i}.csv').read_bytes())
            self.assertIn('stochastic', (self.folder / f'a-{i}.html').read_text(encoding='utf-8'))
        # One pass for the drift, both norms, the sharpness and the embeddings of the first network.
        self.assertIn('1 of 7', run.err)
        files = sorted(path.name for path in (self.folder / 'work').glob('*.csv'))
        self.assertEqual(len(files), 7, files)
        self.assertEqual(sum('net-' in name for name in files), 4, files)

    def test_goes_on_from_what_is_there(self):
        first = self.evaluate()
        self.assert_status(first, 0)
        work = self.folder / 'work'
        kept = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in work.iterdir()}
        again = self.evaluate()
        self.assertEqual(again.out, first.out)
        for path, (contents, _) in kept.items():
            self.assertEqual(path.read_bytes(), contents, path)
        # As if interrupted within the rows of one and before those of another.
        cut, gone = sorted(work.glob('*.csv'))[:2]
        cut.write_bytes(kept[cut][0][:len(kept[cut][0]) // 2])
        gone.unlink()
        gone.with_suffix('.npy').unlink()
        third = self.evaluate()
        self.assertEqual(third.out, first.out)
        for path, (contents, _) in kept.items():
            self.assertEqual(path.read_bytes(), contents, path)
        # With a method more only that one is new.
        stamps = {path: path.stat().st_ino for path in work.iterdir()}
        self.assert_status(self.evaluate('--method', 'jvp', '--method', 'drift'), 0)
        self.assertEqual(len(list(work.iterdir())), len(stamps) + 1)
        # Another recipe is another file; other pictures want another folder.
        self.assert_status(self.evaluate('--sparsity', '0.2'), 0)
        self.assertEqual(len(list(work.iterdir())), len(stamps) + 3)
        shutil.copytree(self.folder / 'in', self.folder / 'in2')
        self.assert_refused(self.evaluate(pictures=['in2']), 2, 'work', 'pictures.txt')
        (self.folder / 'in/9/2.png').unlink()
        run = self.evaluate()
        self.assert_status(run, 2)
        self.assertIn('rows of 30 pictures, and now there are 29', run.err)

    def opened(self, *options):
        """How often each picture was opened by `evaluate`, as its system calls tell, by name; and the run."""
        log = self.folder / 'opens.txt'
        log.unlink(missing_ok=True)
        run = self.evaluate(*options, environment={'LD_PRELOAD': os.environ['PREFIQS_SEEN_OPENS'], 'SEEN_OPENS': str(log)})
        self.assert_status(run, 0)
        opened = collections.Counter(line for line in log.read_text().splitlines() if line.startswith('in/'))
        return opened, run

    def test_looks_at_each_picture_once(self):
        methods = ['drift', 'norm', 'jvp', 'stochastic', 'theirs=onnx:scorer.onnx:raw']
        few, first = self.opened('--no-mirror')
        self.assertIn('2 of 2', first.err)
        self.assertEqual(len(few), 30)
        shutil.rmtree(self.folder / 'work')
        opened, run = self.opened(*[word for method in methods for word in ('--method', method)])
        self.assertIn('7 of 7', run.err)
        self.assertIn('30 pictures are looked at, once for all tables', run.err)
        self.assertEqual(opened, few)
        # ListItems() looks whether a picture of a folder is one by its name: it is opened to be read, and only then.
        self.assertEqual(set(opened.values()), {1})
        again, run = self.opened(*[word for method in methods for word in ('--method', method)])
        self.assertEqual(sum(again.values()), 0)
        self.assertEqual(run.err.count('there already'), 7)

    def test_goes_on_from_kept_crops(self):
        plain = self.evaluate()
        self.assert_status(plain, 0)
        work = self.folder / 'work'
        self.assertEqual([path.name for path in work.glob('crops*')], [])
        rows = {path.name: path.read_bytes() for path in work.iterdir()}
        shutil.rmtree(work)
        (first, run) = self.opened('--keep-crops', '--no-mirror')
        self.assertEqual(sum(first.values()), 30)
        side = material.SIDE
        crops, = work.glob('crops*')
        self.assertEqual(crops.name, f'crops-{side}x{side}-insightface.bin')
        self.assertRegex(run.err, r'crops: about \d+ kB a picture, [0-9.e-]+ GB for 30 pictures, in work')
        self.assertGreater(crops.stat().st_size, 30 * side * side * 3)
        self.assertTrue(crops.read_bytes().startswith(b'prefiqs kept crops 1\ncrop: '))
        # Mirrored tables, of the same crops.
        opened, run = self.opened()
        self.assertEqual(sum(opened.values()), 0)
        self.assertIn('the crops of 30 of them are in work already', run.err)
        self.assertIn('30 kept crops were used', run.err)
        self.assertEqual(run.out, plain.out)
        self.assertEqual({path.name: path.read_bytes() for path in work.iterdir() if path != crops}, rows)
        # A picture that changed is looked at anew.
        for path in work.glob('*mirrored*'):
            path.unlink()
        shutil.copy(self.folder / 'in/3/1.png', self.folder / 'in/9/2.png')
        opened, run = self.opened()
        self.assertEqual(opened, {'in/9/2.png': 1})
        self.assertIn("1 kept crop was not used: the picture's file is another one since", run.err)
        # So are all where the crops were made in another way.
        for path in work.glob('*.[cn][sp][vy]'):
            path.unlink()
        text = crops.read_bytes()
        crops.write_bytes(text.replace(b'detector: aligned', b'detector: another', 1))
        opened, run = self.opened()
        self.assertEqual(sum(opened.values()), 30)
        self.assertIn('is not used: its crops were made with detector another, this run has aligned', run.err)
        for path in work.glob('*.[cn][sp][vy]'):
            path.unlink()
        run = self.evaluate('--keep-crops')
        self.assert_status(run, 2)
        self.assertIn('remove the file', run.err)

    def test_verification_set_and_the_default_network(self):
        pictures = [(self.folder / f'in/{p}/{k}.png').read_bytes() for p in range(10) for k in (0, 1, 1, 2)]
        material.verification_set(self.folder / 'faces.bin', pictures, [True] * 20)
        pictures = [(self.folder / f'in/{p}/{k}.png').read_bytes() for p in range(10) for k in (0, 1)]
        pictures += [(self.folder / f'in/{(p + i) % 10}/{i}.png').read_bytes() for p in range(10) for i in (0, 1)]
        material.verification_set(self.folder / 'faces.bin', pictures, [True] * 10 + [False] * 10)
        run = self.run_program('evaluate', 'faces.bin', '--network', 'net.onnx:arcface', '--aligned', '--guard', 'none',
                               '--work', 'work', '--fmr', '0.1', '--resamples', '5', '--no-mirror')
        self.assert_status(run, 0)
        self.assertIn('10 mated and 10 non-mated comparisons', run.out.decode())
        self.assertRegex(run.out.decode(), r'(?m)^A +0\.1 +pruned-norm ')
        self.assertFalse(list((self.folder / 'work').glob('*mirrored*')))
        # Stored embeddings, a quality computed.
        self.assert_status(self.score_aligned('in', '--output', 'rows.csv', '--embeddings', 'rows.npy'), 0)
        run = self.run_program('evaluate', 'all', 'in', '--rows', 'rows.csv', '--embeddings', 'rows.npy', '--method', 'drift',
                               '--model', 'other.onnx', '--preset', 'raw', '--aligned', '--guard', 'none', '--work', 'work2',
                               '--fmr', '0.1', '--resamples', '0')
        self.assert_status(run, 0)
        self.assertRegex(run.out.decode(), r'(?m)^A +0\.1 +drift ')
        self.assertEqual(len(list((self.folder / 'work2').glob('other-*'))), 2)

    def test_adience(self):
        # Albums of several people; one photograph of two.
        header = ['user_id', 'original_image', 'face_id', 'age', 'gender', 'x', 'y']
        folds = [[header], [header]]
        for person in range(10):
            for k in range(3):
                user, image = f'{person // 4}@N03', f'{k}_{person // 2}_o.jpg'
                target = self.folder / f'adience/aligned/{user}/landmark_aligned_face.{person + 1}.{image}'
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(self.folder / f'in/{person}/{k}.png', target)
                folds[person % 2].append([user, image, str(person + 1), '(25, 32)', 'f', '0', '414'])
        for i, lines in enumerate(folds):
            (self.folder / f'adience/fold_{i}_data.txt').write_text(''.join('\t'.join(line) + '\n' for line in lines))
        words = ['all', 'adience/aligned', '--network', 'net.onnx:arcface', '--aligned', '--guard', 'none', '--work', 'work',
                 '--fmr', '0.1', '--resamples', '0', '--identities', 'adience/fold_0_data.txt']
        run = self.run_program('evaluate', *words)
        self.assert_status(run, 0)
        self.assertIn('15 images of 5 people; 15 mated and 90 non-mated comparisons', run.out.decode())
        run = self.run_program('evaluate', *words, '--identities', 'adience/fold_1_data.txt')
        self.assert_status(run, 0)
        self.assertIn('30 images of 10 people; 30 mated and 405 non-mated comparisons', run.out.decode())
        with open(self.folder / 'adience/fold_1_data.txt', 'a', encoding='utf-8') as fold:
            print('9@N03', 'none.jpg', 11, sep='\t', file=fold)
        shutil.rmtree(self.folder / 'work')
        run = self.run_program('evaluate', *words, '--identities', 'adience/fold_1_data.txt')
        self.assert_refused(run, 2, 'none', 'fold_1_data.txt')
        self.assertFalse((self.folder / 'work').exists())

    def test_refuses_before_it_works(self):
        cases = ((2, ['--method', 'nonsense'], ['--method', 'nonsense', 'stochastic']),
                 (2, ['onnx:FILE'], ['--method', 'onnx:']),
                 (4, ['none.onnx'], ['--method', 'onnx:none.onnx']),
                 (2, ['preset', 'nonsense'], ['--preset', 'nonsense']),
                 (2, ['confidence', '--aligned'], ['--method', 'confidence']),
                 (2, ['prunes'], ['--method', 'norm', '--sparsity', '0.3']),
                 (2, ['--faces'], ['--faces', 'all']),
                 (2, ['two methods'], ['--method', 'drift', '--method', 'drift']),
                 (4, ['none/edc.csv'], ['--curves', 'none/edc.csv']),
                 (4, ['none/page.html'], ['--html', 'none/page.html']),
                 (4, ['other.csv'], ['--quality', 'other.csv']),
                 (2, ['--mirrored', '--no-mirror'], ['--rows', 'net.onnx', '--embeddings', 'net.onnx']))
        for status, words, options in cases:
            with self.subTest(options=options):
                run = self.evaluate(*options, networks=['net.onnx'])
                self.assert_status(run, status)
                self.assertEqual(run.out, b'')
                for word in words:
                    self.assertIn(word, run.err)
                self.assertFalse((self.folder / 'work').exists())
        (self.folder / 'pairs.csv').write_text('file_a,file_b,mated\n0/0,0/1,1\n0/0,1/7,0\n')
        run = self.run_program('evaluate', 'pairs.csv', 'in', '--network', 'net.onnx:arcface', '--aligned', '--work', 'work')
        self.assert_refused(run, 2, '1/7', 'pairs.csv')
        for option in (['--precision', 'fp32'], ['--executor', 'reference'], ['--batch', '2'], ['--aligned']):
            with self.subTest(option=option):  # of pictures that are run, and none is
                run = self.run_program('evaluate', 'pairs.csv', '--rows', 'rows.csv', '--embeddings', 'rows.npy', *option)
                self.assert_refused(run, 2, option[0], '--network or --method', 'nothing is run')
        run = self.run_program('evaluate', 'pairs.csv', 'in', '--network', 'net.onnx:arcface', '--aligned')
        self.assert_refused(run, 2, '--work')
        run = self.run_program('evaluate', 'pairs.csv', '--network', 'net.onnx:arcface', '--aligned', '--work', 'work')
        self.assert_refused(run, 2, 'pictures')
        self.assertFalse((self.folder / 'work').exists())


if __name__ == '__main__':
    material.main()
