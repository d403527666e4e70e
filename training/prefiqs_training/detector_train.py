"""Trains the detector on laid-out pictures; stops and goes on at any step.

    prefiqs score DATA/lfw/images --faces all --model TEACHER --preset imagenet --detector YUNET --output all_lfw.csv     (and cfp, utkface)
    python3 -m prefiqs_training.detector_train --data DATA --rows all_lfw.csv all_cfp.csv all_utkface.csv --work work/ --steps 6000

A cell learns a face when the face's size suits its stride and the face's centre is near; the other cells inside the face
and grey boxes are not asked. cls learns face or not, obj the overlap of the cell's box with the true one.
"""

import argparse
import concurrent.futures
import time
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F

from .detector_data import SIDE, read_pictures, sample
from .detector_network import DOUBT, SCALE, STRIDES, Detector
from .export import load_weights

BATCH = 16
SEED = 20261126
SIZES = {8: (0, 56), 16: (36, 140), 32: (90, 1e9)}  # longer side of the faces of a stride, pixels
NEAR = 1.5  # a cell's centre is within so many strides of the face's centre, or within a fifth of the face

_pictures = None


def open_pictures(rows, data):
    global _pictures
    cv2.setNumThreads(1)
    _pictures = read_pictures(rows, data)


def targets(faces, grey):
    """For each stride: state (1 face, 0 not, -1 not asked), index of the cell's face."""
    found = []
    for stride in STRIDES:
        cells = SIDE // stride
        column, row = np.meshgrid((np.arange(cells) + 0.5) * stride, (np.arange(cells) + 0.5) * stride)
        state, owner, best = np.zeros((cells, cells), np.int8), np.zeros((cells, cells), np.int64), np.full((cells, cells), np.inf)
        for x, y, width, height in grey:
            state[(column > x) & (column < x + width) & (row > y) & (row < y + height)] = -1
        low, high = SIZES[stride]
        for i, face in enumerate(faces):
            centre, size = face[:2] + face[2:4] / 2, max(face[2], face[3])
            away = np.maximum(abs(column - centre[0]), abs(row - centre[1]))
            reach = np.hypot((column - centre[0]) / face[2], (row - centre[1]) / face[3])
            state[(reach < 0.4) & (state == 0)] = -1
            if not low <= size < high:
                continue
            mine = (away < max(NEAR * stride, 0.2 * size)) & (away < 2.5 * stride) & (away < best)
            state[mine], owner[mine], best[mine] = 1, i, away[mine]
        found.append((state, owner))
    return found


def batch_of(step):
    pictures, states, wanted = [], [[] for _ in STRIDES], [[] for _ in STRIDES]
    for i in range(BATCH):
        picture, faces, grey = sample([SEED, step, i], _pictures)
        pictures.append(picture)
        for level, (state, owner) in enumerate(targets(faces, grey)):
            states[level].append(state)
            known = faces if len(faces) else np.zeros((1, 14), np.float32)
            wanted[level].append(known[owner])
    return np.stack(pictures), [np.stack(s) for s in states], [np.stack(w) for w in wanted]


def overlap(a, b):
    """Intersection over union, and over the hull (GIoU), of boxes as centre and size."""
    a0, a1, b0, b1 = a[:, :2] - a[:, 2:] / 2, a[:, :2] + a[:, 2:] / 2, b[:, :2] - b[:, 2:] / 2, b[:, :2] + b[:, 2:] / 2
    shared = (torch.minimum(a1, b1) - torch.maximum(a0, b0)).clamp(min=0).prod(1)
    union = a[:, 2:].prod(1) + b[:, 2:].prod(1) - shared
    hull = (torch.maximum(a1, b1) - torch.minimum(a0, b0)).prod(1)
    iou = shared / union
    return iou, iou - (hull - union) / hull


def focal(logits, target, gamma=2.0):
    probability = torch.sigmoid(logits)
    return F.binary_cross_entropy_with_logits(logits, target, reduction="none") * (probability - target).abs() ** gamma


def losses(levels, states, wanted):
    sums = {"cls": 0.0, "obj": 0.0, "box": 0.0, "points": 0.0}
    positives = 0
    for (cls, obj, box, points), state, want, stride in zip(levels, states, wanted, STRIDES):
        state, want = torch.from_numpy(state), torch.from_numpy(want)
        asked, face = state >= 0, state == 1
        count = int(face.sum())
        positives += count
        cls, obj = cls[:, 0].float(), obj[:, 0].float()
        sums["cls"] = sums["cls"] + focal(cls[asked], face[asked].float()).sum()
        quality = torch.zeros_like(obj)
        if count:
            _, row, column = face.nonzero(as_tuple=True)
            cell = torch.stack([column, row], 1).float() * stride
            want = want[face]
            box, points = box.permute(0, 2, 3, 1)[face].float(), points.permute(0, 2, 3, 1)[face].float()
            is_box = torch.cat([cell + box[:, :2] * stride, torch.exp(box[:, 2:].clamp(max=6)) * stride], 1)
            true_box = torch.cat([want[:, :2] + want[:, 2:4] / 2, want[:, 2:4]], 1)
            iou, giou = overlap(is_box, true_box)
            sums["box"] = sums["box"] + (1 - giou).sum()
            size = want[:, 2:4].max(1, keepdim=True).values
            is_points = cell.repeat(1, 5) + points * stride
            sums["points"] = sums["points"] + F.smooth_l1_loss(is_points / size, want[:, 4:] / size, reduction="none", beta=0.02).sum()
            quality[face] = iou.detach().clamp(0, 1)
        sums["obj"] = sums["obj"] + focal(obj[asked], quality[asked]).sum()
    return {k: v / max(positives, 1) for k, v in sums.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--rows", required=True, nargs="+")
    parser.add_argument("--work", required=True, type=Path)
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--start-from", help="weights of models/prefiqs_detector.onnx, where there is no checkpoint yet")
    arguments = parser.parse_args()
    torch.manual_seed(SEED)
    torch.set_num_threads(arguments.threads)
    maker = concurrent.futures.ProcessPoolExecutor(2, initializer=open_pictures, initargs=(arguments.rows, arguments.data))

    network = Detector().to(memory_format=torch.channels_last)
    print(f"{sum(p.numel() for p in network.parameters())} parameters", flush=True)
    if arguments.start_from:
        load_weights(network, arguments.start_from)
        with torch.no_grad():
            network.stem[0].conv.weight *= SCALE
            for head in network.heads:
                head.cls.bias += DOUBT
                head.obj.bias += DOUBT
    optimiser = torch.optim.AdamW(network.parameters(), lr=arguments.rate, weight_decay=1e-3)
    mean = {k: v.clone().float() for k, v in network.state_dict().items()}
    step, checkpoint = 0, arguments.work / "detector.pt"
    if checkpoint.exists():
        saved = torch.load(checkpoint)
        network.load_state_dict(saved["network"])
        optimiser.load_state_dict(saved["optimiser"])
        mean, step = saved["mean"], saved["step"]
        print(f"goes on at step {step} of {arguments.steps}", flush=True)
    coming = [maker.submit(batch_of, step + i) for i in range(4)]
    started, sums, seen = time.time(), {}, 0
    while step < arguments.steps:
        pictures, states, wanted = coming.pop(0).result()
        coming.append(maker.submit(batch_of, step + 4))
        x = (torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / SCALE).contiguous(memory_format=torch.channels_last)
        rate = arguments.rate * min(1.0, (step + 1) / 200) * (0.01 + 0.99 * 0.5 * (1 + np.cos(np.pi * step / arguments.steps)))
        for group in optimiser.param_groups:
            group["lr"] = rate
        network.train()
        with torch.autocast("cpu", torch.bfloat16):
            levels = network(x)
        parts = losses(levels, states, wanted)
        loss = parts["cls"] + parts["obj"] + 2 * parts["box"] + 20 * parts["points"]
        if not torch.isfinite(loss):
            raise RuntimeError(f"step {step}: the loss is not finite")
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 10.0)
        optimiser.step()
        decay = min(0.998, (step + 1) / (step + 20))
        for k, v in network.state_dict().items():
            mean[k].lerp_(v.float(), 1 - decay)
        step, seen = step + 1, seen + 1
        for k, v in parts.items():
            sums[k] = sums.get(k, 0.0) + float(v)
        if step % 50 == 0:
            shown = " ".join(f"{k} {v / seen:.4f}" for k, v in sums.items())
            print(f"step {step}/{arguments.steps} {(time.time() - started) / seen / BATCH * 1000:.1f} ms/picture {shown}", flush=True)
            sums, seen, started = {}, 0, time.time()
        if step % 200 == 0 or step == arguments.steps:
            part = checkpoint.with_suffix(".part")
            torch.save({"network": network.state_dict(), "optimiser": optimiser.state_dict(), "mean": mean, "step": step}, part)
            part.rename(checkpoint)


if __name__ == "__main__":
    main()
