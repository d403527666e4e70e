"""`prefiqs evaluate`: from pictures to tables, and on real faces."""
import csv
import html.parser
import json
import re
import zlib
import struct
import unittest

import numpy as np

import material
from material import ProgramTest, noise


class Page(html.parser.HTMLParser):
    """What a page has of tags, attributes and text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.text = [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.text.append(data)

    def values(self, attribute):
        return [value for name, value in self.attributes if name == attribute]


def inflated_streams(pdf):
    """Of a PDF, what lies in compressed streams: cairo 1.18 keeps its objects there."""
    parts = []
    for start in re.finditer(rb'stream\r?\n', pdf):
        try:
            parts.append(zlib.decompressobj().decompress(pdf[start.end():]))
        except zlib.error:
            pass  # of another kind
    return b''.join(parts)


class Evaluate(ProgramTest):
    def setUp(self):
        super().setUp()
        # Three pictures each of ten people: a pattern of their own, and more and more noise.
        for person in range(10):
            for k in range(3):
                picture = noise(person) * (1 - k / 4) + noise(100 + 10 * person + k) * k / 4
                self.picture(f'in/{person}/{k}.png', picture.astype(np.uint8))
        self.assert_status(self.score_aligned('in', '--output', 'rows.csv', '--embeddings', 'rows.npy'), 0)
        names = [f'{person}/{k}' for person in range(10) for k in range(3)]
        with open(self.folder / 'pairs.csv', 'w', encoding='utf-8') as pairs:
            print('file_a,file_b,mated', file=pairs)
            for i, a in enumerate(names):
                for b in names[i + 1:]:
                    print(f'{a}.png,{b}.png,{int(a[0] == b[0])}', file=pairs)

    def evaluate(self, *options):
        return self.run_program('evaluate', 'pairs.csv', '--rows', 'rows.csv', '--embeddings', 'rows.npy', *options)

    def test_prints_tables_and_writes_curves(self):
        with open(self.folder / 'clean.csv', 'w', encoding='utf-8') as scores:
            print('name,noise', file=scores)
            for person in range(10):
                for k in range(3):
                    print(f'{person}/{k},{k}', file=scores)
        run = self.evaluate('--fmr', '0.1,0.01,1e-4', '--resamples', '20', '--distance', 'known=clean.csv:noise',
                            '--quality', 'drift=rows.csv', '--curves', 'edc.csv')
        self.assert_status(run, 0)
        text = run.out.decode()
        self.assertIn('30 images of 10 people; 30 mated and 405 non-mated comparisons', text)
        self.assertRegex(text, r'0\.0001 +too few non-mated comparisons')
        self.assertRegex(text, r'(?m)^A +0\.1 +known +[0-9.]+ +[0-9.]+ +[0-9.]+ to [0-9.]+ ')
        with open(self.folder / 'edc.csv', encoding='utf-8') as lines:
            points = list(csv.DictReader(lines))
        self.assertEqual({p['method'] for p in points}, {'drift', 'known', 'random'})
        self.assertEqual({p['protocol'] for p in points}, {'A', 'B', 'C'})
        self.assertEqual({p['wanted_fmr'] for p in points}, {'0.1', '0.01'})
        run = self.evaluate('--fmr', '0.1', '--resamples', '5', '--plot', 'edc.svg')
        self.assert_status(run, 0)
        picture = (self.folder / 'edc.svg').read_text(encoding='utf-8')
        self.assertIn('FMR 0.1, C: images', picture)
        self.assertIn('embedding_norm', picture)
        self.assertEqual(self.evaluate('--resamples', '20').out, self.evaluate('--resamples', '20').out)

    def test_a_gate_can_be_read_off_the_curves(self):
        self.assert_status(self.evaluate('--fmr', '0.1', '--resamples', '0', '--quality', 'drift=rows.csv', '--curves', 'edc.csv'), 0)
        with open(self.folder / 'rows.csv', encoding='utf-8') as rows:
            quality = {row['path']: float(row['quality']) for row in csv.DictReader(rows)}
        with open(self.folder / 'edc.csv', encoding='utf-8') as lines:
            points = [p for p in csv.DictReader(lines) if p['method'] == 'drift']
        values = list(quality.values())
        for p in points:
            if p['discarded'] == '1.000000':
                self.assertEqual(p['quality'], '')
                continue
            gate = float(p['quality'])
            # Rows and curves write the same number: what is as good as the gate is kept.
            kept = [q for q in values if q >= gate]
            self.assertEqual(min(kept), gate)
            if p['protocol'] == 'B':
                mated = [(10 * person + k, 10 * person + m) for person in range(10) for k in range(3) for m in range(k)]
                best = {10 * person + k: quality[f'in/{person}/{k}.png'] for person in range(10) for k in range(3)}
                self.assertEqual(sum(min(best[a], best[b]) >= gate for a, b in mated), int(p['mated']))
            elif p['protocol'] == 'C':
                self.assertEqual(len(values) - len(kept), int(len(values) * float(p['discarded']) + 1e-9))
        self.assertEqual({p['protocol'] for p in points}, {'A', 'B', 'C'})

    def test_plots_are_of_one_size_in_every_form(self):
        for name in ('edc.pdf', 'edc.png'):
            run = self.evaluate('--fmr', '0.1', '--resamples', '5', '--plot', name)
            self.assert_status(run, 0)
        # A column of three panels: 420 by 990 pixels, 96 of which are an inch of 72 points.
        pdf = (self.folder / 'edc.pdf').read_bytes()
        self.assertTrue(pdf.startswith(b'%PDF-') and b'%%EOF' in pdf[-16:])
        box = re.search(rb'/MediaBox *\[ *0 0 ([0-9.]+) ([0-9.]+) *\]', pdf + inflated_streams(pdf))
        self.assertTrue(abs(float(box[1]) - 315) < 1 and abs(float(box[2]) - 742.5) < 1, box[0])
        png = (self.folder / 'edc.png').read_bytes()
        self.assertEqual(png[:8], b'\x89PNG\r\n\x1a\n')
        self.assertEqual(struct.unpack('>II', png[16:24]), (420, 990))

    def test_says_whether_protocol_a_had_mirrored_embeddings(self):
        options = ['--fmr', '0.1', '--resamples', '5', '--plot', 'edc.svg', '--html', 'page.html']
        for mirrored, text, title, page, cell in (
                ([], 'protocol A (no mirrors)', 'A: pairs (no mirrors)', 'without mirrored embeddings', 'no'),
                (['--mirrored', 'rows.npy'], 'protocol A with the mirrored', 'A: pairs<', 'with mirrored embeddings', 'yes')):
            with self.subTest(mirrored=mirrored):
                run = self.evaluate(*options, *mirrored)
                self.assert_status(run, 0)
                self.assertIn(text, run.out.decode())
                self.assertIn(title, (self.folder / 'edc.svg').read_text(encoding='utf-8'))
                self.assertIn(page, (self.folder / 'page.html').read_text(encoding='utf-8'))
                table = self.evaluate(*options, *mirrored, '--tables', 'csv')
                self.assertIn(text, table.err)
                self.assertEqual({(row['protocol'], row['mirrored']) for row in table.rows()},
                                 {('A', cell), ('B', ''), ('C', '')})

    def test_rank_of_harm_or_why_there_is_none(self):
        options = ('--fmr', '0.1', '--resamples', '0')
        self.assertIn('RCE is left out: too few', self.evaluate(*options).out.decode())
        run = self.run_program('evaluate', 'all', '--rows', 'rows.csv', '--embeddings', 'rows.npy', *options)
        self.assert_status(run, 0)
        self.assertIn('RCE is left out: too few', run.out.decode())  # 405

    def test_too_few_pairs_for_a_plot_stop_nothing(self):
        run = self.evaluate('--rows', 'rows.csv', '--embeddings', 'rows.npy', '--fmr', '1e-4', '--resamples', '0', '--plot',
                            'edc.svg')
        self.assert_status(run, 0)
        for name in ('edc-1.svg', 'edc-2.svg'):
            self.assertIn(f'--plot {name}: not drawn', run.err)
            self.assertFalse((self.folder / name).exists())
        self.assertEqual(run.out.decode().count('verified by rows.npy'), 2)

    def test_without_any_embedding_no_threshold_is_printed(self):
        np.save(self.folder / 'rows.npy', np.zeros_like(np.load(self.folder / 'rows.npy')))
        options = ['--fmr', '0.1', '--resamples', '5', '--start-fnmr', '0.2', '--curves', 'edc.csv', '--html', 'page.html']
        run = self.evaluate(*options)
        self.assert_status(run, 0)
        text = run.out.decode()
        self.assertRegex(text, r'(?m)^ *0\.1 +100\.00 % +100\.00 to 100\.00 +0 +-$')
        table = self.evaluate(*options, '--tables', 'csv')
        self.assertEqual({row['threshold'] for row in table.rows()}, {''})
        for said in (text, table.out.decode(), (self.folder / 'edc.csv').read_text(),
                     Page((self.folder / 'page.html').read_text()).text):
            self.assertNotRegex(str(said), r'\binf\b|\bnan\b|[0-9]{30}')

    def test_csv_is_one_table_and_nothing_else(self):
        options = ['--fmr', '0.1,1e-4', '--resamples', '10', '--start-fnmr', '0.2', '--start-fmr', '0.05']
        run = self.evaluate(*options, '--tables', 'csv')
        self.assert_status(run, 0)
        self.assertIn('30 images of 10 people; 30 mated and 405 non-mated comparisons', run.err)
        lines = list(csv.reader(run.out.decode().splitlines()))
        self.assertEqual({len(line) for line in lines}, {len(lines[0])})
        self.assertEqual(lines[0][:9], ['protocol', 'FMR', 'method', 'pAUC 20 %', 'pAUC 30 %', '95 % low', '95 % high',
                                        'better', 'AUC'])
        text = self.evaluate(*options).out.decode()
        # What people read is the same, rounded.
        for row in run.rows():
            if row['pAUC 30 %'] == '':
                self.assertTrue(row['FMR'] == '0.0001' or row['protocol'] == 'C', row)
                continue
            rate = row['FMR'] or row['start']
            shown = re.search(rf"(?m)^{row['protocol']} +{rate} +{row['method']} +([0-9.]+) +([0-9.]+) .*", text)
            self.assertTrue(abs(float(shown[2]) - float(row['pAUC 30 %'])) < 6e-4, (row, shown[0]))
            self.assertTrue(float(row['95 % low']) <= float(row['95 % high']))
            if row['FMR']:
                self.assertRegex(text, rf"(?m)^ *0\.1 +{100 * float(row['FNMR']):.2f} %")
        self.assertEqual({row['protocol'] for row in run.rows()}, {'A', 'B', 'C', 'B-FNM', 'B-FM'})
        self.assertEqual(len(set(lines[0])), len(lines[0]))
        # What is kept at 30 % is that of the curves' points.
        self.assert_status(self.evaluate(*options, '--curves', 'edc.csv'), 0)
        with open(self.folder / 'edc.csv', encoding='utf-8') as file:
            points = [p for p in csv.DictReader(file) if float(p['discarded']) <= 0.3]
        kept = {(p['protocol'], p['wanted_fmr'], p['start'], p['method']): p for p in points}  # the last one of each
        for row in run.rows():
            point = kept.get((row['protocol'], row['FMR'], row['start'], row['method']))
            if row['pAUC 30 %'] == '':
                self.assertEqual(row['mated at 30 %'], '')
                continue
            for column, there in (('achieved FMR at 30 %', 'fmr'), ('mated at 30 %', 'mated'),
                                  ('non-mated at 30 %', 'non_mated')):
                if row['protocol'] in 'AC' or there == {'B-FM': 'non_mated'}.get(row['protocol'], 'mated'):
                    self.assertEqual(row[column], point[there], (row, column))
            for area in ('pAUC 20 %', 'AUC'):
                if row[area]:
                    self.assertTrue(float(row[f'{area} 95 % low']) <= float(row[f'{area} 95 % high']), row)
                    self.assertEqual(row[f'{area} better'] == '', row['method'] == 'quality', row)
        self.assertTrue(all(0 < float(row['normalised']) for row in run.rows()
                            if row['protocol'] == 'C' and row['normalised']))

    def test_verification_set(self):
        pictures, same = [], []
        for person in range(10):
            for a, b in (((person, 0), (person, 1)), ((person, 1), ((person + 1) % 10, 2))):
                pictures += [(self.folder / f'in/{p}/{k}.png').read_bytes() for p, k in (a, b)]
                same.append(a[0] == b[0])
        (self.folder / 'sets').mkdir()
        material.verification_set(self.folder / 'sets/faces.bin', pictures, same)
        run = self.score_aligned('sets/faces.bin', '--output', 'set.csv', '--embeddings', 'set.npy')
        self.assert_status(run, 0)
        (self.folder / 'faces.bin').write_bytes((self.folder / 'sets/faces.bin').read_bytes())
        for folder in ('sets', '.'):
            run = self.run_program('evaluate', f'{folder}/faces.bin', '--rows', 'set.csv', '--embeddings', 'set.npy',
                                   '--fmr', '0.1', '--resamples', '5')
            self.assert_status(run, 0)
            text = run.out.decode()
            self.assertIn('40 images of 30 people; 10 mated and 10 non-mated comparisons', text)
            self.assertRegex(text, r'verification accuracy [0-9.]+ % ± [0-9.]+ % \(standard error over 10 folds\)')
        run = self.run_program('evaluate', 'faces.bin', '--rows', 'rows.csv', '--embeddings', 'rows.npy')
        self.assert_refused(run, 2, 'rows.csv', 'faces.bin#0')

    def test_templates(self):
        # Of each person one template of two frames of a video and a still, and one of the still alone.
        with open(self.folder / 'tid_mid.txt', 'w', encoding='utf-8') as file:
            for person in range(10):
                for k in range(3):
                    print(f'{person}/{k}.png {person} {100 * person + (k > 0)}', file=file)
                print(f'{person}/0.png {10 + person} {100 * person}', file=file)
        with open(self.folder / 'label.txt', 'w', encoding='utf-8') as file:
            for a in range(10):
                for b in range(10):
                    print(a, 10 + b, int(a == b), file=file)
        words = ['label.txt', '--templates', 'tid_mid.txt', '--rows', 'rows.csv', '--embeddings', 'rows.npy', '--fmr',
                 '0.1', '--resamples', '5']
        run = self.run_program('evaluate', *words)
        self.assert_status(run, 0)
        text = run.out.decode()
        self.assertIn('20 templates of 10 people; 10 mated and 90 non-mated comparisons', text)
        self.assertRegex(text, r'(?m)^ *0\.1 +0\.00 %')  # a pattern is everyone's own
        self.assertRegex(text, r'(?m)^A +0\.1 +quality +[0-9.]+ ')
        self.assert_status(self.run_program('evaluate', *words, '--mirrored', 'rows.npy', '--html', 'page.html'), 0)
        page = (self.folder / 'page.html').read_text(encoding='utf-8')
        self.assertIn('Templates have no pictures of their own', page)
        self.assertIn('>template 3</span>', page)
        self.assertNotIn('could not be read', page)
        (self.folder / 'tid_mid.txt').write_text('0/0.png 0 0\n0/1.png 0\n')
        self.assert_refused(self.run_program('evaluate', *words), 4, 'tid_mid.txt', 'line 2')
        self.assert_refused(self.run_program('evaluate', 'all', *words[1:]), 2, 'tid_mid.txt')

    def test_writes_a_page_that_needs_nothing(self):
        options = ('--fmr', '0.1,0.01', '--resamples', '5', '--quality', '<i>drift</i>=rows.csv', '--quality',
                   'norm=rows.csv:embedding_norm')
        run = self.evaluate(*options, '--html', 'page.html')
        self.assert_status(run, 0)
        self.assertEqual(run.out, self.evaluate(*options).out)
        text = (self.folder / 'page.html').read_text(encoding='utf-8')
        self.assertLess(len(text), 1 << 20)
        page = Page(text)
        self.assertNotIn('<i>drift', text)
        self.assertIn('<i>drift</i>', page.text)
        self.assertFalse({'link', 'img', 'iframe', 'object'} & set(page.tags))
        self.assertEqual(page.values('src'), [])
        pictures = [value for value in page.values('href') if value.startswith('data:image/jpeg;base64,/9j/')]
        used = {value for value in page.values('href') if value.startswith('#p')}
        self.assertEqual(len(pictures) + sum(v.startswith('#p') for v in page.values('href')), len(page.values('href')))
        self.assertEqual({'#' + value for value in page.values('id') if re.fullmatch(r'p\d+', value)}, used)
        self.assertEqual(len(pictures), len(used))
        self.assertGreater(len(used), 20)
        readings = json.loads(text.split('id="readings">', 1)[1].split('</script>', 1)[0])
        self.assertEqual([panel['steps'] for panel in readings], [20, 20, 100, 100, 20, 20])
        self.assertTrue(all(len(panel['methods']) == 3 for panel in readings))
        for panel in readings:
            for method in panel['methods']:
                self.assertEqual(len(method), panel['steps'])

        # Where the pictures are not, they are named.
        (self.folder / 'in').rename(self.folder / 'elsewhere')
        self.assert_status(self.evaluate(*options, '--html', 'page.html'), 0)
        text = (self.folder / 'page.html').read_text(encoding='utf-8')
        self.assertNotIn('data:image', text)
        self.assertIn('pictures could not be read', text)
        self.assertIn('title="in/0/0.png: ', text)

    def test_several_verifying_networks(self):
        self.assert_status(self.run_program('embed', 'in', '--aligned', '--model', self.network, '--preset', 'raw', '--output',
                                            'other.csv', '--embeddings', 'other.npy'), 0)
        options = ['--fmr', '0.1', '--resamples', '0', '--quality', 'drift=rows.csv', '--tables', 'csv']
        both = self.evaluate('--rows', 'other.csv', '--embeddings', 'other.npy', *options, '--curves', 'edc.csv')
        self.assert_status(both, 0)
        areas = {}
        for name in ('rows', 'other'):
            run = self.run_program('evaluate', 'pairs.csv', '--rows', f'{name}.csv', '--embeddings', f'{name}.npy', *options)
            self.assert_status(run, 0)
            self.assertLessEqual(set(run.out.splitlines()), set(both.out.splitlines()))
            areas[name] = next(row for row in run.rows() if (row['protocol'], row['method']) == ('A', 'drift'))
            self.assertEqual(areas[name]['network'], f'{name}.npy')
        mean = next(row for row in both.rows()
                    if (row['network'], row['protocol'], row['method']) == ('mean', 'A', 'drift'))
        for column in ('pAUC 20 %', 'pAUC 30 %', 'AUC'):
            wanted = (float(areas['rows'][column]) + float(areas['other'][column])) / 2
            self.assertTrue(abs(float(mean[column]) - wanted) < 2e-6, (mean, areas))
        self.assertEqual((mean['95 % low'], mean['better']), ('', ''))  # without resamples
        options[3] = '20'
        both = self.evaluate('--rows', 'other.csv', '--embeddings', 'other.npy', *options[:4], *options[6:])
        self.assert_status(both, 0)
        means = [row for row in both.rows() if row['network'] == 'mean' and row['protocol'] == 'A']
        self.assertEqual(means[0]['better'], '')
        for row in means[1:]:
            self.assertTrue(0 <= float(row['better']) <= 1, row)
        for row in means:
            self.assertTrue(float(row['95 % low']) <= float(row['95 % high']), row)
        # Of other people there is no drawing together, and that is said.
        lines = (self.folder / 'other.csv').read_text().splitlines(keepends=True)
        (self.folder / 'other.csv').write_text(lines[0] + ''.join(lines[:0:-1]))
        np.save(self.folder / 'other.npy', np.load(self.folder / 'other.npy')[::-1].copy())
        run = self.run_program('evaluate', 'all', '--rows', 'rows.csv', '--embeddings', 'rows.npy', '--rows', 'other.csv',
                               '--embeddings', 'other.npy', *options[:4], '--quality', 'drift=rows.csv')
        self.assert_status(run, 0)
        self.assertIn('the mean has no intervals', run.err)
        self.assertRegex(run.out.decode().split('mean of 2')[1], r'(?m)^A +0\.1 +drift +[0-9.]+ +[0-9.]+ +- +- ')
        self.assertNotEqual((self.folder / 'edc-1.csv').read_bytes(), (self.folder / 'edc-2.csv').read_bytes())
        self.assert_refused(self.evaluate('--rows', 'other.csv', *options), 2, '--embeddings')

    def test_refuses_with_a_reason(self):
        for words, options in ((['--fmr'], ['--fmr', '1e-3,x']), (['--quality'], ['--quality', 'x=']),
                               (['--tables', 'markdown'], ['--tables', 'html']),
                               (['--plot', '.svg'], ['--plot', 'edc.gif']),
                               (['resamples'], ['--resamples', '-3']), (['resamples'], ['--resamples', '1']),
                               (['FMR'], ['--fmr', '2'])):
            with self.subTest(options=options):
                self.assert_refused(self.evaluate(*options), 2, *words)
        for option in ('--seed', '--recipe-seed'):
            run = self.evaluate(option, '-1')
            self.assert_status(run, 2)
            self.assertIn(f'{option}: -1 is not 0 or above', run.err)
        self.assert_refused(self.evaluate('--quality', 'x=none.csv'), 4, 'none.csv')
        self.assert_refused(self.evaluate('--start-fmr', '0'), 2, 'starting error 0')
        self.assert_refused(self.evaluate('more'), 2, 'more', '--network')
        self.assert_refused(self.evaluate('--sparsity', '0.2'), 2, '--sparsity', '--method')
        self.assert_refused(self.run_program('evaluate', 'pairs.csv'), 2, '--rows', '--network')
        # Before the work: of two networks the second one's file.
        (self.folder / 'edc-2.csv').mkdir()
        for options in (['--curves', 'none/edc.csv'], ['--html', 'none/page.html'], ['--plot', 'none/edc.svg'],
                        ['--rows', 'rows.csv', '--embeddings', 'rows.npy', '--curves', 'edc.csv']):
            with self.subTest(options=options):
                self.assert_refused(self.evaluate(*options), 4, 'edc-2.csv' if len(options) > 2 else options[1])
        self.assertFalse((self.folder / 'edc-1.csv').exists())
        self.assert_status(self.run_program('evaluate', '--rows', 'rows.csv', '--embeddings', 'rows.npy'), 2)
        broken = self.folder / 'broken.csv'
        broken.write_text('file_a,file_b,mated\n0/0,0/1,1\n0/0,0/2,perhaps\n')
        run = self.run_program('evaluate', broken, '--rows', 'rows.csv', '--embeddings', 'rows.npy')
        self.assert_refused(run, 4, 'broken.csv', 'line 3', 'perhaps')
        broken.write_text('file_a,file_b,mated\n0/0,0/1,1\n\n0/0,0/9,1\n')
        run = self.run_program('evaluate', broken, '--rows', 'rows.csv', '--embeddings', 'rows.npy')
        self.assert_refused(run, 2, 'rows.csv', '0/9 of', 'broken.csv, line 4')
        np.save(self.folder / 'rows.npy', np.load(self.folder / 'rows.npy').astype(np.int64))
        self.assert_refused(self.evaluate(), 4, 'rows.npy', "'<i8'")

    def test_says_what_is_missing(self):
        rows = self.folder / 'rows.csv'
        with open(rows, encoding='utf-8') as file:
            names = [row['path'] for row in csv.DictReader(file)]
        (self.folder / 'some.csv').write_text('path,quality\n' + ''.join(f'{name},1\n' for name in names[1:]))
        embeddings = np.load(self.folder / 'rows.npy')
        embeddings[0] = np.nan
        np.save(self.folder / 'one.npy', embeddings)
        pairs = (self.folder / 'pairs.csv').read_text().splitlines()
        (self.folder / 'pairs.csv').write_text('\n'.join([f'{pairs[0]},fold', *(f'{line},0' for line in pairs[1:])]) + '\n')
        run = self.run_program('evaluate', 'pairs.csv', '--rows', 'rows.csv', '--embeddings', 'one.npy', '--fmr', '0.1',
                               '--resamples', '0', '--quality', 'some.csv')
        self.assert_status(run, 0)
        self.assertIn('; 1 image has no embedding, its comparisons are not accepted', run.out.decode())
        self.assertIn('wants two folds, of which the list has one', run.out.decode())


class Real(ProgramTest):
    """On a fold of real faces."""

    def test_lfw(self):
        models = material.shared_folder('models')
        lfw = material.shared_folder('data', 'lfw')
        pictures = set()
        pairs = []
        for line in (lfw / 'pairs.txt').read_text().splitlines()[1:]:
            words = line.split()
            a, b = (words[0], words[1]), (words[-2] if len(words) == 4 else words[0], words[-1])
            pairs.append((a, b, len(words) == 3))
        mated = [p for p in pairs if p[2]][:150]
        other = [p for p in pairs if not p[2]][:150]
        name = '{0[0]}/{0[0]}_{0[1]:0>4}'.format
        with open(self.folder / 'some.csv', 'w', encoding='utf-8') as file:
            print('file_a,file_b,mated', file=file)
            for a, b, same in mated + other:
                print(f'{name(a)},{name(b)},{int(same)}', file=file)
                pictures |= {name(a), name(b)}
        with open(self.folder / 'some.txt', 'w', encoding='utf-8') as file:
            for picture in sorted(pictures):
                print(lfw / 'images' / f'{picture}.jpg', file=file)
        run = self.run_program('score', '@some.txt', '--model', models / 'vface_mobilefacenet.onnx', '--preset',
                               'imagenet', '--sparsity', '0.2', '--scope', 'layer', '--output', 'rows.csv',
                               '--embeddings', 'rows.npy')
        self.assertIn(run.status, (0, 1), run.err)
        run = self.run_program('evaluate', 'some.csv', '--rows', 'rows.csv', '--embeddings', 'rows.npy', '--fmr', '0.01',
                               '--resamples', '10')
        self.assert_status(run, 0)
        text = run.out.decode()
        fnmr = float(text.split('FNMR', 1)[1].split('\n', 1)[1].split()[1])
        self.assertLess(fnmr, 10, text)  # per cent; the network has 99 % accuracy
        for method in ('quality', 'embedding_norm', 'confidence', 'random'):
            self.assertIn(f' {method} ', text)


if __name__ == '__main__':
    material.main()
