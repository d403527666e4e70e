"""`prefiqs demo`: what it leaves alone, and what it says when it cannot do what is asked."""
import material
from material import ProgramTest, noise, ppm


class Demo(ProgramTest):
    def demo(self, *arguments):
        return self.run_program('demo', '--threads', '1', *arguments)

    def test_a_figure_without_a_face(self):
        self.picture('noise.ppm', noise(1, 80, 80), ppm)
        run = self.demo('noise.ppm', '--page', 'page.html')
        self.assert_status(run, 0)
        run = self.demo('noise.ppm', '--page', 'page.html', '--figure', 'figure.svg')
        self.assert_status(run, 1)
        self.assertIn('figure.svg: not written', run.err)
        self.assertFalse((self.folder / 'figure.svg').exists())
        allowed = self.demo('noise.ppm', '--page', 'page.html', '--figure', 'figure.svg', '--allow-failures')
        self.assert_status(allowed, 0)
        self.assertIn('figure.svg: not written', allowed.err)
        (self.folder / 'bad.png').write_bytes(b'no picture')  # which is a line of the table, and no failure
        self.assert_status(self.demo('bad.png', '--page', 'page.html'), 0)

    def test_only_pages_are_written_over(self):
        picture = self.picture('noise.ppm', noise(1, 80, 80), ppm)
        before = picture.read_bytes()
        run = self.demo('noise.ppm', '--page', 'noise.ppm')
        self.assert_refused(run, 4, 'noise.ppm', '--force')
        self.assertEqual(picture.read_bytes(), before)
        for _ in range(2):  # an earlier page may go
            self.assert_status(self.demo('noise.ppm', '--page', 'page.html'), 0)
        (self.folder / 'page.html').write_text('my notes')
        self.assert_refused(self.demo('noise.ppm', '--page', 'page.html'), 4, 'page.html', '--force')
        self.assert_status(self.demo('noise.ppm', '--page', 'page.html', '--force'), 0)
        self.assertIn('survives pruning', (self.folder / 'page.html').read_text(encoding='utf-8'))


if __name__ == '__main__':
    material.main()
