"""Step 3b, instead of train.py or after it. Trains the student for long against the teacher itself, on a GPU.

    python3 -m prefiqs_training.patient --pack PACK --data DATA --work work/       what the GPU's machine needs, in one folder: add
                                                                                   the teacher as PACK/teacher.onnx
    python3 -m prefiqs_training.patient --pack PACK --minutes 10 --output OUT      there; OUT/face.npz every minute and at the end; the same
                                                                                   command again goes on from OUT/patient.pt (a folder a run)
    python3 -m prefiqs_training.patient --unpack OUT/face.npz --work work/         back here: work/checkpoint.pt, to export it as it is

Fifteen thousand faces are too few to show a student all that its teacher knows. So about half of every batch are faces of nobody:
two faces laid over each other, one face's upper half on another's lower, a face bent like rubber. The teacher sees the very picture,
sharp; the student sees it spoilt as train.py spoils faces (cf. Beyer et al. 2022, "Knowledge distillation: a good teacher is patient
and consistent"). The rest of the batch, and the losses, are train.py's; faces of nobody are no classes of the cross entropy.
"""

import argparse
import concurrent.futures
import time
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F

from . import augment
from .checkpoints import save, save_arrays
from .export import load_weights
from .faces import MARGIN, SIDE
from .network import Student
from .teacher import MEAN, SCALE, unit
from .train import SEED, WEIGHTS, embed, losses, own_and_same, training_set

WHOLE = SIDE + 2 * MARGIN
BATCH = 512
NOBODY = 224  # of a batch's faces
NON_FACES = 40
_CENTRE = slice(MARGIN, MARGIN + SIDE)


def _bent(rng, crop):
    """The crop through a smooth random field of shifts."""
    cells = int(rng.integers(3, 7))
    field = rng.normal(0, rng.uniform(1, 5), (cells, cells, 2)).astype(np.float32)
    field = cv2.resize(field, (WHOLE, WHOLE), interpolation=cv2.INTER_CUBIC)
    column, row = np.meshgrid(np.arange(WHOLE, dtype=np.float32), np.arange(WHOLE, dtype=np.float32))
    return cv2.remap(crop, column + field[..., 0], row + field[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def nobody(rng, crops):
    """152 x 152 x 3 uint8: a face that none of `crops` shows."""
    first = crops[rng.integers(len(crops))]
    kind = rng.integers(4)
    if kind == 0:
        return _bent(rng, first)
    second = crops[rng.integers(len(crops))]
    if rng.random() < 0.5:
        second = second[:, ::-1]
    if kind == 1:
        # A soft edge somewhere between the eyes and the mouth.
        edge = MARGIN + rng.uniform(0.35, 0.8) * SIDE
        share = 1 / (1 + np.exp(-(np.arange(WHOLE) - edge) / rng.uniform(2, 8)))
        share = share.astype(np.float32)[:, None, None]
    else:
        share = np.float32(rng.uniform(0.2, 0.8))
    mixed = (first * (1 - share) + second * share).astype(np.uint8)
    return _bent(rng, mixed) if kind == 3 else mixed


class Batches(torch.utils.data.Dataset):
    """The step'th batch, the same in any process: spoilt pictures (people, nobody, no faces), what the teacher shall see of
    nobody, how bad the faces were made, which of the trained faces they are."""

    def __init__(self, crops, steps, batch):
        self.crops, self.steps, self.scale = crops, steps, batch / BATCH

    def __len__(self):
        return self.steps

    def __getitem__(self, step):
        cv2.setNumThreads(1)
        rng = np.random.default_rng([SEED, 7, step])
        count, of_nobody, of_none = (int(v * self.scale) for v in (BATCH, NOBODY, NON_FACES))
        chosen = rng.choice(len(self.crops), count - of_nobody, replace=False)
        faces = [self.crops[i] for i in chosen] + [nobody(rng, self.crops) for _ in range(of_nobody)]
        sharp = np.stack([face[_CENTRE, _CENTRE] for face in faces[len(chosen):]])
        pictures, badness = zip(*(augment.face(rng, face) for face in faces))
        none = [augment.non_face(rng) if rng.random() < 0.6 else augment.broken_face(rng, self.crops[rng.integers(len(self.crops))])
                for _ in range(of_none)]
        return (torch.from_numpy(np.stack([*pictures, *none])), torch.from_numpy(sharp),
                torch.from_numpy(np.array(badness, np.float32)), torch.from_numpy(chosen))


def _teacher_rows(teacher, sharp, mean, scale):
    x = ((sharp.permute(0, 3, 1, 2).float() - mean) / scale).contiguous(memory_format=torch.channels_last)
    with torch.no_grad(), torch.autocast(x.device.type, torch.bfloat16):
        rows = sum(next(iter(teacher(v).values())).float() for v in (x, x.flip(3)))
    return F.normalize(rows, dim=1)


def packed(arguments):
    """Writes the folder that travels: pictures as WebP, who is on them; beside it teacher.onnx is put by hand."""
    from .verify import pair_sets

    arguments.pack.mkdir(parents=True, exist_ok=True)
    faces, trained, person, bank = training_set(arguments.work)
    crops = np.load(arguments.work / "crops.npy", mmap_mode="r")
    sets = pair_sets(arguments.data, faces, -2)
    validated = np.unique(np.concatenate([pairs.ravel() for pairs, _ in sets.values()]))
    kept = np.concatenate([trained, np.setdiff1d(validated, trained)])
    place = {int(index): k for k, index in enumerate(kept)}
    pictures = [cv2.imencode(".webp", crops[i][..., ::-1], [cv2.IMWRITE_WEBP_QUALITY, arguments.quality])[1] for i in kept]
    ends = np.cumsum([len(p) for p in pictures])
    arrays = {"pictures": np.concatenate(pictures).ravel(), "ends": ends, "person": person.numpy(), "bank": bank.numpy().astype(np.float16)}
    for name, (pairs, mated) in sets.items():
        arrays[f"pairs {name}"] = np.vectorize(place.get)(pairs)
        arrays[f"mated {name}"] = mated
    np.savez(arguments.pack / "faces.npz", **arrays)
    print(f"{len(trained)} faces to train on, {len(kept) - len(trained)} more to validate, {ends[-1] / 2**20:.1f} MiB")


def _decoded(piece):
    return cv2.imdecode(piece, cv2.IMREAD_COLOR)[..., ::-1].copy()


def unpacked(pack):
    held = np.load(pack / "faces.npz")
    pictures = held["pictures"]
    with concurrent.futures.ThreadPoolExecutor() as pool:
        crops = np.stack(list(pool.map(_decoded, np.split(pictures, held["ends"][:-1]))))
    sets = {name[6:]: (held[name], held["mated " + name[6:]]) for name in held.files if name.startswith("pairs ")}
    return crops, torch.from_numpy(held["person"]), torch.from_numpy(unit(held["bank"].astype(np.float32))), sets


def write(path, state):
    """Weights as they are exported, fp16 but for the few: a checkpoint is to be carried."""
    arrays = {k: v.cpu().numpy() for k, v in state.items()}
    save_arrays(path, {k: v.astype(np.float16) if v.ndim > 1 else v for k, v in arrays.items()})


def train(arguments):
    from .onnx_torch import OnnxNetwork
    from .verify import accuracy

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(SEED)
    arguments.output.mkdir(parents=True, exist_ok=True)
    crops, person, bank, sets = unpacked(arguments.pack)
    person, bank = person.to(device), bank.to(device)
    validated = np.unique(np.concatenate([pairs.ravel() for pairs, _ in sets.values()]))
    teacher = OnnxNetwork(arguments.pack / "teacher.onnx", device)
    mean, scale = MEAN.to(device), SCALE.to(device)
    network = Student()
    if arguments.start_from:
        load_weights(network, arguments.start_from)
    network = network.to(device, memory_format=torch.channels_last)
    decayed = [p for p in network.parameters() if p.ndim > 1]
    plain = [p for p in network.parameters() if p.ndim <= 1]
    optimiser = torch.optim.AdamW([{"params": decayed, "weight_decay": 0.05}, {"params": plain, "weight_decay": 0.0}], lr=arguments.rate)
    state = {k: v.clone().float() for k, v in network.state_dict().items()}
    checkpoint, first, spent = arguments.output / "patient.pt", 0, 0.0
    if checkpoint.exists():
        saved = torch.load(checkpoint, map_location="cpu")  # AdamW keeps its steps there
        network.load_state_dict(saved["network"])
        optimiser.load_state_dict(saved["optimiser"])
        state = {k: v.to(device) for k, v in saved["average"].items()}
        first, spent = saved["step"], saved["spent"]
        print(f"goes on at step {first}, {spent / 60:.1f} minutes spent", flush=True)
    average = Student().to(device, memory_format=torch.channels_last)
    weights = {**WEIGHTS, "none": 2 * NON_FACES / BATCH}
    loader = torch.utils.data.DataLoader(Batches(crops[:len(bank)], 1 << 30, arguments.batch), batch_size=None, num_workers=arguments.workers,
                                         sampler=range(first, 1 << 30), prefetch_factor=4, pin_memory=device.type == "cuda")

    def validate():
        average.load_state_dict(state)
        rows = np.zeros((len(crops), bank.shape[1]), np.float32)
        rows[validated] = embed(average, crops, validated)
        return {name: round(100 * accuracy(rows, *chosen), 2) for name, chosen in sets.items()}

    def keep_all(steps, seconds):
        save(checkpoint, {"network": network.state_dict(), "optimiser": optimiser.state_dict(), "average": state, "step": steps, "spent": seconds})

    print(f"{device}, {len(bank)} faces, before: {validate()}", flush=True)
    started, told, sums, seen = time.time(), 0.0, {}, 0
    for step, (pictures, sharp, badness, chosen) in enumerate(loader, first):
        spending = spent + time.time() - started
        done = spending / (60 * arguments.minutes)
        if done >= 1:
            break
        pictures, sharp, badness, chosen = (t.to(device, non_blocking=True) for t in (pictures, sharp, badness, chosen))
        rate = float(arguments.rate * min(1.0, (step + 1) / 500) * (0.002 + 0.998 * 0.5 * (1 + np.cos(np.pi * done))))
        for group in optimiser.param_groups:
            group["lr"] = rate
        x = ((pictures.permute(0, 3, 1, 2).float() - 127.5) / 127.5).contiguous(memory_format=torch.channels_last)
        target = torch.cat([bank[chosen], _teacher_rows(teacher, sharp, mean, scale)])
        network.train()
        with torch.autocast(device.type, torch.bfloat16):
            f = network(x).float()
        parts = losses(f, badness, target, bank, own_and_same(person, chosen))
        loss = sum(weights[k] * v for k, v in parts.items())
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimiser.step()
        with torch.no_grad():
            keep = min(0.999, (step + 1) / (step + 20))
            for k, v in network.state_dict().items():
                state[k].lerp_(v.float(), 1 - keep)
        seen += 1
        if step % 20 == 0:
            for k, v in parts.items():
                sums.setdefault(k, []).append(v.detach())
        if time.time() - told > arguments.tell:
            shown = " ".join(f"{k} {torch.stack(v).mean().item():.4f}" for k, v in sums.items())
            if not torch.isfinite(loss):
                raise RuntimeError(f"step {step}: the loss is not finite")
            speed = seen * arguments.batch / max(time.time() - told, 1e-9) if told else 0
            print(f"step {step} {100 * done:.1f} % {speed:.0f} faces/s rate {rate:.2e} {shown} {validate()}", flush=True)
            write(arguments.output / "face.npz", state)
            keep_all(step + 1, spending)
            told, sums, seen = time.time(), {}, 0
    print(f"end: step {step} {validate()}", flush=True)
    write(arguments.output / "face.npz", state)
    keep_all(step, spending)
    print("finished", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pack", type=Path)
    parser.add_argument("--data")
    parser.add_argument("--work", type=Path)
    parser.add_argument("--quality", type=int, default=80, help="of WebP")
    parser.add_argument("--unpack", type=Path)
    parser.add_argument("--output", type=Path)
    parser.add_argument("--start-from", help="weights of models/prefiqs_face.onnx; without it the student begins with nothing")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--tell", type=float, default=60, help="seconds between lines and files")
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--batch", type=int, default=BATCH)
    parser.add_argument("--workers", type=int, default=9)
    arguments = parser.parse_args()
    if arguments.unpack:
        if not arguments.work:
            parser.error("--unpack needs --work")
        held = np.load(arguments.unpack)
        state = {k: torch.from_numpy(held[k].astype(np.float32)) for k in held.files}
        torch.save({"mean": state, "step": 0}, arguments.work / "checkpoint.pt")
    elif not arguments.pack or not (arguments.output or arguments.data and arguments.work):
        parser.error("say --pack and --output (to train), --pack, --data and --work (to pack), or --unpack")
    elif arguments.output:
        train(arguments)
    else:
        packed(arguments)


if __name__ == "__main__":
    main()
