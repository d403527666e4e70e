"""How well a detector in training does on the validation people: faces found, points against the teacher's, faces seen in nothing.

The pictures are searched at the command's coarse scale alone, their longer side at the canvas's; whole runs are measured by measure.py.
"""

import cv2
import numpy as np
import torch

from .detector_data import decoded as decoded_picture
from .detector_loss import decoded, eye_distance, overlap
from .detector_network import DOUBT, SCALE, STRIDES
from .detector_pack import SETS
from .detector_scene import SIDE

THRESHOLD = 0.6  # the command's
CONTROL = 400  # pictures of each set of the training people, to tell what was learnt from what was memorised
NO_FACES = SETS.index("no_face")


class Check:
    """The pictures lie on the device, as the command would place them."""

    def __init__(self, pack, device):
        sets, training = pack["sets"], pack["training"]
        order = np.random.default_rng(1).permutation(len(sets))
        control = [i for kind in range(NO_FACES) for i in order[training[order] & (sets[order] == kind)][:CONTROL]]
        chosen = np.concatenate([np.flatnonzero(~training), np.array(sorted(control), np.int64)])
        self.sets, self.training = sets[chosen], training[chosen]
        pixels = np.zeros((len(chosen), SIDE, SIDE, 3), np.uint8)
        self.main = np.zeros((len(chosen), 14), np.float32)
        faces, owner = pack["faces"], pack["owner"]
        for i, index in enumerate(chosen):
            picture = decoded_picture(pack, index)
            if picture.shape[2] == 4:
                picture = (picture[..., :3] * (picture[..., 3:] / 255.0)).astype(np.uint8)
            height, width = picture.shape[:2]
            size = [max(1, round(v * SIDE / max(height, width))) for v in (width, height)]
            pixels[i, :size[1], :size[0]] = cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR)
            mine = faces[owner == index]
            if len(mine):
                factor = np.tile([size[0] / width, size[1] / height], 7)
                self.main[i] = mine[np.argmax(mine[:, 2] * mine[:, 3]), :14] * factor
        self.pixels = torch.from_numpy(pixels).to(device)

    @torch.no_grad()
    def __call__(self, network, batch=64):
        """{what: number}: per set and role found (of those the teacher found) and the points' mean error; no_face seen, at three doubts."""
        network.eval()
        main = torch.from_numpy(self.main).to(self.pixels.device)
        scores, errors = [], []
        for i in range(0, len(self.pixels), batch):
            x = self.pixels[i:i + batch].permute(0, 3, 1, 2).float() / SCALE
            true = main[i:i + batch]
            logits, boxes, points = [], [], []
            for (cls, obj, box, marks), stride in zip(network(x.contiguous(memory_format=torch.channels_last)), STRIDES):
                b, p = decoded(box, marks, stride)
                logits.append(torch.stack([cls[:, 0].float().flatten(1), obj[:, 0].float().flatten(1)], -1))
                boxes.append(b.flatten(1, 2))
                points.append(p.flatten(1, 2))
            logits, boxes, points = torch.cat(logits, 1), torch.cat(boxes, 1), torch.cat(points, 1)
            at_doubts = [torch.sigmoid(logits - doubt).prod(-1).sqrt() for doubt in (0.0, DOUBT, 2 * DOUBT)]
            # The main face's cells; where the teacher saw none, all.
            true_box = torch.cat([true[:, :2] + true[:, 2:4] / 2, true[:, 2:4].clamp(min=1e-3)], 1)[:, None]
            mine = (overlap(boxes, true_box)[0] > 0.3) | (true[:, 2] == 0)[:, None]
            best = (at_doubts[1] * mine).argmax(1)
            scores.append(torch.stack([(s * mine).max(1).values for s in at_doubts], 1))
            here = points[torch.arange(len(best), device=best.device), best]
            away = (here - true[:, 4:]).reshape(-1, 5, 2).norm(dim=-1).mean(1)
            errors.append(away / eye_distance(true[:, 4:], true[:, 2:4].max(1).values).clamp(min=1e-3))
        scores, errors = torch.cat(scores).cpu().numpy(), torch.cat(errors).cpu().numpy()
        if not (np.isfinite(scores).all() and np.isfinite(errors).all()):
            raise RuntimeError("the detector's answers are not finite")
        seen = scores >= THRESHOLD
        result = {}
        for kind, name in enumerate(SETS[:NO_FACES]):
            for role, of_role in (("validation", ~self.training), ("training", self.training)):
                mine = (self.sets == kind) & of_role & (self.main[:, 2] > 0)
                if mine.any():
                    found = mine & seen[:, 1]
                    result[f"{name}_{role}"] = (int(mine.sum()), seen[mine].sum(0).tolist(), float(errors[found].mean()) if found.any() else 1.0)
        nothing = (self.sets == NO_FACES) & ~self.training
        result["no_face"] = (int(nothing.sum()), seen[nothing].sum(0).tolist(), 0.0)
        return result


def shown(result):
    """Lines to print: found at no, full and double doubt, and the points' error."""
    return "\n".join(f"  {name}: {'/'.join(str(n) for n in found)} of {count}" + (f", points {100 * error:.2f} %" if error else "")
                     for name, (count, found, error) in result.items())


def worth(result):
    """Lower is better: points of validation, and a share of the misses and of the faces seen in nothing."""
    parts = []
    for name in ("lfw", "frontal", "profile"):
        count, found, error = result.get(f"{name}_validation", (1, [1], 0.0))
        parts.append(error + 2 * (1 - found[1] / count))
    count, found, _ = result["no_face"]
    return sum(parts) / len(parts) + found[1] / max(count, 1)
