"""Outputs on a file system without locks: nothing is lost in silence."""
import errno
import fcntl
import os
import subprocess
import time

import material
from material import ProgramTest

NO_LOCKS = os.environ.get('PREFIQS_NO_LOCKS', '')


def no_locks(number=errno.ENOLCK):
    return {'LD_PRELOAD': NO_LOCKS, 'NO_LOCKS_ERRNO': str(number)}


class LockTest(ProgramTest):
    def setUp(self):
        super().setUp()
        self.assertTrue(os.path.exists(NO_LOCKS), 'PREFIQS_NO_LOCKS names the library whose locks fail')

    def read(self, name):
        return (self.folder / name).read_bytes()


class Score(LockTest):
    COUNT = 6

    def setUp(self):
        super().setUp()
        self.crops(self.COUNT)

    def score_without_locks(self, *options, number=errno.ENOLCK):
        return self.score_aligned('crops', '--output', 'part.csv', '--embeddings', 'part.npy', *options,
                                  environment=no_locks(number))

    def test_a_new_file_is_written_with_one_warning(self):
        self.assert_status(self.score_aligned('crops', '--output', 'whole.csv', '--embeddings', 'whole.npy'), 0)
        for number in (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL, errno.EACCES, errno.EIO):
            with self.subTest(error=errno.errorcode[number]):
                run = self.score_without_locks('--force', number=number)
                self.assert_status(run, 0)
                self.assertEqual(run.err.count('warning'), 1, run.err)
                self.assertIn(f'part.csv and part.npy cannot be locked ({os.strerror(number)})', run.err)
                self.assertIn('rows are lost', run.err)
                for kind in ('csv', 'npy'):
                    self.assertEqual(self.read(f'part.{kind}'), self.read(f'whole.{kind}'))

    def test_where_there_are_locks_nothing_is_said(self):
        run = self.score_aligned('crops', '--output', 'part.csv', '--resume')
        self.assert_status(run, 0)
        self.assertNotIn('lock', run.err)

    def test_resume_is_refused_and_done_when_that_is_asked_for(self):
        self.assert_status(self.score_aligned('crops', '--output', 'whole.csv', '--embeddings', 'whole.npy'), 0)
        rows, embeddings = self.read('whole.csv'), self.read('whole.npy')
        cut = rows.index(b'\n', len(rows) // 2) + 1
        (self.folder / 'part.csv').write_bytes(rows[:cut])
        (self.folder / 'part.npy').write_bytes(embeddings)
        run = self.score_without_locks('--resume')
        self.assert_refused(run, 4, 'part.csv', 'cannot be locked', os.strerror(errno.ENOLCK), '--without-lock')
        self.assertEqual((self.read('part.csv'), self.read('part.npy')), (rows[:cut], embeddings))
        run = self.score_without_locks('--resume', '--without-lock')
        self.assert_status(run, 0)
        self.assertEqual(run.err.count('cannot be locked'), 1, run.err)
        self.assertEqual((self.read('part.csv'), self.read('part.npy')), (rows, embeddings))

    def test_embeddings_alone_can_be_without_locks(self):
        run = self.score_aligned('crops', '--embeddings', 'part.npy', environment=no_locks())
        self.assert_status(run, 0)
        self.assertIn('warning: part.npy cannot be locked', run.err)

    def test_the_option_does_not_break_locks(self):
        (self.folder / 'part.csv').write_bytes(b'')
        with open(self.folder / 'part.csv', 'rb') as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            run = self.score_aligned('crops', '--output', 'part.csv', '--resume', '--without-lock')
        self.assert_refused(run, 4, 'part.csv', 'another process is writing it')


class TwoRuns(LockTest):
    """Two shards into one file."""

    COUNT = 120

    def setUp(self):
        super().setUp()
        # Large enough for the reference executor to need seconds.
        self.network = material.recognition_network(self.folder / 'slow.onnx', width=40, side=64)
        self.crops(self.COUNT)

    def start(self, shard, *options, output='both.csv'):
        arguments = ['score', '--model', self.network, '--preset', 'arcface', '--aligned', '--guard', 'none', 'crops',
                     '--threads', '1', '--batch', '1', '--executor', 'reference', '--shard', f'{shard}/2', '--output',
                     output, *options]
        return subprocess.Popen(self.command(*arguments), cwd=self.folder, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, env={**os.environ, **no_locks()})

    def finish(self, process):
        _, err = process.communicate(timeout=600)
        return process.returncode, err.decode()

    def wait_for_rows(self, process, rows):
        output = self.folder / 'both.csv'
        while not output.exists() or output.read_bytes().count(b'\n') <= rows:
            self.assertIsNone(process.poll(), 'ended before the other began')
            time.sleep(0.01)

    def test_resume_does_not_begin(self):
        for status, err in [self.finish(run) for run in [self.start(1, '--resume'), self.start(2, '--resume')]]:
            self.assertEqual(status, 4, err)
            self.assertIn('--without-lock', err)

    def test_no_row_is_lost_in_silence(self):
        for options in (['--resume', '--without-lock'], ['--force']):
            with self.subTest(options=options):
                (self.folder / 'both.csv').unlink(missing_ok=True)
                first = self.start(1, *options)
                self.wait_for_rows(first, 5)
                second = self.start(2, *options)
                ends = [self.finish(first), self.finish(second)]
                self.assertTrue(any(status == 4 for status, _ in ends), ends)
                for status, err in ends:
                    self.assertIn('cannot be locked', err)
                    if status != 0:
                        self.assertEqual(status, 4, err)
                        self.assertIn('both.csv: another process writes it too', err)
                # One after the other they get there.
                for shard in (1, 2):
                    status, err = self.finish(self.start(shard, '--resume', '--without-lock'))
                    self.assertEqual(status, 0, err)
                rows = material.csv_rows(self.read('both.csv'))
                self.assertEqual(sorted(row['path'] for row in rows),
                                 [f'crops/{i:04}.png' for i in range(self.COUNT)])


class Folders(LockTest):
    """Commands that keep their rows in a folder go on from them without being asked."""

    def setUp(self):
        super().setUp()
        self.people('in')

    def check(self, *words):
        run = self.run_program(*words, environment=no_locks())
        self.assert_status(run, 0)
        warned = [line for line in run.err.splitlines() if 'cannot be locked' in line]
        self.assertEqual(len(warned), len(set(warned)))
        self.assertTrue(warned, run.err)
        said = run.out
        run = self.run_program(*words, environment=no_locks())
        self.assert_status(run, 4)
        self.assertIn('--without-lock', run.err)
        self.assert_status(self.run_program(*words), 0)
        run = self.run_program(*words, '--without-lock', environment=no_locks())
        self.assert_status(run, 0)
        self.assertEqual(run.out, said)
        return warned

    def test_sweep(self):
        warned = self.check('sweep', 'all', 'in', '--aligned', '--guard', 'none', '--model', self.network, '--preset',
                            'arcface', '--folder', 'sweep', '--sparsity', '0.2,0.5', '--scope', 'layer', '--criterion',
                            'l1', '--fmr', '0.1', '--resamples', '2')
        self.assertEqual(len(warned), 1, warned)  # of the folder's first file

    def test_evaluate(self):
        self.check('evaluate', 'all', 'in', '--aligned', '--guard', 'none', '--network', 'net.onnx:arcface', '--work',
                   'work', '--keep-crops', '--fmr', '0.1', '--resamples', '2')


if __name__ == '__main__':
    material.main()
