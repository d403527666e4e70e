"""An interrupted run that is continued gives the same bytes as one that was not."""
import os
import random
import signal
import subprocess
import time

import material
from material import ProgramTest, noise


class Resume(ProgramTest):
    COUNT = 23

    def setUp(self):
        super().setUp()
        self.crops(self.COUNT)
        (self.folder / 'crops/0007.png').write_bytes(b'broken')
        (self.folder / 'crops/0008 , "odd"\nname.png').write_bytes(material.png(noise(99)))

    def complete(self, *options):
        self.assert_status(self.score_aligned('crops', '--output', 'whole', '--embeddings', 'whole.npy', *options), 1)
        return self.read('whole'), self.read('whole.npy')

    def read(self, name):
        return (self.folder / name).read_bytes()

    def resume(self, *options):
        return self.score_aligned('crops', '--output', 'part', '--embeddings', 'part.npy', '--resume', *options)

    def assert_finished(self, run):
        """Status and summary are those of an uninterrupted run, whoever wrote the broken picture's row."""
        self.assert_status(run, 1)
        self.assertIn(f'{self.COUNT + 1} pictures, {self.COUNT} faces: {self.COUNT} scored, 1 not', run.err)

    def check_truncations(self, form, places):
        rows, embeddings = self.complete('--format', form)
        for place in places(rows):
            with self.subTest(bytes=place):
                (self.folder / 'part').write_bytes(rows[:place])
                (self.folder / 'part.npy').write_bytes(embeddings)
                self.assert_finished(self.resume('--format', form))
                self.assertEqual(self.read('part'), rows)
                self.assertEqual(self.read('part.npy'), embeddings)

    @staticmethod
    def _places(rows):
        """None, all, around the ends of rows, in the odd name's row, and anywhere."""
        ends = [i + 1 for i, byte in enumerate(rows) if byte == ord('\n')]
        odd = rows.index(b'odd')
        anywhere = random.Random(5).sample(range(len(rows)), 8)
        return sorted({0, 1, len(rows) - 1, len(rows), odd, odd + 6, *ends[:2], ends[0] - 1, ends[1] + 1, ends[-2] - 1,
                       *anywhere})

    def test_csv_cut_anywhere(self):
        self.check_truncations('csv', self._places)

    def test_json_lines_cut_anywhere(self):
        self.check_truncations('jsonl', self._places)

    def test_embeddings_cut_anywhere(self):
        rows, embeddings = self.complete()
        for place in (0, 1, 60, 127, 128, 129, 128 + 4 * material.EMBEDDING * 3 + 5, len(embeddings) - 1):
            with self.subTest(bytes=place):
                (self.folder / 'part').write_bytes(rows)
                (self.folder / 'part.npy').write_bytes(embeddings[:place])
                self.assert_finished(self.resume())
                self.assertEqual(self.read('part'), rows)
                self.assertEqual(self.read('part.npy'), embeddings)

    def test_starts_where_there_is_nothing(self):
        rows, embeddings = self.complete()
        self.assert_finished(self.resume())
        self.assertEqual((self.read('part'), self.read('part.npy')), (rows, embeddings))

    def test_finished_pictures_are_not_run_again(self):
        self.complete()
        os.rename(self.folder / 'whole', self.folder / 'part')
        os.rename(self.folder / 'whole.npy', self.folder / 'part.npy')
        run = self.resume()
        self.assert_finished(run)
        self.assertIn(f'; {self.COUNT + 1} of the pictures were done before', run.err)
        self.assertNotIn('a second', run.err)

    def test_refuses_what_was_made_otherwise(self):
        self.score_aligned('crops', '--output', 'part')
        before = self.read('part')
        for options, words in ((['--sparsity', '0.3'], ['recipe', material.PAPER_RECIPE]),
                               (['--from', '0.5'], ['recipe']),
                               (['--detector', material.detector_network(self.folder / 'd.onnx')], ['detector'])):
            with self.subTest(options=options[0]):
                aligned = [] if '--detector' in options else ['--aligned']
                run = self.score(*aligned, 'crops', '--output', 'part', '--resume', *options)
                self.assert_refused(run, 2, 'part', 'cannot be continued', *words)
        other = material.recognition_network(self.folder / 'other.onnx', seed=2)
        run = self.run_program('score', '--model', other, '--preset', 'arcface', '--aligned', 'crops', '--output',
                               'part', '--resume')
        self.assert_refused(run, 2, 'part', 'network')
        run = self.run_program('score', '--model', self.network, '--channels', 'bgr', '--aligned', 'crops', '--output',
                               'part', '--resume')
        self.assert_refused(run, 2, 'part', 'preprocessing')
        self.assertEqual(self.read('part'), before)

    def test_rows_of_a_precision_that_is_no_more_are_left_alone(self):
        self.score_aligned('crops', '--output', 'part')
        earlier = self.read('part').replace(b',fp32,', b',bf16x3,')
        self.assertIn(b',bf16x3,', earlier)
        (self.folder / 'part').write_bytes(earlier)
        for options, words in (([], ['part', 'cannot be continued', 'precision bf16x3', 'fp32', 'another file']),
                               (['--precision', 'bf16x3'], ['--precision', 'bf16x3', 'fp32', 'bf16'])):
            with self.subTest(options=options):
                run = self.score_aligned('crops', '--output', 'part', '--resume', *options)
                self.assert_refused(run, 2, *words)
        self.assertEqual(self.read('part'), earlier)

    def test_refuses_what_is_no_table_of_ours(self):
        (self.folder / 'part').write_bytes(b'name,age\nanna,7\n')
        self.assert_refused(self.score_aligned('crops', '--output', 'part', '--resume'), 4, 'part', '--force')
        self.assertEqual(self.read('part'), b'name,age\nanna,7\n')


class Interrupt(ProgramTest):
    """Ctrl-C finishes what is in flight and says how to go on."""

    COUNT = 200

    def setUp(self):
        super().setUp()
        # Large enough for the reference executor to need seconds.
        self.network = material.recognition_network(self.folder / 'slow.onnx', width=40, side=64)
        self.crops(self.COUNT)
        self.arguments = ['score', '--model', self.network, '--preset', 'arcface', '--aligned', '--guard', 'none',
                          'crops', '--threads', '2', '--batch', '2', '--executor', 'reference']

    def start_and_signal(self, which, rows):
        """Starts a run, signals it when it has written `rows` rows, and returns its exit status and what it said."""
        output = self.folder / 'part.csv'
        before = output.read_bytes().count(b'\n') if output.exists() else 0
        process = subprocess.Popen(self.command(*self.arguments, '--output', output, '--embeddings', 'part.npy',
                                                '--resume'),
                                   cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        deadline = time.monotonic() + 600
        while not output.exists() or output.read_bytes().count(b'\n') < before + rows:
            self.assertIsNone(process.poll(), 'ended before it could be interrupted')
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.01)
        process.send_signal(which)
        _, err = process.communicate(timeout=600)
        return process.returncode, err.decode()

    def test_nothing_is_lost_or_doubled(self):
        for which, rows in ((signal.SIGINT, 10), (signal.SIGTERM, 20), (signal.SIGKILL, 20)):
            status, err = self.start_and_signal(which, rows)
            if which == signal.SIGKILL:
                self.assertEqual(status, -signal.SIGKILL)
                continue
            self.assertEqual(status, 128 + which, err)
            self.assertIn('interrupted after', err)
            self.assertIn('--resume', err)
            finished = material.csv_rows((self.folder / 'part.csv').read_bytes())
            self.assertLess(len(finished), self.COUNT)
            self.assertIn(f'interrupted after {len(finished)} of {self.COUNT} pictures', err)
        run = self.run_program(*self.arguments, '--output', 'part.csv', '--embeddings', 'part.npy', '--resume')
        self.assert_status(run, 0)
        self.assert_status(self.run_program(*self.arguments, '--output', 'whole.csv', '--embeddings', 'whole.npy'), 0)
        for kind in ('csv', 'npy'):
            self.assertEqual((self.folder / f'part.{kind}').read_bytes(), (self.folder / f'whole.{kind}').read_bytes())


if __name__ == '__main__':
    material.main()
