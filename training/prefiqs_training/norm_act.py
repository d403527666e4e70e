"""BatchNormalization and PReLU as one operation for training in bfloat16; norm_act.c has the loops.

z = gamma (x - m) / s + beta with m and s^2 = var + eps of the batch, y = prelu(z). With h the gradient of z and n rows a channel,
the gradient of x is gamma / s (h - mean(h) - xh mean(h xh)), xh = (x - m) / s; it is linear in h and x by channel, which is how it is computed.

    python3 -m prefiqs_training.norm_act       compares it with PyTorch's own
"""

import ctypes
import hashlib
import os
import subprocess
import tempfile
from pathlib import Path

import torch

_SOURCE = Path(__file__).with_name("norm_act.c")


def _library():
    name = hashlib.sha256(_SOURCE.read_bytes()).hexdigest()[:16]
    path = Path(tempfile.gettempdir()) / f"prefiqs_norm_act_{os.getuid()}_{name}.so"
    if not path.exists():
        part = path.with_suffix(f".{os.getpid()}")
        subprocess.run(["cc", "-O3", "-march=native", "-ffast-math", "-mprefer-vector-width=512", "-fopenmp", "-shared", "-fPIC", _SOURCE, "-o", part], check=True)
        part.rename(path)
    return ctypes.CDLL(str(path))


_lib = None


def _call(name, tensors, rows, channels, *rest):
    global _lib
    if _lib is None:
        _lib = _library()
    pointers = [ctypes.c_void_p(t.data_ptr()) for t in tensors]
    sizes = [ctypes.c_long(rows), ctypes.c_long(channels), ctypes.c_int(torch.get_num_threads())]
    getattr(_lib, name)(*pointers, *sizes, *(ctypes.c_void_p(t.data_ptr()) for t in rest))


class _NormAct(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, gamma, beta, slope, running_mean, running_var, momentum, eps):
        channels = x.shape[1]
        rows = x.numel() // channels
        x = x.contiguous(memory_format=torch.channels_last)
        sums = torch.empty(2, channels, dtype=torch.float64)
        _call("norm_sums", [x], rows, channels, sums)
        mean = sums[0] / rows
        var = (sums[1] / rows - mean * mean).clamp_(min=0)
        running_mean.lerp_(mean.float(), momentum)
        running_var.lerp_((var * rows / (rows - 1)).float(), momentum)
        inverse = (var + eps).rsqrt()
        scale = (gamma.double() * inverse).float()
        shift = (beta.double() - mean * gamma.double() * inverse).float()
        y = torch.empty_like(x)
        slope = slope.contiguous()
        _call("norm_act", [x], rows, channels, scale, shift, slope, y)
        ctx.save_for_backward(x, slope, scale, shift, mean, inverse)
        return y

    @staticmethod
    def backward(ctx, g):
        x, slope, scale, shift, mean, inverse = ctx.saved_tensors
        channels = x.shape[1]
        rows = x.numel() // channels
        g = g.contiguous(memory_format=torch.channels_last)
        sums = torch.empty(3, channels, dtype=torch.float64)
        _call("norm_act_sums", [x, g], rows, channels, scale, shift, slope, sums)
        of_h, of_hx, of_slope = sums
        of_normalised = (of_hx - mean * of_h) * inverse
        a = -scale * of_normalised * inverse / rows
        b = -scale * of_h / rows - a * mean
        gx = torch.empty_like(x)
        _call("norm_act_back", [x, g], rows, channels, scale, shift, slope, a.float(), b.float(), gx)
        return gx, of_normalised.float(), of_h.float(), of_slope.float(), None, None, None, None


def norm_act(x, bn, slope):
    """prelu(bn(x)) of a BatchNorm2d in training, x N x C x H x W in bfloat16, C a multiple of 32; slope: C."""
    assert x.dtype == torch.bfloat16 and x.shape[1] % 32 == 0
    return _NormAct.apply(x, bn.weight, bn.bias, slope, bn.running_mean, bn.running_var, bn.momentum, bn.eps)


def check():
    torch.manual_seed(1)
    for channels, side in ((32, 112), (64, 28), (128, 7), (96, 5)):
        x = (torch.randn(5, channels, side, side) * 2 + 1).bfloat16().contiguous(memory_format=torch.channels_last)
        g = torch.randn(x.shape).bfloat16()
        bn, prelu = torch.nn.BatchNorm2d(channels), torch.nn.PReLU(channels)
        torch.nn.init.uniform_(bn.weight)
        torch.nn.init.normal_(bn.bias)
        torch.nn.init.uniform_(prelu.weight)
        found = []
        for ours in (True, False):
            bn.zero_grad()
            prelu.zero_grad()
            bn.reset_running_stats()
            start = (x if ours else x.float()).clone().requires_grad_()
            y = norm_act(start, bn, prelu.weight) if ours else prelu(bn(start))
            y.backward(g.to(y.dtype))
            found.append([t.detach().float().clone() for t in (y, start.grad, bn.weight.grad, bn.bias.grad, prelu.weight.grad, bn.running_mean, bn.running_var)])
        for mine, theirs in zip(*found):
            error = (mine - theirs).abs().max() / theirs.abs().max()
            if not error < 2 ** -7:  # of bfloat16
                raise SystemExit(f"{channels} channels, {side} x {side}: {error}")
    print("as PyTorch's own")


if __name__ == "__main__":
    check()
