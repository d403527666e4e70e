"""What is laid where on the detector's training canvases: numbers only, so that a process prepares them faster than a GPU eats them.

A canvas is cut into one, two or four areas; in each lies a picture, so turned and scaled that its main face has a size that was
drawn, or a piece of a picture that shows no face. Behind them lies a background. Everything is a `unit`: one picture of the pack
through one affine map, so one sampler (detector_data.py) draws them all.
"""

from pathlib import Path

import numpy as np

from .detector_pack import LARGEST, SETS

SIDE = LARGEST
LEVELS = 4  # a picture is kept at full size and at a half, a quarter and an eighth of it
SURE = 0.75  # faces that the teacher is less sure of are grey: neither face nor not
PROFILES = 6  # a profile is drawn as often as so many other pictures: they are few, and what is hardest to find
AS_SEARCHED = 0.25  # part of the canvases with one picture as the command lays it, which is how the teacher saw it
DRAWN = 2000  # drawn pictures of no face, behind those of the pack
DRAWN_SIDE = 112
UNITS = 5  # the background, then the areas row by row
MIRRORED = [1, 0, 2, 4, 3]
FACE, GREY = 1, 2


def faces_of(path, pack):
    """The pack's faces; with steadied points where detector_points.py was run."""
    steadied = Path(path).with_name("detector_points.npz")
    if not steadied.exists():
        return pack["faces"]
    faces = np.load(steadied)["faces"]
    if faces.shape != pack["faces"].shape:
        raise ValueError(f"{steadied} was made of another pack: {len(faces)} faces, not {len(pack['faces'])}")
    return faces


class Layout:
    """The pack without its pixels."""

    def __init__(self, path):
        pack = np.load(path)
        self.sizes = np.concatenate([pack["sizes"], np.full((DRAWN, 2), DRAWN_SIDE, np.int32)]).astype(np.float64)
        self.faces = faces_of(path, pack).astype(np.float64)
        pictures, training, sets = len(pack["sizes"]), pack["training"], pack["sets"]
        self.counts = np.bincount(pack["owner"], minlength=pictures)
        self.first = np.cumsum(self.counts) - self.counts
        area = self.faces[:, 2] * self.faces[:, 3]
        self.main = np.zeros(pictures, np.int64)
        for picture in np.flatnonzero(self.counts):
            start = self.first[picture]
            self.main[picture] = start + np.argmax(area[start:start + self.counts[picture]])
        weight = np.where(sets == SETS.index("profile"), PROFILES, 1) * training * (self.counts > 0)
        self.drawn_from = np.repeat(np.arange(pictures), weight)
        beside = pack["beside"].astype(np.float64)
        beside = beside[training[beside[:, 0].astype(np.int64)]]
        is_stamp = sets[beside[:, 0].astype(np.int64)] == SETS.index("no_face")
        self.beside, self.stamps = beside[~is_stamp], beside[is_stamp]
        drawn = np.arange(pictures, pictures + DRAWN, dtype=np.float64)[:, None]
        self.drawings = np.hstack([drawn, np.zeros((DRAWN, 2)), np.full((DRAWN, 2), DRAWN_SIDE)])
        for name in ("drawn_from", "beside"):
            if not len(getattr(self, name)):
                raise ValueError(f"{path}: holds nothing to train on")


def _no_faces(rng, layout, count, stamps):
    """count x 5: picture and rectangle of pieces without a face; the part `stamps` of them from pictures of no face."""
    kind = rng.random(count)
    chosen = layout.drawings[rng.integers(len(layout.drawings), size=count)]
    chosen[:, 3:] = rng.integers(24, DRAWN_SIDE + 1, count)[:, None]
    beside = layout.beside[rng.integers(len(layout.beside), size=count)]
    chosen = np.where((kind < stamps + 0.55 * (1 - stamps))[:, None], beside, chosen)
    if len(layout.stamps):
        animal = layout.stamps[rng.integers(len(layout.stamps), size=count)].copy()
        # A head is what looks like a face: half of them are pieces of the animal.
        part = np.where(rng.random(count) < 0.5, 1.0, rng.uniform(0.25, 0.7, count))[:, None]
        size = animal[:, 3:] * part
        animal[:, 1:3] += rng.uniform(0, 1, (count, 2)) * (animal[:, 3:] - size)
        animal[:, 3:] = size
        chosen = np.where((kind < stamps)[:, None], animal, chosen)
    return chosen


def _areas(rng, batch, alone):
    """(cut x, cut y, areas batch x 4 x (x, y, width, height)); an area without width or height is none. One of those `alone`."""
    kind = np.where(alone, 0, rng.choice(3, batch, p=[0.4, 0.3, 0.3]))
    upright = rng.random(batch) < 0.5
    cut_x = np.where((kind == 2) | (kind == 1) & upright, rng.integers(100, 221, batch), SIDE)
    cut_y = np.where((kind == 2) | (kind == 1) & ~upright, rng.integers(100, 221, batch), SIDE)
    zero = np.zeros(batch, np.int64)
    areas = [np.stack([x, y, across, down], 1) for y, down in ((zero, cut_y), (cut_y, SIDE - cut_y))
             for x, across in ((zero, cut_x), (cut_x, SIDE - cut_x))]
    return cut_x, cut_y, np.stack(areas, 1).astype(np.float64)


def scene(seed, layout, batch):
    """Arrays that detector_data.py makes a batch of: units, faces and how each canvas is spoilt."""
    rng = np.random.default_rng(seed)
    as_searched = rng.random(batch) < AS_SEARCHED
    cut_x, cut_y, areas = _areas(rng, batch, as_searched)
    shape = (batch, UNITS)
    smaller = np.concatenate([np.full((batch, 1), SIDE), areas[:, :, 2:].min(2)], 1)
    exists = smaller > 0
    shows_face = exists & (rng.random(shape) < 0.75)
    shows_face[:, 0] = False
    shows_face[as_searched, 1] = True
    shown = exists & (shows_face | (rng.random(shape) < 0.6))
    shown[:, 0] = ~as_searched & (rng.random(batch) > 0.125)  # else black, as the command pads

    picture = layout.drawn_from[rng.integers(len(layout.drawn_from), size=shape)]
    nothing = _no_faces(rng, layout, batch * UNITS, 0.4).reshape(batch, UNITS, 5)
    behind = _no_faces(rng, layout, batch, 0.1)
    nothing[:, 0] = behind
    picture = np.where(shows_face, picture, nothing[..., 0].astype(np.int64))
    size = layout.sizes[picture]
    whole = np.concatenate([np.zeros((*shape, 2)), size], 2)
    bounds = np.where(shows_face[..., None], whole, np.concatenate([nothing[..., 1:3], nothing[..., 1:3] + nothing[..., 3:]], 2))

    # The main face's size is drawn, not the picture's: that is what has to vary evenly, and over the ratio as well as over
    # pixels, since most faces that are searched for are large.
    main = layout.faces[layout.main[np.where(shows_face, picture, 0)]]
    largest = np.maximum(0.95 * smaller, 15)
    wanted = np.where(rng.random(shape) < 0.5, np.exp(rng.uniform(np.log(14), np.log(largest))), rng.uniform(14, largest))
    factor = wanted / np.maximum(main[..., 2:4].max(2), 1)
    factor = np.minimum(factor, 6 * SIDE / size.max(2))
    factor[as_searched, 1] = SIDE / size[as_searched, 1].max(1)
    side = factor * main[..., 2:4].max(2)
    angle = np.where(rng.random(shape) < 0.7, rng.normal(0, 12, shape), rng.uniform(-45, 45, shape))
    centre = np.where(shows_face[..., None], main[..., :2] + main[..., 2:4] / 2, (bounds[..., :2] + bounds[..., 2:]) / 2)
    piece = np.maximum(bounds[..., 2:] - bounds[..., :2], 1)
    piece_factor = rng.uniform(0.4, 1.2, shape) * smaller / piece.max(2)
    scale = np.where(shows_face, factor, np.maximum(piece_factor, 1e-3))[..., None].repeat(2, 2)
    side = np.where(shows_face, side, scale[..., 0] * piece.max(2))
    corner = np.concatenate([np.zeros((batch, 1, 4)), areas], 1)
    low, high = corner[..., :2] + 0.5 * side[..., None], corner[..., :2] + corner[..., 2:] - 0.5 * side[..., None]
    at = low + rng.uniform(0, 1, (*shape, 2)) * np.maximum(high - low, 0)
    scale[:, 0], angle[:, 0], at[:, 0] = SIDE / piece[:, 0], 0, SIDE / 2
    mirrored = rng.random(shape) < 0.5
    angle[as_searched, 1], mirrored[as_searched, 1] = 0, False
    at[as_searched, 1] = (centre * scale)[as_searched, 1]

    radians = np.deg2rad(angle)
    cos, sin = np.cos(radians), np.sin(radians)
    across = scale[..., 0] * np.where(mirrored, -1, 1)
    turn = np.stack([np.stack([cos * across, sin * scale[..., 1]], -1), np.stack([-sin * across, cos * scale[..., 1]], -1)], -2)
    shift = at - np.einsum("buij,buj->bui", turn, centre)
    back = np.linalg.inv(turn)
    back = np.concatenate([back, -np.einsum("buij,buj->bui", back, shift)[..., None]], -1)
    level = np.clip(np.rint(-np.log2(scale.max(2))), 0, LEVELS - 1).astype(np.int64)

    faces, states = _faces(layout, picture, shows_face, turn, shift, factor, mirrored, corner)
    plain = np.ones(batch)
    lit = rng.random(batch) < 0.4
    gain = np.where(lit, rng.uniform(0.3, 1.6, batch), plain)
    tint = (rng.random((batch, 1)) < 0.3) * rng.uniform(-0.15, 0.15, (batch, 3))
    return {
        "cut": np.stack([cut_x, cut_y], 1).astype(np.float32), "picture": picture, "level": level, "shown": shown,
        "back": back.astype(np.float32), "bounds": bounds.astype(np.float32), "faces": faces, "states": states,
        "gain": (gain[:, None] * (1 + tint)).astype(np.float32),
        "gamma": np.where(lit, np.exp(rng.uniform(-0.7, 0.7, batch)), plain).astype(np.float32),
        "lift": np.where(lit, rng.uniform(-0.1, 0.2, batch), 0).astype(np.float32),
        "grey": (rng.random(batch) < 0.1).astype(np.float32),
        "order": rng.permutation(batch), "small": int(rng.integers(60, 260)),
        "sigma": rng.uniform(0.4, 2.5, batch).astype(np.float32), "noise": rng.uniform(3, 30, batch).astype(np.float32),
        "jpeg": rng.uniform(8, 60, batch).astype(np.float32), "seed": int(rng.integers(2**62)),
    }


def _faces(layout, picture, shows_face, turn, shift, factor, mirrored, corner):
    """(faces batch x K x 14 on the canvas, states batch x K: FACE, GREY or 0 for none)."""
    batch = len(picture)
    canvas, unit = np.nonzero(shows_face)
    here = picture[canvas, unit]
    counts = layout.counts[here]
    which = np.repeat(np.arange(len(here)), counts)
    rows = layout.faces[np.repeat(layout.first[here] - (np.cumsum(counts) - counts), counts) + np.arange(len(which))]
    canvas, unit = canvas[which], unit[which]
    turn, shift, mirrored = turn[canvas, unit], shift[canvas, unit], mirrored[canvas, unit]
    points = np.concatenate([rows[:, None, :2] + rows[:, None, 2:4] / 2, rows[:, 4:14].reshape(-1, 5, 2)], 1)
    points = np.einsum("nij,npj->npi", turn, points) + shift[:, None]
    # A turned box becomes an upright one of the same size around the moved centre.
    size = rows[:, 2:4] * factor[canvas, unit][:, None]
    low = points[:, 0] - size / 2
    marks = np.where(mirrored[:, None, None], points[:, 1:][:, MIRRORED], points[:, 1:])
    area = corner[canvas, unit]
    x0 = np.maximum(low, area[:, :2])
    x1 = np.minimum(low + size, area[:, :2] + area[:, 2:])
    seen = np.maximum(x1 - x0, 0).prod(1) / size.prod(1)
    grey = (seen < 0.6) | (size.max(1) < 9) | (rows[:, 14] < SURE)
    low, size = np.where(grey[:, None], x0, low), np.where(grey[:, None], x1 - x0, size)
    kept = seen >= 0.15
    canvas, grey = canvas[kept], grey[kept]
    values = np.hstack([low, size, marks.reshape(-1, 10)])[kept]
    inside = np.bincount(canvas, minlength=batch)
    slot = np.arange(len(canvas)) - np.repeat(np.cumsum(inside) - inside, inside)
    faces = np.zeros((batch, max(1, inside.max()), 14), np.float32)
    states = np.zeros(faces.shape[:2], np.int8)
    faces[canvas, slot] = values
    states[canvas, slot] = np.where(grey, GREY, FACE)
    return faces, states
