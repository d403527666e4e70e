"""The tables and the figure of docs/cheaper.md."""
import re
import subprocess
import sys

import numpy as np

from . import scores

NORM, PAPER, RANDOM = ('embedding', 'norm'), ('paper', 'angle'), ('random', '')
REFERENCES = {NORM: 'embedding norm', PAPER: "the paper's drift", RANDOM: 'random'}


def name(candidate):
    return REFERENCES.get(candidate) or ' · '.join(candidate)


def markdown(header, rows, left=1):
    lines = ['| ' + ' | '.join(header) + ' |', '|' + '|'.join(['---'] * left + ['---:'] * (len(header) - left)) + '|']
    return '\n'.join(lines + ['| ' + ' | '.join(row) + ' |' for row in rows])


def endpoint(areas, norm):
    """E, over the last axis."""
    return np.exp(np.log(areas / norm).mean(-1))


def interval(samples):
    low, high = np.percentile(samples, [2.5, 97.5])
    return f'{low:.3f} to {high:.3f}'


def better(samples, than):
    return f'{100 * np.mean(samples < than):.1f} %'


class Report:
    def __init__(self, study):
        self.study = study
        self.choose = study.areas('choose', study.candidates)
        self.e_choose = {c: endpoint(a, self.choose[NORM]) for c, a in self.choose.items()}
        able = sorted((c for c in study.candidates if study.affordable(c)), key=lambda c: self.e_choose[c])
        self.able, self.chosen = able, able[0]
        # Only now.
        self.report = study.areas('report', study.candidates)
        self.e_report = {c: endpoint(a, self.report[NORM]) for c, a in self.report.items()}
        self.samples = study.resampled([self.chosen, NORM, PAPER])

    def sets(self):
        rows = []
        for (which, half), chosen in self.study.sets.items():
            pairs = self.study.pairs(('w600k', which), half)
            fnmr = []
            for n in self.study.dense:
                p = self.study.pairs((n, which), half)
                fnmr.append(f'{100 * p.errors(p.rank(self.study.scores[n][NORM][chosen.places]), p.weights())[0]:.2f} %')
            rows.append([f'{which}, {half}', str(len(chosen.places)), str(len(chosen.names)),
                         f'{len(pairs.mated_similarity):,}', f'{pairs.non_mated:,}', *fnmr])
        return markdown(['set, half', 'pictures', 'people', 'mated', 'not mated', *(f'FNMR of {n}' for n in self.study.dense)],
                        rows)

    def candidates(self):
        """The best of each mask, and the references."""
        by_mask = {}
        for c in self.study.candidates:
            if c not in REFERENCES:
                by_mask.setdefault(c[0], []).append(c)
        rows = []
        for c in REFERENCES:
            cost = 'a pass' if c == PAPER else '0'
            rows.append([f'*{name(c)}*', '', cost, f'{self.e_choose[c]:.3f}', f'{self.e_report[c]:.3f}', ''])
        for where, several in by_mask.items():
            best = min(several, key=lambda c: self.e_choose[c])
            angle = next(c for c in several if c[1] in ('angle', 'mean angle'))
            *compact, resnet = (cost - 1 for cost in self.study.costs[best].values())
            rows.append([where, best[1], f'{max(compact):.3f}, {resnet:.3f}' + ('' if self.study.affordable(best) else ' (over)'),
                         f'{self.e_choose[best]:.3f}', f'{self.e_report[best]:.3f}',
                         f'{self.e_choose[angle]:.3f}, {self.e_report[angle]:.3f}'])
        return markdown(['mask', 'best read off', 'passes more, ResNet', 'E on choose', 'E on report', 'its angle: choose, report'],
                        rows, left=2)

    def reads(self):
        """Median over the affordable masks of each thing to read off."""
        rows = []
        what = list(dict.fromkeys(c[1] for c in self.able))
        for w in what:
            those = [c for c in self.able if c[1] == w]
            rows.append([w, str(len(those)), f'{np.median([self.e_choose[c] for c in those]):.3f}',
                         f'{min(self.e_choose[c] for c in those):.3f}', f'{np.median([self.e_report[c] for c in those]):.3f}'])
        return markdown(['read off', 'masks', 'median E on choose', 'best', 'median E on report'], rows)

    def test(self):
        norm, paper, mine = (self.samples[c] for c in (NORM, PAPER, self.chosen))
        rows = []

        def row(label, cells):
            values = {c: endpoint(self.report[c][cells], self.report[NORM][cells]) for c in (self.chosen, PAPER)}
            e, p = endpoint(mine[:, cells], norm[:, cells]), endpoint(paper[:, cells], norm[:, cells])
            rows.append([label, f'{values[self.chosen]:.3f}', interval(e), better(e, 1), f'{values[PAPER]:.3f}', better(e, p)])

        row('**all: E**', list(range(len(self.study.cells))))
        for n in self.study.dense:
            row(n, [k for k, cell in enumerate(self.study.cells) if cell[0] == n])
        for s in dict.fromkeys(cell[1] for cell in self.study.cells):
            row(s, [k for k, cell in enumerate(self.study.cells) if cell[1] == s])
        for k, cell in enumerate(self.study.cells):
            row(', '.join(cell), [k])
        text = f'Chosen: **{name(self.chosen)}**, E {self.e_choose[self.chosen]:.3f} on *choose*; runners-up: ' + '; '.join(
            f'{name(c)} {self.e_choose[c]:.3f}' for c in self.able[1:6]) + '.\n\n'
        return text + markdown(['of *report*', 'area / norm\'s', '95 %', 'better than the norm', "the paper's / norm's",
                                "better than the paper's"], rows)

    def hindsight(self):
        """How the candidates within the budget do on the half they were not chosen on."""
        able = self.able
        x, y = (np.array([e[c] for c in able]) for e in (self.e_choose, self.e_report))
        ranks = [np.argsort(np.argsort(v)) for v in (x, y)]
        rho = np.corrcoef(*ranks)[0, 1]
        best = min(able, key=lambda c: self.e_report[c])
        both = [c for c in able if self.e_choose[c] < 1 and self.e_report[c] < 1]
        return (f'Of {len(able)} candidates within the budget {int((x < 1).sum())} are below 1 on *choose*, {int((y < 1).sum())} on '
                f'*report*, {len(both)} on both; Spearman\'s correlation of their E on the halves is {rho:.2f}. By hindsight the best on '
                f'*report* is {name(best)} ({self.e_report[best]:.3f}; {self.e_choose[best]:.3f} on *choose*); the '
                f'chosen one is there the {1 + sorted(y).index(self.e_report[self.chosen])}th of {len(able)}.')

    def figure(self, path):
        able = [f'{self.e_choose[c]:.4f} {self.e_report[c]:.4f} {int(c[1] in ("angle", "mean angle", "spread"))}' for c in self.able]
        points = '\n'.join(able)
        script = f"""set terminal svg size 620,520 font 'sans-serif,12' background '#ffffff'
set output '{path}'
$able << EOD
{points}
EOD
$chosen << EOD
{self.e_choose[self.chosen]:.4f} {self.e_report[self.chosen]:.4f}
EOD
$paper << EOD
{self.e_choose[PAPER]:.4f} {self.e_report[PAPER]:.4f}
EOD
set grid lc rgb '#dddddd'
set border 3
set tics nomirror out
set logscale xy 2
set xtics (0.8,0.9,1,1.2,1.5,2,3)
set ytics (0.8,0.9,1,1.2,1.5,2,3)
set xlabel 'E on choose'
set ylabel 'E on report'
set key left top
set arrow from graph 0, first 1 to graph 1, first 1 nohead lc rgb '#888888'
set arrow from first 1, graph 0 to first 1, graph 1 nohead lc rgb '#888888'
plot $able using 1:($3 == 0 ? $2 : NaN) with points pt 7 ps 0.5 lc rgb '#0b63c5' title 'lengths and combinations', \\
  $able using 1:($3 == 1 ? $2 : NaN) with points pt 7 ps 0.5 lc rgb '#c5720b' title 'angles alone', \\
  $chosen with points pt 6 ps 1.6 lw 2 lc rgb '#c5230b' title 'chosen', \\
  $paper with points pt 2 ps 1.2 lw 2 lc rgb '#000000' title "the paper's (a pass)"
set output
"""
        done = subprocess.run(['gnuplot'], input=script, text=True, check=False)
        if done.returncode != 0:
            sys.exit('study: gnuplot did not draw the figure')


def write(study, docs):
    report = Report(study)
    page = docs / 'cheaper.md'
    text = page.read_text(encoding='utf-8')
    for block in ('sets', 'test', 'hindsight', 'candidates', 'reads'):
        found = re.compile(rf'(<!-- {block} -->\n).*?(<!-- end -->)', re.S)
        if not found.search(text):
            sys.exit(f'study: {page} has no block {block}')
        made = getattr(report, block)()
        text = found.sub(lambda m, made=made: f'{m[1]}\n{made}\n\n{m[2]}', text)
    page.write_text(text, encoding='utf-8')
    report.figure(docs / 'cheaper.svg')
