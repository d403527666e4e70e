"""Pictures with known faces, laid at many scales and places on a canvas: what the detector learns from.

Faces are YuNet's, as `prefiqs score --faces all` writes them; those it is unsure of are grey: neither face nor not.
"""

import csv
from pathlib import Path

import cv2
import numpy as np

from . import augment
from .faces import POINTS, described
from .people import KEPT_OUT, roles

SIDE = 320
SURE = 0.75
PROFILES = 6  # a profile is drawn as often as so many other pictures: they are few, and what is hardest to find
_MIRRORED = [1, 0, 2, 4, 3]


def read_pictures(rows, data):
    """[(path, faces: N x 15 of x, y, width, height, ten point coordinates (corner of a pixel = 0), confidence)], nobody kept out."""
    lfw_roles, cfp_roles = roles(data)
    pictures = {}
    for name in rows:
        for row in csv.DictReader(open(name, newline="")):
            if described(row["path"], lfw_roles, cfp_roles)[2] == KEPT_OUT or not row["box_x"]:
                continue
            box = [float(row["box_x"]) + 0.5, float(row["box_y"]) + 0.5, float(row["box_width"]), float(row["box_height"])]
            points = [float(row[p]) + 0.5 for p in POINTS]
            pictures.setdefault(row["path"], []).append(box + points + [float(row["confidence"])])
    return [(path, np.array(faces, np.float32)) for path, faces in sorted(pictures.items())
            for _ in range(PROFILES if Path(path).parent.name == "profile" else 1)]


def _beside_faces(rng, pictures):
    """A piece of a photograph that touches no known face, enlarged; None where a few tries find none."""
    path, faces = pictures[rng.integers(len(pictures))]
    picture = cv2.imread(path, cv2.IMREAD_COLOR)
    height, width = picture.shape[:2]
    for _ in range(20):
        across, down = (int(v * rng.uniform(0.15, 0.6)) for v in (width, height))
        if min(across, down) < 16:
            return None
        left, top = int(rng.integers(0, width - across + 1)), int(rng.integers(0, height - down + 1))
        apart = ((faces[:, 0] > left + across) | (faces[:, 0] + faces[:, 2] < left) |
                 (faces[:, 1] > top + down) | (faces[:, 1] + faces[:, 3] < top))
        if apart.all():
            return cv2.resize(picture[top:top + down, left:left + across], (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
    return None


def _background(rng, pictures):
    kind = rng.integers(8)
    if kind == 0:
        return np.zeros((SIDE, SIDE, 3), np.uint8)  # as the command pads
    if kind > 3:
        piece = _beside_faces(rng, pictures)
        if piece is not None:
            return piece
    x = augment.non_face(rng)
    side = int(rng.integers(24, 113))
    return cv2.resize(x[:side, :side], (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)


def _moved(faces, matrix):
    """Faces through a 2x3 similarity; a turned box becomes an upright one of the same size around the moved centre."""
    moved = faces.copy()
    factor = np.hypot(matrix[0, 0], matrix[1, 0])
    centre = faces[:, :2] + faces[:, 2:4] / 2
    centre = centre @ matrix[:, :2].T + matrix[:, 2]
    moved[:, 2:4] = faces[:, 2:4] * factor
    moved[:, :2] = centre - moved[:, 2:4] / 2
    points = faces[:, 4:14].reshape(-1, 5, 2) @ matrix[:, :2].T + matrix[:, 2]
    moved[:, 4:14] = points.reshape(-1, 10)
    return moved


def _spoil(rng, x):
    kind = rng.integers(10)
    if kind == 0:
        return cv2.GaussianBlur(x, (0, 0), rng.uniform(0.4, 2.5))
    if kind == 1:
        return np.clip(x + rng.standard_normal(x.shape, np.float32) * rng.uniform(3, 30), 0, 255).astype(np.uint8)
    if kind == 2:
        return cv2.imdecode(cv2.imencode(".jpg", x, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(8, 60))])[1], cv2.IMREAD_COLOR)
    if kind == 3:
        return cv2.cvtColor(cv2.cvtColor(x, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    if kind in (4, 5, 6):
        levels = np.arange(256) / 255.0
        levels = rng.uniform(0.3, 1.6) * levels ** np.exp(rng.uniform(-0.7, 0.7)) + rng.uniform(-0.1, 0.2)
        return cv2.LUT(x, np.clip(levels * 255, 0, 255).astype(np.uint8))
    return x


def _lay(rng, canvas, grey, path, faces, area):
    """The picture somewhere in `area` (x, y, width, height) of the canvas; returns its faces there."""
    picture = cv2.imread(path, cv2.IMREAD_COLOR)
    height, width = picture.shape[:2]
    mirrored = rng.random() < 0.5
    if mirrored:
        picture = picture[:, ::-1]
        faces = faces.copy()
        faces[:, 0] = width - faces[:, 0] - faces[:, 2]
        faces[:, 4:14:2] = width - faces[:, 4:14:2]
        faces[:, 4:14] = faces[:, 4:14].reshape(-1, 5, 2)[:, _MIRRORED].reshape(-1, 10)
    left, top, across, down = area
    # The main face's size is drawn, not the picture's: that is what has to vary evenly.
    main = faces[np.argmax(faces[:, 2] * faces[:, 3])]
    largest = 0.95 * min(across, down)
    side = np.exp(rng.uniform(np.log(14), np.log(largest)))
    factor = side / max(main[2], main[3])
    if factor * max(width, height) > 6 * SIDE:
        factor = 6 * SIDE / max(width, height)
    if factor < 0.7:
        picture = cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        exact = np.array([picture.shape[1] / width, picture.shape[0] / height])
    else:
        exact = np.array([1.0, 1.0])
    rest = factor / exact.mean()
    angle = rng.normal(0, 12) if rng.random() < 0.7 else rng.uniform(-45, 45)
    turn = cv2.getRotationMatrix2D((0, 0), angle, rest)
    matrix = turn.copy()
    matrix[:, :2] = turn[:, :2] * exact
    at = np.array([left, top]) + rng.uniform(0.5 * side, np.maximum([across, down] - 0.5 * side, 0.5 * side + 1e-3), 2)
    matrix[:, 2] = at - matrix[:, :2] @ (main[:2] + main[2:4] / 2)
    # warpAffine counts from pixel centres, we from corners.
    warp = turn.copy()
    warp[:, 2] = matrix[:, 2] + turn[:, :2] @ [0.5, 0.5] - 0.5
    patch = cv2.warpAffine(picture, warp, (SIDE, SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    inside = cv2.warpAffine(np.full(picture.shape[:2], 255, np.uint8), warp, (SIDE, SIDE), flags=cv2.INTER_NEAREST)
    mask = np.zeros((SIDE, SIDE), bool)
    mask[int(top):int(top + down), int(left):int(left + across)] = True
    mask &= inside > 0
    canvas[mask] = patch[mask]
    moved = _moved(faces, matrix)
    kept = []
    for face in moved:
        x0, y0 = np.maximum(face[:2], [left, top])
        x1, y1 = np.minimum(face[:2] + face[2:4], [left + across, top + down])
        seen = max(0.0, x1 - x0) * max(0.0, y1 - y0) / (face[2] * face[3])
        if seen < 0.15:
            continue
        if seen < 0.6 or max(face[2], face[3]) < 9 or face[14] < SURE:
            grey.append([x0, y0, x1 - x0, y1 - y0])
        else:
            kept.append(face[:14])
    return kept


def sample(seed, pictures):
    """(SIDE x SIDE x 3 uint8 BGR, faces N x 14, grey boxes M x 4)."""
    rng = np.random.default_rng(seed)
    canvas = _background(rng, pictures)
    faces, grey = [], []
    split = rng.integers(3)
    if split == 0:
        areas = [(0, 0, SIDE, SIDE)]
    elif split == 1:
        cut = float(rng.integers(100, 221))
        areas = [(0, 0, cut, SIDE), (cut, 0, SIDE - cut, SIDE)] if rng.random() < 0.5 else [(0, 0, SIDE, cut), (0, cut, SIDE, SIDE - cut)]
    else:
        across, down = (float(rng.integers(120, 201)) for _ in range(2))
        areas = [(0, 0, across, down), (across, 0, SIDE - across, down), (0, down, across, SIDE - down),
                 (across, down, SIDE - across, SIDE - down)]
    for area in areas:
        if rng.random() < 0.9:
            path, known = pictures[rng.integers(len(pictures))]
            faces += _lay(rng, canvas, grey, path, known, area)
    return _spoil(rng, canvas), np.array(faces, np.float32).reshape(-1, 14), np.array(grey, np.float32).reshape(-1, 4)
