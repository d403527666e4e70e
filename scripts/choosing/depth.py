"""Whether depth can be chosen without labels, and whether a rule holds where it was not fitted (docs/choosing.md, "Second
protocol")."""
import numpy as np

from .copies import name_of
from .evidence import NETWORKS, TARGET, spearman

BASES = [('global', 0.4), ('layer', 0.1), ('layer', 0.2), ('layer', 0.3), ('channel', 0.1), ('channel', 0.2)]
DEPTHS = (0, 0.5, 0.8, 0.9)
CANDIDATES = [(*base, start) for base in BASES for start in DEPTHS]
PAPER = CANDIDATES.index(('global', 0.4, 0))
ON_LFW = [c for c in CANDIDATES if c[0] != 'channel']
LAYERS = [r for r, c in enumerate(CANDIDATES) if c[0] == 'layer']
FROM_ZERO = [r for r in LAYERS if CANDIDATES[r][2] == 0]
CHANNELS = [r for r, c in enumerate(CANDIDATES) if c[0] == 'channel']
MEASURES = ('mates, curve', 'worse', 'norm')
STANDS = 0.58  # mean drift up to which a network keeps the paper's
SURE = 0.95  # of the resamples
FACES, DRAWS, RESAMPLES = 256, 100, 100
TARGETS = (0.15, 0.1, 0.2, 0.05, 0.3, 0.5)  # of equals the first


def depths_of(place):
    return [r for r, c in enumerate(CANDIDATES) if c[:2] == CANDIDATES[place][:2]]  # from 0 first


def nearest(mean_drift, places, target=TARGET):
    return min(places, key=lambda r: abs(mean_drift[r] - target))


def told(evidence, faces, recipes=None):
    """The measures, least where a recipe prunes nothing that counts and there is no rank."""
    with np.errstate(invalid='ignore'):
        found = evidence.measures(faces, MEASURES, recipes)
    return {name: np.where(np.isfinite(values), values, -np.inf) for name, values in found.items()}


def takes(evidence, faces, random):
    """{rule: the place of what it takes by these faces}."""
    mean_drift = evidence.drift[:, evidence.place['x'][faces]].mean(1)
    stands = mean_drift[PAPER] <= STANDS
    today = PAPER if stands else nearest(mean_drift, FROM_ZERO)
    depths = depths_of(today)
    whole = told(evidence, faces)
    drawn = [told(evidence, random.choice(faces, len(faces)), depths) for _ in range(RESAMPLES)]
    found = {'today': today,
             'nearest, layer': PAPER if stands else nearest(mean_drift, LAYERS),
             'nearest, channel': PAPER if stands else nearest(mean_drift, CHANNELS)}
    for name in MEASURES:
        values = np.array([one[name] for one in drawn])
        more = (values > values[:, :1]).mean(0) >= SURE
        less = (values < values[:, :1]).mean(0) >= SURE
        better = [r for r, sure in zip(depths, more, strict=True) if sure]
        leave = max(better, key=lambda r, name=name: whole[name][r]) if better else today
        found[f'best {name}'] = PAPER if stands else max(LAYERS, key=lambda r, name=name: whole[name][r])
        found[f'leave {name}'] = PAPER if stands else leave
        found[f'deepest {name}'] = PAPER if stands else [r for r, sure in zip(depths, less, strict=True) if not sure][-1]
        found[f'leave {name}, everywhere'] = leave
    return found


class Rules:
    """What each rule takes of each network: by all the faces, and by FACES of them drawn DRAWS times."""

    def __init__(self, evidence, costs, seed):
        self.evidence, self.costs = evidence, costs
        self.whole, self.drawn = {}, {}
        for k, (network, e) in enumerate(evidence.items()):
            random = np.random.default_rng([seed, k])
            self.whole[network] = takes(e, np.arange(e.count), random)
            self.drawn[network] = [takes(e, random.choice(e.count, FACES, replace=False), random) for _ in range(DRAWS)]
        self.names = list(self.whole[NETWORKS[0]])

    def ratios(self, network, rule):
        """Of each draw."""
        return self.evidence[network].ratio[[one[rule] for one in self.drawn[network]]]

    def means(self, rule):
        """Of each network the geometric mean over the draws."""
        return {n: np.exp(np.log(self.ratios(n, rule)).mean()) for n in NETWORKS}

    def score(self, rule):
        return np.exp(np.mean([np.log(value) for value in self.means(rule).values()]))

    def cost(self, rule):
        """Multiply-adds, in passes of the whole network."""
        return np.mean([self.costs[n][CANDIDATES[one[rule]]] for n in NETWORKS for one in self.drawn[n]])

    def worse_nowhere(self, rule):
        return all(self.ratios(n, rule).mean() <= 1 for n in NETWORKS)

    def chosen(self):
        able = [rule for rule in self.names if self.worse_nowhere(rule)]
        lowest = min(self.score(rule) for rule in able)
        near = [rule for rule in able if self.score(rule) <= lowest + 0.005]
        return min(near, key=lambda rule: (round(self.cost(rule), 9), rule != 'today'))

    def table(self):
        lines = [f'| rule | R | passes | no cell worse | {" | ".join(NETWORKS)} |', '|---|---:|---:|---|' + '---|' * len(NETWORKS)]
        for rule in sorted(self.names, key=self.score):
            cells = []
            for n in NETWORKS:
                ratios, taken = self.ratios(n, rule), [one[rule] for one in self.drawn[n]]
                counts = sorted(((taken.count(r), name_of(CANDIDATES[r])) for r in set(taken)), reverse=True)
                said = ', '.join(f'{recipe} {count}' for count, recipe in counts[:3]) + (', …' if len(counts) > 3 else '')
                cells.append(f'{ratios.mean():.3f}: {said}')
            lines.append(f'| {rule} | {self.score(rule):.3f} | {self.cost(rule):.2f} | {"yes" if self.worse_nowhere(rule) else "no"} | '
                         f'{" | ".join(cells)} |')
        return '\n'.join(lines)


def evidence_table(evidence, areas_on_lfw):
    """Of every recipe, from each of DEPTHS. Where all drifts are zero there is no rank, and nothing is said."""
    lines = ['| network | recipe | CFP | LFW | worse | mates, curve | norm | mean drift |', '|---|---|' + '---|' * 6]
    for n, e in evidence.items():
        found = told(e, np.arange(e.count))
        lfw = areas_on_lfw[n]
        columns = [e.ratio, [lfw[c] / lfw[CANDIDATES[PAPER]] if c in lfw else np.nan for c in CANDIDATES], found['worse'],
                   -found['mates, curve'], found['norm'], e.mean_drift]
        for scope, sparsity in BASES:
            places = [CANDIDATES.index((scope, sparsity, start)) for start in DEPTHS]
            cells = [', '.join(f'{column[r]:.3f}' if np.isfinite(column[r]) else '–' for r in places) for column in columns]
            lines.append(f'| {n} | {scope} {sparsity} | {" | ".join(c if c.strip("–, ") else "" for c in cells)} |')
    return '\n'.join(lines)


def agreement(evidence, areas_on_lfw):
    """How far each measure puts the depths of a recipe in the order of their areas: Spearman's of the four, the mean over
    the recipes of each network and of all."""
    lines = []
    for label in ('CFP', 'LFW'):
        for name in ('mean drift', *MEASURES):
            found = {}
            for n, e in evidence.items():
                on_lfw = [areas_on_lfw[n].get(c, np.nan) for c in CANDIDATES]
                area = e.area if label == 'CFP' else np.array(on_lfw)
                values = -e.mean_drift if name == 'mean drift' else told(e, np.arange(e.count))[name]
                for r in range(0, len(CANDIDATES), len(DEPTHS)):
                    places = slice(r, r + len(DEPTHS))
                    if np.isfinite(area[places]).all() and np.isfinite(values[places]).all() and np.ptp(values[places]) > 0:
                        found.setdefault(n, []).append(spearman(values[places], -area[places]))
            means = ', '.join(f'{n} {np.mean(of):.2f}' for n, of in found.items())
            lines.append(f'{label}, {name}: {np.mean(sum(found.values(), [])):.2f} ({means})')
    return '\n'.join(lines)


def cost_lines(costs):
    """Multiply-adds of two passes from each of DEPTHS, in passes."""
    return '; '.join(f'{n} ' + ', '.join(f'{of[("global", 0.4, start)]:.2f}' for start in DEPTHS) for n, of in costs.items())


def fitted(evidence, networks, fit_target):
    """Bound of the mean drift and target by these networks (of each the drifts, and the areas on CFP)."""
    stand, fall = [], [np.inf]
    for n in networks:
        e = evidence[n]
        (fall if e.ratio[nearest(e.mean_drift, FROM_ZERO)] < 1 else stand).append(e.mean_drift[PAPER])
    bound = (max(stand) + min(fall)) / 2 if stand else min(fall) / 2

    def score(target):
        return sum(np.log(evidence[n].ratio[ruled(evidence[n], bound, target)]) for n in networks)

    return bound, min(TARGETS, key=lambda t: round(score(t), 9)) if fit_target else TARGET


def ruled(e, bound, target):
    return PAPER if e.mean_drift[PAPER] <= bound else nearest(e.mean_drift, FROM_ZERO, target)


def left_out(evidence, fit_target):
    """{network: bound, target and the place of what it takes} by the two other networks."""
    found = {}
    for n in NETWORKS:
        bound, target = fitted(evidence, [other for other in NETWORKS if other != n], fit_target)
        found[n] = bound, target, ruled(evidence[n], bound, target)
    return found
