"""What faces without labels say of recipes, and what rules make of it (docs/choosing.md, "Protocol")."""
import numpy as np

from .material import NAMES, PAPER, RECIPES, SEED

NETWORKS = ('w600k', 'vface', 'xiaoccer')
TARGET = 0.15  # mean drift
RESAMPLES = 200
PER_LAYER = [i for i, (scope, _) in enumerate(RECIPES) if scope == 'layer']


def ranks(values):
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    end = np.cumsum(count)
    return (end - (count - 1) / 2)[place]


def spearman(a, b):
    return np.corrcoef(ranks(a), ranks(b))[0, 1]


def _mean_cosine(unit):
    total = unit.sum(0)
    return (total @ total - len(unit)) / (len(unit) * (len(unit) - 1))


def curve(quality, error):
    """Area of error versus discard up to 30 % in steps of 5 %, by the share of errors where nothing is discarded."""
    error = error[np.argsort(quality, kind='stable')]
    return sum(error[int(0.05 * step * len(error)):].mean() for step in range(6)) * 0.05 / 0.03


class Evidence:
    """Of a network, by a `swept` (Swept, Copies): higher is better of all measures, where the curve's sign is turned. The
    areas are on CFP, and `paper` is the paper's place among the recipes."""

    def __init__(self, swept, worse, recipes, area, paper):
        number = {path: i for i, path in enumerate((p.parent.name, p.stem) for p in swept.paths)}
        faces = sorted({face for face, _ in number})
        self.place = {version: np.array([number[face, version] for face in faces]) for version in 'xmab'}
        self.worse, self.norm, self.count = worse, swept.norm, len(faces)
        self.alike = (swept.whole[self.place['a']] * swept.whole[self.place['b']]).sum(1)
        x, drifts, self.collapse = self.place['x'], [], []
        for recipe in recipes:
            copy = swept.copy(recipe)
            drifts.append(swept.drift(copy))
            self.collapse.append(_mean_cosine(copy[x]) - _mean_cosine(swept.whole[x]))
        self.drift = np.array(drifts)
        self.mean_drift = self.drift[:, x].mean(1)
        self.area = area
        self.ratio = area / area[paper]

    def measures(self, faces, names, recipes=None):
        """{evidence: a number a recipe} of these faces, and of these places among the recipes (all)."""
        x, m, a, b = (self.place[version][faces] for version in 'xmab')
        alike, a_worse, b_worse = self.alike[faces], self.worse[faces, 0], self.worse[faces, 1]
        error = alike < np.quantile(alike, 0.1)
        measure = {
            'mates, ranks': lambda drift, lower: spearman(lower, alike),
            'mates, curve': lambda drift, lower: -curve(lower, error),
            'worse': lambda drift, lower: np.concatenate([drift[a][a_worse] > drift[x][a_worse],
                                                          drift[b][b_worse] > drift[m][b_worse]]).mean(),
            'mirror': lambda drift, lower: spearman(drift[x], drift[m]),
            'norm': lambda drift, lower: spearman(-drift[x], self.norm[x])}
        drifts = self.drift if recipes is None else self.drift[recipes]
        lower = [-np.maximum(drift[a], drift[b]) for drift in drifts]
        return {name: np.array([measure[name](*both) for both in zip(drifts, lower, strict=True)]) for name in names}

    def of(self, faces):
        found = self.measures(faces, ('mates, ranks', 'mates, curve', 'worse', 'mirror', 'norm'))
        x = self.place['x'][faces]
        by_company = np.corrcoef([ranks(drift[x]) for drift in self.drift])
        found['company'] = (by_company.sum(1) - 1) / (len(self.drift) - 1)
        return found


def bound(values):
    """The middle between the paper's recipe on w600k and the next of the others above it."""
    first, *others = values
    above = [v for v in others if v > first]
    return (first + min(above)) / 2 if above else np.inf


def rules(evidence):
    """{rule: {network: place in RECIPES}} and the bounds of mean drift and collapse."""
    whole = {n: e.of(np.arange(e.count)) for n, e in evidence.items()}
    random = np.random.default_rng(SEED)
    count = next(iter(evidence.values())).count
    draws = [random.integers(count, size=count) for _ in range(RESAMPLES)]
    drawn = {n: [e.of(draw) for draw in draws] for n, e in evidence.items()}
    found, names = {}, list(whole[NETWORKS[0]])
    for name in names:
        found[f'best: {name}'] = {n: int(np.argmax(whole[n][name])) for n in NETWORKS}
        found[f'leave: {name}'] = {}
        for n in NETWORKS:
            won = np.mean([one[name] > one[name][PAPER] for one in drawn[n]], 0)
            sure = [r for r in range(len(RECIPES)) if r != PAPER and won[r] >= 0.95]
            found[f'leave: {name}'][n] = max(sure, key=lambda r, n=n, name=name: whole[n][name][r]) if sure else PAPER
    drift_bound, collapse_bound = (bound([values(evidence[n])[PAPER] for n in NETWORKS])
                                   for values in (lambda e: e.mean_drift, lambda e: e.collapse))

    def unless(values, limit, otherwise):
        return {n: PAPER if values(evidence[n])[PAPER] < limit else otherwise(n) for n in NETWORKS}

    def small(n):
        return min(PER_LAYER, key=lambda r: abs(evidence[n].mean_drift[r] - TARGET))

    found['mean drift'] = unless(lambda e: e.mean_drift, drift_bound, small)
    for name in names:
        found[f'mean drift, then best: {name}'] = unless(lambda e: e.mean_drift, drift_bound,
                                                         lambda n, name=name: int(np.argmax(whole[n][name])))
    found['collapse'] = unless(lambda e: e.collapse, collapse_bound, small)
    for r, name in enumerate(NAMES):
        found[f'always {name}'] = dict.fromkeys(NETWORKS, r)
    return found, drift_bound, collapse_bound


def evidence_table(evidence):
    lines = ['| network | recipe | mates, ranks | mates, curve | worse | mirror | norm | company | mean drift | collapse | CFP |',
             '|---|---|' + '---:|' * 9]
    for n, e in evidence.items():
        found = e.of(np.arange(e.count))
        found['mates, curve'] = -found['mates, curve']
        for r, name in enumerate(NAMES):
            numbers = [*(values[r] for values in found.values()), e.mean_drift[r], e.collapse[r], e.ratio[r]]
            lines.append(f'| {n} | {name} | ' + ' | '.join(f'{v:.3f}' for v in numbers) + ' |')
    return '\n'.join(lines)


def mean_ratio(evidence, chosen):
    return np.exp(np.mean([np.log(evidence[n].ratio[chosen[n]]) for n in NETWORKS]))


def chosen(evidence, found):
    """The rule with the lowest mean ratio; of those within 0.005 the one whose largest ratio is the lowest."""
    score = {rule: mean_ratio(evidence, of) for rule, of in found.items()}
    near = [rule for rule, value in score.items() if value <= min(score.values()) + 0.005]
    return min(near, key=lambda rule: max(evidence[n].ratio[found[rule][n]] for n in NETWORKS))


def rules_table(evidence, found):
    lines = ['| rule | R | largest | w600k | vface | xiaoccer |', '|---|---:|---:|---|---|---|']
    for name in [rule.removeprefix('best: ') for rule in found if rule.startswith('best: ')]:
        if found[f'best: {name}'] == found[f'leave: {name}']:
            found = {f'best, or leave: {name}' if rule == f'best: {name}' else rule: chosen for rule, chosen in found.items()
                     if rule != f'leave: {name}'}
    for rule, chosen in sorted(found.items(), key=lambda item: mean_ratio(evidence, item[1])):
        ratios = [evidence[n].ratio[chosen[n]] for n in NETWORKS]
        cells = [f'{NAMES[chosen[n]]} ({ratio:.3f})' for n, ratio in zip(NETWORKS, ratios, strict=True)]
        lines.append(f'| {rule} | {mean_ratio(evidence, chosen):.3f} | {max(ratios):.3f} | {" | ".join(cells)} |')
    return '\n'.join(lines)


def choices_of_fewer(evidence, name, faces=256, times=100):
    """How often best: `name` takes which recipe when so many of the faces are drawn, and the mean ratio."""
    lines = []
    for n, e in evidence.items():
        random = np.random.default_rng(1)
        taken = [int(np.argmax(e.of(random.choice(e.count, faces, replace=False))[name])) for _ in range(times)]
        counts = sorted(((taken.count(r), NAMES[r]) for r in set(taken)), reverse=True)
        lines.append(f'{name}, {n}: {", ".join(f"{recipe} {k}" for k, recipe in counts)}; mean {np.mean(e.ratio[taken]):.3f}')
    return '\n'.join(lines)
