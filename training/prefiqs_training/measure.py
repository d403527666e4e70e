"""Step 6. The figures of the model cards, on the people who were kept out of everything.

    python3 -m prefiqs_training.measure pictures --data DATA > kept_out.txt
    prefiqs embed @kept_out.txt --detector YUNET_2023MAR --embeddings face.npy --output face.csv [--model PRUNED.onnx]
    python3 -m prefiqs_training.measure accuracy --data DATA --rows face.csv --embeddings face.npy
    prefiqs embed @kept_out.txt --detector default --embeddings ours.npy --output ours.csv
    prefiqs embed @kept_out.txt --detector YUNET_N --embeddings yunet_n.npy --output yunet_n.csv
    python3 -m prefiqs_training.measure looks --data DATA --output looks/ > looks.txt
    prefiqs embed @looks.txt --detector YUNET_N --embeddings looks.npy --output looks.csv
    python3 -m prefiqs_training.measure detector --rows ours.csv --reference yunet_n.csv --looks looks/ --looks-rows looks.csv

`looks` are the same pictures moved by up to 4 %, up to 12 % smaller and, every other one, mirrored: how much YuNet's points differ from look to look, which no
picture's content explains, and their mean, which hardly contains that.
"""

import argparse
import csv
from pathlib import Path

import cv2
import numpy as np

from .faces import POINTS
from .people import KEPT_OUT, roles
from .verify import accuracy, pair_sets

LOOKS = 8
SEED = 20261202


def read(path):
    return list(csv.DictReader(open(path, newline="")))


def name_of(path):
    parts = Path(path).with_suffix("").parts
    return ("cfp", "/".join(parts[-3:])) if "cfp" in parts else ("lfw", parts[-1])


def kept_out_pictures(data):
    lfw, cfp = roles(data)
    for person, role in sorted(lfw.items()):
        if role == KEPT_OUT:
            yield from sorted(Path(data, "lfw/images", person).glob("*.jpg"))
    for person, role in sorted(cfp.items()):
        if role == KEPT_OUT:
            yield from sorted(Path(data, "cfp/Data/Images", person).glob("*/*.jpg"))


def print_accuracy(arguments):
    rows = read(arguments.rows)
    embeddings = np.load(arguments.embeddings)
    found = [i for i, row in enumerate(rows) if row["status"] == "ok"]
    unit = embeddings[found] / np.linalg.norm(embeddings[found], axis=1, keepdims=True)
    faces = [dict(zip(("set", "picture"), name_of(rows[i]["path"])), index=k) for k, i in enumerate(found)]
    for name, (pairs, mated) in pair_sets(arguments.data, faces, -1).items():
        print(f"{name}: {100 * accuracy(unit, pairs, mated):.2f} % of {len(mated)} pairs")


def write_looks(arguments):
    """LOOKS copies of every picture, as PNG, every other one mirrored; looks.csv says how points come back from them."""
    rng = np.random.default_rng(SEED)
    arguments.output.mkdir(parents=True, exist_ok=True)
    with open(arguments.output / "looks.csv", "w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["path", "picture", "factor", "across", "down", "mirrored_width"])
        for number, path in enumerate(kept_out_pictures(arguments.data)):
            picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
            if picture is None:
                raise SystemExit(f"{path}: cannot be decoded")
            height, width = picture.shape[:2]
            for k in range(LOOKS):
                factor = rng.uniform(0.88, 1)
                across, down = (rng.uniform(0, 1 - factor, 2) + rng.uniform(-0.04, 0.04, 2)) * [width, height]
                # Of corners, not of centres: a pixel's centre lies at a half.
                matrix = np.array([[factor, 0, across + factor / 2 - 0.5], [0, factor, down + factor / 2 - 0.5]])
                copy = arguments.output / f"{number:05d}_{k}.png"
                moved = cv2.warpAffine(picture, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
                mirrored = k % 2 == 1
                if not cv2.imwrite(str(copy), moved[:, ::-1] if mirrored else moved):
                    raise SystemExit(f"{copy}: cannot be written")
                writer.writerow([copy, path, factor, matrix[0, 2], matrix[1, 2], width if mirrored else ""])
                print(copy)


def points_of(row):
    return np.array([float(row[p]) for p in POINTS]).reshape(5, 2)


def points_of_looks(folder, rows):
    """{picture: n x 5 x 2, the points of its looks in its own pixels}."""
    rows = {row["path"]: row for row in read(rows) if row["status"] == "ok"}
    found = {}
    for look in read(Path(folder) / "looks.csv"):
        if look["path"] in rows:
            points = points_of(rows[look["path"]])
            if look["mirrored_width"]:
                points[:, 0] = int(look["mirrored_width"]) - 1 - points[:, 0]
                points = points[[1, 0, 2, 4, 3]]
            points = (points - [float(look["across"]), float(look["down"])]) / float(look["factor"])
            found.setdefault(look["picture"], []).append(points)
    return {picture: np.array(points) for picture, points in found.items()}


def print_detector(arguments):
    ours, reference = ({row["path"]: row for row in read(p)} for p in (arguments.rows, arguments.reference))
    looks = points_of_looks(arguments.looks, arguments.looks_rows) if arguments.looks else {}

    def told(name, errors):
        print(f"  {name}: {100 * np.mean(errors):.2f} % of the eye distance on average, {100 * np.percentile(errors, 95):.2f} % at the 95th "
              f"percentile, {len(errors)} pictures")

    for name in ("lfw", "frontal", "profile"):
        paths = [p for p in reference if (name in p if name != "lfw" else "/lfw/" in p)]
        found = [p for p in paths if ours[p]["status"] == "ok"]
        one, mean, apart = [], [], []
        for path in found:
            if reference[path]["status"] != "ok":
                continue
            mine, theirs = points_of(ours[path]), points_of(reference[path])
            # Profiles have their eyes on top of each other: the distance is at least a third of the box.
            box = max(float(reference[path]["box_width"]), float(reference[path]["box_height"]))
            eyes = max(np.hypot(*(theirs[0] - theirs[1])), box / 3)

            def away(a, b):
                return np.hypot(*(a - b).T).mean() / eyes

            one.append(away(mine, theirs))
            if len(looks.get(path, [])) >= LOOKS / 2:
                mean.append(away(mine, looks[path].mean(0)))
                apart += [away(look, theirs) for look in looks[path]]
        print(f"{name}: found in {len(found)} of {len(paths)}; landmarks differ")
        told("from the reference", one)
        if looks:
            told("from the mean of its looks", mean)
            told("the reference from each of its looks", apart)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["pictures", "accuracy", "looks", "detector"])
    parser.add_argument("--data")
    parser.add_argument("--rows")
    parser.add_argument("--embeddings")
    parser.add_argument("--reference")
    parser.add_argument("--output", type=Path)
    parser.add_argument("--looks", type=Path)
    parser.add_argument("--looks-rows", type=Path)
    arguments = parser.parse_args()
    needed = {"pictures": ["data"], "accuracy": ["data", "rows", "embeddings"], "looks": ["data", "output"], "detector": ["rows", "reference"]}
    if arguments.looks or arguments.looks_rows:
        needed["detector"] += ["looks", "looks_rows"]
    for name in needed[arguments.what]:
        if not getattr(arguments, name):
            parser.error(f"{arguments.what} needs --{name.replace('_', '-')}")
    if arguments.what == "pictures":
        for path in kept_out_pictures(arguments.data):
            print(path)
    elif arguments.what == "accuracy":
        print_accuracy(arguments)
    elif arguments.what == "looks":
        write_looks(arguments)
    else:
        print_detector(arguments)


if __name__ == "__main__":
    main()
