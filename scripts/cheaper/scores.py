"""What may be read off a face's embedding and its pruned copies'. Higher is better throughout."""
import numpy as np

from .networks import MASKS


def _length(x):
    return np.linalg.norm(x, axis=1)


def _unit(x):
    return x / _length(x)[:, None]


def _share_worse(values, reference):
    """P: between the reference faces linearly, so that no two values become one within their range."""
    reference = np.sort(reference)
    return np.interp(values, reference, np.linspace(0, 1, len(reference)))


class Faces:
    """Embeddings f (faces x size) and those of masks by name, of which only numbers are kept."""

    def __init__(self, f):
        self.f, self.unit, self.length = f, _unit(f), _length(f)

    def angle(self, g):
        return 1 - _length(self.unit - _unit(g)) / 2

    def of_one(self, g):
        length = _length(g)
        return {'angle': self.angle(g), 'norm': length, 'product': self.length * self.angle(g),
                'kept': (self.unit * g).sum(1), 'back': (self.f * _unit(g)).sum(1), 'length': length / self.length,
                'change': -_length(self.f - g), 'relative change': -_length(self.f - g) / self.length}

    def of_several(self, masks):
        spread = _length(sum(map(_unit, masks)) / len(masks))
        return {'mean angle': sum(map(self.angle, masks)) / len(masks), 'spread': spread,
                'mean norm': _length(sum(masks) / len(masks)), 'product': self.length * spread}


SINGLE = [name for name in MASKS if name != 'paper' and ('seed' not in name or name.endswith('seed 1'))]
SEVERAL = {
    'late global, four': [f'late global {s}' for s in (0.2, 0.4, 0.6, 0.8)],
    'late 0.4, three scopes': [f'late {s} 0.4' for s in ('global', 'layer', 'channel')],
    'late random 0.05, four': [f'late random 0.05 seed {k}' for k in (1, 2, 3, 4)],
    'last, four': [f'last {s}' for s in (0.2, 0.4, 0.6, 0.8)],
}


def masks_of(candidate):
    """Masks that candidate (where, what) runs."""
    where = candidate[0]
    return [] if where in ('embedding', 'random') else SEVERAL.get(where, [where])


def all_scores(f, masks, reference):
    """{(where, what): qualities} of faces; masks: name -> embeddings (callable, as they need not be held together);
    reference: which of the faces are the 1,000 without labels."""
    faces = Faces(f)
    ranked = _share_worse(faces.length, faces.length[reference])
    scores = {('embedding', 'norm'): faces.length, ('paper', 'angle'): faces.angle(masks('paper'))}

    def add(where, read, ranked_by):
        scores.update({(where, what): quality for what, quality in read.items()})
        scores[where, 'ranks'] = ranked + _share_worse(read[ranked_by], read[ranked_by][reference])

    for name in SINGLE:
        add(name, faces.of_one(masks(name)), 'angle')
    for name, several in SEVERAL.items():
        add(name, faces.of_several([masks(m) for m in several]), 'spread')
    scores['random', ''] = np.random.default_rng(20261126).random(len(f))
    return scores
