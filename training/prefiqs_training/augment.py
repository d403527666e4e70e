"""What happens to faces on their way into the student, and the pictures of no face that it learns to say nothing about."""

import cv2
import numpy as np

from .faces import MARGIN, SIDE


# What alignment by a good detector leaves, and the worst that the student sees: degrees, log of scale, pixels.
_ALIGNED = np.array([6, 0.06, 3])
_MISPLACED = np.array([60, 0.4, 28])
_MISPLACEMENTS = np.array([[1, 1, 1], [1.2, 0, 0], [0, 0, 1]])  # what a ladder turns, scales and shifts


def _place(rng, crop, most):
    """(the crop's middle turned, scaled and shifted by up to `most`, how far beyond what alignment leaves, 0 to 1)."""
    degrees, scale, across, down = rng.uniform(-1, 1, 4) * [*most, most[2]]
    centre = MARGIN + SIDE / 2 - 0.5
    matrix = cv2.getRotationMatrix2D((centre, centre), degrees, np.exp(scale))
    matrix[:, 2] += [across - MARGIN, down - MARGIN]
    moved = np.array([abs(degrees), abs(scale), np.hypot(across, down)])
    beyond = np.max((moved - _ALIGNED * [1, 1, 2 ** 0.5]) / (_MISPLACED - _ALIGNED))
    return cv2.warpAffine(crop, matrix, (SIDE, SIDE), flags=cv2.INTER_LINEAR), float(np.clip(beyond, 0, 1))


def _blur(rng, x, s):
    sigma = 0.5 + 4.0 * s
    if rng.random() < 0.6:
        return cv2.GaussianBlur(x, (0, 0), sigma)
    length = int(3 + 16 * s)
    kernel = np.zeros((length, length), np.float32)
    kernel[length // 2] = 1.0 / length
    turn = cv2.getRotationMatrix2D((length / 2 - 0.5, length / 2 - 0.5), rng.uniform(0, 180), 1)
    kernel = cv2.warpAffine(kernel, turn, (length, length))
    return cv2.filter2D(x, -1, kernel / max(kernel.sum(), 1e-6))


def _shrink(rng, x, s):
    side = int(round(SIDE / (1.3 + 7.0 * s)))
    small = cv2.resize(x, (side, side), interpolation=cv2.INTER_AREA)
    return cv2.resize(small, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR if rng.random() < 0.7 else cv2.INTER_CUBIC)


def _noise(rng, x, s):
    noise = rng.standard_normal((SIDE, SIDE, 3 if rng.random() < 0.7 else 1), np.float32) * (4 + 50 * s)
    return np.clip(x + noise, 0, 255).astype(np.uint8)


def _jpeg(rng, x, s):
    quality = int(round(60 - 58 * s))
    return cv2.imdecode(cv2.imencode(".jpg", x, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)


def _light(rng, x, s):
    levels = np.arange(256) / 255.0
    kind = rng.integers(4)
    if kind == 0:
        levels = levels * (1 - 0.93 * s)
    elif kind == 1:
        levels = levels * (1 + 3 * s) + 0.4 * s
    elif kind == 2:
        levels = levels ** np.exp(rng.choice([-1, 1]) * 1.3 * s)
    else:
        levels = 0.5 + (levels - 0.5) * (1 - 0.9 * s)
    return cv2.LUT(x, np.clip(levels * 255, 0, 255).astype(np.uint8))


def _cover(rng, x, s):
    x = x.copy()
    area = (0.05 + 0.55 * s) * SIDE * SIDE
    height = int(np.clip(np.sqrt(area * np.exp(rng.uniform(-0.7, 0.7))), 4, SIDE))
    width = int(np.clip(area / height, 4, SIDE))
    top, left = rng.integers(0, SIDE - height + 1), rng.integers(0, SIDE - width + 1)
    if rng.random() < 0.5:
        x[top:top + height, left:left + width] = rng.integers(0, 256, 3)
    else:
        x[top:top + height, left:left + width] = non_face(rng)[:height, :width]
    return x


_DEGRADE = (_blur, _shrink, _noise, _jpeg, _light, _cover)


def face(rng, crop):
    """(112 x 112 x 3 uint8, how bad it was made, 0 to 1) of a 152 x 152 crop."""
    if rng.random() < 0.5:
        crop = crop[:, ::-1]
    x, badness = _place(rng, crop, _MISPLACED * rng.random() if rng.random() < 0.2 else _ALIGNED)
    if rng.random() < 0.1:
        x = cv2.cvtColor(cv2.cvtColor(x, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    if rng.random() < 0.5:
        gain, shift = rng.uniform(0.75, 1.25, 3), rng.uniform(-15, 15)
        x = np.clip(x * gain + shift, 0, 255).astype(np.uint8)
    if rng.random() < 0.5:
        for k in rng.permutation(len(_DEGRADE))[:rng.choice([1, 1, 2, 3])]:
            strength = rng.random() ** 1.5
            badness = max(badness, strength)
            x = _DEGRADE[k](rng, x, strength)
    return x, badness


def ladder(rng, crop, steps):
    """`steps` pictures of one face, as it is and then spoilt more and more in one way."""
    strengths = np.sort(rng.random(steps - 1)) ** 1.5
    kind, seed = rng.integers(len(_DEGRADE) + len(_MISPLACEMENTS)), int(rng.integers(2**32))
    if rng.random() < 0.5:
        crop = crop[:, ::-1]
    if kind >= len(_DEGRADE):
        most = _MISPLACED * _MISPLACEMENTS[kind - len(_DEGRADE)]
        return [_place(np.random.default_rng(seed), crop, most * s)[0] for s in (0, *strengths)]
    x, _ = _place(rng, crop, _ALIGNED / 2)
    return [x] + [_DEGRADE[kind](np.random.default_rng(seed), x, s) for s in strengths]


def _smooth(rng, cells):
    coarse = rng.integers(0, 256, (cells, cells, 3)).astype(np.uint8)
    return cv2.resize(coarse, (SIDE, SIDE), interpolation=rng.choice([cv2.INTER_NEAREST, cv2.INTER_LINEAR, cv2.INTER_CUBIC]))


def _drawing(rng):
    x = np.full((SIDE, SIDE, 3), rng.integers(0, 256, 3), np.uint8)
    for _ in range(rng.integers(1, 12)):
        colour = tuple(int(v) for v in rng.integers(0, 256, 3))
        a, b = (tuple(int(v) for v in rng.integers(0, SIDE, 2)) for _ in range(2))
        kind = rng.integers(5)
        thick = int(rng.choice([-1, 1, 2, 5]))
        if kind == 0:
            cv2.rectangle(x, a, b, colour, thick)
        elif kind == 1:
            cv2.circle(x, a, int(rng.integers(2, 50)), colour, thick)
        elif kind == 2:
            cv2.line(x, a, b, colour, abs(thick))
        elif kind == 3:
            cv2.ellipse(x, a, (int(rng.integers(3, 50)), int(rng.integers(3, 50))), rng.uniform(0, 180), 0, 360, colour, thick)
        else:
            text = "".join(chr(c) for c in rng.integers(33, 126, rng.integers(1, 12)))
            cv2.putText(x, text, a, int(rng.integers(0, 8)), rng.uniform(0.3, 2.5), colour, max(1, abs(thick)))
    return x


def non_face(rng):
    """112 x 112 x 3 uint8: flat, smooth, noise or drawn."""
    kind = rng.integers(4)
    if kind == 0:
        x = np.full((SIDE, SIDE, 3), rng.integers(0, 256, 3), np.uint8)
    elif kind == 1:
        x = _smooth(rng, int(rng.integers(2, 60)))
    elif kind == 2:
        x = np.clip(rng.normal(rng.uniform(0, 255), rng.uniform(5, 90), (SIDE, SIDE, 3)), 0, 255).astype(np.uint8)
    else:
        x = _drawing(rng)
    return _noise(rng, x, rng.random() ** 2 * 0.4) if rng.random() < 0.3 else x


def broken_face(rng, crop):
    """A face cut into pieces that changed places, or a corner of it many times enlarged: texture of skin, no face."""
    if rng.random() < 0.5:
        cells = int(rng.choice([3, 4, 5, 7]))
        size = SIDE // cells
        x = crop[MARGIN:MARGIN + SIDE, MARGIN:MARGIN + SIDE].copy()
        order = rng.permutation(cells * cells)
        pieces = [x[i // cells * size:(i // cells + 1) * size, i % cells * size:(i % cells + 1) * size].copy() for i in order]
        for i, piece in enumerate(pieces):
            x[i // cells * size:(i // cells + 1) * size, i % cells * size:(i % cells + 1) * size] = np.rot90(piece, rng.integers(4))
        return x
    side = int(rng.integers(14, 34))
    top, left = rng.integers(0, crop.shape[0] - side, 2)
    return cv2.resize(crop[top:top + side, left:left + side], (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
