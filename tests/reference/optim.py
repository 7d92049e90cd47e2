"""Prints the table `golden` of tests/optim/optimizer.c: weights after 5 steps of PyTorch's optimizers.

Run with PyTorch 2: python3 tests/reference/optim.py
"""
import torch

CASES = [
    ("sgd", torch.optim.SGD, dict(lr=0.5, momentum=0.0)),
    ("sgd", torch.optim.SGD, dict(lr=0.1, momentum=0.9, weight_decay=0.01)),
    ("sgd", torch.optim.SGD, dict(lr=0.1, momentum=0.9, weight_decay=0.01, nesterov=True)),
    ("sgd", torch.optim.SGD, dict(lr=0.1, momentum=0.9, weight_decay=0.01, clip_norm=0.5)),
    ("sgd", torch.optim.SGD, dict(lr=0.1, momentum=0.9, clip_norm=1.0)),
    ("adamw", torch.optim.AdamW, dict(lr=0.1, betas=(0.9, 0.999), eps=1e-2, weight_decay=0.1, clip_norm=0.25)),
    ("adamw", torch.optim.AdamW, dict(lr=0.01, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01)),
    ("adamw", torch.optim.AdamW, dict(lr=0.1, betas=(0.5, 0.75), eps=1e-3, weight_decay=0.5)),
]

print("/* torch", torch.__version__, "*/")
for name, make, options in CASES:
    w = torch.tensor([((5 * i) % 9 - 4) / 4 for i in range(6)]).requires_grad_()
    clip_norm = options.pop("clip_norm", None)
    optimizer = make([w], foreach=False, **options)
    for t in range(1, 6):
        w.grad = torch.tensor([((7 * i + 5 * t) % 11 - 5) / 8 for i in range(6)])
        if clip_norm:
            torch.nn.utils.clip_grad_norm_([w], clip_norm)
        optimizer.step()
    print(f"/* {name} {options} clip_norm {clip_norm} */")
    print("{" + ", ".join(f"{v:.9g}f" for v in w.tolist()) + "},")
