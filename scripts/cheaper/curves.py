"""Protocol C (docs/evaluation.md) over all pairs of some pictures, for pictures that count as often as their person was drawn."""
import multiprocessing

import numpy as np

STEPS = np.arange(6) / 20  # left ends up to 30 %
FMR = 1e-3
FLOOR = 0.01  # share of the non-mated pairs that is kept, the most alike; far more than FMR asks about


_work = None


def _do(item):
    return _work(item)


def side_by_side(work, items, workers):
    """[work(item)], in processes: threads of Python would wait for each other."""
    global _work
    _work = work
    with multiprocessing.get_context('fork').Pool(workers) as pool:
        return pool.map(_do, items, chunksize=1)


class Pairs:
    """All pairs of pictures that may be compared; people numbered from 0. `side`: None, or for each picture 0 or 1, and
    only pictures of different sides are compared."""

    def __init__(self, embeddings, person, side=None):
        unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
        self.person = np.asarray(person)
        self.side = None if side is None else np.asarray(side)
        self.people = int(self.person.max()) + 1
        self.count = len(unit)
        first, second, similarity, mated = [], [], [], []
        total, floor = 0, -np.inf
        for start in range(0, self.count, 512):
            rows = np.arange(start, min(start + 512, self.count))
            s = unit[rows] @ unit.T
            allowed = np.arange(self.count)[None, :] > rows[:, None]
            if self.side is not None:
                allowed &= self.side[rows][:, None] != self.side[None, :]
            same = self.person[rows][:, None] == self.person[None, :]
            i, j = np.nonzero(allowed & same)
            mated.append(np.stack([rows[i], j, s[i, j]], 1))
            other = allowed & ~same
            total += int(other.sum())
            i, j = np.nonzero(other & (s >= floor))
            first.append(rows[i]), second.append(j), similarity.append(s[i, j])
            if sum(map(len, similarity)) > 2_000_000:
                first, second, similarity, floor = self._most_alike(first, second, similarity, 1_000_000)
        keep = max(1, int(FLOOR * total))
        if keep > 1_000_000:
            raise ValueError(f'{total} pairs: more than are held')
        first, second, similarity, _ = self._most_alike(first, second, similarity, keep)
        order = np.argsort(-similarity[0], kind='stable')
        self.first, self.second, self.similarity = first[0][order], second[0][order], similarity[0][order]
        # Where each run of equal similarities ends.
        self.ends = np.flatnonzero(np.append(self.similarity[1:] != self.similarity[:-1], True))
        mated = np.concatenate(mated)
        self.mated_first, self.mated_second = mated[:, 0].astype(int), mated[:, 1].astype(int)
        self.mated_similarity = mated[:, 2]
        self.non_mated = total

    @staticmethod
    def _most_alike(first, second, similarity, keep):
        first, second, similarity = map(np.concatenate, (first, second, similarity))
        if len(similarity) > keep:
            best = np.sort(np.argpartition(-similarity, keep - 1)[:keep])
            first, second, similarity = first[best], second[best], similarity[best]
            return [first], [second], [similarity], similarity.min()
        return [first], [second], [similarity], -np.inf

    def rank(self, quality):
        """What errors() wants of a quality; equals go in their order."""
        if not np.isfinite(quality).all():
            raise ValueError('a quality is not a number')
        order = np.argsort(quality, kind='stable')
        place = np.empty(self.count, int)
        place[order] = np.arange(self.count)
        return (order, np.minimum(place[self.first], place[self.second]),
                np.minimum(place[self.mated_first], place[self.mated_second]))

    def _non_mated_weight(self, kept, drawn):
        """Of all non-mated pairs of the pictures kept, from their numbers alone."""
        def of_people(pictures):
            return np.bincount(self.person[pictures], minlength=self.people) * drawn
        if self.side is None:
            n = of_people(kept)
            return (n.sum() ** 2 - (n ** 2).sum()) / 2
        a, b = (of_people(kept[self.side[kept] == s]) for s in (0, 1))
        return a.sum() * b.sum() - (a * b).sum()

    def weights(self, drawn=None):
        """Of people, non-mated and mated pairs, where people are drawn so often."""
        drawn = np.ones(self.people) if drawn is None else np.asarray(drawn, float)
        return (drawn, drawn[self.person[self.first]] * drawn[self.person[self.second]],
                drawn[self.person[self.mated_first]])

    def errors(self, ranked, weights):
        """FNMR at FMR with the shares STEPS of the pictures of the lowest quality discarded."""
        order, drawn = ranked[0], weights[0]
        gone = np.cumsum(drawn[self.person[order]])  # with this picture and those before
        cuts = (np.searchsorted(gone, np.floor(share * gone[-1] + 1e-9), 'right') for share in STEPS)
        return np.array([self._fnmr(int(cut), ranked, weights) for cut in cuts])

    def _fnmr(self, cut, ranked, weights):
        """FNMR at FMR where the first `cut` pictures are gone."""
        order, gone_first, mated_gone_first = ranked  # of pairs: the place of the picture that goes first
        drawn, pair_weight, mated_weight = weights
        passed = np.cumsum(pair_weight * (gone_first >= cut))[self.ends]  # at or above each different similarity
        wanted = FMR * self._non_mated_weight(order[cut:], drawn)
        if passed[-1] < 2 * wanted:
            raise ValueError('too few non-mated pairs are held')
        k = int(np.searchsorted(passed, wanted))  # the first that reaches it, or what is before, whichever is nearer
        before = passed[k - 1] if k > 0 else 0.0
        nearest = before if wanted - before < passed[k] - wanted else passed[k]
        # The lowest threshold that lets as many pass lies just above the next non-mated pair that is kept.
        below = self.similarity[self.ends[np.searchsorted(passed, nearest, 'right')]]
        mated = mated_weight * (mated_gone_first >= cut)
        return mated[self.mated_similarity <= below].sum() / mated.sum()

    def area(self, ranked, weights):
        """Left steps up to 30 %; where nothing fails, what half a failing pair would give."""
        area = self.errors(ranked, weights).sum() / 20
        return max(area, 0.3 * 0.5 / len(self.mated_similarity))
