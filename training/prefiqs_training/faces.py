"""Step 1. Pictures -> crops with a margin, and who is on them.

Detection is the project's own command, so that training sees the alignment that users get:

    prefiqs score DATA/lfw/images --model TEACHER --preset imagenet --detector YUNET --output lfw.csv     (and cfp, utkface)
    python3 -m prefiqs_training.faces --data DATA --rows lfw.csv cfp.csv utkface.csv --output work/

writes work/crops.npy, uint8 RGB of N x 152 x 152 x 3 (the 112 x 112 ArcFace crop lies at its centre), and
work/faces.csv: index, set, picture, person, role.
"""

import argparse
import csv
from pathlib import Path

import cv2
import numpy as np

from .people import TRAIN, roles

# ArcFace's five points in a 112 x 112 crop: eyes, nose, mouth corners, left to right in the picture.
TEMPLATE = np.array([[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]])
SIDE = 112
MARGIN = 20
POINTS = [f"{name}_{axis}" for name in ("left_eye", "right_eye", "nose", "left_mouth", "right_mouth") for axis in "xy"]


def similarity(points, template=TEMPLATE):
    """2x3 matrix taking `points` to `template` with least squares (Umeyama 1991, no reflection)."""
    source, target = points - points.mean(0), template - template.mean(0)
    u, d, vt = np.linalg.svd(target.T @ source)
    sign = np.array([1.0, np.sign(np.linalg.det(u @ vt))])
    rotation = (u * sign) @ vt
    scale = (d * sign).sum() / (source**2).sum()
    shift = template.mean(0) - scale * rotation @ points.mean(0)
    return np.hstack([scale * rotation, shift[:, None]])


def described(path, lfw_roles, cfp_roles):
    """(set, person, role) from where the picture lies; UTKFace names nobody."""
    parts = Path(path).parts
    if "lfw" in parts:
        person = parts[-2]
        return "lfw", person, lfw_roles.get(person, TRAIN)
    if "cfp" in parts:
        person = parts[-3]
        return "cfp", person, cfp_roles.get(person, TRAIN)
    return "utkface", "", TRAIN


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="folder with lfw, cfp, utkface")
    parser.add_argument("--rows", required=True, nargs="+", help="what prefiqs score wrote")
    parser.add_argument("--output", required=True, type=Path)
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)

    rows = [row for name in arguments.rows for row in csv.DictReader(open(name, newline="")) if row["status"] == "ok"]
    rows.sort(key=lambda row: row["path"])
    lfw_roles, cfp_roles = roles(arguments.data)
    side = SIDE + 2 * MARGIN
    crops = np.lib.format.open_memmap(arguments.output / "crops.npy", "w+", np.uint8, (len(rows), side, side, 3))
    with open(arguments.output / "faces.csv", "w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["index", "set", "picture", "person", "role"])
        for i, row in enumerate(rows):
            picture = cv2.imread(row["path"], cv2.IMREAD_COLOR)
            if picture is None:
                raise SystemExit(f"{row['path']}: cannot be read; run from where prefiqs score was run")
            points = np.array([float(row[name]) for name in POINTS]).reshape(5, 2)
            matrix = similarity(points, TEMPLATE + MARGIN)
            crops[i] = cv2.warpAffine(picture, matrix, (side, side), flags=cv2.INTER_LINEAR)[..., ::-1]
            name, person, role = described(row["path"], lfw_roles, cfp_roles)
            picture_name = "/".join(Path(row["path"]).parts[-3:]) if name == "cfp" else Path(row["path"]).stem
            writer.writerow([i, name, picture_name.rsplit(".", 1)[0], person, role])
    print(f"{len(rows)} faces")


if __name__ == "__main__":
    main()
