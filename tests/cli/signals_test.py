"""Exit statuses after SIGINT and SIGTERM."""
import errno
import os
import signal
import subprocess
import time

import material
from material import ProgramTest


class Signals(ProgramTest):
    STATUSES = ((signal.SIGINT, 130), (signal.SIGTERM, 75))

    def setUp(self):
        super().setUp()
        # Large enough for the reference executor to need seconds.
        self.network = material.recognition_network(self.folder / 'slow.onnx', width=40, side=64)

    def signalled(self, which, ready, *arguments):
        """Starts the command, signals it when ready() says so, and returns its status and what it said."""
        process = subprocess.Popen(self.command(*arguments), cwd=self.folder, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        deadline = time.monotonic() + 300
        while not ready(process):
            self.assertIsNone(process.poll(), 'ended before it could be signalled')
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.01)
        process.send_signal(which)
        _, err = process.communicate(timeout=600)
        return process.returncode, err.decode()

    def has_rows(self, name):
        path = self.folder / name
        return lambda _: path.exists() and path.read_bytes().count(b'\n') > 1

    @staticmethod
    def has_threads(process):
        """The work has begun."""
        return len(os.listdir(f'/proc/{process.pid}/task')) > 1

    def test_sweep_and_evaluate_say_how_to_go_on(self):
        for i in range(300):
            self.picture(f'in/{i // 10}/{i}.png', material.noise(i))
        slow = ['--aligned', '--guard', 'none', '--threads', '1', '--executor', 'reference', '--fmr', '0.1', '--resamples',
                '2']
        for which, status in self.STATUSES:
            for name, words in (('whole.csv', ['sweep', 'all', 'in', '--model', self.network, '--preset', 'arcface',
                                               '--sparsity', '0.2', '--folder', f'sweep{status}']),
                                ('.csv', ['evaluate', 'all', 'in', '--network', f'{self.network}:arcface', '--work',
                                          f'work{status}'])):
                with self.subTest(signal=which, command=words[0]):
                    folder = self.folder / words[-1]
                    begun = lambda _, f=folder, n=name: f.is_dir() and any(
                        e.name.endswith(n) and e.read_bytes().count(b'\n') > 1 for e in f.iterdir())
                    ended, err = self.signalled(which, begun, *words, *slow)
                    self.assertEqual(ended, status, err)
                    self.assertIn('interrupted; the same command goes on from there', err)

    def test_calibrate_starts_anew(self):
        self.crops(2000)
        for which, status in self.STATUSES:
            with self.subTest(signal=which):
                ended, err = self.signalled(which, self.has_threads, 'calibrate', self.network, 'crops', '--preset',
                                            'arcface', '--aligned', '--guard', 'none', '--executor', 'reference',
                                            '--threads', '2', '--batch', '1')
                self.assertEqual(ended, status, err)
                self.assertIn('interrupted after', err)
                self.assertIn('the same command starts anew', err)
                self.assertFalse(os.path.exists(f'{self.network}.json'))

    def test_sigterm_where_nothing_can_be_kept(self):
        """A command that waits for its network, and so has no work yet."""
        os.mkfifo(self.folder / 'waits.onnx')
        self.crops(1)
        for words in (['inspect', 'waits.onnx'], ['demo', 'crops', '--model', 'waits.onnx'],
                      ['explain', 'crops/0000.png', '--output', 'm.png', '--model', 'waits.onnx', '--aligned']):
            with self.subTest(command=words[0]):
                writers = []
                try:
                    ended, err = self.signalled(signal.SIGTERM, lambda _, w=writers: self.has_reader('waits.onnx', w), *words)
                finally:
                    for writer in writers:
                        os.close(writer)
                self.assertEqual(ended, 75, err)
                self.assertEqual(err, 'prefiqs: terminated; run the same command again, with --resume if it has rows\n')

    def has_reader(self, name, writers):
        """Of a pipe; its end to write to is then in `writers`."""
        try:
            writers.append(os.open(self.folder / name, os.O_WRONLY | os.O_NONBLOCK))
        except OSError as error:
            self.assertEqual(error.errno, errno.ENXIO)
            return False
        return True

    def test_a_second_signal_ends_at_once(self):
        """The first is noted and the batch goes on; the second does not wait."""
        self.network = material.recognition_network(self.folder / 'slower.onnx', width=64, side=160)
        self.crops(64)
        process = subprocess.Popen(
            self.command('score', '--model', self.network, '--preset', 'arcface', '--aligned', '--guard', 'none', 'crops',
                         '--executor', 'reference', '--threads', '2', '--batch', '64', '--output', 'rows.csv'),
            cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        deadline = time.monotonic() + 300
        while not ((self.folder / 'rows.csv').exists() and self.has_threads(process)):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.01)
        time.sleep(0.3)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        self.assertIsNone(process.poll(), 'the first signal is only noted')
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 75, err)
        self.assertIn(b'terminated', err)


if __name__ == '__main__':
    material.main()
