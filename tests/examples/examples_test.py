"""The programs in examples/, against what the command says of the same pictures."""
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'cli'))
import material  # noqa: E402  (found beside the command's tests)

EXAMPLES = pathlib.Path(os.environ['PREFIQS_EXAMPLES'])


class Examples(material.ProgramTest):
    def example(self, name, *arguments):
        done = subprocess.run([EXAMPLES / name, *map(str, arguments)], capture_output=True, cwd=self.folder, timeout=60,
                              check=False)
        return material.Run(done.returncode, done.stdout, done.stderr)

    def setUp(self):
        super().setUp()
        self.face = self.picture('face.png', material.noise(3))
        self.quality = float(self.score_aligned(self.face).rows()[0]['quality'])

    def test_assess_one(self):
        run = self.example('assess_one', self.network, self.face)
        self.assert_status(run, 0)
        self.assertIn(f'quality {self.quality:.4f}, an embedding of {material.EMBEDDING} numbers', run.out.decode())
        self.assert_status(self.example('assess_one', self.network, self.network), 1)
        missing = self.example('assess_one', 'missing.onnx', self.face)
        self.assert_status(missing, 4)
        self.assertIn('missing.onnx', missing.err)

    def test_best_frame(self):
        detector = material.detector_network(self.folder / 'detector.onnx')
        for i in range(4):
            self.picture(f'frames/{i}.png', material.bright_cells(160 + 8 * i, 320, *[(1, 2 * i)][:i]))
        rows = self.score('--detector', detector, 'frames').rows()
        self.assertEqual([row['status'] for row in rows], ['no_face', 'ok', 'ok', 'ok'])
        best = max(rows, key=lambda row: float(row['quality'] or -1))['path']
        run = self.example('best_frame', self.network, detector, 'frames')
        self.assert_status(run, 0)
        self.assertIn(f'best: {best}\n', run.out.decode())

    def test_gate(self):
        passed = self.example('gate', self.network, self.quality - 0.01, self.face)
        self.assert_status(passed, 0)
        self.assertIn('passed', passed.out.decode())
        self.assert_status(self.example('gate', self.network, self.quality + 0.01, self.face), 5)
        self.assert_status(self.example('gate', self.network, 0, self.network), 5)
        self.assert_status(self.example('gate', self.network, 'high', self.face), 2)


if __name__ == '__main__':
    material.main()
