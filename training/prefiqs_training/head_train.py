"""Step 4. Trains the student's head once more, on its finished trunk, so that its drift says what it should.

    python3 -m prefiqs_training.head_train --work work/ --steps 1500 [--stop-after 300]

The paper's method takes any network as it is; this one is ours to make. The trunk and all statistics of normalisation stay as train.py
left them, so what is trained is what is deployed. Besides train.py's losses:
- drift: what pruning the head moves is ordered by how bad the pictures are, non-faces worst: for two of a batch, softplus of the worse
  one's lack of drift, by how much worse it is. Pictures that are not spoilt stay free to drift as they will;
- ladders: of one face spoilt more and more in one way each step drifts more than the one before;
- pruned: 1 - cos of the pruned head's answer and the target, for faces that are not spoilt: a pruned copy still recognises them.
No running mean of weights is kept: a mean of heads is pruned elsewhere than each of them, and its drift says little.
"""

import argparse
import concurrent.futures
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from . import augment
from .network import RECIPE, Student
from .train import BATCH, SEED, WEIGHTS, batch_of, crop_of, losses, open_crops, own_and_same, to_network, training_set

DRIFT_SLOPE = 8
LADDERS, STEPS, LADDER_SLOPE = 8, 4, 25
NON_FACE_BADNESS = 1.3
CLEAN = 0.05  # badness
MORE_WEIGHTS = {"drift": 0.5, "ladders": 0.5, "pruned": 1.0}


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


def batch_and_ladders(seed, indices):
    """train.py's batch, and STEPS pictures each of its first LADDERS faces."""
    x, badness = batch_of(seed, indices)
    rng = np.random.default_rng([*seed, 1])
    return x, badness, np.stack([p for i in indices[:LADDERS] for p in augment.ladder(rng, crop_of(i), STEPS)])


def drifts(whole, pruned):
    return (F.normalize(whole, dim=1) - F.normalize(pruned, dim=1)).norm(dim=1)


def ladder_order(drift):
    drift = drift.reshape(-1, STEPS)
    return F.softplus(-LADDER_SLOPE * (drift[:, 1:] - drift[:, :-1])).mean()


def pruned_clean(pruned, badness, target):
    clean = badness < CLEAN
    return (1 - (F.normalize(pruned[:len(badness)], dim=1) * target).sum(1))[clean].mean()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", required=True, type=Path)
    parser.add_argument("--steps", type=int, default=1500, help="of the schedule")
    parser.add_argument("--stop-after", type=int, help="so many of them; the same command goes on from there")
    parser.add_argument("--rate", type=float, default=4e-4)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.manual_seed(SEED)
    torch.set_num_threads(arguments.threads)
    maker = concurrent.futures.ProcessPoolExecutor(1, initializer=open_crops, initargs=(arguments.work,))

    _, trained, person, bank = training_set(arguments.work)
    network = Student().to(memory_format=torch.channels_last)
    network.load_state_dict(torch.load(arguments.work / "checkpoint.pt")["mean"])
    network.eval()
    for p in network.parameters():
        p.requires_grad_(False)
    block = network.body[-1]
    decayed = network.head_weights()
    plain = [block.bn1.weight, block.bn1.bias, block.bn2.weight, block.bn2.bias, block.prelu.weight, block.bn3.weight, block.bn3.bias,
             network.bn.weight, network.bn.bias, network.fc.bias, network.features.weight, network.features.bias]
    for p in decayed + plain:
        p.requires_grad_(True)
    optimiser = torch.optim.AdamW([{"params": decayed, "weight_decay": 0.05}, {"params": plain, "weight_decay": 0.0}], lr=arguments.rate)

    def ordered(step):
        chosen = np.random.default_rng([SEED, 2, step]).choice(len(trained), BATCH, replace=False)
        return chosen, maker.submit(batch_and_ladders, [SEED, 3, step], trained[chosen])

    checkpoint, first = arguments.work / "head.pt", 0
    if checkpoint.exists():
        saved = torch.load(checkpoint)
        network.load_state_dict(saved["network"])
        optimiser.load_state_dict(saved["optimiser"])
        first = saved["step"]
        print(f"goes on at step {first} of {arguments.steps}", flush=True)
    last = min(arguments.steps, arguments.stop_after or arguments.steps)
    started, sums, seen, masks = time.time(), {}, 0, None
    coming = ordered(first)
    for step in range(first, last):
        chosen, batch = coming
        coming = ordered(step + 1)
        x, badness, rungs = batch.result()
        count, badness = len(x), torch.from_numpy(badness)
        for group in optimiser.param_groups:
            group["lr"] = arguments.rate * min(1.0, (step + 1) / 100) * 0.5 * (1 + np.cos(np.pi * step / arguments.steps))
        if step % 10 == 0 or masks is None:
            masks = head_masks(network)
        place = torch.from_numpy(chosen)
        with torch.autocast("cpu", torch.bfloat16):
            with torch.no_grad():
                trunk = network.trunk(to_network(np.concatenate([x, rungs])))
            whole, pruned = network.head_as_deployed(trunk), network.head_as_deployed(trunk, masks)
        parts = losses(whole[:count], badness, bank[place], bank, own_and_same(person, place))
        drift = drifts(whole, pruned)
        parts["drift"] = drift_order(drift[:count], badness)
        parts["ladders"] = ladder_order(drift[count:])
        parts["pruned"] = pruned_clean(pruned[:count], badness, bank[place])
        loss = sum({**WEIGHTS, **MORE_WEIGHTS}[k] * v for k, v in parts.items())
        if not torch.isfinite(loss):
            raise RuntimeError(f"step {step}: the loss is not finite")
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        seen += 1
        for k, v in parts.items():
            sums[k] = sums.get(k, 0.0) + v.item()
        if (step + 1) % 100 == 0 or step + 1 == last:
            shown = " ".join(f"{k} {v / seen:.3f}" for k, v in sums.items())
            print(f"step {step + 1}/{arguments.steps} {(time.time() - started) / (step + 1 - first) / BATCH * 1000:.1f} ms/face {shown}", flush=True)
            sums, seen = {}, 0
            part = arguments.work / "head.part"
            torch.save({"network": network.state_dict(), "optimiser": optimiser.state_dict(), "step": step + 1}, part)
            part.rename(checkpoint)


if __name__ == "__main__":
    main()
