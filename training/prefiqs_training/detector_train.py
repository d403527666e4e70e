"""Trains the detector on laid-out pictures, on a GPU where there is one; stops and goes on at any step.

    python3 -m prefiqs_training.detector_train --work work/ --start-from models/prefiqs_detector.onnx --minutes 9      (or --steps 30000)

reads work/detector_pack.npz (detector_pack.py), writes detector.pt (all that going on needs, once a minute), detector_best.pt (the
running mean of the weights that did best on the validation people) and detector.log there, or to --output.

`--minutes` is of the whole command. Batches depend on the seed and the step alone; with --steps the rate does too.
"""

import argparse
import collections
import concurrent.futures
import multiprocessing
import time
from pathlib import Path

import cv2
import numpy as np
import torch

from .checkpoints import save
from .detector_check import Check, shown, worth
from .detector_data import Pictures, batch_of
from .detector_loss import WEIGHTS, losses
from .detector_network import DOUBT, SCALE, Detector
from .detector_scene import Layout, faces_of, scene
from .export import load_weights

SEED = 20261130
WARM_UP = 200
NEW_LAYERS = ("stage16.3", "stage16.4", "stage32.3", "stage32.4", "heads.1.closer", "heads.2.closer")

_layout = None


def _open(path):
    global _layout
    _layout = Layout(path)


def _scene(step, batch):
    return scene([SEED, step], _layout, batch)


class Log:
    def __init__(self, path):
        self._file = open(path, "a")

    def __call__(self, text):
        print(text, flush=True)
        self._file.write(text + "\n")
        self._file.flush()


class RunningMean:
    """Of the weights and statistics; all at once, which on a GPU is three launches and not three hundred."""

    def __init__(self, network):
        state = network.state_dict()
        self._names = [k for k, v in state.items() if v.is_floating_point()]
        self._now = [state[k] for k in self._names]
        self._mean = [v.clone() for v in self._now]

    @torch.no_grad()
    def update(self, keep):
        torch._foreach_mul_(self._mean, keep)
        torch._foreach_add_(self._mean, self._now, alpha=1 - keep)

    def state(self):
        return dict(zip(self._names, self._mean))

    @torch.no_grad()
    def load(self, state):
        for name, value in zip(self._names, self._mean):
            value.copy_(state[name])


def on_cpu(state):
    return {k: v.detach().cpu().contiguous() for k, v in state.items()}


def start_from(network, path):
    load_weights(network, path, NEW_LAYERS)
    with torch.no_grad():
        network.stem[0].conv.weight *= SCALE
        for head in network.heads:
            head.cls.bias += DOUBT
            head.obj.bias += DOUBT


def main():
    began = time.time()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", required=True, type=Path)
    parser.add_argument("--output", type=Path, help="where results go, if not to --work")
    parser.add_argument("--steps", type=int)
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--keep", type=float, default=0.999, help="of the running mean, a step")
    parser.add_argument("--workers", type=int, default=3, help="processes that prepare scenes")
    parser.add_argument("--threads", type=int, default=2, help="of the CPU: decoding, and training where there is no GPU")
    parser.add_argument("--check-every", type=float, default=60, help="seconds; more where a check is slow")
    parser.add_argument("--start-from", help="weights of models/prefiqs_detector.onnx, where there is no checkpoint yet")
    arguments = parser.parse_args()
    if (arguments.steps is None) == (arguments.minutes is None):
        parser.error("say either --steps or --minutes")
    output = arguments.output or arguments.work
    output.mkdir(parents=True, exist_ok=True)
    log = Log(output / "detector.log")
    torch.manual_seed(SEED)
    torch.set_num_threads(arguments.threads)
    cv2.setNumThreads(1)
    torch.backends.cudnn.benchmark = True
    torch.backends.cudnn.allow_tf32 = False  # checks are float32; training asks for bfloat16
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    packed = str(arguments.work / "detector_pack.npz")
    # Started anew, not forked: a process that has seen a GPU cannot be.
    maker = concurrent.futures.ProcessPoolExecutor(arguments.workers, multiprocessing.get_context("spawn"), _open, (packed,))

    network = Detector()
    log(f"{sum(p.numel() for p in network.parameters())} parameters, {torch.__version__} on {device}")
    if arguments.start_from:
        start_from(network, arguments.start_from)
    network = network.to(device, memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(network.parameters(), lr=arguments.rate, weight_decay=1e-3, foreach=True)
    mean, step, spent, best = RunningMean(network), 0, 0.0, float("inf")
    checkpoint = output / "detector.pt"
    if checkpoint.exists():
        saved = torch.load(checkpoint, map_location=device)
        network.load_state_dict(saved["network"])
        optimiser.load_state_dict(saved["optimiser"])
        mean.load(saved["mean"])
        step, spent, best = saved["step"], saved["spent"], saved["best"]
        log(f"goes on at step {step}")
    coming = collections.deque(maker.submit(_scene, step + i, arguments.batch) for i in range(4 * arguments.workers))
    with np.load(packed) as lazy:
        pack = {name: lazy[name] for name in lazy.files}
    pack["faces"] = faces_of(packed, pack)
    pictures, check = Pictures(pack, device, arguments.threads), Check(pack, device)
    del pack
    judged = Detector().to(device, memory_format=torch.channels_last)
    log(f"{time.time() - began:.0f} s until everything was read; {pictures.texels.numel() * 4 / 2**30:.2f} GiB of pictures")

    def look():
        nonlocal best
        started = time.time()
        judged.load_state_dict({**judged.state_dict(), **mean.state()})
        result = check(judged)
        value = worth(result)
        log(f"check at step {step}: {value:.4f}, {time.time() - started:.1f} s\n{shown(result)}")
        if value < best and step:
            best = value
            save(output / "detector_best.pt", {"mean": on_cpu(mean.state()), "step": step})
        return time.time() - started

    slow = look()
    left = max(1.0, (arguments.minutes or 0) * 60 - (time.time() - began) - 1.5 * slow - 5)
    started = shown_at = checked_at = saved_at = time.time()
    sums, seen, waited = {}, 0, 0.0
    while True:
        elapsed = spent + time.time() - started
        progress = step / arguments.steps if arguments.steps else elapsed / (spent + left)
        if progress >= 1:
            break
        before = time.time()
        coming.append(maker.submit(_scene, step + len(coming), arguments.batch))
        prepared = coming.popleft().result()
        waited += time.time() - before
        with torch.no_grad():
            x, faces, states = batch_of(pictures, prepared)
            x = (x / SCALE).contiguous(memory_format=torch.channels_last)
        rate = arguments.rate * min(1.0, (step + 1) / WARM_UP) * (0.005 + 0.995 * 0.5 * (1 + np.cos(np.pi * progress)))
        for group in optimiser.param_groups:
            group["lr"] = float(rate)
        network.train()
        with torch.autocast(device.type, torch.bfloat16):
            levels = network(x)
        parts = losses(levels, faces, states)
        loss = sum(weight * parts[name] for name, weight in WEIGHTS.items())
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 10.0)
        optimiser.step()
        mean.update(min(arguments.keep, (step + 1) / (step + 20)))
        step, seen = step + 1, seen + 1
        for k, v in parts.items():
            sums[k] = sums.get(k, 0.0) + v.detach()
        if seen == (50 if device.type == "cpu" or step <= 200 else 400):
            numbers = {k: float(v) / seen for k, v in sums.items()}
            now = time.time()
            log(f"step {step} {100 * progress:.1f} % {now - began:.0f} s, {(now - shown_at) / seen / arguments.batch * 1e6:.0f} us a picture "
                f"({100 * waited / (now - shown_at):.0f} % waiting), rate {rate:.5f} " + " ".join(f"{k} {v:.4f}" for k, v in numbers.items()))
            if not np.isfinite(list(numbers.values())).all():
                raise RuntimeError(f"step {step}: the loss is not finite")
            sums, seen, waited, shown_at = {}, 0, 0.0, now
        if time.time() - saved_at > 60:
            save(checkpoint, {"network": network.state_dict(), "optimiser": optimiser.state_dict(), "mean": mean.state(), "step": step,
                              "spent": spent + time.time() - started, "best": best})
            saved_at = time.time()
        if time.time() - checked_at > max(arguments.check_every, 20 * slow):
            slow = look()
            checked_at = time.time()
    look()
    save(checkpoint, {"network": network.state_dict(), "optimiser": optimiser.state_dict(), "mean": mean.state(), "step": step,
                      "spent": spent + time.time() - started, "best": best})
    log(f"{step} steps of {arguments.batch}, {time.time() - began:.0f} s")
    maker.shutdown(cancel_futures=True)


if __name__ == "__main__":
    main()
