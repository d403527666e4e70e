"""Step 7. How well a detector, run on the aligned crop, tells faces from what is none: the guard's measurement.

    python3 -m prefiqs_training.guard non-faces --pictures build/demo/pictures --output work/non_faces
    python3 -m prefiqs_training.guard faces --work work --output work/guard_faces --every 4
    prefiqs score --aligned work/non_faces --output non_faces.csv     (and work/guard_faces, faces.csv)
    python3 -m prefiqs_training.guard report --faces faces.csv --non-faces non_faces.csv --work work

The non-faces: squares cut at random from the demonstration's pictures of no face, and flat, smooth, noisy and drawn ones.
"""

import argparse
import csv
from pathlib import Path

import cv2
import numpy as np

from . import augment
from .faces import MARGIN, SIDE

CUT, DRAWN = 504, 500
SEED = 20261127


def write_non_faces(arguments):
    rng = np.random.default_rng(SEED)
    arguments.output.mkdir(parents=True, exist_ok=True)
    sources = [p for p in sorted(arguments.pictures.iterdir()) if p.stem != "astronaut"]
    for i in range(CUT):
        path = sources[i % len(sources)]
        picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
        height, width = picture.shape[:2]
        side = int(min(height, width) * rng.uniform(0.2, 1.0))
        top, left = int(rng.integers(0, height - side + 1)), int(rng.integers(0, width - side + 1))
        square = cv2.resize(picture[top:top + side, left:left + side], (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        cv2.imwrite(str(arguments.output / f"cut_{path.stem}_{i:03d}.png"), square)
    for i in range(DRAWN):
        cv2.imwrite(str(arguments.output / f"drawn_{i:03d}.png"), augment.non_face(rng)[..., ::-1])


def write_faces(arguments):
    arguments.output.mkdir(parents=True, exist_ok=True)
    crops = np.load(arguments.work / "crops.npy", mmap_mode="r")
    centre = slice(MARGIN, MARGIN + SIDE)
    for i in range(0, len(crops), arguments.every):
        cv2.imwrite(str(arguments.output / f"{i:05d}.png"), np.ascontiguousarray(crops[i, centre, centre, ::-1]))


def report(arguments):
    faces, nothing = (list(csv.DictReader(open(p, newline=""))) for p in (arguments.faces, arguments.non_faces))
    known = list(csv.DictReader(open(arguments.work / "faces.csv", newline="")))
    known = [known[int(Path(row["path"]).stem)] for row in faces]
    for title, rows, groups in (("faces refused", faces, [f"{f['set']} {f['role']}" for f in known]),
                                ("non-faces caught", nothing, [Path(row["path"]).stem.rsplit("_", 1)[0] for row in nothing])):
        gone = np.array([row["status"] == "not_a_face" for row in rows])
        print(f"{title}: {gone.sum()} of {len(rows)}, {100 * gone.mean():.2f} %")
        for group in sorted(set(groups)):
            mine = gone[np.array(groups) == group]
            print(f"  {group}: {mine.sum()} of {len(mine)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("non-faces", "faces", "report"))
    parser.add_argument("--pictures", type=Path)
    parser.add_argument("--work", type=Path)
    parser.add_argument("--output", type=Path)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--faces")
    parser.add_argument("--non-faces")
    arguments = parser.parse_args()
    needed = {"non-faces": ["pictures", "output"], "faces": ["work", "output"], "report": ["faces", "non_faces", "work"]}
    for name in needed[arguments.what]:
        if not getattr(arguments, name):
            parser.error(f"{arguments.what} needs --{name.replace('_', '-')}")
    {"non-faces": write_non_faces, "faces": write_faces, "report": report}[arguments.what](arguments)


if __name__ == "__main__":
    main()
