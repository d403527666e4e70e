"""Where pictures come from, and what becomes of bad ones."""
import os

import numpy as np

import material
from material import ProgramTest, noise, png, ppm


class Inputs(ProgramTest):
    def names(self, run, status=0):
        self.assert_status(run, status)
        return [row['path'] for row in run.rows()]

    def test_folders_are_recursive_and_sorted(self):
        for name in ('in/b.png', 'in/a/2.ppm', 'in/a/10.ppm', 'in/A.png'):
            self.picture(name, noise(1), ppm if name.endswith('ppm') else png)
        (self.folder / 'in/notes.txt').write_text('no picture')
        self.assertEqual(self.names(self.score_aligned('in')), ['in/A.png', 'in/a/10.ppm', 'in/a/2.ppm', 'in/b.png'])

    def test_what_folders_hold_is_not_left_out_without_a_trace(self):
        self.picture('in/a.png', noise(1))
        for name in ('in/IMG_1.HEIC', 'in/b.tif', 'in/c/d.heic', 'in/e', 'in/.f.png', 'in/odd.\x01'):
            path = self.folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(b'anything')
        run = self.score_aligned('in')
        self.assertEqual(self.names(run), ['in/a.png'])
        self.assertIn('prefiqs: 6 files of folders skipped: 2 .heic, 1 .\\x01, 1 .tif, 1 hidden, 1 no suffix; '
                      '--list-skipped names them\n', run.err)
        listed = self.score_aligned('in', '--list-skipped')
        self.assertEqual(listed.out, run.out)
        self.assertEqual([line for line in listed.err.splitlines() if 'skipped (' in line], [
            'prefiqs: skipped (hidden): in/.f.png', 'prefiqs: skipped (.heic): in/IMG_1.HEIC',
            'prefiqs: skipped (.tif): in/b.tif', 'prefiqs: skipped (.heic): in/c/d.heic',
            'prefiqs: skipped (no suffix): in/e', 'prefiqs: skipped (.\\x01): in/odd.\\x01'])
        self.assertNotIn('--list-skipped names', listed.err)
        # A resumed run says the same, and what is named is taken.
        self.assertIn('6 files of folders skipped', self.score_aligned('in', '--output', 'o', '--resume').err)
        self.assertIn('6 files of folders skipped', self.score_aligned('in', '--output', 'o', '--resume').err)
        named = self.score_aligned('in/b.tif')
        self.assertEqual(self.names(named, 1), ['in/b.tif'])
        self.assertNotIn('skipped', named.err)

    def test_one_is_counted_as_one(self):
        self.picture('in/a.png', noise(1))
        (self.folder / 'in/b.tif').write_bytes(b'anything')
        run = self.score_aligned('in', '--output', 'o', '--resume')
        self.assertIn('prefiqs: 1 picture, 1 face: 1 scored, 0 not; ', run.err)
        self.assertIn('prefiqs: 1 file of folders skipped: 1 .tif; ', run.err)
        again = self.score_aligned('in', '--output', 'o', '--resume')
        self.assertIn('; 1 of the pictures was done before; ', again.err)
        self.picture('other/a.png', noise(1))
        other = self.score_aligned('other', '--output', 'o', '--resume')
        self.assertIn("o: 1 of the rows is of a picture that is not among this run's", other.err)
        self.assertIn('it stays and is counted', other.err)
        self.assertIn('prefiqs: 1 face under the gate of 100\n', self.run_program(
            'score', 'in', '--aligned', '--guard', 'none', '--gate', '100').err)

    def test_files_are_what_they_hold(self):
        self.picture('in/a.jfif', noise(1))
        self.picture('in/photo.bin', noise(1))
        self.picture('in/photo', noise(1))
        material.verification_set(self.folder / 'set.pkl', [png(noise(0)), png(noise(1))])
        self.assertEqual(self.names(self.score_aligned('in')), ['in/a.jfif'])
        run = self.score_aligned('in/photo.bin', 'in/photo', 'set.pkl')
        self.assertEqual(self.names(run), ['in/photo.bin', 'in/photo', 'set.pkl#0', 'set.pkl#1'])
        self.assertEqual({row['status'] for row in run.rows()}, {'ok'})
        (self.folder / 'list').write_text('in/photo.bin\nset.pkl\n')
        self.assertEqual(self.names(self.score_aligned('@list')), ['in/photo.bin', 'set.pkl#0', 'set.pkl#1'])

    def test_lists(self):
        self.crops(3)
        lines = 'crops/0002.png\n\ncrops/0000.png\r\ncrops/0001.png'
        (self.folder / 'list.txt').write_text(lines)
        expected = ['crops/0002.png', 'crops/0000.png', 'crops/0001.png']
        self.assertEqual(self.names(self.score_aligned('@list.txt')), expected)
        self.assertEqual(self.names(self.score_aligned('-', stdin=lines.encode())), expected)
        self.assertEqual(self.names(self.score_aligned('crops/0001.png', '@list.txt')), ['crops/0001.png', *expected])

    def test_lists_may_name_what_is_missing(self):
        self.crops(1)
        run = self.score_aligned('-', stdin=b'crops/none.png\ncrops/0000.png\n')
        self.assertEqual(self.names(run, 1), ['crops/none.png', 'crops/0000.png'])
        self.assertEqual([row['status'] for row in run.rows()], ['unreadable', 'ok'])

    def test_verification_sets(self):
        material.verification_set(self.folder / 'set.bin', [png(noise(0)), ppm(noise(1)), b'no picture', png(noise(3))])
        run = self.score_aligned('set.bin')
        self.assertEqual(self.names(run, 1), [f'set.bin#{i}' for i in range(4)])
        self.assertEqual([row['status'] for row in run.rows()], ['ok', 'ok', 'undecodable', 'ok'])
        alone = self.score_aligned(self.picture('alone.png', noise(3))).rows()[0]
        self.assertEqual(run.rows()[3]['drift'], alone['drift'])

    def test_hostile_verification_set(self):
        mark = self.folder / 'mark'
        evil = b"cos\nsystem\n(S'touch %s'\ntR." % os.fsencode(mark)
        (self.folder / 'evil.bin').write_bytes(evil)
        self.assert_refused(self.score_aligned('evil.bin'), 4, 'evil.bin')
        self.assertFalse(mark.exists())

    def test_paths_are_bytes(self):
        odd = b'caf\xe9, "quoted"\nline.png'
        with open(os.path.join(os.fsencode(self.folder), odd), 'wb') as file:
            file.write(png(noise(1)))
        run = self.score_aligned(odd)
        self.assert_status(run, 0)
        self.assertEqual(os.fsencode(run.rows()[0]['path']), odd)


class BadPictures(ProgramTest):
    def test_get_rows_and_the_run_goes_on(self):
        whole = png(noise(1))
        for name, content in (('1-ok.png', whole), ('2-empty.png', b''), ('3-truncated.png', whole[:len(whole) // 2]),
                              ('4-text.jpg', b'hello'), ('6-header.ppm', b'P6 24 24 255\n'),
                              ('7-ok.ppm', ppm(noise(2))),
                              ('8-bomb.ppm', b'P6 999999 999999 255\n'), ('9-wide.png', png(noise(3, 24, 50)))):
            path = self.folder / 'in' / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
        (self.folder / 'in/5-dangling.png').symlink_to('nowhere')
        run = self.score_aligned('in')
        self.assert_status(run, 1)
        rows = {row['path'][3:]: row for row in run.rows()}
        self.assertEqual({name: row['status'] for name, row in rows.items()}, {
            '1-ok.png': 'ok', '2-empty.png': 'undecodable', '3-truncated.png': 'undecodable',
            '4-text.jpg': 'undecodable', '5-dangling.png': 'unreadable', '6-header.ppm': 'undecodable',
            '7-ok.ppm': 'ok', '8-bomb.ppm': 'too_large', '9-wide.png': 'wrong_shape'})
        for row in rows.values():
            scored = row['status'] == 'ok'
            self.assertEqual(row['detail'] == '', scored, row)
            for column in ('quality', 'drift', 'embedding_norm'):
                self.assertEqual(row[column] != '', scored, row)
        self.assertIn('2 scored, 7 not', run.err)


class Guard(ProgramTest):
    def test_names_what_is_no_face_and_keeps_its_numbers(self):
        crops = self.crops(3)
        plain = self.score_aligned(crops).rows()
        run = self.score('--aligned', crops)  # the default guard
        self.assert_status(run, 1)
        self.assertIn('0 scored, 3 not', run.err)
        for row, raw in zip(run.rows(), plain, strict=True):
            self.assertEqual((row['status'], raw['status']), ('not_a_face', 'ok'))
            self.assertNotEqual(row['detail'], '')
            self.assertEqual((len(row['guard']), raw['guard']), (32, ''))
            for column in ('quality', 'drift', 'embedding_norm'):
                self.assertEqual(row[column], raw[column])

    def test_may_be_any_detector(self):
        guard = material.guard_network(self.folder / 'guard.onnx')
        self.picture('in/bright.png', np.full((24, 24, 3), 255, np.uint8))
        self.picture('in/dark.png', np.full((24, 24, 3), 20, np.uint8))
        run = self.score('--aligned', '--guard', guard, 'in')
        self.assertEqual([row['status'] for row in run.rows()], ['ok', 'not_a_face'])
        # Faces, none of them where an aligned one is.
        elsewhere = material.detector_network(self.folder / 'elsewhere.onnx')
        run = self.score('--aligned', '--guard', elsewhere, 'in')
        self.assert_status(run, 1)
        self.assertEqual([row['status'] for row in run.rows()], ['not_aligned', 'not_a_face'])
        self.assertIn('eye distances from where they should be', run.rows()[0]['detail'])
        self.assert_refused(self.score('--aligned', '--guard', self.network, 'in'), 3, 'net.onnx')
        self.assert_refused(self.score('--aligned', '--guard', 'missing.onnx', 'in'), 4, 'missing.onnx')


class NotAligned(ProgramTest):
    def test_photographs_given_as_crops_are_named(self):
        lfw = material.shared_folder('data', 'lfw', 'images')
        pictures = [sorted(person.iterdir())[0] for person in sorted(lfw.iterdir())[:40]]
        run = self.score('--aligned', *pictures)
        self.assert_status(run, 1)
        plain = self.score('--aligned', '--guard', 'none', *pictures)
        self.assert_status(plain, 0)
        statuses = [row['status'] for row in run.rows()]
        self.assertGreaterEqual(statuses.count('not_aligned') + statuses.count('not_a_face'), 38, statuses)
        self.assertGreater(statuses.count('not_aligned'), 30)
        for row, raw in zip(run.rows(), plain.rows(), strict=True):
            self.assertEqual((row['quality'], row['drift'], row['scalar']), (raw['quality'], raw['drift'], ''))
        warnings = [line for line in run.err.splitlines() if '--aligned' in line]
        self.assertEqual(len(warnings), 1, run.err)
        self.assertRegex(warnings[0], r'^prefiqs: warning: of the first 16 pictures 1[0-6] do not look like aligned crops')
        self.assertNotIn('--aligned', plain.err)

    def test_says_so_where_no_picture_has_the_shape(self):
        for i in range(8):
            self.picture(f'in/{i}.png', material.noise(i, 30, 40))
        run = self.score('--aligned', 'in')
        self.assert_status(run, 1)
        self.assertIn('8 do not have the network\'s shape', run.err)
        self.assertIn('without --aligned', run.err)


class DarkPictures(ProgramTest):
    def test_of_12_bits_in_16_are_named(self):
        levels = np.random.default_rng(1).integers(0, 4096, (24, 24)).astype(np.uint16)
        self.picture('in/dark.png', levels)
        self.picture('in/scaled.png', levels * np.uint16(16))
        run = self.score_aligned('in')
        self.assert_status(run, 0)
        dark, scaled = run.rows()
        self.assertEqual((dark['status'], scaled['status'], scaled['detail']), ('ok', 'ok', ''))
        self.assertRegex(dark['detail'], r'nearly black.* of 65535, as of 12 bits')
        refused = self.score('--aligned', 'in').rows()[0]
        self.assertEqual(refused['status'], 'not_a_face')
        self.assertRegex(refused['detail'], r'^the guard sees no face in the crop; the picture is nearly black')
        self.picture('faceless/dark.png', levels)
        detector = material.detector_network(self.folder / 'detector.onnx')
        none = self.score('--detector', detector, 'faceless').rows()[0]
        self.assertEqual(none['status'], 'no_face')
        self.assertIn('nearly black', none['detail'])


class Faces(ProgramTest):
    def setUp(self):
        super().setUp()
        self.detector = material.detector_network(self.folder / 'detector.onnx')

    def test_faceless_and_small(self):
        self.picture('in/a.png', material.bright_cells(192, 320, (1, 2)))
        self.picture('in/b.png', material.bright_cells(192, 320))
        run = self.score('--detector', self.detector, 'in')
        self.assert_status(run, 1)
        face, none = run.rows()
        self.assertEqual((face['status'], face['face']), ('ok', '0'))
        self.assertAlmostEqual(float(face['box_width']), 40, delta=0.5)
        # The cell's centre; pixel centres are whole numbers.
        self.assertAlmostEqual(float(face['box_x']) + float(face['box_width']) / 2, 79.5, delta=1)
        self.assertAlmostEqual(float(face['box_y']) + float(face['box_height']) / 2, 47.5, delta=1)
        self.assertEqual((none['status'], none['face'], none['drift']), ('no_face', '', ''))
        run = self.score('--detector', self.detector, '--min-face', '60', 'in/a.png')
        self.assert_status(run, 1)
        self.assertEqual(run.rows()[0]['status'], 'face_too_small')

    def test_a_detector_that_stops_on_one_picture(self):
        detector = material.detector_network(self.folder / 'stops.onnx', stops_on_black=True)
        self.picture('in/a.png', material.bright_cells(192, 320, (1, 2)))
        self.picture('in/b.png', np.zeros((192, 320, 3), np.uint8))
        self.picture('in/c.png', material.bright_cells(192, 320, (2, 4)))
        run = self.score('--detector', detector, 'in')
        self.assert_status(run, 1)
        rows = run.rows()
        self.assertEqual([row['status'] for row in rows], ['ok', 'not_computed', 'ok'])
        self.assertEqual(rows[1]['face'], '')
        self.assertEqual(rows[1]['detail'], "the detector: node 'quotient' (Div): an integer is divided by zero")

    def test_all_or_best(self):
        self.picture('two.png', material.bright_cells(192, 320, (0, 1), (2, 4)))
        best = self.score('--detector', self.detector, 'two.png').rows()
        every = self.score('--detector', self.detector, '--faces', 'all', 'two.png').rows()
        self.assertEqual([row['face'] for row in every], ['0', '1'])
        # Of equal boxes the most central goes first, and the best is the first of all.
        self.assertEqual({row['faces'] for row in best + every}, {'2'})
        self.assertEqual({row.pop('selection') for row in best}, {'best'})
        self.assertEqual({row.pop('selection') for row in every}, {'all'})
        self.assertEqual(best, every[:1])
        self.assertAlmostEqual(float(best[0]['nose_x']), 143.5, delta=1)

    def test_which_one(self):
        # Faces of 40 pixels: one amid the picture, one that the edge cuts, another one inside.
        self.picture('in/three.png', material.bright_cells(192, 320, (0, 0), (2, 5), (4, 7)))
        self.picture('in/none.png', material.bright_cells(192, 320))
        options = ['--detector', self.detector, 'in']
        for which in ('best', 'central'):
            run = self.score(*options, '--faces', which)
            self.assert_status(run, 1)
            none, row = run.rows()
            self.assertEqual((none['faces'], none['max_faces'], none['selection']), ('0', '', which))
            self.assertEqual((row['face'], row['faces'], row['selection']), ('0', '3', which))
            self.assertAlmostEqual(float(row['box_x']) + 20, 175.5, delta=1)
            self.assertIn('prefiqs: 1 picture with several faces, 2 faces not chosen (--faces)\n', run.err)
        every = self.score(*options, '--faces', 'all')
        self.assertEqual([row['face'] for row in every.rows()], ['', '0', '1', '2'])
        self.assertIn('prefiqs: 1 picture with several faces\n', every.err)
        self.assert_refused(self.score(*options, '--faces', 'some'), 2, '--faces some', 'best, largest, central or all')

    def test_largest(self):
        # Detected at two scales: in a picture of 640 columns, a cell of 64 pixels gives a face of 80.
        picture = np.kron(material.bright_cells(192, 320, (0, 9)), np.ones((2, 2, 1), np.uint8))
        run = self.score('--detector', self.detector, self.picture('two.png', picture), '--faces', 'all')
        self.assert_status(run, 0)
        sizes = [float(row['box_width']) for row in run.rows()]
        largest = self.score('--detector', self.detector, 'two.png', '--faces', 'largest').rows()
        self.assertEqual([float(row['box_width']) for row in largest], [max(sizes)])
        self.assertEqual(largest[0]['selection'], 'largest')

    def test_too_many(self):
        self.picture('in/1.png', material.bright_cells(192, 320, (2, 4)))
        self.picture('in/2.png', material.bright_cells(192, 320, (0, 1), (2, 4)))
        self.picture('in/3.png', material.bright_cells(192, 320, (0, 1), (2, 4), (4, 7)))
        self.picture('in/4.png', material.bright_cells(192, 320))
        for which in ('best', 'all'):
            run = self.score('--detector', self.detector, 'in', '--max-faces', '2', '--faces', which, '--output', which)
            self.assert_status(run, 1)
            rows = material.csv_rows((self.folder / which).read_bytes())
            two = ['0', '1'] if which == 'all' else ['0']
            self.assertEqual([row['status'] for row in rows], ['ok', *['ok' for _ in two], 'too_many_faces', 'no_face'])
            self.assertEqual([row['faces'] for row in rows], ['1', *['2' for _ in two], '3', '0'])
            refused = rows[-2]
            self.assertEqual([refused[c] for c in ('face', 'quality', 'box_x', 'max_faces')], ['', '', '', '2'])
            self.assertEqual(refused['detail'], '3 faces, the limit is 2')
            self.assertIn('2 pictures with several faces' + (', 1 face not' if which == 'best' else '\n'), run.err)
            # A run that goes on ends with the same summary, and keeps to the limit.
            counts = [line for line in run.err.splitlines() if 'several' in line]
            whole = (self.folder / which).read_bytes()
            (self.folder / which).write_bytes(whole[:len(whole) * 2 // 3])
            options = ['--detector', self.detector, 'in', '--faces', which, '--output', which, '--resume']
            again = self.score(*options, '--max-faces', '2')
            self.assertEqual([line for line in again.err.splitlines() if 'several' in line], counts)
            self.assertEqual((self.folder / which).read_bytes(), whole)
            self.assert_refused(self.score(*options), 2, 'max_faces 2')
            none = self.score(*options, '--max-faces', '0')
            self.assert_status(none, 2)
            self.assertIn('prefiqs: --max-faces: 0 is not above 0\n', none.err)

    def test_fine_search(self):
        # A face of 40 pixels: of the whole picture's 640 pixels it would have 13.
        self.picture('in/large.png', material.bright_cells(1152, 1920, (1, 2)))
        self.picture('in/small.png', material.bright_cells(192, 320, (1, 2)))
        options = ['--detector', self.detector, 'in', '--output', 'o']
        normal = self.score(*options)
        self.assert_status(normal, 1)
        rows = material.csv_rows((self.folder / 'o').read_bytes())
        self.assertEqual([(row['status'], row['search'], row['turn']) for row in rows],
                         [('no_face', 'normal', ''), ('ok', 'normal', '0')])
        fine = self.score(*options, '--search', 'fine', '--force')
        self.assert_status(fine, 0)
        whole = (self.folder / 'o').read_bytes()
        large, small = material.csv_rows(whole)
        self.assertEqual([large[c] for c in ('status', 'search', 'turn', 'faces')], ['ok', 'fine', '0', '1'])
        self.assertEqual([large[c] for c in ('box_x', 'box_y', 'box_width', 'box_height')],
                         ['59.500', '27.500', '40.000', '40.000'])
        self.assertEqual({**rows[1], 'search': 'fine'}, small)
        # Neither threads nor batch matter, and a run that goes on searches as it began.
        for threads, batch in (('1', '1'), ('3', '1'), ('2', '2')):
            self.score(*options, '--search', 'fine', '--force', '--threads', threads, '--batch', batch)
            self.assertEqual((self.folder / 'o').read_bytes(), whole)
        (self.folder / 'o').write_bytes(whole[:len(whole) * 2 // 3])
        self.assert_refused(self.score(*options, '--resume'), 2, 'search fine', 'normal')
        self.assert_refused(self.score(*options, '--resume', '--search', 'fine', '--turn'), 2, 'search fine', 'fine+turn')
        self.assert_status(self.score(*options, '--resume', '--search', 'fine'), 0)
        self.assertEqual((self.folder / 'o').read_bytes(), whole)
        self.assert_refused(self.score(*options, '--search', 'coarse'), 2, '--search coarse', 'normal or fine')

    def test_turned_pictures(self):
        detector = material.detector_network(self.folder / 'upright.onnx', upright=True)
        upright = material.bright_cells(192, 320, (1, 2), (3, 6))
        for row, column in ((1, 2), (3, 6)):
            upright[32 * row + 16:32 * row + 32, 32 * column:32 * column + 32] //= 8
        for turn in range(4):  # anticlockwise
            self.picture(f'in/{turn}.png', np.rot90(upright, turn))
        self.picture('in/none.png', material.bright_cells(192, 320))
        for which, rows_each in (('best', 1), ('all', 2)):
            run = self.score('--detector', detector, 'in', '--turn', '--faces', which)
            self.assert_status(run, 1)
            *rows, none = run.rows()
            self.assertEqual([none[c] for c in ('status', 'turn', 'faces', 'search')], ['no_face', '', '0', 'normal+turn'])
            self.assertEqual(len(rows), 4 * rows_each)
            straight = rows[:rows_each]
            self.assertEqual([row['turn'] for row in rows], [t for t in ('0', '90', '180', '270') for _ in straight])
            for i, row in enumerate(rows):
                same = straight[i % rows_each]
                for column in ('status', 'face', 'faces', 'quality', 'drift', 'confidence', 'embedding_norm'):
                    self.assertEqual(row[column], same[column])
                # Where the nose of the upright picture lies after np.rot90.
                x, y = float(same['nose_x']), float(same['nose_y'])
                for _ in range(i // rows_each % 2):
                    x, y = y, 319 - x
                if i // rows_each >= 2:
                    width, height = (319, 191) if i // rows_each == 2 else (191, 319)
                    x, y = width - x, height - y
                self.assertAlmostEqual(float(row['nose_x']), x, delta=0.01)
                self.assertAlmostEqual(float(row['nose_y']), y, delta=0.01)
                self.assertAlmostEqual(float(row['box_x']) + float(row['box_width']) / 2, x, delta=0.01)
                self.assertAlmostEqual(float(row['box_y']) + float(row['box_height']) / 2, y, delta=0.01)
        plain = self.score('--detector', detector, 'in').rows()
        self.assertEqual([row['status'] for row in plain], ['ok', *['no_face'] * 4])
        self.assertEqual({row['search'] for row in plain}, {'normal'})
        run = self.score('--detector', detector, 'in', '--turn', '--max-faces', '1')
        self.assertEqual([row['status'] for row in run.rows()], ['too_many_faces'] * 4 + ['no_face'])

    def test_refused_crops_are_counted(self):
        crops = self.crops(3)
        run = self.score('--aligned', crops)  # the default guard
        self.assertIn('prefiqs: 3 crops refused by the guard\n', run.err)
        self.assertEqual({row['faces'] for row in run.rows()}, {''})
        self.score('--aligned', crops, '--output', 'o')
        self.assertIn('prefiqs: 3 crops refused by the guard\n',
                      self.score('--aligned', crops, '--output', 'o', '--resume').err)

    def test_crops_are_what_the_network_saw(self):
        self.picture('two.png', material.bright_cells(192, 320, (0, 1), (2, 4)))
        options = ['--detector', self.detector, '--faces', 'all', 'two.png']
        rows = self.score(*options, '--save-crops', 'crops').rows()
        self.assertEqual(sorted(os.listdir(self.folder / 'crops')), ['000001-0-two.png', '000001-1-two.png'])
        again = self.score_aligned('crops').rows()
        self.assertEqual([row['drift'] for row in again], [row['drift'] for row in rows])


if __name__ == '__main__':
    material.main()
