"""Step 4. Trains the student's head once more, on its finished trunk, so that its drift says what it should.

    python3 -m prefiqs_training.head_train --work work/ --face face.npz --output OUT --steps 600    (after patient.py; without --face after train.py)
    python3 -m prefiqs_training.head_train --pack PACK --face face.npz --output OUT --minutes 2  (on a machine that has a GPU and the pack alone)
    python3 -m prefiqs_training.head_train --unpack OUT/head_1.npz --share 0.75 --face face.npz --work work/          (what export.py reads)

The paper's method takes any network as it is; this one is ours to make. The trunk and all statistics of normalisation stay as they were
left, so what is trained is what is deployed. Besides train.py's losses:
- drift: what pruning the head moves is ordered by how bad the pictures are, non-faces worst: for two of a batch, softplus of the worse
  one's lack of drift, by how much worse it is. Pictures that are not spoilt stay free to drift as they will;
- ladders: of one face spoilt more and more in one way each step drifts more than the one before;
- pruned: 1 - cos of the pruned head's answer and the target, for faces that are not spoilt: a pruned copy still recognises them.
No running mean of weights is kept: a mean of heads is pruned elsewhere than each of them, and its drift says little. OUT gets the
head as it is after every part of the schedule. `--share` goes only so far from the head that was found to the trained one: faults in
order are learnt soonest, and what is learnt last makes the drift a worse predictor of errors (training/README.md has the figures).
"""

import argparse
import time
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F

from . import augment
from .checkpoints import save, save_arrays
from .network import RECIPE, Student
from .train import BATCH, NON_FACES, SEED, WEIGHTS, batch_of, crop_of, losses, own_and_same, training_set, use_crops

DRIFT_SLOPE = 8
LADDERS, STEPS, LADDER_SLOPE = 8, 4, 25
NON_FACE_BADNESS = 1.3
CLEAN = 0.05  # badness
MORE_WEIGHTS = {"drift": 0.5, "ladders": 0.5, "pruned": 1.0}
PARTS = 4


@torch.no_grad()
def head_masks(network):
    """The smallest weights of the head go, all three layers by one threshold."""
    weights = network.head_weights()
    magnitudes = torch.cat([w.abs().flatten() for w in weights])
    threshold = magnitudes.kthvalue(int(RECIPE["sparsity"] * len(magnitudes))).values
    return [(w.abs() > threshold).float() for w in weights]


def drift_order(drift, badness):
    badness = F.pad(badness, (0, len(drift) - len(badness)), value=NON_FACE_BADNESS)
    worse = (badness[:, None] - badness[None, :]).clamp(min=0)
    return (worse * F.softplus(-DRIFT_SLOPE * (drift[:, None] - drift[None, :]))).sum() / worse.sum()


def drifts(whole, pruned):
    return (F.normalize(whole, dim=1) - F.normalize(pruned, dim=1)).norm(dim=1)


def ladder_order(drift):
    drift = drift.reshape(-1, STEPS)
    return F.softplus(-LADDER_SLOPE * (drift[:, 1:] - drift[:, :-1])).mean()


def pruned_clean(pruned, badness, target):
    clean = badness < CLEAN
    return (1 - (F.normalize(pruned[:len(badness)], dim=1) * target).sum(1))[clean].mean()


class Batches(torch.utils.data.Dataset):
    """The step'th batch, the same in any process: train.py's, then STEPS pictures each of its first `ladders` faces."""

    def __init__(self, trained, batch, ladders):
        self.trained, self.batch, self.ladders = trained, batch, ladders

    def __getitem__(self, step):
        cv2.setNumThreads(1)
        chosen = np.random.default_rng([SEED, 2, step]).choice(len(self.trained), self.batch, replace=False)
        seed, indices = [SEED, 3, step], self.trained[chosen]
        x, badness = batch_of(seed, indices, round(NON_FACES * self.batch / BATCH))
        rng = np.random.default_rng([*seed, 1])
        rungs = [p for i in indices[:self.ladders] for p in augment.ladder(rng, crop_of(i), STEPS)]
        return torch.from_numpy(np.stack([*x, *rungs])), torch.from_numpy(badness), torch.from_numpy(chosen)


def head_of(network):
    """Names of all that is trained here, and of the statistics that lie between."""
    return [k for k in network.state_dict() if k.startswith(("bn.", "fc.", "features.", f"body.{len(network.body) - 1}."))]


def write_head(path, network):
    """As fp32: what is pruned hangs on the order of the weights' sizes."""
    state = network.state_dict()
    save_arrays(path, {k: state[k].detach().cpu().numpy() for k in head_of(network)})


def load_state(network, *files):
    state = network.state_dict()
    for file in files:
        with np.load(file) as held:
            state.update({k: torch.from_numpy(held[k].astype(np.float32)) for k in held.files})
    network.load_state_dict(state)
    return network


def as_found(arguments):
    if arguments.face:
        return load_state(Student(), arguments.face)
    network = Student()
    network.load_state_dict(torch.load(arguments.work / "checkpoint.pt")["mean"])
    return network


def read(arguments):
    """(numbers of the crops to train on, a number for each of their people, their unit targets, the network to go on from)."""
    network = as_found(arguments).to(memory_format=torch.channels_last)
    if arguments.pack:
        from .patient import unpacked

        crops, person, bank, _ = unpacked(arguments.pack)
        trained = np.arange(len(bank))
        use_crops(crops[:len(bank)], trained)
        return trained, person, bank, network
    _, trained, person, bank = training_set(arguments.work)
    use_crops(np.load(arguments.work / "crops.npy", mmap_mode="r"), trained)
    return trained, person, bank, network


def train(arguments):
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(SEED)
    torch.set_num_threads(arguments.threads)
    trained, person, bank, network = read(arguments)
    arguments.output.mkdir(parents=True, exist_ok=True)
    checkpoint, saved, step = arguments.output / "head.pt", None, 0
    if checkpoint.exists():
        saved = torch.load(checkpoint, map_location="cpu")
        step = saved["step"]
        network.load_state_dict(saved["network"])
        print(f"goes on at step {step}", flush=True)
    loader = torch.utils.data.DataLoader(Batches(trained, arguments.batch, arguments.ladders), batch_size=None, num_workers=arguments.workers,
                                         sampler=range(step, 1 << 30), prefetch_factor=4, pin_memory=device.type == "cuda")
    coming = iter(loader)  # its processes are forked before anything is on the GPU
    network = network.to(device).eval()
    person, bank = person.to(device), bank.to(device)
    for p in network.parameters():
        p.requires_grad_(False)
    block = network.body[-1]
    decayed = network.head_weights()
    plain = [block.bn1.weight, block.bn1.bias, block.bn2.weight, block.bn2.bias, block.prelu.weight, block.bn3.weight, block.bn3.bias,
             network.bn.weight, network.bn.bias, network.fc.bias, network.features.weight, network.features.bias]
    for p in decayed + plain:
        p.requires_grad_(True)
    optimiser = torch.optim.AdamW([{"params": decayed, "weight_decay": 0.05}, {"params": plain, "weight_decay": 0.0}], lr=arguments.rate)
    if saved:
        optimiser.load_state_dict(saved["optimiser"])

    started = told = time.time()
    sums, seen, masks, part, spent = {}, 0, None, saved["part"] if saved else 0, saved["spent"] if saved else 0.0
    while True:
        spending = spent + time.time() - started
        done = step / arguments.steps if arguments.steps else spending / (60 * arguments.minutes)
        while part < min(PARTS, int(done * PARTS)):
            part += 1
            write_head(arguments.output / f"head_{part}.npz", network)
            print(f"part {part} of {PARTS}: step {step}", flush=True)
        if done >= 1:
            break
        pictures, badness, chosen = (t.to(device, non_blocking=True) for t in next(coming))
        for group in optimiser.param_groups:
            group["lr"] = float(arguments.rate * min(1.0, (step + 1) / 100) * 0.5 * (1 + np.cos(np.pi * done)))
        if step % 10 == 0 or masks is None:
            masks = head_masks(network)
        count = len(pictures) - arguments.ladders * STEPS
        with torch.autocast(device.type, torch.bfloat16):
            with torch.no_grad():
                x = ((pictures.permute(0, 3, 1, 2).float() - 127.5) / 127.5).contiguous(memory_format=torch.channels_last)
                trunk = network.trunk(x)
            whole, pruned = network.head_as_deployed(trunk), network.head_as_deployed(trunk, masks)
        parts = losses(whole[:count], badness, bank[chosen], bank, own_and_same(person, chosen))
        drift = drifts(whole, pruned)
        parts["drift"] = drift_order(drift[:count], badness)
        parts["ladders"] = ladder_order(drift[count:])
        parts["pruned"] = pruned_clean(pruned[:count], badness, bank[chosen])
        loss = sum({**WEIGHTS, **MORE_WEIGHTS}[k] * v for k, v in parts.items())
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        step, seen = step + 1, seen + 1
        for k, v in parts.items():
            sums[k] = sums.get(k, 0.0) + v.detach()
        if step % 100 == 0:
            numbers = {k: float(v) / seen for k, v in sums.items()}
            if not np.isfinite(list(numbers.values())).all():
                raise RuntimeError(f"step {step}: the loss is not finite")
            shown = " ".join(f"{k} {v:.4f}" for k, v in numbers.items())
            print(f"step {step} {100 * done:.0f} %, {(time.time() - told) / seen / arguments.batch * 1000:.2f} ms/face {shown}", flush=True)
            sums, seen, told = {}, 0, time.time()
            save(checkpoint, {"network": network.state_dict(), "optimiser": optimiser.state_dict(), "step": step, "part": part, "spent": spending})
    print("finished", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path)
    parser.add_argument("--pack", type=Path, help="patient.py's, instead of --work")
    parser.add_argument("--face", type=Path, help="what patient.py wrote; without it WORK/checkpoint.pt, what train.py wrote")
    parser.add_argument("--output", type=Path)
    parser.add_argument("--unpack", type=Path, help="one of OUT's heads: becomes WORK/head.pt, and --face WORK/checkpoint.pt")
    parser.add_argument("--share", type=float, default=1.0, help="how far from --face's head to --unpack's")
    parser.add_argument("--steps", type=int, help="of the schedule")
    parser.add_argument("--minutes", type=float, help="instead of --steps")
    parser.add_argument("--batch", type=int, default=BATCH)
    parser.add_argument("--ladders", type=int, default=LADDERS)
    parser.add_argument("--rate", type=float, default=4e-4)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--workers", type=int, default=1)
    arguments = parser.parse_args()
    if not (arguments.work or arguments.pack and not arguments.unpack):
        parser.error("say --work, or --pack where it trains")
    if arguments.pack and not arguments.face:
        parser.error("--pack needs --face")
    if arguments.unpack:
        network = as_found(arguments)
        found = {k: v.clone() for k, v in network.state_dict().items()}
        trained = load_state(network, arguments.unpack).state_dict()
        between = {k: torch.lerp(v, trained[k], arguments.share) if v.is_floating_point() else v for k, v in found.items()}
        if arguments.face:
            torch.save({"mean": found, "step": 0}, arguments.work / "checkpoint.pt")
        torch.save({"network": between}, arguments.work / "head.pt")
        return
    if (arguments.steps is None) == (arguments.minutes is None) or not arguments.output:
        parser.error("say --output and either --steps or --minutes")
    train(arguments)


if __name__ == "__main__":
    main()
