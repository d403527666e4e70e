"""The student: iResNet-18 of ArcFace's kind at half width, and its ONNX form with every BatchNormalization kept as a node."""

import torch
from torch import nn

from .norm_act import norm_act

_IDENTITY = torch.ones(1024)


def _norm(bn, x, prelu=None):
    """prelu(bn(x)), or bn(x): by the fused operation where training in bfloat16 allows it."""
    if bn.training and x.dtype == torch.bfloat16:
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
        shortcut = x
        if len(self.shortcut):
            convolution, bn = self.shortcut
            shortcut = _norm(bn, convolution(x))
        y = _norm(self.bn2, self.conv1(_norm(self.bn1, x)), self.prelu)
        return _norm(self.bn3, self.conv2(y)) + shortcut


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

    def forward(self, x):
        convolution, bn, prelu = self.stem
        x = _norm(self.bn, self.body(_norm(bn, convolution(x), prelu)))
        return self.features(self.fc(x.flatten(1)).float())
