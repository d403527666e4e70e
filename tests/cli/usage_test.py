"""What the program says about itself, and what it refuses before it starts."""
import pathlib

import material
from material import ProgramTest


class Help(ProgramTest):
    def test_lists_every_command(self):
        run = self.run_program('--help')
        self.assert_status(run, 0)
        for command in ('score', 'embed', 'prune', 'inspect', 'evaluate', 'sweep', 'export', 'bench',
                        'serve'):
            self.assertRegex(run.out.decode(), rf'(?m)^  {command} ')

    def test_has_examples(self):
        for command in ('score', 'embed', 'prune', 'inspect', 'evaluate', 'bench'):
            with self.subTest(command):
                run = self.run_program(command, '--help')
                self.assert_status(run, 0)
                self.assertEqual(run.err, '')
                self.assertRegex(run.out.decode(), rf'Examples:\n +prefiqs {command} ')

    def test_says_what_failures_are_allowed(self):
        for command, words in (('score', 'pictures failed or had no face'), ('embed', 'pictures failed or had no face'),
                               ('demo', 'no picture has a face to make worse'), ('explain', 'refused by the guard')):
            with self.subTest(command):
                text = ' '.join(self.run_program(command, '--help').out.decode().split())
                self.assertRegex(text, rf'--allow-failures Exit status 0 in place of 1 where [^[]*{words}')

    def test_names_the_stable_options(self):
        text = self.run_program('score', '--help').out.decode()
        for option in ('--model', '--preset', '--channels', '--mean', '--scale', '--recipe', '--sparsity',
                       '--granularity', '--criterion', '--scope', '--from', '--seed', '--aligned', '--detector',
                       '--faces', '--method', '--precision', '--threads', '--batch', '--format', '--output',
                       '--embeddings', '--resume', '--shard', '--min-face', '--save-crops', '--force', '--search', '--turn'):
            self.assertIn(option, text)

    def test_version(self):
        run = self.run_program('--version')
        self.assert_status(run, 0)
        self.assertRegex(run.out.decode(), r'\Aprefiqs \d+\.\d+\.\d+\n\Z')


class Usage(ProgramTest):
    def refused(self, words, *arguments):
        run = self.run_program(*arguments)
        self.assert_status(run, 2)
        self.assertEqual(run.out, b'')
        self.assertTrue(run.err.startswith('prefiqs: '), run.err)
        for word in words:
            self.assertIn(word, run.err)

    def test_commands_and_options(self):
        picture = self.picture('a.png', material.noise(1))
        score = ['score', '--model', self.network, '--preset', 'arcface', '--aligned', picture]
        for words, arguments in (
                (['--help'], []),
                (['scrore', '--help'], ['scrore']),
                (['--nonsense', '--help'], [*score, '--nonsense']),
                (['INPUT'], ['score', '--model', self.network, '--aligned']),
                (['preset', 'nonsense', 'arcface'], [*score[:4], 'nonsense', '--aligned', picture]),
                (['--channels', 'rgb', 'bgr'], [*score[:3], '--channels', 'rbg', '--aligned', picture]),
                (['--mean'], [*score[:3], '--mean', '1,2', '--aligned', picture]),
                (['--scale', '0'], [*score[:3], '--scale', '0', '--aligned', picture]),
                (['--preset', 'excludes'], [*score, '--mean', '0']),
                (['--shard', '0/3'], [*score, '--shard', '0/3']),
                (['--format', 'csv', 'jsonl'], [*score, '--format', 'xml']),
                (['--faces none: best, largest, central or all'], [*score, '--faces', 'none']),
                (['--method', 'nonsense'], [*score, '--method', 'nonsense']),
                (['onnx:FILE'], [*score, '--method', 'onnx:']),
                (['--model'], [*score, '--method', f'onnx:{self.network}']),
                (['prunes nothing'], [*score, '--method', 'norm', '--sparsity', '0.2']),
                (['--gate'], [*score, '--method', 'norm', '--gate', '20']),
                (['--precision', 'fp32'], [*score, '--precision', 'fp8']),
                (['--executor', 'reference'], [*score, '--executor', 'gpu']),
                (['--criterion', 'l1', 'random'], [*score, '--criterion', 'l2']),
                (['--scope', 'global', 'layer', 'channel'], [*score, '--scope', 'filter']),
                (['--granularity', 'unstructured', 'structured'], [*score, '--granularity', 'filters']),
                (['--resume', '--output'], [*score, '--resume']),
                (['--resume', '--force'], [*score, '--resume', '--force', '--output', 'x.csv']),
                (['--threads'], [*score, '--threads', '-1']),
                (['--batch'], [*score, '--batch', '0']),
                (['--batch', 'above 0'], [*score, '--batch', '+0']),
                (['--batch', 'above 0'], [*score, '--batch', '0x0']),
                (['--threads', '0 or above'], [*score, '--threads', ' -5']),
                (['--max-faces', 'above 0'], [*score, '--max-faces', ' 0']),
                (['--min-face', '0 or above'], [*score, '--min-face', ' -1']),
                (['--max-pixels', 'above 0'], [*score, '--max-pixels', '+0']),
                (['--seed', '0 or above'], [*score, '--seed', ' -5']),
                (['--seconds', 'above 0'], ['bench', '--seconds', '0x0']),
                (['--aligned', '--detector'], [*score, '--detector', self.network]),
                (['--search', 'normal or fine'], [*score, '--search', 'finest']),
                (['--aligned', '--search'], [*score, '--search', 'fine']),
                (['--aligned', '--turn'], [*score, '--turn']),
                (['--embeddings'], ['embed', '--model', self.network, '--aligned', picture]),
                (['same file'], ['prune', self.network, self.network]),
        ):
            with self.subTest(arguments=arguments[-2:]):
                self.refused(words, *arguments)

    def test_not_available_yet(self):
        picture = self.picture('a.png', material.noise(1))
        score = ['score', '--model', self.network, '--preset', 'arcface', '--aligned', picture]
        for arguments in (
                [*score, '--method', 'combined'],
                *([command] for command in ('export', 'serve')),
        ):
            with self.subTest(arguments=arguments[:1] + arguments[-2:]):
                self.assert_refused(self.run_program(*arguments), 2, 'not available yet')


class Statuses(ProgramTest):
    """0 all scored, 1 some not, 2 usage (above), 3 model or recipe, 4 input or output."""

    def test_all_scored(self):
        self.assert_status(self.score_aligned(self.crops(3)), 0)

    def test_some_not(self):
        crops = self.crops(3)
        (crops / 'broken.png').write_bytes(b'not a picture')
        self.assert_status(self.score_aligned(crops), 1)

    def test_model(self):
        crops = self.crops(1)
        broken = self.folder / 'broken.onnx'
        for content in (b'', b'not a network', pathlib.Path(self.network).read_bytes()[:-100]):
            broken.write_bytes(content)
            run = self.run_program('score', '--model', broken, '--aligned', crops)
            self.assert_refused(run, 3, str(broken))

    def test_recipe(self):
        crops = self.crops(1)
        self.assert_refused(self.score_aligned(crops, '--sparsity', '1'), 3, 'sparsity')
        self.assert_refused(self.score_aligned(crops, '--from', '-0.5'), 3, 'from')
        structured = ['--granularity', 'structured']
        self.assert_refused(self.score_aligned(crops, *structured, '--scope', 'channel'), 3, 'channel scope')
        self.assert_refused(self.score_aligned(crops, *structured, '--from', '0.9'), 3, 'no channels')
        self.assert_refused(self.run_program('prune', self.network, 'out.onnx', '--remove'), 3, 'structured')
        self.assertFalse((self.folder / 'out.onnx').exists())
        recipe = self.folder / 'recipe.json'
        recipe.write_text('{"sparsity": 0.2, "nonsense": 1}')
        self.assert_refused(self.score_aligned(crops, '--recipe', recipe), 3, 'nonsense', str(recipe))

    def test_input_and_output(self):
        crops = self.crops(1)
        self.assert_refused(self.score_aligned(self.folder / 'missing'), 4, 'missing')
        self.assert_refused(self.score_aligned('@missing.txt'), 4, 'missing.txt')
        self.assert_refused(self.score_aligned(crops, '--output', self.folder / 'no/folder.csv'), 4, 'no/folder.csv')
        self.assert_refused(self.score_aligned(crops, '--recipe', 'missing.json'), 4, 'missing.json')
        run = self.run_program('score', '--model', 'missing.onnx', '--aligned', crops)
        self.assert_refused(run, 4, 'missing.onnx')
        empty = self.folder / 'empty'
        empty.mkdir()
        self.assert_refused(self.score_aligned(empty), 4, 'empty')


if __name__ == '__main__':
    material.main()
