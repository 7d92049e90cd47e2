"""The goldens in tests/models/families.inc: what the same networks say in PyTorch.  Printed by 2.13.0:

    python3 tests/reference/families.py > tests/models/families.inc

Weights and pictures come from an integer formula of their name and place (`numbers`), so nothing is stored but answers:
of each network the number of trained parameters, a hash of all names and shapes in order, and the first logits of the
first picture, in inference and in training."""
import math
import torch
from torch import nn
from torch.nn import functional as F

MASK = 0xFFFFFFFF


def fnv(text):
    h = 2166136261
    for byte in text.encode():
        h = (h ^ byte) * 16777619 & MASK
    return h


def numbers(name, shape):
    """In [-0.5, 0.5), multiples of 2^-16."""
    n = math.prod(shape)
    bits = (torch.arange(n, dtype=torch.int64) * 2654435761 + fnv(name)) & MASK
    bits = ((bits ^ (bits >> 15)) * 739) & MASK
    return ((bits >> 16).double() / 65536 - 0.5).reshape(shape)


def fill(net):
    for name, value in net.state_dict().items():
        if name.endswith("num_batches_tracked"):
            continue
        x = numbers(name, value.shape)
        if value.dim() > 1:
            x = x * math.sqrt(24 / math.prod(value.shape[1:]))
        elif name.endswith("running_var"):
            x = 1 + 0.5 * x
        elif name.endswith("weight"):  # of a batch norm: below 1, or a hundred blocks would grow without bound
            x = 0.5 + 0.5 * x
        else:
            x = 0.25 * x
        value.copy_(x.float())


class Block(nn.Module):
    def __init__(self, i, o, stride, bias, shortcut_norm):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(i, o, 3, stride, 1, bias=bias), nn.BatchNorm2d(o)
        self.conv2, self.bn2 = nn.Conv2d(o, o, 3, 1, 1, bias=bias), nn.BatchNorm2d(o)
        self.downsample = None
        if stride != 1 or i != o:
            layers = [nn.Conv2d(i, o, 1, stride, bias=bias)] + ([nn.BatchNorm2d(o)] if shortcut_norm else [])
            self.downsample = nn.Sequential(*layers)

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class ResNet(nn.Module):
    def __init__(self, classes, depth=20, stem=16, width=1, bias=False, shortcut_norm=True):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, stem, 3, 1, 1, bias=bias), nn.BatchNorm2d(stem)
        at = stem
        for layer in range(3):
            o, blocks = int((16 << layer) * width + 0.5), []
            for k in range((depth - 2) // 6):
                blocks.append(Block(at, o, 2 if layer and k == 0 else 1, bias, shortcut_norm))
                at = o
            setattr(self, f"layer{layer + 1}", nn.Sequential(*blocks))
        self.fc = nn.Linear(at, classes)

    def forward(self, x):
        x = self.layer3(self.layer2(self.layer1(F.relu(self.bn1(self.conv1(x))))))
        return self.fc(x.mean((2, 3)))


class Inverted(nn.Module):
    def __init__(self, i, o, stride, t):
        super().__init__()
        h, self.sum = i * t, stride == 1 and i == o
        self.conv = nn.Sequential(
            nn.Conv2d(i, h, 1, bias=False), nn.BatchNorm2d(h), nn.ReLU(),
            nn.Conv2d(h, h, 3, stride, 1, groups=h, bias=False), nn.BatchNorm2d(h), nn.ReLU(),
            nn.Conv2d(h, o, 1, bias=False), nn.BatchNorm2d(o))

    def forward(self, x):
        return x + self.conv(x) if self.sum else self.conv(x)


class MobileNetV2(nn.Module):
    def __init__(self, classes, width=1, expansion=6, stem_stride=2):
        super().__init__()
        at = int(32 * width)
        self.conv1 = nn.Sequential(nn.Conv2d(3, at, 3, stem_stride, 1, bias=False), nn.BatchNorm2d(at), nn.ReLU())
        self.blocks = nn.ModuleList()
        t = expansion
        for t, c, n, s in [(1, 16, 1, 1), (t, 24, 2, 1), (t, 32, 3, 2), (t, 64, 4, 2), (t, 96, 3, 1), (t, 160, 3, 2),
                           (t, 320, 1, 1)]:
            layers = []
            for k in range(n):
                layers.append(Inverted(at, int(c * width), s if k == 0 else 1, t))
                at = int(c * width)
            self.blocks.append(nn.Sequential(*layers))
        last = int(1280 * width) if width > 1 else 1280
        self.conv2 = nn.Sequential(nn.Conv2d(at, last, 1, bias=False), nn.BatchNorm2d(last), nn.ReLU())
        self.classifier = nn.Sequential(nn.Linear(last, classes))

    def forward(self, x):
        x = self.conv1(x)
        for block in self.blocks:
            x = block(x)
        return self.classifier(self.conv2(x).mean((2, 3)))


CASES = [
    ("resnet_cifar", "", 10, ResNet(10)),
    ("resnet_cifar", "", 100, ResNet(100)),
    ("resnet_cifar", "depth: 56", 100, ResNet(100, 56)),
    ("resnet_cifar", "depth: 110", 100, ResNet(100, 110)),
    ("resnet_cifar", "depth: 8, stem: 32, width: 4", 100, ResNet(100, 8, 32, 4)),
    ("resnet_cifar", "depth: 32, stem: 32, width: 4", 100, ResNet(100, 32, 32, 4)),
    ("resnet_cifar", "depth: 8, bias: true, shortcut_norm: false", 10, ResNet(10, 8, 16, 1, True, False)),
    ("resnet_cifar", "depth: 14, stem: 4, width: 0.3", 10, ResNet(10, 14, 4, 0.3)),
    ("mobilenet_v2", "width: 0.5", 100, MobileNetV2(100, 0.5)),
    ("mobilenet_v2", "width: 0.25, expansion: 3, stem_stride: 1", 10, MobileNetV2(10, 0.25, 3, 1)),
]

print("/* Made by tests/reference/families.py with PyTorch " + torch.__version__.split("+")[0] + ". */")
torch.manual_seed(0)
x = (2 * numbers("picture", (4, 3, 32, 32))).float()
with torch.no_grad():
    for model, config, classes, net in CASES:
        fill(net)
        names = "".join(f"{name}{tuple(v.shape)}".replace(",)", ")") + "\n" for name, v in net.state_dict().items()
                        if not name.endswith("num_batches_tracked"))
        params = sum(p.numel() for p in net.parameters())
        inference = net.eval()(x)[0, :10].tolist()
        training = net.train()(x)[0, :10].tolist()
        text = [", ".join(f"{v:.6g}" for v in logits) for logits in (inference, training)]
        print(f"""{{&lyne_model_{model}, "{{{config}}}", {classes}, {params}, {fnv(names)}u,
 {{{text[0]}}},
 {{{text[1]}}}}},""")
