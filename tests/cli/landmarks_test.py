"""Landmarks that come with the pictures, in place of a detector: score, embed, calibrate, evaluate; IJB's protocol."""
import numpy as np

import ijb
import material
from material import ProgramTest, noise

COLUMNS = [f'{point}_{axis}' for point in ('left_eye', 'right_eye', 'nose', 'left_mouth', 'right_mouth') for axis in 'xy']


class Landmarks(ProgramTest):
    def setUp(self):
        super().setUp()
        self.set = ijb.make(self.folder / 'ijb')
        self.points = self.set / 'meta/name_5pts_score.txt'

    def test_no_detector_runs_and_rows_say_where_the_points_come_from(self):
        run = self.score('ijb/loose_crop', '--landmarks', self.points)
        self.assert_status(run, 0)
        rows = run.rows()
        self.assertEqual(len(rows), 120)
        self.assertEqual({row['status'] for row in rows}, {'ok'})
        self.assertEqual({row['guard'] for row in rows}, {''})
        self.assertEqual({row['search'] for row in rows}, {''})
        self.assertEqual(len({row['detector'] for row in rows}), 1)
        self.assertRegex(rows[0]['detector'], r'^landmarks:[0-9a-f]{32}$')
        wanted = {line.split()[0]: line.split()[1:] for line in self.points.read_text().splitlines()}
        for row in rows:
            numbers = wanted[row['path'].rsplit('/')[-1]]
            self.assertEqual([row[column] for column in COLUMNS], numbers[:10])
            self.assertEqual(row['confidence'], numbers[10])
            self.assertEqual(row['box_width'], '')
        self.assertIn("120 faces, read as lines of a name, five points and maybe a score, as IJB's name_5pts_score.txt\n", run.err)
        # The rows are landmarks themselves, and give the same scores; so does another order and another form.
        (self.folder / 'rows.csv').write_bytes(run.out)
        again = self.score('ijb/loose_crop', '--landmarks', 'rows.csv', '--batch', '1', '--threads', '1')
        self.assertEqual([row['quality'] for row in again.rows()], [row['quality'] for row in rows])
        lines = self.points.read_text().splitlines()
        (self.folder / 'other.txt').write_text('\ufeff' + '\r\n'.join(line.replace(' ', '\t') for line in reversed(lines)),
                                               encoding='utf-8')
        other = self.score('ijb/loose_crop', '--landmarks', 'other.txt')
        self.assertEqual([row['quality'] for row in other.rows()], [row['quality'] for row in rows])

    def test_what_has_no_counterpart_is_counted(self):
        lines = self.points.read_text().splitlines()
        (self.folder / 'some.txt').write_text('\n'.join(lines[1:] + [lines[0].replace('1.jpg', 'else.jpg')]) + '\n')
        run = self.score('ijb/loose_crop', '--landmarks', 'some.txt', '--embeddings', 'e.npy', '--output', 'o.csv')
        self.assert_status(run, 1)
        self.assertIn('some.txt: 1 picture without a row there, which gets no_face; 1 of its 120 faces are of no picture',
                      run.err)
        rows = material.csv_rows((self.folder / 'o.csv').read_bytes())
        missing = [i for i, row in enumerate(rows) if row['status'] != 'ok']
        self.assertEqual([(rows[i]['path'], rows[i]['status'], rows[i]['detail']) for i in missing],
                         [('ijb/loose_crop/1.jpg', 'no_face', 'some.txt has no row of this picture')])
        self.assertTrue(np.isnan(np.load(self.folder / 'e.npy')[missing[0]]).all())
        # Shards see the counts of the whole run.
        self.assertIn('1 picture without a row', self.score('ijb/loose_crop', '--landmarks', 'some.txt', '--shard', '2/2').err)
        # Another file is another run.
        resumed = self.score('ijb/loose_crop', '--landmarks', self.points, '--output', 'o.csv', '--embeddings', 'e.npy',
                             '--resume')
        self.assert_status(resumed, 2)
        self.assertIn('landmarks:', resumed.err)

    def test_points_of_another_picture_are_refused_for_it(self):
        self.picture('small/1.png', noise(1, 60, 60))
        (self.folder / 'far.txt').write_text('1.png 400 400 440 400 420 420 405 440 435 440\n')
        run = self.score('small', '--landmarks', 'far.txt')
        self.assert_status(run, 1)
        self.assertEqual([(row['status'], row['detail']) for row in run.rows()],
                         [('no_face', 'the given points lie outside of the picture of 60×60 pixels (width × height)')])

    def test_options_that_search_do_not_go_with_it(self):
        for words in (['--aligned'], ['--detector', 'x.onnx'], ['--search', 'fine'], ['--turn']):
            self.assert_refused(self.score('ijb/loose_crop', '--landmarks', self.points, *words), 2, words[0], '--landmarks')
        self.assert_refused(self.score('ijb/loose_crop', '--landmarks', 'none.txt'), 4, 'none.txt')

    def test_several_faces_of_a_picture_are_chosen_from(self):
        self.picture('two/1.png', noise(1, 100, 100))
        near, far = [30, 30, 60, 30, 45, 45, 32, 60, 58, 60], [80, 80, 95, 80, 88, 88, 82, 96, 94, 96]
        table = ['path,face,box_x,box_y,box_width,box_height,' + ','.join(COLUMNS)]
        table += [f'1.png,{i},{points[0] - 10},{points[1] - 10},50,50,' + ','.join(map(str, points))
                  for i, points in enumerate((far, near))]
        (self.folder / 'two.csv').write_text('\n'.join(table) + '\n')
        best = self.score('two', '--landmarks', 'two.csv')
        self.assertEqual([(row['left_eye_x'], row['faces']) for row in best.rows()], [('30.000', '2')])
        both = self.score('two', '--landmarks', 'two.csv', '--faces', 'all')
        self.assertEqual([row['left_eye_x'] for row in both.rows()], ['30.000', '80.000'])
        limited = self.score('two', '--landmarks', 'two.csv', '--max-faces', '1')
        self.assertEqual([row['status'] for row in limited.rows()], ['too_many_faces'])
        small = self.score('two', '--landmarks', 'two.csv', '--min-face', '51')
        self.assertEqual([row['status'] for row in small.rows()], ['face_too_small'])

    def test_calibrate_and_its_choice_of_a_recipe_take_them(self):
        for options in ([], ['--recipe', 'auto', '--force']):
            run = self.run_program('calibrate', 'net.onnx', 'ijb/loose_crop', '--preset', 'arcface', '--landmarks',
                                   self.points, *options)
            self.assert_status(run, 0)
            self.assertIn('120 faces, recipe', run.err)
        scored = self.score('ijb/loose_crop', '--landmarks', self.points)
        self.assertTrue(all(row['scalar'] for row in scored.rows()))

    def fnmr(self, points, *options):
        run = self.run_program('evaluate', 'ijb/meta/template_pair_label.txt', 'ijb/loose_crop', '--templates',
                               'ijb/meta/face_tid_mid.txt', '--landmarks', points, '--network', 'net.onnx:arcface',
                               '--method', 'drift', '--fmr', '0.05', '--resamples', '5', '--work', f'work-{points.stem}',
                               '--tables', 'csv', *options)
        self.assert_status(run, 0)
        self.assertIn('24 mated and 160 non-mated comparisons', run.err)
        return float(run.rows()[0]['FNMR']), run

    def test_ijbs_protocol_in_one_command_and_in_steps(self):
        right, run = self.fnmr(self.points)
        # The points matter: those of other pictures give other crops.
        lines = [line.split(' ', 1) for line in self.points.read_text().splitlines()]
        shuffled = self.folder / 'shuffled.txt'
        shuffled.write_text(''.join(f'{lines[i][0]} {lines[i - 7][1]}\n' for i in range(len(lines))))
        wrong, _ = self.fnmr(shuffled)
        self.assertLess(right, 0.3)
        self.assertGreater(wrong, right + 0.3)
        for name, words in (('drift', ['score']), ('mirrored', ['embed', '--mirror'])):
            self.assert_status(self.run_program(*words, 'ijb/loose_crop', '--model', 'net.onnx', '--preset', 'arcface',
                                                '--landmarks', self.points, '--output', f'{name}.csv', '--embeddings',
                                                f'{name}.npy'), 0)
        steps = self.run_program('evaluate', 'ijb/meta/template_pair_label.txt', '--templates', 'ijb/meta/face_tid_mid.txt',
                                 '--rows', 'drift.csv', '--embeddings', 'drift.npy', '--mirrored', 'mirrored.npy',
                                 '--quality', 'drift=drift.csv', '--fmr', '0.05', '--resamples', '5', '--tables', 'csv')
        self.assert_status(steps, 0)
        named = [[{**row, 'network': ''} for row in one.rows()] for one in (run, steps)]
        self.assertEqual(named[0], named[1])

    def test_nothing_to_run_refuses_it(self):
        run = self.run_program('evaluate', 'pairs.csv', '--rows', 'a.csv', '--embeddings', 'a.npy', '--landmarks', 'x.txt')
        self.assert_refused(run, 2, '--landmarks')


class RealFiducials(ProgramTest):
    def test_cfps_points_are_where_a_detector_finds_them(self):
        data = material.shared_folder('data/cfp/Data')
        people = [path for kind in ('frontal', 'profile') for path in sorted(data.glob(f'Images/00[1-9]/{kind}/0[12].jpg'))]
        model = ['--model', self.network, '--preset', 'arcface']
        given = self.run_program('embed', *people, *model, '--landmarks', data / 'Fiducials', '--embeddings', 'a.npy')
        self.assert_status(given, 0)
        self.assertIn("3500 faces, read as CFP's fiducials, 30 points each, reduced to five", given.err)
        found = self.run_program('embed', *people, *model, '--detector',
                                 material.shared_folder('models/detectors/face_detection_yunet_2023mar.onnx'),
                                 '--embeddings', 'b.npy')
        distances = {'frontal': [], 'profile': []}
        for a, b in zip(given.rows(), found.rows()):
            self.assertEqual(a['path'], b['path'])
            self.assertEqual(a['status'], 'ok')
            if b['status'] != 'ok':
                continue
            places = [np.array([float(row[column]) for column in COLUMNS]).reshape(5, 2) for row in (a, b)]
            height = np.linalg.norm((places[1][0] + places[1][1] - places[1][3] - places[1][4]) / 2)
            kind = 'profile' if '/profile/' in a['path'] else 'frontal'
            distances[kind].append(np.linalg.norm(places[0] - places[1], axis=1).mean() / height)
        self.assertLess(np.median(distances['frontal']), 0.12)
        self.assertLess(np.median(distances['profile']), 0.2)


if __name__ == '__main__':
    material.main()
