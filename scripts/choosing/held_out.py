"""What the rule in use gives on networks it was not fitted to."""
import hashlib

import numpy as np

from . import depth
from .areas import of_pairs, of_recipes
from .copies import name_of

PAPER = depth.CANDIDATES[depth.PAPER]
SETS = ('cfp', 'lfw')
LABELS = {'cfp': 'CFP', 'lfw': 'LFW'}
# Of which intervals are always wanted: the paper's, and those of thresholds per layer from 0.
RESAMPLED = [PAPER, *(depth.CANDIDATES[place] for place in depth.FROM_ZERO)]


def kept_areas(material, name, copies, recipes, resampled):
    """of_recipes(), of which the numbers are kept in the work folder."""
    resampled = [r for r in recipes if r in set(resampled)]
    key = hashlib.sha256(repr((recipes, resampled)).encode()).hexdigest()[:12]
    path = material.work / f'areas-{name}-{key}.npz'

    def make():
        areas, drawn = of_recipes(copies(), recipes, resampled)
        np.savez(path, areas=[areas[r] for r in recipes], drawn=[drawn[r] for r in resampled])

    material.once(path.stem, make)
    kept = np.load(path)
    return dict(zip(recipes, kept['areas'], strict=True)), dict(zip(resampled, kept['drawn'], strict=True))


def interval(drawn):
    low, high = np.quantile(drawn, [0.025, 0.975])
    return f'{low:.3f} to {high:.3f}'


class Ratios:
    """{network: {set: (areas, areas of the resamples)}} -> ratios to the paper's, of what was taken of each network."""

    def __init__(self, areas):
        self.areas = areas

    def of(self, network, which, recipe):
        areas, drawn = self.areas[network][which]
        if recipe == PAPER:
            return 1.0, np.ones_like(drawn[PAPER])
        return areas[recipe] / areas[PAPER], drawn[recipe] / drawn[PAPER]

    def cells(self, network, recipe):
        cells = []
        for which in SETS:
            ratio, drawn = self.of(network, which, recipe)
            cells += ['1', 'the same'] if recipe == PAPER else [f'{ratio:.3f}', f'{interval(drawn)}; {100 * np.mean(drawn < 1):.1f} %']
        return cells

    def mean_cells(self, taken):
        """`taken`: {network: recipe}."""
        cells = []
        for which in SETS:
            both = [self.of(n, which, recipe) for n, recipe in taken.items()]
            drawn = np.exp(np.mean([np.log(d) for _, d in both], 0))
            cells += [f'{np.exp(np.mean([np.log(r) for r, _ in both])):.3f}', f'{interval(drawn)}; {100 * np.mean(drawn < 1):.1f} %']
        return cells


def header(*first):
    names = [*first, *(word for which in SETS for word in (LABELS[which], '95 %; below 1'))]
    return ['| ' + ' | '.join(names) + ' |', '|' + '---|' * len(first) + '---:|---|' * len(SETS)]


def left_out_table(evidence, ratios):
    lines = header('network left out', 'fitted', 'bound', 'target', 'its mean drift', 'takes')
    for fit_target in (True, False):
        found = depth.left_out(evidence, fit_target)
        taken = {n: depth.CANDIDATES[place] for n, (_, _, place) in found.items()}
        what = 'bound and target' if fit_target else 'bound'
        for n, (bound, target, _) in found.items():
            drift = evidence[n].mean_drift[depth.PAPER]
            row = [n, what, f'{bound:.3f}', f'{target}', f'{drift:.3f}', name_of(taken[n]), *ratios.cells(n, taken[n])]
            lines.append('| ' + ' | '.join(row) + ' |')
        lines.append('| ' + ' | '.join(['all', what, '', '', '', '', *ratios.mean_cells(taken)]) + ' |')
    return '\n'.join(lines)


def test_table(ratios, taken):
    """What a rule takes, on all networks."""
    lines = header('network', 'takes')
    for n, recipe in taken.items():
        lines.append('| ' + ' | '.join([n, name_of(recipe), *ratios.cells(n, recipe)]) + ' |')
    lines.append('| ' + ' | '.join(['all', '', *ratios.mean_cells(taken)]) + ' |')
    return '\n'.join(lines)


def unseen_table(ratios, network, recipes):
    """Of recipes of one network, and of both sets together."""
    lines = header('network', 'recipe')
    lines[0] += ' both |'
    lines[1] += '---|'
    for recipe in recipes:
        logs = [np.log(ratios.of(network, which, recipe)[1]) for which in SETS]
        ratio = np.exp(np.mean([np.log(ratios.of(network, which, recipe)[0]) for which in SETS]))
        both = np.exp(np.mean(logs, 0))
        cells = [network, name_of(recipe), *ratios.cells(network, recipe),
                 'the same' if recipe == PAPER else f'{ratio:.3f} ({interval(both)}); {100 * np.mean(both < 1):.1f} %']
        lines.append('| ' + ' | '.join(cells) + ' |')
    return '\n'.join(lines)


def against(ratios, taken, today, which):
    """R of what a rule takes over today's, of the resamples of a set."""
    drawn = [ratios.of(n, which, taken[n])[1] / ratios.of(n, which, today[n])[1] for n in taken]
    return np.exp(np.mean(np.log(drawn), 0))


def recognition(swept):
    """FNMR of the whole network, nothing discarded."""
    pairs, _ = of_pairs(swept)
    return f'FNMR {100 * pairs.errors(pairs.rank(swept.norm), pairs.weights())[0]:.2f} % at FMR 1e-3'
