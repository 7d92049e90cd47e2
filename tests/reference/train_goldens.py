"""What PyTorch makes of the nets of tests/train/golden.c in 20 steps: prints the rows of train/golden_NETS.inc.

    python3 tests/reference/train_goldens.py pictures > tests/train/golden_pictures.inc    (PyTorch 2.13.0, NumPy 2.4.6)
    python3 tests/reference/train_goldens.py sequences > tests/train/golden_sequences.inc

Both sides draw the same numbers from one 32-bit linear congruential generator, so the file holds only what came out:
each term at each step, and the weights and running statistics at the end.  All is in float64 here, so the numbers are
the formulas' and not the rounding's.  Of a parameter of more than 256 numbers each 5th is kept: 5 shares no factor with
the width of any vector register, and the losses depend on all of them.
"""
import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

STEPS, BATCH, BATCHES, CLASSES, SHOWN, LARGE = 20, 16, 4, 10, 5, 256
torch.set_default_dtype(torch.float64)
torch.use_deterministic_algorithms(True)


class Draws:
    """x <- 1664525 x + 1013904223 mod 2^32; the upper bits are the good ones."""

    def __init__(self):
        self.x = 1

    def bits(self, n):
        self.x = (1664525 * self.x + 1013904223) & 0xFFFFFFFF
        return self.x >> (32 - n)

    def units(self, shape):
        """Multiples of 2^-23 in [-1, 1), exact in float32."""
        return np.array([self.bits(24) / 2**23 - 1 for _ in range(int(np.prod(shape)))]).reshape(shape)


class Mlp(nn.Module):
    channels, mean, sd = 1, [0.5], [0.25]

    def __init__(self):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(64, 32), nn.Linear(32, CLASSES)

    def forward(self, x):
        return self.fc2(F.relu(self.fc1(x.flatten(1))))


class Conv(nn.Module):
    channels, mean, sd = 3, [0.5, 0.375, 0.625], [0.25, 0.5, 0.3]

    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8)
        self.conv2, self.bn2 = nn.Conv2d(8, 12, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(12)
        self.down = nn.Conv2d(8, 12, 1, stride=2, bias=False)
        self.fc = nn.Linear(12, CLASSES)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 2)
        x = F.relu(self.bn2(self.conv2(x)) + self.down(x))
        return self.fc(x.mean((2, 3)))


VOCABULARY, LENGTH, WIDTH, HEADS = 12, 9, 8, 2


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        d = WIDTH
        self.norm1, self.qkv, self.out = nn.LayerNorm(d), nn.Linear(d, 3 * d), nn.Linear(d, d)
        self.norm2, self.fc1, self.fc2 = nn.LayerNorm(d), nn.Linear(d, 4 * d), nn.Linear(4 * d, d)

    def forward(self, x, hidden):
        b, t, d = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(b, t, 3, HEADS, d // HEADS).permute(2, 0, 3, 1, 4)
        scores = (q @ k.transpose(-1, -2) / (d // HEADS) ** 0.5).masked_fill(hidden, -torch.inf)
        x = x + self.out((scores.softmax(-1) @ v).transpose(1, 2).reshape(b, t, d))
        return x + self.fc2(F.gelu(self.fc1(self.norm2(x))))


class Transformer(nn.Module):
    channels, labelled = 0, True

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, WIDTH)
        self.positions = nn.Embedding(LENGTH, WIDTH)
        self.layers = nn.ModuleList([Layer(), Layer()])
        self.norm, self.head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, CLASSES)


class Decoder(Transformer):
    def forward(self, tokens):
        hidden = torch.ones(LENGTH, LENGTH, dtype=bool).triu(1)
        x = self.embedding(tokens) + self.positions.weight
        for layer in self.layers:
            x = layer(x, hidden)
        return self.head(self.norm(x)).flatten(0, 1)


class Encoder(Transformer):
    labelled = False

    def forward(self, tokens):
        seen = (tokens != 0).unsqueeze(-1)
        x = self.embedding(tokens) + self.positions.weight
        for layer in self.layers:
            x = layer(x, ~seen.view(-1, 1, 1, LENGTH))
        return self.head((self.norm(x) * seen).sum(1) / seen.sum(1))


def state(net):
    return [(name, t) for name, t in net.state_dict().items() if not name.endswith("num_batches_tracked")]


def fill(net, draws):
    """In the order of the state: weights in +-1/4, scales around 1, running statistics where a norm starts."""
    for name, t in state(net):
        if "running" not in name:
            scale = ("bn" in name or "norm" in name) and name.endswith("weight")
            t.copy_(torch.from_numpy((draws.units(tuple(t.shape)) / 4 + scale).astype(np.float32)))


def batch(net, draws):
    if not net.channels:
        rows = BATCH * (LENGTH if net.labelled else 1)
        x = torch.tensor([draws.bits(16) % VOCABULARY for _ in range(BATCH * LENGTH)]).reshape(BATCH, LENGTH)
        labels = torch.tensor([draws.bits(16) % CLASSES for _ in range(rows)])
        return x, labels, torch.from_numpy(4 * draws.units((rows, CLASSES)))
    pictures = np.array([draws.bits(8) for _ in range(BATCH * 64 * net.channels)]).reshape(BATCH, 8, 8, net.channels)
    labels = torch.tensor([draws.bits(16) % CLASSES for _ in range(BATCH)])
    teacher = torch.from_numpy(4 * draws.units((BATCH, CLASSES)))
    x = torch.from_numpy((pictures / 255 - np.array(net.mean)) / np.array(net.sd)).permute(0, 3, 1, 2)
    return x, labels, teacher


def cross_entropy(weight=1, smoothing=0):
    text = f"{{cross_entropy: {{weight: {weight}, smoothing: {smoothing}}}}}"
    return text, weight, lambda z, y, t: F.cross_entropy(z, y, label_smoothing=smoothing)


def kd(weight, T):
    text = f"{{kd: {{weight: {weight}, temperature: {T}}}}}"
    return text, weight, lambda z, y, t: T * T * F.kl_div(
        F.log_softmax(z / T, 1), F.softmax(t / T, 1), reduction="batchmean")


def sgd(lr, **more):
    fields = ", ".join(f"{k}: {str(v).lower()}" for k, v in dict(lr=lr, momentum=0.9, weight_decay=5e-4, **more).items())
    return f"{{sgd: {{{fields}}}}}", lambda p: torch.optim.SGD(p, lr=lr, momentum=0.9, weight_decay=5e-4, **more)


def adamw(lr, weight_decay, epsilon=None):
    more = f", epsilon: {epsilon}" if epsilon else ""
    return f"{{adamw: {{lr: {lr}, weight_decay: {weight_decay}{more}}}}}", lambda p: torch.optim.AdamW(
        p, lr=lr, weight_decay=weight_decay, eps=epsilon or 1e-8)


PICTURES = [
    (Mlp, sgd(0.05), [cross_entropy()]),
    (Mlp, sgd(0.05, nesterov=True), [cross_entropy()]),
    (Mlp, adamw(0.005, 0.05), [cross_entropy()]),
    (Conv, sgd(0.05), [cross_entropy()]),
    (Conv, sgd(0.05, nesterov=True), [cross_entropy()]),
    (Conv, adamw(0.005, 0.05), [cross_entropy()]),
    (Mlp, sgd(0.02), [kd(0.9, 4), cross_entropy(0.1)]),
    (Conv, sgd(0.02), [kd(0.7, 2), cross_entropy(0.3)]),
    (Mlp, adamw(0.005, 0.01), [cross_entropy(1, 0.1)]),
    (Conv, sgd(0.05), [cross_entropy(1, 0.1)]),
]
SEQUENCES = [
    # Nothing depends on the bias of keys; what rounding leaves of its gradient must not be divided by its own size.
    (Decoder, adamw(0.005, 0.05, 0.0001), [kd(0.9, 4), cross_entropy(0.1)]),
    (Encoder, adamw(0.005, 0.05, 0.0001), [cross_entropy()]),
]


def run(make, make_optimizer, losses):
    draws, net = Draws(), make()
    with torch.no_grad():
        fill(net, draws)
    batches = [batch(net, draws) for _ in range(BATCHES)]
    optimizer, history = make_optimizer(net.parameters()), []
    for step in range(STEPS):
        x, y, t = batches[step % BATCHES]
        z = net(x)
        terms = [loss(z, y, t) for _, _, loss in losses]
        optimizer.zero_grad()
        sum(weight * term for (_, weight, _), term in zip(losses, terms)).backward()
        optimizer.step()
        history.append([term.item() for term in terms])
    kept = [t.flatten()[:: SHOWN if t.numel() > LARGE else 1] for _, t in state(net)]
    return history, torch.cat(kept).tolist()


def numbers(items, width=120, indent=" " * 6):
    line, lines = indent, []
    for item in items:
        text = f"{item:.9g},"
        if len(line) + len(text) >= width:
            lines.append(line.rstrip())
            line = indent
        line += text + " "
    return "\n".join(lines + [line.rstrip()])


if __name__ == "__main__":
    print(f"/* Made by tests/reference/train_goldens.py with PyTorch {torch.__version__}, NumPy {np.__version__}. */")
    for make, (optimizer, make_optimizer), losses in dict(pictures=PICTURES, sequences=SEQUENCES)[sys.argv[1]]:
        history, weights = run(make, make_optimizer, losses)
        names = ", ".join(f'"{text}"' for text, _, _ in losses)
        print(f'    {{&{make.__name__.lower()}, "{optimizer}",\n     {{{names}}}, {len(losses)},')
        print("     (const double[]){\n" + numbers(v for terms in history for v in terms) + "},")
        print(f"     (const double[]){{\n{numbers(weights)}}},\n     {len(weights)}}},")
