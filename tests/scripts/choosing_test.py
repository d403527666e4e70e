"""What scripts/study_choosing and study_depth compute by themselves, against slow and plain forms."""
import json
import pathlib
import sys
import tempfile
import types
import unittest

import numpy as np
import onnx

HERE = pathlib.Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE.parents[1] / 'scripts'))
from choosing import areas, copies, depth, evidence, held_out, material, resnet  # noqa: E402


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

    def test_of_near_rules_the_one_without_a_bad_network_is_chosen(self):
        ratios = {'w600k': [1.2, 0.9, 1.0], 'vface': [0.7, 0.94, 1.0], 'xiaoccer': [1.0, 1.0, 1.0]}
        found = {n: types.SimpleNamespace(ratio=np.array(of)) for n, of in ratios.items()}
        rules = {name: dict.fromkeys(evidence.NETWORKS, k) for k, name in enumerate(('low', 'even', 'paper'))}
        self.assertEqual(evidence.chosen(found, rules), 'even')
        found['vface'].ratio[0] = 0.6
        self.assertEqual(evidence.chosen(found, rules), 'low')

    def test_bound_is_the_middle_to_the_next_above(self):
        self.assertAlmostEqual(evidence.bound([0.4, 0.9, 0.7]), 0.55)
        self.assertAlmostEqual(evidence.bound([0.4, 0.9, 0.3]), 0.65)
        self.assertEqual(evidence.bound([0.4, 0.1, 0.3]), np.inf)


def place(scope, sparsity, start=0):
    return depth.CANDIDATES.index((scope, sparsity, start))


def network(drifts, ratios=None):
    """Mean drifts (2 else) and ratios (1 else) of places."""
    count = len(depth.CANDIDATES)
    mean_drift, ratio = np.full(count, 2.0), np.ones(count)
    for k, value in drifts.items():
        mean_drift[k] = value
    for k, value in (ratios or {}).items():
        ratio[k] = value
    return types.SimpleNamespace(mean_drift=mean_drift, ratio=ratio)


class FakeEvidence(types.SimpleNamespace):
    """Whose measures are the same of all faces, but for a little noise, where `noise` says so."""

    def measures(self, faces, names, recipes=None):
        values = np.array(self.values, float)
        values[self.noisy] += 0.5 * (-1) ** int(np.sum(faces))
        return {name: values if recipes is None else values[recipes] for name in names}


class Depth(unittest.TestCase):
    def evidence(self, paper=1.0, values=None, noisy=()):
        count = len(depth.CANDIDATES)
        mean, found = np.full(count, 1.0), np.zeros(count)
        mean[depth.PAPER] = paper
        mean[place('layer', 0.1)], mean[place('layer', 0.2)], mean[place('layer', 0.3)] = 0.05, 0.2, 0.5
        mean[place('layer', 0.3, 0.9)], mean[place('channel', 0.1, 0.8)] = 0.14, 0.16
        for k, value in (values or {}).items():
            found[k] = value
        return FakeEvidence(drift=np.repeat(mean[:, None], 40, 1), place={'x': np.arange(40)}, count=40, values=found,
                            noisy=list(noisy), ratio=np.ones(count))

    def takes(self, evidence):
        return depth.takes(evidence, np.arange(40), np.random.default_rng(1))

    def test_the_papers_is_kept_where_it_stands(self):
        deeper = place('global', 0.4, 0.8)
        took = self.takes(self.evidence(paper=0.58, values={deeper: 1}))
        everywhere = {rule: k for rule, k in took.items() if rule.endswith('everywhere')}
        self.assertEqual(set(everywhere.values()), {deeper})
        self.assertEqual({k for rule, k in took.items() if rule not in everywhere}, {depth.PAPER})

    def test_the_nearest_of_some_or_of_all_depths(self):
        took = self.takes(self.evidence())
        self.assertEqual(took['today'], place('layer', 0.2))
        self.assertEqual(took['nearest, layer'], place('layer', 0.3, 0.9))
        self.assertEqual(took['nearest, channel'], place('channel', 0.1, 0.8))

    def test_evidence_must_be_sure_to_leave_and_to_stay(self):
        values = {place('layer', 0.2, 0.5): 0.2, place('layer', 0.2, 0.8): 0.4, place('layer', 0.2, 0.9): -0.1,
                  place('layer', 0.3, 0.5): 0.9}
        took = self.takes(self.evidence(values=values))
        self.assertEqual(took['leave norm'], place('layer', 0.2, 0.8))
        self.assertEqual(took['deepest norm'], place('layer', 0.2, 0.8))  # 0.9 has less for sure
        self.assertEqual(took['best norm'], place('layer', 0.3, 0.5))
        took = self.takes(self.evidence(values=values, noisy=[place('layer', 0.2, 0.8), place('layer', 0.2, 0.9)]))
        self.assertEqual(took['leave norm'], place('layer', 0.2, 0.5))
        self.assertEqual(took['deepest norm'], place('layer', 0.2, 0.9))

    def test_bound_and_target_are_those_of_the_others(self):
        small, large = place('layer', 0.1), place('layer', 0.3)
        drifts = {small: 0.1, large: 0.5}
        found = {'stands': network({**drifts, depth.PAPER: 0.4}, {small: 1.1, large: 1.3}),
                 'falls': network({**drifts, depth.PAPER: 0.7}, {small: 0.9, large: 0.8}),
                 'lower': network({**drifts, depth.PAPER: 0.6}, {small: 0.9, large: 0.95})}
        self.assertEqual(depth.fitted(found, ['stands', 'falls'], False), (0.55, 0.15))
        self.assertEqual(depth.fitted(found, ['stands', 'falls'], True), (0.55, 0.5))
        self.assertEqual(depth.fitted(found, ['falls', 'lower'], False), (0.3, 0.15))
        self.assertEqual(depth.fitted(found, ['stands'], False), (np.inf, 0.15))
        self.assertEqual(depth.ruled(found['stands'], 0.4, 0.15), depth.PAPER)
        self.assertEqual(depth.ruled(found['stands'], 0.39, 0.15), small)
        self.assertEqual(depth.ruled(found['stands'], 0.39, 0.5), large)

    def test_a_rule_with_a_worse_cell_is_not_chosen_and_of_equals_the_cheaper_is(self):
        bad, dear, cheap = place('layer', 0.1), place('layer', 0.2), place('layer', 0.2, 0.9)
        rules = depth.Rules.__new__(depth.Rules)
        rules.names = ['today', 'bad', 'cheap']
        worst = {bad: 0.5, dear: 0.9, cheap: 0.902}
        rules.evidence = {n: network({}, {**worst, bad: 1.01} if n == 'vface' else worst) for n in evidence.NETWORKS}
        rules.drawn = {n: [{'today': dear, 'bad': bad, 'cheap': cheap}] * 3 for n in evidence.NETWORKS}
        rules.costs = {n: {c: 1.1 if c[2] else 2.0 for c in depth.CANDIDATES} for n in evidence.NETWORKS}
        self.assertEqual(rules.chosen(), 'cheap')
        for e in rules.evidence.values():
            e.ratio[cheap] = 0.91
        self.assertEqual(rules.chosen(), 'today')

    def test_agreement_is_within_a_recipe(self):
        e = self.evidence(values={place('layer', 0.1, start): value for start, value in zip(depth.DEPTHS, (4, 2, 3, 1), strict=True)})
        e.mean_drift, e.area = e.drift[:, 0], np.ones(len(depth.CANDIDATES))
        for k, start in enumerate(depth.DEPTHS):
            e.area[place('layer', 0.1, start)] = 1 + k
        lines = depth.agreement({'one': e}, {'one': dict.fromkeys(depth.CANDIDATES, 1.0) | {
            ('layer', 0.1, start): -k for k, start in enumerate(depth.DEPTHS)}}).splitlines()
        said = dict(line.split(': ') for line in lines)
        self.assertEqual(said['CFP, worse'], '0.80 (one 0.80)')  # of the others there is no rank
        self.assertEqual(said['LFW, worse'], '-0.80 (one -0.80)')


class HeldOut(unittest.TestCase):
    def ratios(self):
        paper, other = held_out.PAPER, ('layer', 0.2, 0)
        one = ({paper: 2.0, other: 1.0}, {paper: np.array([2.0, 2, 2, 2, 1]), other: np.array([1.0, 1, 1, 1, 2])})
        two = ({paper: 1.0, other: 8.0}, {paper: np.ones(5), other: np.full(5, 8.0)})
        return held_out.Ratios({'a': {'cfp': one, 'lfw': two}, 'b': {'cfp': one, 'lfw': two}}), other

    def test_cells_have_ratios_and_shares_of_resamples(self):
        ratios, other = self.ratios()
        self.assertEqual(ratios.cells('a', held_out.PAPER), ['1', 'the same'] * 2)
        self.assertEqual(ratios.cells('a', other), ['0.500', '0.500 to 1.850; 80.0 %', '8.000', '8.000 to 8.000; 0.0 %'])
        both = ratios.mean_cells({'a': other, 'b': held_out.PAPER})
        self.assertEqual([both[0], both[2]], [f'{0.5 ** 0.5:.3f}', f'{8 ** 0.5:.3f}'])
        lines = held_out.unseen_table(ratios, 'a', [held_out.PAPER, other]).splitlines()
        self.assertEqual(lines[2].count('the same'), 3)
        self.assertIn('| 2.000 (2.000 to', lines[3])
        self.assertEqual(len({line.count('|') for line in lines}), 1)
        against = held_out.against(ratios, {'a': other}, {'a': held_out.PAPER}, 'cfp')
        np.testing.assert_allclose(against, [0.5, 0.5, 0.5, 0.5, 2])

    def test_a_network_left_out_has_no_say(self):
        small = place('layer', 0.1)
        found = {n: network({small: 0.15, depth.PAPER: drift}, {small: ratio})
                 for n, drift, ratio in zip(evidence.NETWORKS, (0.4, 1.0, 0.7), (1.1, 0.8, 0.9), strict=True)}
        left = depth.left_out(found, True)
        self.assertEqual(left['w600k'], (0.35, 0.15, small))
        self.assertEqual([round(value, 9) for value in left['vface']], [0.55, 0.15, small])
        self.assertEqual([round(value, 9) for value in left['xiaoccer']], [0.7, 0.15, depth.PAPER])

    def test_areas_are_kept(self):
        with tempfile.TemporaryDirectory() as name:
            kept = material.KeptWork(None, pathlib.Path(name), None, 0)
            random = np.random.default_rng(3)
            embeddings = random.standard_normal((400, 3, 6)) + np.repeat(random.standard_normal((100, 1, 6)), 4, 0)
            recipes = [held_out.PAPER, ('layer', 0.1, 0)]
            made = []

            def swept():
                made.append(1)
                return copies.Copies([pathlib.Path(f'{k // 4}/{k}.png') for k in range(400)], embeddings, recipes)

            areas_found, drawn = held_out.kept_areas(kept, 'x', swept, recipes, [recipes[1]])
            again, _ = held_out.kept_areas(kept, 'x', swept, recipes, [recipes[1]])
            self.assertEqual((areas_found, len(made)), (again, 1))
            self.assertEqual({r: len(values) for r, values in drawn.items()}, {recipes[1]: areas.RESAMPLES})
            held_out.kept_areas(kept, 'x', swept, recipes, recipes)
            self.assertEqual(len(made), 2)


class Copies(unittest.TestCase):
    def test_drifts_are_between_the_whole_and_the_copy(self):
        random = np.random.default_rng(2)
        embeddings = random.standard_normal((5, 3, 8)).astype(np.float32)
        found = copies.Copies(['a'] * 5, embeddings, [('layer', 0.1, 0), ('layer', 0.1, 0.5)])
        drift = found.drift(found.copy(('layer', 0.1, 0.5)))
        for k in range(5):
            a, b = (embeddings[k, which] / np.linalg.norm(embeddings[k, which]) for which in (0, 2))
            self.assertAlmostEqual(drift[k], np.linalg.norm(a - b), places=6)
        embeddings[3, 1] = 0
        with self.assertRaises(SystemExit):
            copies.Copies(['a'] * 5, embeddings, [('layer', 0.1, 0), ('layer', 0.1, 0.5)]).copy(('layer', 0.1, 0))


class Resnet(unittest.TestCase):
    def manifest(self, folder, cut=None):
        """Weights of the package's form, the first coded as bytes."""
        entries, data = [], []
        blocks = [(f'{name}_{k}', c, c) for name, count, c in resnet.BLOCKS for k in range(1, count + 1)]
        blocks += [('conv64_down', 32, 64), ('conv128_down', 64, 128), ('conv256_down', 128, 256), ('conv256_down_out', 256, 256)]
        convs = [('conv32_down', 7, 3, 32)] + [(f'{name}/conv{k}', 3, before if k == 1 else after, after)
                                              for name, before, after in blocks for k in (1, 2)]
        shapes = []
        for name, side, before, after in convs:
            shapes += [(f'{name}/conv/filters', [side, side, before, after]), (f'{name}/conv/bias', [after]),
                       (f'{name}/scale/weights', [after]), (f'{name}/scale/biases', [after])]
        for name, shape in [*shapes, ('fc', [256, 128])]:
            entry = {'name': name, 'shape': shape, 'dtype': 'float32'}
            if not entries:
                entry['quantization'] = {'dtype': 'uint8', 'scale': 0.5, 'min': -3}
            entries.append(entry)
            data.append(np.arange(np.prod(shape)).astype('uint8' if 'quantization' in entry else 'float32').tobytes())
        (folder / 'model').mkdir()
        (folder / 'model/face_recognition_model.bin').write_bytes(b''.join(data)[:cut])
        (folder / 'model/face_recognition_model-weights_manifest.json').write_text(
            json.dumps([{'paths': ['face_recognition_model.bin'], 'weights': entries}]))

    def test_weights_become_a_network_of_their_form(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            self.manifest(folder)
            resnet.convert(folder, folder / 'net.onnx')
            model = onnx.shape_inference.infer_shapes(onnx.load(str(folder / 'net.onnx')), strict_mode=True)
            shapes = {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim][1:] for v in model.graph.value_info}
            self.assertEqual(shapes['conv256_down_out.add'], [256, 2, 2])
            self.assertEqual(shapes['conv256_2.add'], [256, 4, 4])
            self.assertEqual(shapes['conv32_3.add'], [32, 35, 35])
            first = next(onnx.numpy_helper.to_array(t) for t in model.graph.initializer if t.name == 'conv32_down.w')
            self.assertEqual(first.shape, (32, 3, 7, 7))
            self.assertEqual(first[5, 2, 1, 3], ((((1 * 7 + 3) * 3 + 2) * 32 + 5) % 256) * 0.5 - 3)

    def test_weights_that_are_cut_off_are_refused(self):
        with tempfile.TemporaryDirectory() as name:
            self.manifest(pathlib.Path(name), cut=-4)
            with self.assertRaises(SystemExit):
                resnet.convert(pathlib.Path(name), pathlib.Path(name) / 'net.onnx')


if __name__ == '__main__':
    unittest.main(verbosity=2)
