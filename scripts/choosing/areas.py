"""The test on LFW: areas of protocol A over all pairs, and of resamples of the people."""
import numpy as np
from cheaper.curves import Pairs

from .material import NAMES, PAPER, RECIPES, SEED, Swept

SHARES = np.arange(7) / 20
RESAMPLES = 200


class PairsA(Pairs):
    """Pairs are discarded by the lower of their qualities, a share of those that are not mated."""

    def errors(self, ranked, weights):
        order, drawn = ranked[0], weights[0]
        total, result = self._non_mated_weight(order, drawn), []
        for share in SHARES:
            low, high = 0, len(order)
            while low < high:  # the largest cut that keeps as many
                middle = (low + high + 1) // 2
                if self._non_mated_weight(order[middle:], drawn) >= (1 - share) * total:
                    low = middle
                else:
                    high = middle - 1
            result.append(self._fnmr(low, ranked, weights))
        return np.array(result)

    def area(self, ranked, weights):
        errors = self.errors(ranked, weights)
        return ((errors[1:] + errors[:-1]) / 2).sum() / 20


def draws(names):
    """How often each of the people is drawn, of each resample."""
    for resample in range(RESAMPLES):
        random = np.random.default_rng([SEED, resample])
        yield np.bincount(random.integers(0, len(names), len(names)), minlength=len(names))


def of_pairs(swept):
    """All pairs, and the people's names."""
    people = [path.parent.name for path in swept.paths]
    names = sorted(set(people))
    number = {person: i for i, person in enumerate(names)}
    return PairsA(swept.whole, [number[person] for person in people]), names


def of_recipes(swept, recipes, resampled):
    """{recipe: its area} and {recipe: that of each resample of the people} for those in `resampled`."""
    return of_qualities(*of_pairs(swept), {r: 1 - swept.drift(swept.copy(r)) / 2 for r in recipes}, resampled)


def of_qualities(pairs, names, qualities, resampled):
    """The same of {name: qualities of the pictures}; `names`: the people's."""
    ranked = {r: pairs.rank(quality) for r, quality in qualities.items()}
    weights = pairs.weights()
    areas, drawn = {r: pairs.area(one, weights) for r, one in ranked.items()}, {r: [] for r in resampled}
    for counts in draws(names) if resampled else ():
        weights = pairs.weights(counts)
        for r, values in drawn.items():
            values.append(pairs.area(ranked[r], weights))
    return areas, {r: np.array(values) for r, values in drawn.items()}


def ratios(folder, recipe):
    """Area of a recipe / that of the paper's, and the same of each resample of the people."""
    both = (recipe, RECIPES[PAPER])
    areas, drawn = of_recipes(Swept(folder), both, both)
    return areas[both[0]] / areas[both[1]], drawn[both[0]] / drawn[both[1]]


def say(title, ratio, drawn):
    low, high = np.quantile(drawn, [0.025, 0.975])
    return f'{title} {ratio:.3f} ({low:.3f} to {high:.3f}), below 1 in {100 * np.mean(drawn < 1):.1f} % of the resamples'


def report(folders, chosen):
    """Of a rule's choice, on each network and together."""
    lines, logs, log_draws = [], [], []
    for network, folder in folders.items():
        recipe = chosen[network]
        ratio, drawn = (1.0, np.ones(RESAMPLES)) if recipe == PAPER else ratios(folder, RECIPES[recipe])
        lines.append(say(f'{network}, {NAMES[recipe]}:', ratio, drawn))
        logs.append(np.log(ratio))
        log_draws.append(np.log(drawn))
    lines.append(say('R', np.exp(np.mean(logs)), np.exp(np.mean(log_draws, 0))))
    return '\n'.join(lines)
