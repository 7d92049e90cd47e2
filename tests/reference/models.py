"""The numbers of parameters in tests/models/models.c: the same networks in PyTorch.  Printed by 2.13.0.  Those of the
families with residual blocks come from families.py."""
import torch.nn as nn


def count(layers):
    return sum(p.numel() for layer in layers for p in layer.parameters())


def mlp(inputs, hidden, classes):
    widths = [inputs, *hidden, classes]
    return count([nn.Linear(a, b) for a, b in zip(widths, widths[1:])])


def lenet(channels, size, classes, width=1, norm=False):
    a, b = int(6 * width + 0.5), int(16 * width + 0.5)
    left = (size // 2 - 4) // 2
    layers = [nn.Conv2d(channels, a, 5, padding=2, bias=not norm), nn.Conv2d(a, b, 5, bias=not norm)]
    layers += [nn.Linear(b * left * left, 120), nn.Linear(120, 84), nn.Linear(84, classes)]
    return count(layers + ([nn.BatchNorm2d(a), nn.BatchNorm2d(b)] if norm else []))


print(mlp(784, [800, 800], 10), mlp(784, [1200, 1200], 10), mlp(784, [], 10), mlp(3072, [64], 10))
print(lenet(1, 28, 10), lenet(3, 32, 100), lenet(1, 28, 10, 2.5, True), lenet(3, 32, 10, 0.5))
