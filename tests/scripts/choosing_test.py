"""What scripts/study_choosing computes by itself, against slow and plain forms."""
import pathlib
import sys
import unittest

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE.parents[1] / 'scripts'))
from choosing import areas, evidence, material  # noqa: E402


def slow_errors(unit, person, quality, drawn):
    """Protocol A pair by pair, a picture counting as often as its person was drawn."""
    order = sorted(range(len(unit)), key=lambda i: (quality[i], i))
    place = {picture: k for k, picture in enumerate(order)}
    pairs = [(min(place[i], place[j]), float(unit[i] @ unit[j]), person[i] == person[j],
              drawn[person[i]] if person[i] == person[j] else drawn[person[i]] * drawn[person[j]])
             for j in range(len(unit)) for i in range(j)]
    total = sum(weight for *_, mated, weight in pairs if not mated)
    errors = []
    for share in areas.SHARES:
        kept_at = {cut: sum(w for at, _, mated, w in pairs if not mated and at >= cut) for cut in range(len(unit))}
        cut = max(c for c, weight in kept_at.items() if weight >= (1 - share) * total)
        other = sorted(((s, w) for at, s, mated, w in pairs if not mated and at >= cut and w > 0), reverse=True)
        wanted, passed, nearest = 1e-3 * kept_at[cut], 0, (1e-3 * kept_at[cut], other[0][0])
        for (_, weight), (below, _) in zip(other, other[1:], strict=False):
            passed += weight
            nearest = min(nearest, (abs(passed - wanted), below), key=lambda one: one[0])
        mated = [(s, w) for at, s, is_mated, w in pairs if is_mated and at >= cut]
        errors.append(sum(w for s, w in mated if s <= nearest[1]) / sum(w for _, w in mated))
    return np.array(errors)


class Areas(unittest.TestCase):
    def test_errors_are_those_of_single_pairs(self):
        random = np.random.default_rng(4)
        people = 30
        person = np.repeat(np.arange(people), 4)
        centres = random.standard_normal((people, 12))
        embeddings = centres[person] + 0.9 * random.standard_normal((len(person), 12))
        quality = random.integers(0, 40, len(person)).astype(float)
        pairs = areas.PairsA(embeddings, person)
        for drawn in (None, np.bincount(random.integers(0, people, people), minlength=people)):
            found = pairs.errors(pairs.rank(quality), pairs.weights(drawn))
            slow = slow_errors(material.unit(embeddings), person, quality, np.ones(people) if drawn is None else drawn)
            self.assertGreater(found.max(), 0.01)
            np.testing.assert_allclose(found, slow, atol=1e-12)
        area = pairs.area(pairs.rank(quality), pairs.weights())
        errors = pairs.errors(pairs.rank(quality), pairs.weights())
        self.assertAlmostEqual(area, sum(0.05 * (a + b) / 2 for a, b in zip(errors, errors[1:], strict=False)), places=12)


class Evidence(unittest.TestCase):
    def test_spearman_with_ties(self):
        self.assertEqual(list(evidence.ranks(np.array([3, 1, 3, 0]))), [3.5, 2, 3.5, 1])
        self.assertAlmostEqual(evidence.spearman(np.array([1, 2, 9]), np.array([2, 4, 5])), 1)
        self.assertAlmostEqual(evidence.spearman(np.array([1, 2, 9]), np.array([7, 4, 1])), -1)

    def test_curve_is_flat_where_quality_says_nothing(self):
        error = np.zeros(100, bool)
        error[::10] = True  # a tenth
        self.assertAlmostEqual(evidence.curve(np.arange(100), error), 1, delta=0.08)
        # The errors go first: nothing is left of them after a tenth.
        self.assertAlmostEqual(evidence.curve(1.0 - error, error), (0.1 + 5 / 95) * 0.05 / 0.03)

    def test_bound_is_the_middle_to_the_next_above(self):
        self.assertAlmostEqual(evidence.bound([0.4, 0.9, 0.7]), 0.55)
        self.assertAlmostEqual(evidence.bound([0.4, 0.9, 0.3]), 0.65)
        self.assertEqual(evidence.bound([0.4, 0.1, 0.3]), np.inf)

    def test_areas_come_from_the_page(self):
        page = HERE.parents[1] / 'docs/results.md'
        for network in evidence.NETWORKS:
            found = material.areas_on_cfp(page, network)
            self.assertEqual(found.shape, (9,))
            self.assertTrue(np.isfinite(found).all() and (found > 0).all())


if __name__ == '__main__':
    unittest.main(verbosity=2)
