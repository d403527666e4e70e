"""scripts/exporters: prefiqs runs what exporters write, or refuses it in the words that are listed; the document says what
ran. ONNX Runtime is not needed."""
import dataclasses
import math
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import numpy as np
import onnx

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / 'scripts'))
from exporter_forms import bodies, document, numbers, registry, run  # noqa: E402

PROGRAM = os.environ.get('PREFIQS_PROGRAM', 'prefiqs')
NEWEST_OPSET = onnx.defs.onnx_opset_version()
ONE_LINE = 400  # characters of a message at most


class Forms(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        path = pathlib.Path(cls.folder.name)
        cls.program = run.Program(PROGRAM, path)
        cls.rows = document.rows(registry.FORMS, cls.program, None, path)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def test_each_form_does_what_is_listed(self):
        for row in self.rows:
            with self.subTest(row.form.name):
                self.assertEqual(list(document.complaints(row)), [])

    def test_there_are_enough_of_them(self):
        names = [form.name for form in registry.FORMS]
        self.assertEqual(len(set(names)), len(names))
        self.assertGreaterEqual(sum(row.said is None for row in self.rows), 25)
        self.assertEqual({form.network for form in registry.FORMS}, set(bodies.BODIES))

    def test_a_refusal_is_one_line_with_the_cause(self):
        for row in self.rows:
            if row.said is not None:
                self.assertLess(len(row.said), ONE_LINE, row.form.name)
                self.assertNotIn('\n', row.said)

    def test_the_document_says_what_ran(self):
        table = document.table_of((ROOT / 'docs/exporters.md').read_text())
        self.assertEqual(list(table), [form.name for form in registry.FORMS])
        for row in self.rows:
            with self.subTest(row.form.name):
                written, wanted = table[row.form.name], document.cells(row)
                self.assertEqual(written[:5], wanted[:5])
                self.assertEqual(len(written), len(wanted))
                self.check_figure(written[5], row.form.bound, row.form.reason, row.said is None)
                asked = not (row.form.runtime_unasked or row.form.runtime_refuses)
                self.check_figure(written[6], row.form.runtime_bound, row.form.runtime_reason, asked)
                self.assertTrue(written[6])

    def check_figure(self, cell, bound, reason, there):
        if not there:
            return
        figure, _, why = cell.partition(': ')
        self.assertLessEqual(float(figure), bound)
        self.assertEqual(why, reason)

    def test_the_document_counts(self):
        runs = sum(row.said is None for row in self.rows)
        said = f'{len(self.rows)} forms: {runs} run, {len(self.rows) - runs} are refused.'
        self.assertIn(said, (ROOT / 'docs/exporters.md').read_text())

    def test_files_are_valid_by_onnx_itself(self):
        checked = 0
        for form in registry.FORMS:
            model = onnx.load(str(pathlib.Path(self.folder.name) / f'{form.name}.onnx'))
            domains = {node.domain for node in model.graph.node}
            if form.spelling.opset > NEWEST_OPSET or domains - {''}:
                continue
            with self.subTest(form.name):
                onnx.checker.check_model(model)
                checked += 1
        self.assertGreaterEqual(checked, 40)

    def test_both_executors_agree(self):
        for name in ('torchscript', 'keras2onnx-mobile', 'dynamo-vit'):
            made = registry.make(next(form for form in registry.FORMS if form.name == name), pathlib.Path(self.folder.name))
            found, _ = self.program.embeddings(made.path, (*registry.options(made.form), '--executor', 'reference'))
            self.assertLess(registry.apart(found, made.wanted), 1e-5)


class Judging(unittest.TestCase):
    """The comparison sees what is wrong."""

    form = registry.FORMS[0]
    fine = document.Row(form, None, 1e-6, None, 1e-6, True)

    def complaints(self, form=None, **changes):
        return list(document.complaints(dataclasses.replace(self.fine, form=form or self.form, **changes)))

    def test_a_difference_nan_or_refusal_is_told(self):
        self.assertEqual(self.complaints(), [])
        self.assertRegex(self.complaints(apart=2e-5)[0], 'apart from what is computed')
        self.assertRegex(self.complaints(apart=math.nan)[0], 'nan apart')
        self.assertRegex(self.complaints(said='no')[0], 'refused: no')
        self.assertRegex(self.complaints(runtime_apart=math.nan)[0], 'nan apart from ONNX Runtime')
        self.assertRegex(self.complaints(runtime_apart=2e-5)[0], 'apart from ONNX Runtime')
        self.assertRegex(self.complaints(runtime_said='no')[0], 'ONNX Runtime refuses it')
        self.assertEqual(self.complaints(runtime_said='no', runtime_asked=False), [])

    def test_a_refusal_has_its_words(self):
        form = dataclasses.replace(self.form, refused='Loop')
        self.assertEqual(self.complaints(form, said='node Loop'), [])
        self.assertRegex(self.complaints(form, said='node If')[0], 'other words')
        self.assertRegex(self.complaints(form)[0], 'not refused')

    def test_a_weight_that_moves_is_seen(self):
        weights = bodies.weights('convolutional')
        crops = run.crops()
        before = numbers.embeddings('convolutional', weights, crops)
        weights['second.weight'][3, 5, 1, 1] += 0.01
        self.assertGreater(registry.apart(numbers.embeddings('convolutional', weights, crops), before), 1e-5)
        self.assertEqual(registry.apart(before, before) < 1e-15, True)
        self.assertTrue(math.isnan(registry.apart(np.full_like(before, np.nan), before)))

    def test_the_functions_of_a_network_differ(self):
        crops = run.crops()
        for network, kind, values in (('transformer', 'gelu', ('erf', 'tanh', 'quick')),
                                      ('convolutional', 'padding', ('even', 'same')), ('transformer', 'epsilon', (1e-6, 1e-3))):
            found = [numbers.embeddings(network, bodies.weights(network), crops, **{kind: value}) for value in values]
            for other in found[1:]:
                self.assertGreater(registry.apart(other, found[0]), 3e-5, kind)


class Command(unittest.TestCase):
    def make(self, folder):
        return subprocess.run([ROOT / 'scripts/exporters', 'make', folder], capture_output=True, text=True, check=True)

    def test_makes_the_same_bytes_each_time(self):
        with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
            self.make(first)
            self.make(second)
            names = sorted(path.name for path in pathlib.Path(first).iterdir())
            self.assertEqual(sum(name.endswith('.onnx') for name in names), len(registry.FORMS))
            self.assertIn('dynamo-external-data.onnx.data', names)
            for name in names:
                self.assertEqual((pathlib.Path(first) / name).read_bytes(), (pathlib.Path(second) / name).read_bytes(), name)

    def test_check_names_what_is_wrong(self):
        done = subprocess.run([ROOT / 'scripts/exporters', '--program', PROGRAM, 'check', 'torchscript'], capture_output=True,
                              text=True, check=False)
        self.assertEqual((done.returncode, done.stdout), (0, '1 forms, all as listed\n'))


if __name__ == '__main__':
    unittest.main()
