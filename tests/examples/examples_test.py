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
        self.noise = self.picture('noise.png', material.noise(3))

    def real_face(self):
        """An aligned crop, and its quality."""
        face = material.shared_folder('reference', 'crops', 'lfw_Keanu_Reeves_0012.png')
        row = self.score('--aligned', face).rows()[0]
        self.assertEqual(row['status'], 'ok')
        return face, float(row['quality'])

    def test_noise_is_refused(self):
        run = self.example('assess_one', self.network, self.noise)
        self.assert_status(run, 1)
        self.assertIn('the crop shows no face', run.out.decode())
        run = self.example('gate', self.network, 0, self.noise)
        self.assert_status(run, 5)
        self.assertIn('refused: the crop shows no face', run.out.decode())

    def test_assess_one(self):
        self.assert_status(self.example('assess_one', self.network, self.network), 1)
        missing = self.example('assess_one', 'missing.onnx', self.noise)
        self.assert_status(missing, 4)
        self.assertIn('missing.onnx', missing.err)
        face, quality = self.real_face()
        run = self.example('assess_one', self.network, face)
        self.assert_status(run, 0)
        self.assertIn(f'quality {quality:.4f}, an embedding of {material.EMBEDDING} numbers', run.out.decode())

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
        self.assert_status(self.example('gate', self.network, 0, self.network), 5)
        self.assert_status(self.example('gate', self.network, 'high', self.noise), 2)
        face, quality = self.real_face()
        passed = self.example('gate', self.network, quality - 0.01, face)
        self.assert_status(passed, 0)
        self.assertIn('passed', passed.out.decode())
        self.assert_status(self.example('gate', self.network, quality + 0.01, face), 5)


if __name__ == '__main__':
    material.main()
