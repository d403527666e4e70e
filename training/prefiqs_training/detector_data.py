"""Batches of the detector's training, drawn where the network is: the pictures stay in the device's memory, scenes say what lies where.

On a GPU nothing but the scenes' numbers crosses the bus; on a CPU the same code runs canvas by canvas, in its cache.
"""

import concurrent.futures
import functools

import cv2
import numpy as np
import torch
import torch.nn.functional as F

from . import augment
from .detector_scene import DRAWN, FACE, GREY, LEVELS, SIDE

DRAWN_SEED = 20261129
# Parts of a batch that are made worse in each way.
SMALL, BLURRED, NOISY, COMPRESSED = 0.08, 0.12, 0.12, 0.12


def decoded(pack, index):
    start = int(pack["ends"][index - 1]) if index else 0
    picture = cv2.imdecode(pack["code"][start:int(pack["ends"][index])], cv2.IMREAD_UNCHANGED)
    if picture is None:
        raise ValueError(f"picture {index} of the pack cannot be decoded")
    return picture


def _levels(picture):
    """The picture and its halves as 32-bit texels of blue, green, red and opacity."""
    if picture.shape[2] == 3:
        picture = np.dstack([picture, np.full(picture.shape[:2], 255, np.uint8)])
    found = []
    for level in range(LEVELS):
        if level:
            size = [max(1, (v + 1) // 2) for v in found[-1].shape[:2]]
            picture = cv2.resize(picture, size[::-1], interpolation=cv2.INTER_AREA)
        found.append(np.ascontiguousarray(picture).view(np.int32)[..., 0])
    return found


class Pictures:
    """Pixels of the pack's pictures and of the drawn ones behind them, on `device`."""

    def __init__(self, pack, device, threads):
        def one(index):
            if index < pictures:
                return _levels(decoded(pack, index))
            return _levels(augment.non_face(np.random.default_rng([DRAWN_SEED, index - pictures]))[..., ::-1])

        pictures = len(pack["ends"])
        with concurrent.futures.ThreadPoolExecutor(threads) as workers:
            levels = [level for found in workers.map(one, range(pictures + DRAWN)) for level in found]
        shape = np.array([level.shape for level in levels], np.int64)
        sizes = shape.prod(1)
        self.texels = torch.empty(int(sizes.sum()), dtype=torch.int32, device=device)
        self.first = torch.from_numpy(np.cumsum(sizes) - sizes).to(device)
        self.shape = torch.from_numpy(shape[:, ::-1].astype(np.float32).copy()).to(device)  # width, height
        # In pieces: the host need not hold all of it once more.
        at = 0
        for i in range(0, len(levels), 4096):
            piece = torch.from_numpy(np.concatenate([level.ravel() for level in levels[i:i + 4096]]))
            self.texels[at:at + len(piece)] = piece.to(device)
            at += len(piece)


def _sampled(pictures, unit, first, table, columns, rows):
    """(colours, opacity) at pixels whose unit is known; each column of `table` holds a unit's map, bounds and size."""
    # Plane by plane, not as table.T[unit]: each of the many passes below then reads what it needs and no more.
    a, b, c, d, e, f, low_x, low_y, high_x, high_y, width, height = table.index_select(1, unit.flatten()).view(-1, *unit.shape)
    u, v = a * columns + b * rows + c, d * columns + e * rows + f
    inside = (u >= low_x) & (u <= high_x) & (v >= low_y) & (v <= high_y)
    u, v = u - 0.5, v - 0.5
    left, top = u.floor(), v.floor()
    along, down = (u - left)[..., None], (v - top)[..., None]
    first = first[unit]
    corners = []
    for y in (top, top + 1):
        line = first + (torch.minimum(y.clamp(min=0), height - 1) * width).long()
        for x in (left, left + 1):
            texel = pictures.texels[line + torch.minimum(x.clamp(min=0), width - 1).long()]
            corners.append(texel[..., None].view(torch.uint8).float())
    colours = torch.lerp(torch.lerp(corners[0], corners[1], along), torch.lerp(corners[2], corners[3], along), down)
    return colours[..., :3], colours[..., 3:] / 255 * inside[..., None]


def laid(pictures, scene):
    """N x 3 x SIDE x SIDE: the units of some canvases, 0 to 255."""
    number = scene["picture"] * LEVELS + scene["level"]
    first, size = pictures.first[number].flatten(), pictures.shape[number]
    factor = size / pictures.shape[scene["picture"] * LEVELS]
    table = torch.cat([(scene["back"] * factor[..., None]).flatten(2), scene["bounds"] * factor.repeat(1, 1, 2), size], 2)
    # What is not shown has its bounds outside of everything.
    table[..., 6:8] += torch.where(scene["shown"], 0.0, 1e9)[..., None]
    units, table = table.shape[1], table.flatten(0, 1).t().contiguous()
    place = torch.arange(SIDE, device=table.device) + 0.5
    columns, rows = place[None, None, :], place[None, :, None]
    canvas = torch.arange(len(number), device=table.device)[:, None, None] * units
    behind, seen = _sampled(pictures, canvas, first, table, columns, rows)
    behind = behind * seen
    area = 1 + (columns > scene["cut"][:, 0, None, None]).long() + 2 * (rows > scene["cut"][:, 1, None, None]).long()
    before, seen = _sampled(pictures, canvas + area, first, table, columns, rows)
    return torch.lerp(behind, before, seen).permute(0, 3, 1, 2)


def _blurred(x, sigma):
    reach = 7
    place = torch.arange(-reach, reach + 1, device=x.device)
    kernel = torch.exp(-0.5 * (place / sigma[:, None]) ** 2)
    kernel = (kernel / kernel.sum(1, keepdim=True)).repeat_interleave(3, 0)
    many = x.flatten(0, 1)[None]
    many = F.conv2d(F.pad(many, (0, 0, reach, reach), mode="replicate"), kernel[:, None, :, None], groups=many.shape[1])
    many = F.conv2d(F.pad(many, (reach, reach, 0, 0), mode="replicate"), kernel[:, None, None, :], groups=many.shape[1])
    return many.view(x.shape)


def _cosines():
    place = np.arange(8)
    waves = np.sqrt(np.where(place == 0, 1 / 8, 1 / 4))[:, None] * np.cos(np.pi * (2 * place[None] + 1) * place[:, None] / 16)
    return waves.astype(np.float32)


# What JPEG divides by at quality 50, brightness (ITU T.81, table K.1), and the colours' mixing (JFIF).
_DIVISORS = np.array([[16, 11, 10, 16, 24, 40, 51, 61], [12, 12, 14, 19, 26, 58, 60, 55], [14, 13, 16, 24, 40, 57, 69, 56],
                      [14, 17, 22, 29, 51, 87, 80, 62], [18, 22, 37, 56, 68, 109, 103, 77], [24, 35, 55, 64, 81, 104, 113, 92],
                      [49, 64, 78, 87, 103, 121, 120, 101], [72, 92, 95, 98, 112, 100, 103, 99]], np.float32)
_MIX = np.array([[0.114, 0.587, 0.299], [0.5, -0.3313, -0.1687], [-0.0813, -0.4187, 0.5]], np.float32)


@functools.lru_cache(maxsize=None)
def _jpeg_tables(device):
    """Copied once: each copy from the host would make it wait for the device."""
    return [torch.from_numpy(np.ascontiguousarray(v)).to(device) for v in (_cosines(), _MIX, np.linalg.inv(_MIX), _DIVISORS)]


def _compressed(x, quality):
    """What JPEG's rounding leaves; colour at full resolution, rounded as brightness is."""
    cosines, mix, unmix, divisors = _jpeg_tables(x.device)
    scale = torch.where(quality < 50, 50 / quality, 2 - quality / 50)
    divisors = (divisors * scale[:, None, None]).clamp(min=1)[:, None, None, :, None, :]
    cells = torch.einsum("dc,nchw->ndhw", mix, x).reshape(len(x), 3, SIDE // 8, 8, SIDE // 8, 8)
    waves = torch.einsum("ui,nchiwj,vj->nchuwv", cosines, cells, cosines)
    waves = (waves / divisors).round() * divisors
    cells = torch.einsum("ui,nchuwv,vj->nchiwj", cosines, waves, cosines)
    return torch.einsum("dc,nchw->ndhw", unmix, cells.reshape(x.shape))


def _spoilt(x, scene):
    """In place of what happens to pictures: light, colour, size, blur, noise, compression."""
    generator = torch.Generator(device=x.device)
    generator.manual_seed(scene["seed"] % 2**31)
    light = (x / 255).clamp(1e-4, 1) ** scene["gamma"][:, None, None, None]
    x = 255 * (light * scene["gain"][:, :, None, None] + scene["lift"][:, None, None, None])
    grey = 0.114 * x[:, :1] + 0.587 * x[:, 1:2] + 0.299 * x[:, 2:]
    x = torch.lerp(x, grey.expand_as(x), scene["grey"][:, None, None, None]).clamp(0, 255)
    batch = len(x)

    def some(share, start):
        first = int(start * batch)
        return scene["order"][first:first + int(np.ceil(share * batch))]

    chosen = some(SMALL, 0)
    small = F.interpolate(x[chosen], size=scene["small"], mode="area")
    x[chosen] = F.interpolate(small, size=SIDE, mode="bilinear", align_corners=False)
    chosen = some(BLURRED, 0.2)
    x[chosen] = _blurred(x[chosen], scene["sigma"][chosen])
    chosen = some(NOISY, 0.25)
    noise = torch.randn(x[chosen].shape, device=x.device, generator=generator)
    x[chosen] = x[chosen] + noise * scene["noise"][chosen][:, None, None, None]
    chosen = some(COMPRESSED, 0.3)
    x[chosen] = _compressed(x[chosen], scene["jpeg"][chosen])
    return x.clamp(0, 255).round()


def batch_of(pictures, scene):
    """(N x 3 x SIDE x SIDE pixels 0 to 255, BGR, faces N x K x 14, their states) on the pictures' device."""
    device = pictures.texels.device
    on_device = {}
    for name, value in scene.items():
        if isinstance(value, np.ndarray):
            value = torch.from_numpy(value)
            value = value.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else value
        on_device[name] = value
    chunk = 32 if device.type == "cuda" else 1
    whole = range(0, len(scene["cut"]), chunk)
    cut = ("cut", "picture", "level", "shown", "back", "bounds")
    x = torch.cat([laid(pictures, {k: on_device[k][i:i + chunk] for k in cut}) for i in whole])
    return _spoilt(x.contiguous(), on_device), on_device["faces"], on_device["states"]


def targets(faces, states, strides, sizes, near):
    """For each stride: cells' state (1 face, 0 not, -1 not asked), N x H x W, and what is wanted there, N x H x W x 14.

    A cell learns a face when the face's longer side suits its stride (`sizes`) and its centre is near: within `near` strides,
    or a fifth of the face up to 2.5 strides. Other cells in the middle of a face, and those in grey boxes, are not asked.
    """
    found = []
    box = faces[:, :, None, None, :4]
    is_face, is_grey = ((states == kind)[:, :, None, None] for kind in (FACE, GREY))
    width, height = box[..., 2].clamp(min=1e-3), box[..., 3].clamp(min=1e-3)
    size = torch.maximum(width, height)
    for stride in strides:
        place = (torch.arange(SIDE // stride, device=faces.device) + 0.5) * stride
        column, row = place[None, None, None, :], place[None, None, :, None]
        in_grey = is_grey & (column > box[..., 0]) & (column < box[..., 0] + width) & (row > box[..., 1]) & (row < box[..., 1] + height)
        right, down = column - box[..., 0] - width / 2, row - box[..., 1] - height / 2
        in_face = is_face & ((right / width) ** 2 + (down / height) ** 2 < 0.16)
        away = torch.maximum(right.abs(), down.abs())
        low, high = sizes[stride]
        mine = is_face & (size >= low) & (size < high) & (away < (0.2 * size).clamp(min=near * stride)) & (away < 2.5 * stride)
        nearest, owner = torch.where(mine, away, torch.full_like(away, 1e9)).min(1)
        state = torch.where(nearest < 1e9, 1, torch.where((in_grey | in_face).any(1), -1, 0))
        index = owner.flatten(1)[..., None].expand(-1, -1, faces.shape[2])
        found.append((state, faces.gather(1, index).view(*owner.shape, -1)))
    return found
