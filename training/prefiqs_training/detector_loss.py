"""What the detector is asked, as one number: faces found, boxes, points. No step waits for the device.

cls learns face or not, obj the overlap of the cell's box with the true one.
"""

import torch
import torch.nn.functional as F

from .detector_data import targets
from .detector_network import STRIDES

SIZES = {8: (0, 56), 16: (36, 160), 32: (90, 1e9)}  # longer side of the faces of a stride, pixels
NEAR = 1.5
WEIGHTS = {"cls": 1.0, "obj": 1.0, "box": 2.0, "points": 4.0}


def overlap(a, b):
    """Intersection over union, and over the hull (GIoU), of boxes as centre and size in the last axis."""
    a0, a1, b0, b1 = a[..., :2] - a[..., 2:] / 2, a[..., :2] + a[..., 2:] / 2, b[..., :2] - b[..., 2:] / 2, b[..., :2] + b[..., 2:] / 2
    shared = (torch.minimum(a1, b1) - torch.maximum(a0, b0)).clamp(min=0).prod(-1)
    union = a[..., 2:].prod(-1) + b[..., 2:].prod(-1) - shared
    hull = (torch.maximum(a1, b1) - torch.minimum(a0, b0)).prod(-1)
    iou = shared / union
    return iou, iou - (hull - union) / hull


def focal(logits, target, gamma=2.0):
    probability = torch.sigmoid(logits)
    return F.binary_cross_entropy_with_logits(logits, target, reduction="none") * (probability - target).abs() ** gamma


def eye_distance(points, longer):
    """Of points x 10 in the last axis. Profiles have their eyes on top of each other: at least a third of the box, as measure.py has it."""
    return torch.maximum(torch.hypot(points[..., 0] - points[..., 2], points[..., 1] - points[..., 3]), longer / 3)


def decoded(box, points, stride):
    """(boxes as centre and size, points) in pixels from N x 4 x H x W and N x 10 x H x W; N x H x W x 4 and 10."""
    height, width = box.shape[2:]
    column = torch.arange(width, device=box.device).float()[None, None, :].expand(1, height, -1)
    row = torch.arange(height, device=box.device).float()[None, :, None].expand(1, -1, width)
    cell = torch.stack([column, row], -1) * stride
    box, points = box.permute(0, 2, 3, 1).float(), points.permute(0, 2, 3, 1).float()
    boxes = torch.cat([cell + box[..., :2] * stride, torch.exp(box[..., 2:].clamp(max=6)) * stride], -1)
    return boxes, cell.repeat(1, 1, 1, 5) + points * stride


def losses(levels, faces, states):
    """Sums of each part over the cells, divided by the number of cells that learn a face, and of the points' error in eye distances."""
    parts = {"cls": 0.0, "obj": 0.0, "box": 0.0, "points": 0.0, "error": 0.0}
    cells = 0.0
    value = torch.arange(faces.shape[2], device=faces.device)
    harmless_box = ((value == 2) | (value == 3)) * 32.0
    found = targets(faces, states, STRIDES, SIZES, NEAR)
    for (cls, obj, box, points), (state, want), stride in zip(levels, found, STRIDES):
        asked, face = (state >= 0).float(), (state == 1).float()
        cells = cells + face.sum()
        cls, obj = cls[:, 0].float(), obj[:, 0].float()
        parts["cls"] = parts["cls"] + (focal(cls, face) * asked).sum()
        # Cells without a face get a harmless box, so that nothing undefined is multiplied by their zero.
        harmless = torch.where(face[..., None] > 0, want, harmless_box)
        is_box, is_points = decoded(box, points, stride)
        true_box = torch.cat([harmless[..., :2] + harmless[..., 2:4] / 2, harmless[..., 2:4]], -1)
        iou, giou = overlap(is_box, true_box)
        parts["box"] = parts["box"] + ((1 - giou) * face).sum()
        away = (is_points - harmless[..., 4:]) / eye_distance(harmless[..., 4:], harmless[..., 2:4].max(-1).values)[..., None]
        away = away * face[..., None]
        parts["points"] = parts["points"] + F.smooth_l1_loss(away, torch.zeros_like(away), reduction="sum", beta=0.02)
        parts["error"] = parts["error"] + away.detach().reshape(*away.shape[:3], 5, 2).norm(dim=-1).mean(-1).sum()
        quality = iou.detach().clamp(0, 1) * face
        parts["obj"] = parts["obj"] + (focal(obj, quality) * asked).sum()
    cells = cells.clamp(min=1)
    return {k: v / cells for k, v in parts.items()}
