"""The teacher's points, steadied: the mean of what it says of many slightly different looks at the same picture.

    python3 -m prefiqs_training.detector_points --work work/ --teacher yunet_n.onnx

reads work/detector_pack.npz and writes work/detector_points.npz, which the training takes instead of the pack's points.

Moved by 2 % of the picture's side or made 7 % smaller, the same picture gets points from yunet_n that differ by 5 to 6 % of the eye distance on LFW
and by 7 to 10 % on CFP's profiles: that much is chance. What a student learns from one look contains it, the mean of LOOKS hardly.
"""

import argparse
import time
from pathlib import Path

import cv2
import numpy as np
import torch

from .detector_data import Pictures, laid
from .detector_loss import decoded, overlap
from .detector_network import STRIDES
from .detector_scene import LEVELS, MIRRORED, SIDE
from .onnx_torch import OnnxNetwork

LOOKS = 16
SMALLEST = 0.8  # of the canvas' side
MOVED = 10.0  # pixels of the canvas, beyond what fits
SURE = 0.5
SAME = 0.5  # overlap of the box with the known face's
SEED = 20261201


def look(rng, sizes):
    """How pictures of these N x 2 sizes come to lie on the canvas: N factors and N x 2 shifts."""
    factor = SIDE / sizes.max(1) * rng.uniform(SMALLEST, 1, len(sizes))
    slack = SIDE - sizes * factor[:, None]
    return factor, rng.uniform(0, 1, (len(sizes), 2)) * slack + rng.uniform(-MOVED, MOVED, (len(sizes), 2))


def scene_of(numbers, sizes, factor, shift, mirrored):
    """What detector_data's sampler asks for: one picture a canvas, black around it. The mirrored canvas, where asked."""
    count = len(numbers)
    back = np.zeros((count, 2, 2, 3), np.float32)
    sign = -1.0 if mirrored else 1.0
    back[:, 1, 0, 0], back[:, 1, 1, 1] = sign / factor, 1 / factor
    back[:, 1, 0, 2] = ((SIDE if mirrored else 0) - shift[:, 0]) / factor
    back[:, 1, 1, 2] = -shift[:, 1] / factor
    bounds = np.zeros((count, 2, 4), np.float32)
    bounds[:, 1, 2:] = sizes
    shown = np.zeros((count, 2), bool)
    shown[:, 1] = True
    picture = np.repeat(numbers[:, None], 2, 1).astype(np.int64)
    level = np.clip(np.rint(-np.log2(factor)), 0, LEVELS - 1).astype(np.int64)
    return {"picture": picture, "level": np.repeat(level[:, None], 2, 1), "shown": shown, "back": back, "bounds": bounds,
            "cut": np.full((count, 2), SIDE, np.int64)}


@torch.no_grad()
def answers(teacher, canvases):
    """(scores N x cells, boxes N x cells x 4 as centre and size, points N x cells x 10), pixels of the canvas."""
    given = teacher(canvases)
    scores, boxes, points = [], [], []
    for stride in STRIDES:
        cells = SIDE // stride
        maps = {name: given[f"{name}_{stride}"].float() for name in ("cls", "obj", "bbox", "kps")}
        grids = [maps[name].transpose(1, 2).unflatten(2, (cells, cells)) for name in ("bbox", "kps")]
        box, point = decoded(*grids, stride)
        scores.append((maps["cls"].clamp(0, 1) * maps["obj"].clamp(0, 1)).sqrt()[..., 0])
        boxes.append(box.flatten(1, 2))
        points.append(point.flatten(1, 2))
    return torch.cat(scores, 1), torch.cat(boxes, 1), torch.cat(points, 1)


def steadied(pack, pictures, teacher, looks=LOOKS, batch=128):
    """(the pack's faces with steadied points, how many looks each was seen in). Seen in less than half of them, a face keeps its own."""
    device = pictures.texels.device
    owner, faces = pack["owner"], torch.from_numpy(pack["faces"]).to(device)
    shown = np.unique(owner)
    total = torch.zeros(len(faces), 10, device=device)
    seen = torch.zeros(len(faces), device=device)
    for k in range(looks):
        factor, shift = look(np.random.default_rng([SEED, k]), pack["sizes"][shown].astype(np.float64))
        mirrored = k % 2 == 1
        for start in range(0, len(shown), batch):
            here = slice(start, start + batch)
            numbers = shown[here]
            scene = scene_of(numbers, pack["sizes"][numbers], factor[here], shift[here], mirrored)
            canvases = laid(pictures, {name: torch.from_numpy(v).to(device) for name, v in scene.items()})
            scores, boxes, points = answers(teacher, canvases.round().contiguous())
            if mirrored:
                boxes[..., 0] = SIDE - boxes[..., 0]
                points[..., 0::2] = SIDE - points[..., 0::2]
                points = points.unflatten(-1, (5, 2))[..., MIRRORED, :].flatten(-2)
            mine = np.flatnonzero((owner >= numbers[0]) & (owner <= numbers[-1]))
            row = torch.from_numpy(np.searchsorted(numbers, owner[mine])).to(device)
            mine = torch.from_numpy(mine).to(device)
            scale = torch.from_numpy(factor[here].astype(np.float32)).to(device)[row, None]
            moved = torch.from_numpy(shift[here].astype(np.float32)).to(device)[row]
            known = faces[mine]
            box = torch.cat([(known[:, :2] + known[:, 2:4] / 2) * scale + moved, known[:, 2:4] * scale], 1)
            fits = overlap(boxes[row], box[:, None])[0] > SAME
            best, cell = (scores[row] * fits).max(1)
            found = best >= SURE
            point = (points[row, cell] - moved.repeat(1, 5)) / scale
            total[mine] += torch.where(found[:, None], point, torch.zeros_like(point))
            seen[mine] += found
    enough = seen >= looks / 2
    result = faces.clone()
    result[:, 4:14] = torch.where(enough[:, None], total / seen.clamp(min=1)[:, None], faces[:, 4:14])
    return result.cpu().numpy(), seen.cpu().numpy()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", required=True, type=Path)
    parser.add_argument("--teacher", required=True)
    parser.add_argument("--looks", type=int, default=LOOKS)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    began = time.time()
    torch.set_num_threads(arguments.threads)
    torch.backends.cudnn.allow_tf32 = False
    cv2.setNumThreads(1)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    with np.load(arguments.work / "detector_pack.npz") as lazy:
        pack = {name: lazy[name] for name in lazy.files}
    pictures = Pictures(pack, device, arguments.threads)
    faces, seen = steadied(pack, pictures, OnnxNetwork(arguments.teacher, device), arguments.looks)
    np.savez(arguments.work / "detector_points.npz", faces=faces)
    away = np.hypot(*(faces[:, 4:14] - pack["faces"][:, 4:14]).reshape(-1, 5, 2).transpose(2, 0, 1)).mean(1)
    enough = seen >= arguments.looks / 2
    print(f"{len(faces)} faces, {enough.sum()} of them seen in at least half of {arguments.looks} looks; their points move by "
          f"{100 * np.mean((away / pack['faces'][:, 2:4].max(1))[enough]):.2f} % of the box on average; {time.time() - began:.0f} s")


if __name__ == "__main__":
    main()
