"""An interrupted run that is continued gives the same bytes as one that was not."""
import csv
import io
import json
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

    def check_mixed(self, run, *values):
        """That one line says that the table has rows of these instruction sets, and that the table is whole."""
        self.assert_finished(run)
        said = [line for line in run.err.splitlines() if 'mixes' in line]
        self.assertEqual(len(said), 1, run.err)
        for value in values:
            self.assertIn(value, said[0])

    def test_goes_on_across_instruction_sets(self):
        rows, _ = self.complete()
        place = rows.index(b'\n', len(rows) // 2) + 1
        older = self.score_aligned('crops', '--output', 'part', environment={'ONEDNN_MAX_CPU_ISA': 'SSE41'})
        older_rows = self.read('part')
        self.assertIn(b',sse41,', older_rows)
        self.assertNotIn('mixes', older.err)
        mine = material.csv_rows(rows)[0]['instruction_set']
        if mine == 'sse41':
            self.skipTest('this processor has no other instruction set')
        cut = older_rows.index(b'\n', len(older_rows) // 2) + 1
        kept = len(material.csv_rows(older_rows[:cut]))
        (self.folder / 'part').write_bytes(older_rows[:cut])
        run = self.score_aligned('crops', '--output', 'part', '--resume')
        self.check_mixed(run, f'instruction_set: sse41 ({kept} rows), {mine} (the rows to come)')
        mixed = material.csv_rows(self.read('part'))
        self.assertEqual([row['instruction_set'] for row in mixed], ['sse41'] * kept + [mine] * (len(mixed) - kept))
        for row, other in zip(mixed, material.csv_rows(rows), strict=True):
            self.assertEqual((row['path'], row['status']), (other['path'], other['status']))
            if row['status'] == 'ok':
                self.assertLessEqual(abs(float(row['drift']) - float(other['drift'])), 1e-5)
        # Also of a table that is whole, and of JSON lines.
        self.check_mixed(self.score_aligned('crops', '--output', 'part', '--resume'), f'sse41 ({kept} rows)',
                         f'{mine} ({len(mixed) - kept} rows)')
        self.score_aligned('crops', '--output', 'lines', '--format', 'jsonl')
        lines = self.read('lines').splitlines(keepends=True)
        (self.folder / 'lines').write_bytes(
            b''.join(line.replace(b'"engine":"onednn ', b'"engine":"onednn 1.') for line in lines[:3]))
        run = self.score_aligned('crops', '--output', 'lines', '--format', 'jsonl', '--resume')
        self.check_mixed(run, 'engine: onednn 1.', '(3 rows), onednn ')

    def test_tables_of_schema_1_stay_what_they_are(self):
        rows, _ = self.complete()
        cells = list(csv.reader(io.StringIO(rows.decode(), newline='')))
        first_new = cells[0].index('schema')
        text = io.StringIO(newline='')
        csv.writer(text, lineterminator='\n').writerows(line[:first_new] for line in cells)
        older = text.getvalue().encode()
        for place in (older.index(b'\n') + 1, older.index(b'0012'), len(older)):
            with self.subTest(bytes=place):
                (self.folder / 'old').write_bytes(older[:place])
                run = self.score_aligned('crops', '--output', 'old', '--resume')
                self.assert_finished(run)
                self.assertEqual(run.err.count('is a table of schema 1 and stays one'), 0 if place == len(older) else 1)
                self.assertEqual(self.read('old'), older)

    def test_says_that_crops_of_schema_1_were_not_checked_for_alignment(self):
        for options, warnings in (([], 1), (['--guard', 'none'], 0)):
            with self.subTest(options=options):
                arguments = ['--aligned', 'crops', '--output', 'old', *options]
                self.score(*arguments, '--force')
                cells = list(csv.reader(io.StringIO(self.read('old').decode(), newline='')))
                text = io.StringIO(newline='')
                csv.writer(text, lineterminator='\n').writerows(line[:cells[0].index('schema')] for line in cells)
                older = text.getvalue().encode()
                for place in (older.index(b'0012'), len(older)):
                    (self.folder / 'old').write_bytes(older[:place])
                    run = self.score(*arguments, '--resume')
                    self.assert_status(run, 1)
                    self.assertEqual(run.err.count('were not checked for alignment'), warnings, run.err)
                    self.assertEqual(self.read('old'), older)

    def test_scalars_of_two_calibrations_are_not_mixed(self):
        hashes = []
        for name, first in (('one', 100), ('two', 300)):
            for i in range(100):
                self.picture(f'{name}/{i}.png', noise(first + i))
            self.assert_status(self.run_program('calibrate', self.network, name, '--aligned', '--guard', 'none', '--preset',
                                                'arcface', '--sidecar', f'{name}.json'), 0)
            inspected = self.run_program('inspect', self.network, '--sidecar', f'{name}.json', '--json')
            hashes.append(json.loads(inspected.out)['calibration_hash'])
            self.assertIn(f', content {hashes[-1]}',
                          self.run_program('inspect', self.network, '--sidecar', f'{name}.json').out.decode())
        self.assertNotEqual(*hashes)
        for form in ('csv', 'jsonl'):
            arguments = ['crops', '--output', 'part', '--format', form]
            self.score_aligned(*arguments, '--sidecar', 'one.json', '--force')
            whole = self.read('part')
            rows = material.csv_rows(whole) if form == 'csv' else [json.loads(line) for line in whole.splitlines()]
            # The row of the broken picture says it too.
            self.assertEqual({row['calibration'] for row in rows}, {hashes[0]})
            self.assertEqual(sum(row['scalar'] in ('', None) for row in rows), 1)
            begun = whole[:len(whole) // 2]
            for sidecar, has in ((['--sidecar', 'two.json'], hashes[1]), ([], 'none')):
                (self.folder / 'part').write_bytes(begun)
                run = self.score_aligned(*arguments, '--resume', *sidecar)
                self.assert_refused(run, 2, 'part: cannot be continued', f'calibration {hashes[0]}, this run has {has}',
                                    '--sidecar', 'another file')
                self.assertEqual(self.read('part'), begun)
            self.assert_status(self.score_aligned(*arguments, '--resume', '--sidecar', 'one.json'), 1)
            self.assertEqual(self.read('part'), whole)
        # A recipe that it is not for has no scalars, and names none.
        run = self.score_aligned('crops', '--sidecar', 'one.json', '--sparsity', '0.3')
        self.assertEqual({(row['scalar'], row['calibration']) for row in run.rows()}, {('', '')})

    def test_refuses_newer_tables(self):
        rows, _ = self.complete()
        newer = [line + b',9' for line in rows.splitlines() if b'0001.png' in line]
        header = rows.splitlines()[0] + b',more'
        table = b'\n'.join([header, *newer, b'']).replace(b',2,onednn', b',3,onednn')
        self.assertIn(b',3,onednn', table)
        (self.folder / 'part').write_bytes(table)
        self.assert_refused(self.score_aligned('crops', '--output', 'part', '--resume'), 2, 'part', 'schema 3', 'up to 2')
        self.assertEqual(self.read('part'), table)

    def test_counts_rows_of_another_shard(self):
        first = self.score_aligned('crops', '--output', 'part', '--shard', '1/2', '--resume')
        self.assertNotIn('not among', first.err)
        again = self.score_aligned('crops', '--output', 'part', '--shard', '1/2', '--resume')
        self.assertNotIn('not among', again.err)
        half = len(material.csv_rows(self.read('part')))
        self.assertEqual(half, (self.COUNT + 1) // 2)
        run = self.score_aligned('crops', '--output', 'part', '--shard', '2/2', '--resume')
        self.assert_finished(run)
        self.assertEqual(run.err.count(f'part: {half} of the rows are of pictures that are not among'), 1, run.err)
        whole = self.score_aligned('crops', '--output', 'part', '--resume')
        self.assertNotIn('not among', whole.err)
        (self.folder / 'crops/0007.png').unlink()
        self.assertIn('part: 1 of the rows', self.score_aligned('crops', '--output', 'part', '--resume').err)

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
            self.assertEqual(status, {signal.SIGINT: 130, signal.SIGTERM: 75}[which], err)
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
