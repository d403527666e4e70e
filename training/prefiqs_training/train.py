"""Step 3. Trains the student; stops and goes on at any step.

    python3 -m prefiqs_training.train --data DATA --work work/ --epochs 16 [--minutes 60]

Loss, t being the unit target of the sharp crop and f the student's embedding of the spoilt one:
- ||f / sqrt(d) - (1 - badness / 2) t||^2: the best answer is the mean of what the face may be, so what cannot be told has a short
  embedding, shorter the more a face was spoilt, and a picture of no face has the target 0. Short embeddings drift far when pruned;
- 1 - cos(f, t), less for faces spoilt more;
- the batch's cosines between faces against the teacher's (relations);
- cross entropy of f against all targets as classes (each face is its own class; others of the same person do not count).
The weights that are kept are a running mean over steps.
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
from .checkpoints import save
from .export import load_weights
from .faces import MARGIN, SIDE
from .network import Student
from .people import TRAIN
from .verify import accuracy, pair_sets, read_faces

BATCH = 64
NON_FACES = 5
SEED = 20261125


_crops, _trained = None, None  # of the process that makes batches


def use_crops(crops, trained):
    """`trained`: the numbers of those that anything may be made of, broken faces too."""
    global _crops, _trained
    cv2.setNumThreads(1)
    _crops, _trained = crops, trained


def open_crops(work, trained):
    use_crops(np.load(work / "crops.npy", mmap_mode="r"), trained)


def crop_of(index):
    return _crops[index]


def batch_of(seed, indices, of_none=NON_FACES):
    """(uint8 pictures, faces first, then so many of no face; how bad the faces were made). The same for the same seed in any process."""
    rng = np.random.default_rng(seed)
    crops = _crops
    pictures, badness = zip(*(augment.face(rng, crops[i]) for i in indices))
    pictures = list(pictures)
    for _ in range(of_none):
        pictures.append(augment.non_face(rng) if rng.random() < 0.6 else augment.broken_face(rng, crops[_trained[rng.integers(len(_trained))]]))
    return np.stack(pictures), np.array(badness, np.float32)


def to_network(pictures):
    x = torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2)
    return ((x.float() - 127.5) / 127.5).contiguous(memory_format=torch.channels_last)


def losses(f, badness, target, bank, same_person):
    count = len(target)
    scaled = f / f.shape[1] ** 0.5
    none = scaled[count:].pow(2).sum(1).mean()
    scaled = scaled[:count]
    mean_square = (scaled - (1 - badness[:, None] / 2) * target).pow(2).sum(1).mean()
    direction = F.normalize(scaled, dim=1)
    weight = 1 - 0.7 * badness
    cosine = (weight * (1 - (direction * target).sum(1))).mean()
    relations = (direction @ direction.t() - target @ target.t()).pow(2).mean()
    rows, same, place = same_person
    classed = len(place)  # the first so many; the others are nobody's faces
    logits = 24 * direction[:classed] @ bank.t()
    logits = logits.masked_fill(same, float("-inf")).scatter(1, place[:, None], logits[rows, place][:, None])
    entropy = (weight[:classed] * F.cross_entropy(logits, place, reduction="none")).mean()
    return {"mean_square": mean_square, "cosine": cosine, "relations": relations, "entropy": entropy, "none": none}


WEIGHTS = {"mean_square": 1.0, "cosine": 1.0, "relations": 4.0, "entropy": 0.1, "none": NON_FACES / BATCH * 2}


@torch.no_grad()
def embed(network, crops, indices):
    network.eval()
    device = next(network.parameters()).device
    centre = slice(MARGIN, MARGIN + SIDE)
    rows = []
    for start in range(0, len(indices), 64):
        with torch.autocast(device.type, torch.bfloat16):
            rows.append(network(to_network(crops[indices[start:start + 64]][:, centre, centre]).to(device)))
    return F.normalize(torch.cat(rows).float(), dim=1).cpu().numpy()


def validate(network, crops, sets):
    used = np.unique(np.concatenate([pairs.ravel() for pairs, _ in sets.values()]))
    rows = np.zeros((len(crops), 128), np.float32)
    rows[used] = embed(network, crops, used)
    return {name: round(100 * accuracy(rows, *chosen), 2) for name, chosen in sets.items()}


def training_set(work):
    """(rows of faces.csv, numbers of those trained on, a number for each of their people, their unit targets)."""
    faces = read_faces(work)
    targets = torch.from_numpy(np.load(work / "targets.npy"))
    trained = np.array([i for i, f in enumerate(faces) if f["role"] == TRAIN])
    names = {}
    person = torch.tensor([names.setdefault((f["set"], f["person"] or i), len(names)) for i, f in enumerate(faces)])[trained]
    return faces, trained, person, targets[trained]


def own_and_same(person, place):
    """What losses() wants to know of the batch's classes."""
    return torch.arange(len(place), device=place.device), person[place][:, None] == person[None, :], place


class Mean:
    """Running mean of weights and of what BatchNormalization has seen."""

    def __init__(self, network, decay=0.998):
        self.decay, self.state = decay, {k: v.clone().float() for k, v in network.state_dict().items()}

    def update(self, network, step):
        decay = min(self.decay, (step + 1) / (step + 20))
        for k, v in network.state_dict().items():
            self.state[k].lerp_(v.float(), 1 - decay)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--work", required=True, type=Path)
    parser.add_argument("--epochs", type=int, default=16)
    parser.add_argument("--rate", type=float, default=1.5e-3)
    parser.add_argument("--minutes", type=float, default=1e9, help="stop, resumable, after so long")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--start-from", help="weights of models/prefiqs_face.onnx, where there is no checkpoint yet")
    arguments = parser.parse_args()
    torch.manual_seed(SEED)
    torch.set_num_threads(arguments.threads)
    faces, trained, person, bank = training_set(arguments.work)
    maker = concurrent.futures.ProcessPoolExecutor(1, initializer=open_crops, initargs=(arguments.work, trained))
    crops = np.load(arguments.work / "crops.npy", mmap_mode="r")
    validation = pair_sets(arguments.data, faces, -2)

    network = Student().to(memory_format=torch.channels_last)
    if arguments.start_from:
        load_weights(network, arguments.start_from)
    decayed = [p for p in network.parameters() if p.ndim > 1]
    plain = [p for p in network.parameters() if p.ndim <= 1]
    optimiser = torch.optim.AdamW([{"params": decayed, "weight_decay": 0.05}, {"params": plain, "weight_decay": 0.0}], lr=arguments.rate)
    mean = Mean(network)
    per_epoch = len(trained) // BATCH
    total = per_epoch * arguments.epochs
    step, checkpoint = 0, arguments.work / "checkpoint.pt"
    if checkpoint.exists():
        saved = torch.load(checkpoint)
        network.load_state_dict(saved["network"])
        optimiser.load_state_dict(saved["optimiser"])
        mean.state, step = saved["mean"], saved["step"]
        print(f"goes on at step {step} of {total}", flush=True)

    def keep():
        save(checkpoint, {"network": network.state_dict(), "optimiser": optimiser.state_dict(), "mean": mean.state, "step": step})

    def ordered(step):
        epoch, place = divmod(step, per_epoch)
        chosen = np.random.default_rng([SEED, epoch]).permutation(len(trained))[place * BATCH:(place + 1) * BATCH]
        return chosen, maker.submit(batch_of, [SEED, 1, step], trained[chosen])

    started, sums, seen = time.time(), {}, 0
    coming = ordered(step)
    while step < total:
        chosen, batch = coming
        coming = ordered(step + 1)
        x, badness = batch.result()
        x, badness = to_network(x), torch.from_numpy(badness)
        warm = min(1.0, (step + 1) / 300)
        rate = arguments.rate * warm * (0.01 + 0.99 * 0.5 * (1 + np.cos(np.pi * step / total)))
        for group in optimiser.param_groups:
            group["lr"] = float(rate)  # what a checkpoint may hold
        place_in_bank = torch.from_numpy(chosen)
        network.train()
        with torch.autocast("cpu", torch.bfloat16):
            f = network(x)
        parts = losses(f, badness, bank[place_in_bank], bank, own_and_same(person, place_in_bank))
        loss = sum(WEIGHTS[k] * v for k, v in parts.items())
        if not torch.isfinite(loss):
            raise RuntimeError(f"step {step}: the loss is not finite")
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimiser.step()
        mean.update(network, step)
        step += 1
        seen += 1
        for k, v in parts.items():
            sums[k] = sums.get(k, 0.0) + v.item()
        out_of_time = time.time() - started > arguments.minutes * 60
        if step % 50 == 0 or step == total or out_of_time:
            shown = " ".join(f"{k} {v / seen:.3f}" for k, v in sums.items())
            print(f"step {step}/{total} {(time.time() - started) / seen / BATCH * 1000:.1f} ms/face {shown}", flush=True)
        if step % 200 == 0 or step == total or out_of_time:
            keep()
        if step % per_epoch == 0 or step == total:
            average = Student().to(memory_format=torch.channels_last)
            average.load_state_dict(mean.state)
            print(f"epoch {step // per_epoch}: validation {validate(average, crops, validation)}", flush=True)
            sums, seen, started_epoch = {}, 0, time.time()
            arguments.minutes -= (started_epoch - started) / 60
            started = started_epoch
        if out_of_time:
            break


if __name__ == "__main__":
    main()
