"""A row's bytes depend on its picture, the network and the recipe; not on company, order, threads or shards."""
import os
import pathlib
import unittest.mock

import material
from material import ProgramTest, noise


class Company(ProgramTest):
    def setUp(self):
        super().setUp()
        self.crops(17)
        (self.folder / 'crops/0005.png').write_bytes(b'broken')

    def test_threads_and_batches(self):
        expected = self.score_aligned('crops', '--threads', '1', '--batch', '1', '--embeddings', 'a.npy')
        self.assert_status(expected, 1)
        for threads in ('1', '2', '5'):
            for batch in ('1', '2', '5', '100'):
                run = self.score_aligned('crops', '--threads', threads, '--batch', batch, '--embeddings', 'b.npy',
                                         '--force')
                self.assertEqual(run.out, expected.out, (threads, batch))
                self.assertEqual((self.folder / 'a.npy').read_bytes(), (self.folder / 'b.npy').read_bytes())

    def test_precisions(self):
        drifts = {}
        for precision in ('fp32', 'bf16'):
            expected = self.score_aligned('crops', '--threads', '1', '--batch', '1', '--precision', precision)
            if 'needs a processor with AVX512-BF16' in str(expected.err):
                self.skipTest('products in bfloat16 need AVX512-BF16')
            self.assert_status(expected, 1)
            self.assertEqual({row['precision'] for row in expected.rows()}, {precision})
            for threads, batch in (('1', '100'), ('2', '1'), ('3', '5')):
                run = self.score_aligned('crops', '--threads', threads, '--batch', batch, '--precision', precision)
                self.assertEqual(run.out, expected.out, (precision, threads, batch))
            drifts[precision] = [float(row['drift']) for row in expected.rows() if row['drift']]
        exact = drifts['fp32']
        self.assertGreater(len(exact), 10)
        for a, b in zip(exact, drifts['bf16'], strict=True):
            self.assertTrue(abs(a - b) <= 0.02, (a, b))  # not where one is no number
        self.assertNotEqual(exact, drifts['bf16'])

    def test_a_precision_that_is_slow_here_says_so_once(self):
        for isa, slow in (('AVX512_CORE_BF16', True), ('ALL', 'amx_bf16' not in pathlib.Path('/proc/cpuinfo').read_text())):
            with unittest.mock.patch.dict(os.environ, ONEDNN_MAX_CPU_ISA=isa):
                run = self.score_aligned('crops', '--precision', 'bf16')
                plain = self.score_aligned('crops')
            if 'needs a processor with AVX512-BF16' in str(run.err):
                self.skipTest('products in bfloat16 need AVX512-BF16')
            self.assert_status(run, 1)
            said = [line for line in run.err.splitlines() if 'no AMX' in line]
            self.assertEqual(len(said), slow, (isa, run.err))
            if slow:
                self.assertRegex(said[0], r'^prefiqs: warning: bf16 takes .* as long as fp32')
            self.assertNotIn('AMX', plain.err)

    def test_a_real_network(self):
        """The one that comes with the program: wide enough for tiles, whose rows several faces share."""
        self.network = 'default'
        for precision in ('fp32', 'bf16'):
            def scored(*arguments, precision=precision, **options):
                return self.score_aligned(*arguments, '--precision', precision, '--embeddings', 'b.npy', '--force',
                                          **options)

            expected = scored('crops', '--threads', '1', '--batch', '1')
            if 'needs a processor with AVX512-BF16' in str(expected.err):
                self.skipTest('products in bfloat16 need AVX512-BF16')
            self.assert_status(expected, 1)
            embeddings = (self.folder / 'b.npy').read_bytes()
            self.assertGreater(len(set(row['drift'] for row in expected.rows())), 10)
            for threads, batch in (('1', '100'), ('2', '1'), ('3', '5')):
                run = scored('crops', '--threads', threads, '--batch', batch)
                self.assertEqual(run.out, expected.out, (precision, threads, batch))
                self.assertEqual((self.folder / 'b.npy').read_bytes(), embeddings, (precision, threads, batch))
            lines = expected.out.splitlines()
            names = [line.split(b',')[0] for line in lines[:0:-1]]
            self.assertEqual(scored('-', stdin=b'\n'.join(names)).out.splitlines(), [lines[0], *lines[:0:-1]])

    def test_a_derivative_wants_float32(self):
        run = self.score_aligned('crops', '--method', 'jvp', '--precision', 'bf16')
        self.assert_refused(run, 2, 'jvp', 'fp32')

    def test_order_and_company(self):
        def lines(*arguments, **options):
            return self.score_aligned(*arguments, **options).out.splitlines()[1:]

        expected = {line.split(b',')[0]: line for line in lines('crops')}
        names = sorted(expected, reverse=True)
        self.assertEqual(lines('-', stdin=b'\n'.join(names)), [expected[name] for name in names])
        for name in names[:5]:
            self.assertEqual(lines(name), [expected[name]])

    def test_shards_partition(self):
        header, *rows = self.score_aligned('crops').out.splitlines()
        for count in (2, 3, 20):
            shards = []
            for index in range(1, count + 1):
                out = self.score_aligned('crops', '--shard', f'{index}/{count}').out.splitlines()
                self.assertEqual(out[:1], [header])
                self.assertEqual(out[1:], rows[index - 1::count])
                shards += out[1:]
            self.assertEqual(sorted(shards), sorted(rows))

    def test_several_faces(self):
        detector = material.detector_network(self.folder / 'detector.onnx')
        for i in range(7):
            cells = [(i % 3, 0), (0, 3), (3, 2)][:i % 4]
            self.picture(f'photos/{i}.png', material.bright_cells(160 + 16 * i, 320, *cells))
        options = ['--detector', detector, '--faces', 'all', 'photos']
        expected = self.score(*options, '--threads', '1', '--batch', '1')
        self.assertGreater(len(expected.rows()), 7)
        for threads, batch in (('1', '5'), ('2', '1'), ('3', '4')):
            self.assertEqual(self.score(*options, '--threads', threads, '--batch', batch).out, expected.out)


class Recipes(ProgramTest):
    def test_seeds(self):
        crops = self.crops(3)

        def drifts(*options):
            return [row['drift'] for row in self.score_aligned(crops, '--criterion', 'random', *options).rows()]

        self.assertEqual(drifts('--seed', '7'), drifts('--seed', '7'))
        self.assertNotEqual(drifts('--seed', '7'), drifts('--seed', '8'))

    def test_options_and_file_say_the_same(self):
        picture = self.picture('a.png', noise(4))
        (self.folder / 'recipe.json').write_text('{"scope": "layer", "sparsity": 0.25, "from": 0.5}')
        by_file = self.score_aligned(picture, '--recipe', 'recipe.json')
        by_options = self.score_aligned(picture, '--scope', 'layer', '--sparsity', '0.25', '--from', '0.5')
        self.assertEqual(by_file.out, by_options.out)
        self.assertEqual(by_file.rows()[0]['recipe'], 'unstructured-l1-layer-0.25-from0.5')

    def test_sidecar_recipe_and_preprocessing_are_used(self):
        picture = self.picture('a.png', noise(4))
        asked = self.run_program('score', '--model', self.network, '--channels', 'bgr', '--sparsity', '0.2',
                                 '--aligned', picture)
        (self.folder / 'net.onnx.json').write_text(
            '{"preprocessing": {"channels": "bgr", "mean": 127.5, "scale": 127.5}, "recipe": {"sparsity": 0.2}}')
        stored = self.run_program('score', '--model', self.network, '--aligned', picture)
        self.assertEqual(stored.out, asked.out)
        self.assertNotIn('warning', stored.err)


if __name__ == '__main__':
    material.main()
