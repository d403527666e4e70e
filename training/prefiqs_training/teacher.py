"""Step 2. What the student shall say: the teacher's embedding of every sharp crop and of its mirror image, summed.

    python3 -m prefiqs_training.teacher --teacher vface_mobilefacenet.onnx --work work/

writes work/targets.npy, float32 unit rows of N x 128. Where somebody has several pictures in training, the target leans
towards that person's mean (`--person` of it), which teaches what the teacher alone does not know: who is who in profile.
"""

import argparse
import csv
from pathlib import Path

import numpy as np
import torch

from .faces import MARGIN, SIDE
from .onnx_torch import OnnxNetwork
from .people import TRAIN

MEAN = torch.tensor([123.675, 116.28, 103.53]).view(1, 3, 1, 1)  # ImageNet's, as vface was trained with
SCALE = torch.tensor([58.395, 57.12, 57.375]).view(1, 3, 1, 1)


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def teacher_rows(network, crops):
    centre = slice(MARGIN, MARGIN + SIDE)
    rows = []
    for start in range(0, len(crops), 64):
        x = torch.from_numpy(np.ascontiguousarray(crops[start:start + 64, centre, centre])).permute(0, 3, 1, 2).float()
        x = ((x - MEAN) / SCALE).contiguous()
        straight, mirrored = (next(iter(network(v).values())).numpy() for v in (x, x.flip(3).contiguous()))
        rows.append(straight + mirrored)
    return unit(np.concatenate(rows))


def lean_to_person(rows, faces, weight):
    """Only people and pictures of the training role count."""
    people = {}
    for i, face in enumerate(faces):
        if face["person"] and face["role"] == TRAIN:
            people.setdefault((face["set"], face["person"]), []).append(i)
    leaned = rows.copy()
    for members in people.values():
        if len(members) > 1:
            leaned[members] = (1 - weight) * rows[members] + weight * unit(rows[members].mean(0, keepdims=True))
    return unit(leaned)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--teacher", required=True)
    parser.add_argument("--work", required=True, type=Path)
    parser.add_argument("--person", type=float, default=0.4)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    faces = list(csv.DictReader(open(arguments.work / "faces.csv", newline="")))
    rows = teacher_rows(OnnxNetwork(arguments.teacher), np.load(arguments.work / "crops.npy", mmap_mode="r"))
    np.save(arguments.work / "teacher.npy", rows.astype(np.float32))
    np.save(arguments.work / "targets.npy", lean_to_person(rows, faces, arguments.person).astype(np.float32))


if __name__ == "__main__":
    main()
