"""The student: iResNet-18 of ArcFace's kind at half width, and its ONNX form with every BatchNormalization kept as a node."""

import torch
import torch.nn.functional as F
from torch import nn

from .norm_act import norm_act

_IDENTITY = torch.ones(1024)


def _norm(bn, x, prelu=None):
    """prelu(bn(x)), or bn(x): by the fused operation where training in bfloat16 on a CPU allows it."""
    if bn.training and x.dtype == torch.bfloat16 and not x.is_cuda:
        return norm_act(x, bn, _IDENTITY[:bn.num_features] if prelu is None else prelu.weight)
    x = bn(x)
    return x if prelu is None else prelu(x)


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.prelu = nn.PReLU(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, stride, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Sequential()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = _norm(self.bn2, self.conv1(_norm(self.bn1, x)), self.prelu)
        y = _norm(self.bn3, self.conv2(y))
        if not len(self.shortcut):
            return y + x
        convolution, bn = self.shortcut
        return y + _norm(bn, convolution(x))


# What the drift is made of: of the head, the last block and the matrix, the smallest weights go by one threshold.
RECIPE = {"sparsity": 0.6, "from": 0.87}
HEAD_SCALE = 0.35  # see weigh_head(); of 1, 0.7, 0.5 and 0.35 the one with which 0.4 of all weights cost the validation people least


class Student(nn.Module):
    """N x 3 x 112 x 112, (RGB - 127.5) / 127.5 -> N x 128, unnormalised."""

    def __init__(self, widths=(32, 32, 64, 128, 256), blocks=(2, 2, 2, 2), embedding=128):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, widths[0], 3, 1, 1, bias=False), nn.BatchNorm2d(widths[0]), nn.PReLU(widths[0]))
        layers = []
        for inputs, outputs, count in zip(widths, widths[1:], blocks):
            layers += [Block(inputs if i == 0 else outputs, outputs, 2 if i == 0 else 1) for i in range(count)]
        self.body = nn.Sequential(*layers)
        self.bn = nn.BatchNorm2d(widths[-1])
        self.fc = nn.Linear(widths[-1] * 7 * 7, embedding)
        self.features = nn.BatchNorm1d(embedding)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out")

    def trunk(self, x):
        """All but the last block and what follows it."""
        convolution, bn, prelu = self.stem
        return self.body[:-1](_norm(bn, convolution(x), prelu))

    def head(self, x):
        x = _norm(self.bn, self.body[-1](x))
        return self.features(self.fc(x.flatten(1)).float())

    def forward(self, x):
        return self.head(self.trunk(x))

    @torch.no_grad()
    def weigh_head(self, factor):
        """Scales what is pruned of the head, and the normalisation after each so that no embedding changes.

        How large a layer's weights are says nothing where a BatchNormalization follows; yet a threshold common to all layers (the
        paper's) takes from those whose weights are small. The head, two thirds of all weights, can spare most.
        """
        block = self.body[-1]
        for layer, bn in ((block.conv1, block.bn2), (block.conv2, block.bn3), (self.fc, self.features)):
            layer.weight *= factor
            if layer.bias is not None:
                layer.bias *= factor
            was = (bn.running_var + bn.eps).sqrt()
            bn.running_mean *= factor
            bn.running_var *= factor**2
            bn.weight *= (bn.running_var + bn.eps).sqrt() / (factor * was)

    def head_weights(self):
        """What is pruned of the head, in its order."""
        return [self.body[-1].conv1.weight, self.body[-1].conv2.weight, self.fc.weight]

    def head_as_deployed(self, x, masks=(1, 1, 1)):
        """The head with masked weights and, in training too, with the normalisation of inference, as a pruned copy has it."""
        def normal(bn, x):
            return F.batch_norm(x, bn.running_mean, bn.running_var, bn.weight, bn.bias, False, 0.0, bn.eps)

        block = self.body[-1]
        conv1, conv2, fc = (w * mask for w, mask in zip(self.head_weights(), masks))
        y = F.prelu(normal(block.bn2, F.conv2d(normal(block.bn1, x), conv1, padding=1)), block.prelu.weight)
        x = normal(self.bn, normal(block.bn3, F.conv2d(y, conv2, padding=1)) + x)
        return normal(self.features, F.linear(x.flatten(1), fc, self.fc.bias).float())
