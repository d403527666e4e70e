"""Step 6. The figures of the model cards, on the people who were kept out of everything.

    python3 -m prefiqs_training.measure pictures --data DATA > kept_out.txt
    prefiqs embed @kept_out.txt --detector YUNET --embeddings face.npy --output face.csv [--model PRUNED.onnx]
    python3 -m prefiqs_training.measure accuracy --data DATA --rows face.csv --embeddings face.npy
    prefiqs embed @kept_out.txt --detector default --embeddings ours.npy --output ours.csv
    python3 -m prefiqs_training.measure detector --rows ours.csv --reference face.csv
"""

import argparse
import csv
from pathlib import Path

import numpy as np

from .faces import POINTS
from .people import KEPT_OUT, roles
from .verify import accuracy, pair_sets


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


def print_detector(arguments):
    ours, reference = ({row["path"]: row for row in read(p)} for p in (arguments.rows, arguments.reference))
    for name in ("lfw", "frontal", "profile"):
        paths = [p for p in reference if (name in p if name != "lfw" else "/lfw/" in p)]
        found = [p for p in paths if ours[p]["status"] == "ok"]
        errors = []
        for path in found:
            if reference[path]["status"] != "ok":
                continue
            mine, theirs = (np.array([float(rows[path][p]) for p in POINTS]).reshape(5, 2) for rows in (ours, reference))
            # Profiles have their eyes on top of each other: the distance is at least a third of the box.
            box = max(float(reference[path]["box_width"]), float(reference[path]["box_height"]))
            eyes = max(np.hypot(*(theirs[0] - theirs[1])), box / 3)
            errors.append(np.hypot(*(mine - theirs).T).mean() / eyes)
        print(f"{name}: found in {len(found)} of {len(paths)}, landmarks differ by {100 * np.mean(errors):.2f} % of the eye "
              f"distance on average, {100 * np.percentile(errors, 95):.2f} % at the 95th percentile")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["pictures", "accuracy", "detector"])
    parser.add_argument("--data")
    parser.add_argument("--rows")
    parser.add_argument("--embeddings")
    parser.add_argument("--reference")
    arguments = parser.parse_args()
    if arguments.what == "pictures":
        for path in kept_out_pictures(arguments.data):
            print(path)
    elif arguments.what == "accuracy":
        print_accuracy(arguments)
    else:
        print_detector(arguments)


if __name__ == "__main__":
    main()
