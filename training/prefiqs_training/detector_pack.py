"""Pictures, their faces and what is no face, in one file: all that the detector's training reads, on whatever machine.

    prefiqs embed DATA/lfw/images DATA/cfp/Data/Images DATA/utkface --faces all --model TEACHER --preset imagenet --detector YUNET_N
        --output all.csv --embeddings all.npy
    python3 -m prefiqs_training.detector_pack --data DATA --rows all.csv --no-faces STAMPS/animals GCOMPRIS/erase.rcc … --work work/

writes work/detector_pack.npz. Pictures are re-encoded, no larger than the detector's canvas; people who are kept out of everything
are not in it, those of validation are marked.
"""

import argparse
import csv
from pathlib import Path

import cv2
import numpy as np

from .faces import POINTS, described
from .people import KEPT_OUT, LEFT_OUT, TRAIN, VALIDATION, roles

LARGEST = 320  # longer side, pixels: what the command's coarse search enlarges or shrinks a picture to
QUALITY = 62  # of WebP: all of it stays under 60 MB
PIECES = 4  # places without a face that are looked for in each picture
SEED = 20261128
WITH_PEOPLE = ("categorization.rcc 117",)  # Mount Rushmore, of gcompris-qt-data 3.1
VALIDATION_STAMPS = 6  # every so many-th picture of no face is for validation

SETS = ("lfw", "frontal", "profile", "utkface", "no_face")


def read_faces(rows, data):
    """{path: (set, role, faces N x 15: x, y, width, height, ten point coordinates (corner of a pixel = 0), confidence)}, nobody kept or left out."""
    lfw_roles, cfp_roles = roles(data)
    found = {}
    for name in rows:
        with open(name, newline="") as lines:
            for row in csv.DictReader(lines):
                kind, _, role = described(row["path"], lfw_roles, cfp_roles)
                if role in (KEPT_OUT, LEFT_OUT) or not row["box_x"]:
                    continue
                if kind == "cfp":
                    kind = Path(row["path"]).parent.name
                box = [float(row["box_x"]) + 0.5, float(row["box_y"]) + 0.5, float(row["box_width"]), float(row["box_height"])]
                points = [float(row[p]) + 0.5 for p in POINTS]
                found.setdefault(row["path"], (kind, role, []))[2].append(box + points + [float(row["confidence"])])
    return {path: (kind, role, np.array(faces, np.float32)) for path, (kind, role, faces) in sorted(found.items())}


def no_faces(sources):
    """(name, file's bytes) of the pictures in folders, and of the WebP pictures in Qt's resource files, where they lie uncompressed."""
    for source in sources:
        if source.is_dir():
            for path in sorted(source.rglob("*")):
                if path.suffix.lower() in (".png", ".jpg", ".webp"):
                    yield str(path), path.read_bytes()
            continue
        resource, at, number = source.read_bytes(), 0, 0
        while (at := resource.find(b"RIFF", at)) >= 0:
            if resource[at + 8:at + 12] != b"WEBP":
                at += 4
                continue
            size = int.from_bytes(resource[at + 4:at + 8], "little") + 8
            if f"{source.name} {number}" not in WITH_PEOPLE:
                yield f"{source} {number}", resource[at:at + size]
            at, number = at + size, number + 1


def shrunk(picture):
    """(the picture with its longer side at LARGEST or less, factors of x and y)."""
    height, width = picture.shape[:2]
    factor = min(1.0, LARGEST / max(height, width))
    size = max(1, round(width * factor)), max(1, round(height * factor))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA) if factor < 1 else picture
    return small, np.array([size[0] / width, size[1] / height], np.float32)


def pieces(rng, width, height, faces):
    """Up to PIECES rectangles (x, y, width, height) that touch no known face."""
    tries = 40
    size = rng.uniform(0.15, 0.6, (tries, 2)) * [width, height]
    corner = rng.uniform(0, 1, (tries, 2)) * ([width, height] - size)
    apart = np.ones(tries, bool)
    for x, y, across, down in faces[:, :4]:
        apart &= ((x > corner[:, 0] + size[:, 0]) | (x + across < corner[:, 0]) |
                  (y > corner[:, 1] + size[:, 1]) | (y + down < corner[:, 1]))
    good = np.flatnonzero(apart & (size.min(1) >= 16))[:PIECES]
    return np.hstack([corner[good], size[good]]).astype(np.float32)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="folder with lfw, cfp, utkface")
    parser.add_argument("--rows", required=True, nargs="+", help="what prefiqs embed wrote")
    parser.add_argument("--no-faces", nargs="*", default=[], type=Path, help="folders of pictures, or Qt resource files, without people")
    parser.add_argument("--work", required=True, type=Path)
    parser.add_argument("--every", type=int, default=1, help="takes every so many-th picture: for a trial")
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)

    known = list(read_faces(arguments.rows, arguments.data).items())
    known = [(path, None, *rest) for path, rest in known]
    none = np.zeros((0, 15), np.float32)
    for i, (name, encoded) in enumerate(no_faces(arguments.no_faces)):
        known.append((name, encoded, "no_face", TRAIN if i % VALIDATION_STAMPS else VALIDATION, none))
    rng = np.random.default_rng(SEED)
    code, sizes, sets, training, owner, faces, beside = [], [], [], [], [], [], []
    for name, encoded, kind, role, in_picture in known[::arguments.every]:
        encoded = np.frombuffer(encoded or Path(name).read_bytes(), np.uint8)
        picture = cv2.imdecode(encoded, cv2.IMREAD_UNCHANGED if kind == "no_face" else cv2.IMREAD_COLOR)
        if picture is not None and (picture.dtype != np.uint8 or picture.ndim != 3):
            picture = cv2.imdecode(encoded, cv2.IMREAD_COLOR)
        if picture is None:
            raise SystemExit(f"{name}: cannot be decoded")
        picture, factor = shrunk(picture)
        in_picture = in_picture * np.concatenate([np.tile(factor, 7), [1]]).astype(np.float32)
        here = len(code)
        code.append(cv2.imencode(".webp", picture, [cv2.IMWRITE_WEBP_QUALITY, QUALITY])[1].ravel())
        sizes.append([picture.shape[1], picture.shape[0]])
        sets.append(SETS.index(kind))
        training.append(role == TRAIN)
        owner += [here] * len(in_picture)
        faces.append(in_picture)
        height, width = picture.shape[:2]
        free = pieces(rng, width, height, in_picture) if kind != "no_face" else np.array([[0, 0, width, height]], np.float32)
        beside.append(np.hstack([np.full((len(free), 1), here, np.float32), free]))
    path = arguments.work / "detector_pack.npz"
    np.savez(path, code=np.concatenate(code), ends=np.cumsum([len(c) for c in code]), sizes=np.array(sizes, np.int32),
             sets=np.array(sets, np.int8), training=np.array(training), owner=np.array(owner), faces=np.concatenate(faces), beside=np.concatenate(beside))
    print(f"{len(code)} pictures, {sum(training)} of them for training, {len(owner)} faces, {path.stat().st_size / 2**20:.1f} MiB")


if __name__ == "__main__":
    main()
