"""`prefiqs bench`: that what it prints is there and fits together. How fast it was is not asked."""
import json

import material
from material import ProgramTest


class Bench(ProgramTest):
    def bench(self, *arguments):
        return self.run_program('bench', '--model', self.network, '--preset', 'arcface', '--seconds', '0.3', *arguments)

    def report(self, *arguments):
        run = self.bench('--json', *arguments)
        self.assert_status(run, 0)
        return json.loads(run.out)

    def test_json(self):
        report = self.report('--threads', '1,2', '--batch', '1,3', '--sparsity', '0.3')
        stages = [(s['stage'], s['threads'], s['batch']) for s in report['stages']]
        self.assertEqual(stages, [('load', 1, 1), ('prune and compile', 1, 1), ('preprocess', 1, 1)] + [
            (f'{name} pass', threads, batch) for threads in (1, 2) for batch in (1, 3) for name in ('dense', 'drift')])
        # By hand: 3x3 convolutions of stride 2 over 24x24 and 12x12, and a matrix.
        dense = 12 * 12 * 8 * 27 + 6 * 6 * 16 * 72 + material.EMBEDDING * 16 * 36
        self.assertEqual(report['macs'], {'dense': dense, 'method': 2 * dense})
        self.assertEqual(report['suffix_share'], 1)
        self.assertEqual(report['recipe'], 'unstructured-l1-global-0.3')
        ceilings = {(c['precision'], c['threads']): c['gflops'] for c in report['ceilings']}
        for stage in report['stages']:
            self.assertGreater(stage['ms'], 0)
            self.assertLessEqual(stage['ms_quartiles'][0], stage['ms'])
            self.assertLessEqual(stage['ms'], stage['ms_quartiles'][1])
            if not stage['stage'].endswith(' pass'):
                self.assertIsNone(stage['gflops'])
                continue
            macs = report['macs']['dense' if stage['stage'].startswith('dense') else 'method']
            self.assertAlmostEqual(stage['gflops'] * stage['ms'] * 1e6 / (2 * macs), 1, places=6)
            ceiling = ceilings[report['precision'], stage['threads']]
            self.assertAlmostEqual(stage['of_ceiling'] * ceiling / stage['gflops'], 1, places=6)

    def test_shared_prefix_is_counted_once(self):
        report = self.report('--threads', '1', '--batch', '1', '--from', '0.9')
        matrix = material.EMBEDDING * 16 * 36
        self.assertEqual(report['macs']['method'] - report['macs']['dense'], matrix)

    def test_table(self):
        run = self.bench('--threads', '1', '--batch', '2')
        self.assert_status(run, 0)
        text = run.out.decode()
        for line in (r'stage +threads +batch +ms an image', r'load +1 +1 +[\d.]+ +[\d.]+ to [\d.]+ +- +- +- +-',
                     r'dense pass +1 +2 .* % +fp32 +\S+ +\d+', r'drift pass +1 +2 ', r'ceiling, 1 thread +fp32: \d+ GFLOP/s',
                     r'no picture is named'):
            self.assertRegex(text, f'(?m)^{line}')

    def test_pictures(self):
        crop = self.picture('[a,b].png', material.noise(1))
        report = self.report('--threads', '1', '--batch', '1', '--aligned', '--pictures', crop, crop, '--method', 'norm')
        self.assertEqual([s['stage'] for s in report['stages']],
                         ['load', 'compile', 'decode', 'preprocess', 'dense pass', 'norm pass', 'whole picture'])
        self.assertIsNone(report['recipe'])

    def test_detector(self):
        detector = material.detector_network(self.folder / 'detector.onnx')
        photograph = self.picture('photo.png', material.bright_cells(320, 320, (4, 4)))
        report = self.report('--threads', '1', '--batch', '1', '--detector', detector, '--pictures', photograph)
        self.assertEqual([s['stage'] for s in report['stages']],
                         ['load', 'prune and compile', 'decode', 'detect', 'align', 'preprocess', 'dense pass',
                          'drift pass', 'whole picture'])

    def test_refuses(self):
        for status, words, arguments in (
                (2, ['--threads', '1,8'], ['--threads', '1,x']),
                (2, ['--batch'], ['--batch', '0']),
                (2, ['--seconds'], ['--seconds', '0']),
                (2, ['--pictures'], ['--pictures', '--json']),
                (2, ['prunes nothing'], ['--method', 'norm', '--sparsity', '0.2']),
                (2, ['--precision'], ['--precision', 'fp8']),
                (4, ['missing.png'], ['--aligned', '--pictures', 'missing.png']),
        ):
            with self.subTest(arguments=arguments):
                run = self.bench(*arguments)
                self.assert_status(run, status)
                self.assertEqual(run.out, b'')
                for word in words:
                    self.assertIn(word, run.err)


if __name__ == '__main__':
    material.main()
