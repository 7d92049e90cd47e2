"""What other programs see of Lyne's files, on real MNIST.

    python labels.py LYNE LYNE_SOURCE MNIST_FOLDER

1. Lyne trains a teacher and caches what it says, once for each encoding.  NumPy and, if it is there, PyTorch compute the
   logits of all training pictures from model.safetensors and the idx files; each cache, read as src/labels/README.md says,
   must hold them to the rounding of its encoding.
2. PyTorch, or without it NumPy, trains a teacher of its own; its logits, imported, train a student of Lyne's.
Passed with PyTorch 2.13.0, NumPy 2.4, safetensors 0.8, and with NumPy 1.24 alone.  The working directory is filled with
runs.
"""
import gzip
import json
import os
import re
import subprocess
import sys
import types

import numpy as np

try:
    import torch
except ImportError:
    torch = None
try:
    from safetensors.numpy import load_file, save_file
except ImportError:  # which Debian 12 has not
    TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "I64": "<i8", "I8": "|i1", "U64": "<u8", "U32": "<u4",
             "U16": "<u2", "U8": "|u1"}

    def load_file(path):
        data = open(path, "rb").read()
        start = 8 + int.from_bytes(data[:8], "little")
        header = json.loads(data[8:start])
        header.pop("__metadata__", None)
        return {name: np.frombuffer(data[start + t["data_offsets"][0]:start + t["data_offsets"][1]],
                                    TYPES[t["dtype"]]).reshape(t["shape"]) for name, t in header.items()}

    def save_file(tensors, path):
        header, data = {}, b""
        for name, value in tensors.items():
            code = next(code for code, kind in TYPES.items() if np.dtype(kind) == value.dtype and code != "BF16")
            header[name] = {"dtype": code, "shape": value.shape, "data_offsets": [len(data), len(data) + value.nbytes]}
            data += np.ascontiguousarray(value).tobytes()
        text = json.dumps(header).encode()
        open(path, "wb").write(len(text).to_bytes(8, "little") + text + data)

    sys.modules["safetensors"] = types.ModuleType("safetensors")
    sys.modules["safetensors.numpy"] = module = types.ModuleType("safetensors.numpy")
    module.load_file = load_file
print("NumPy", np.__version__ + (", PyTorch " + torch.__version__ if torch else ""))

lyne, source, mnist = sys.argv[1:4]
page = open(f"{source}/src/labels/README.md").read()
exec(re.search(r"```python\n(import json.*?)```", page, re.S)[1])  # soft_labels, as the page has it
decoder = {line.split("# ")[1].split(":")[0].strip(): line.split("   #")[0].strip()
           for line in re.search(r"differs.*?```python\n(.*?)```", page, re.S)[1].splitlines()}


def idx(name):
    path = next(p for p in (f"{mnist}/{name}", f"{mnist}/{name}.gz") if os.path.exists(p))
    data = (gzip.open if path.endswith(".gz") else open)(path, "rb").read()
    return np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]).reshape(np.frombuffer(data, ">i4", data[3], 4))


def run(recipe, out):
    open("recipe.yaml", "w").write(recipe)
    subprocess.run([lyne, "run", "recipe.yaml", "--quiet", "--out", out, "--json"], check=True, stdout=open("results.json", "w"))
    return {r["stage"]: r for r in json.load(open("results.json"))["stages"]}


description = open(f"{source}/datasets/mnist.yaml").read()
mean, sd = (float(re.search(rf"^{k}: \[(.*?)\]", description, re.M)[1]) for k in ("mean", "sd"))
images, labels = idx("train-images-idx3-ubyte"), idx("train-labels-idx1-ubyte")
x = (images.reshape(len(images), -1).astype(np.float32) / 255 - mean) / sd

# ---- 1. a teacher of Lyne's ----
T = 2
encodings = {"f32": "f32", "f16": "f16", "bf16": "bf16", "int8": "int8", "topk": f"{{topk: {{k: 4, temperature: {T}}}}}",
             "sampled": f"{{sampled: {{draws: 100, temperature: {T}}}}}", "feature": "feature"}
teacher = "  teacher: {train: {model: {mlp: {hidden: [64, 32]}}, epochs: 1}}\n"
run("lyne: 1\nname: labels\ndata: {use: mnist}\nprecision: f32\nstages:\n" + teacher +
    "".join(f"  {k}: {{label: {{teacher: teacher, encoding: {v}}}}}\n" for k, v in encodings.items()), "run")
model = load_file("run/teacher/model.safetensors")
layers = sorted({name.rsplit(".", 1)[0] for name in model})
print("model.safetensors:", {name: value.shape for name, value in model.items()})


def numpy_forward(x, layers):
    for layer in layers:
        x = x if layer == layers[0] else np.maximum(x, 0)
        x = x @ model[layer + ".weight"].T + model[layer + ".bias"]
    return x


by_numpy = numpy_forward(x, layers)
hidden = np.maximum(numpy_forward(x, layers[:-1]), 0)  # what goes into the last layer
largest = np.abs(by_numpy).max()
exact = np.float64(by_numpy)
if torch:
    net = torch.nn.Sequential()
    for i, layer in enumerate(layers):
        linear = torch.nn.Linear(*model[layer + ".weight"].shape[::-1])
        linear.load_state_dict({k: torch.from_numpy(model[f"{layer}.{k}"]) for k in ("weight", "bias")})
        net.append(linear)
        if i + 1 < len(layers):
            net.append(torch.nn.ReLU())
    with torch.no_grad():
        by_torch = net(torch.from_numpy(x)).numpy()
    print(f"PyTorch and NumPy: {np.abs(by_torch - by_numpy).max():.2g} apart, the largest logit is {largest:.3g}")
    assert np.abs(by_torch - by_numpy).max() < 1e-5 * largest
    exact = np.float64(by_torch)


def read(name):
    """All shards of a cache, by the line of the page for its encoding."""
    directory = f"run/{name}"
    if name in ("f32", "f16"):
        return soft_labels(directory)[:, 0]
    if name == "bf16" and torch:
        from safetensors.torch import load_file as load_torch
        shards = [load_torch(f"{directory}/{s['name']}") for s in json.load(open(f"{directory}/manifest.json"))["shards"]]
        return torch.cat([s["logits"] for s in shards]).float().numpy()
    manifest = json.load(open(f"{directory}/manifest.json"))
    shards = [load_file(f"{directory}/{s['name']}") for s in manifest["shards"]]
    v = {k + "_" * (k == "class"): np.concatenate([s[k] for s in shards]) for k in shards[0]}
    v |= {"np": np, "C": 10, "k": 4, "T": T, "draws": 100}
    if name == "bf16":
        return (v["logits"].astype(np.uint32) << 16).view(np.float32)
    if name == "feature":
        v["head"] = load_file(f"{directory}/head.safetensors")
    if name == "topk":
        exec(decoder[name], v)
        return v["dense"]
    return eval(decoder[name], v)


def softmax(z):
    e = np.exp((z - z.max(1, keepdims=True)) / T)
    return e / e.sum(1, keepdims=True)


spread = exact.max(1, keepdims=True) - exact.min(1, keepdims=True)
noise = 2e-6 * largest  # of f32 sums in another order
for name in encodings:
    got = read(name)
    if name == "sampled":  # a class fills whole parts of 100 but for one at either end
        worst, most = np.abs(got - softmax(exact)).max(), 0.02
    elif name == "topk":  # the kept as halves, and the mass of the rest
        kept = np.argsort(-exact, 1)[:, :4]
        worst = np.abs(np.take_along_axis(got - exact, kept, 1)).max()
        most = largest * 2**-11 + noise
        rest = 1 - np.take_along_axis(softmax(np.float64(got)), kept, 1).sum(1)
        due = 1 - np.take_along_axis(softmax(exact), kept, 1).sum(1)
        assert np.abs(rest - due).max() < 1e-3
    else:
        bound = {"f32": 0, "f16": np.abs(exact) * 2**-11, "bf16": np.abs(exact) * 2**-8, "int8": spread / 508,
                 "feature": np.abs(hidden) @ np.abs(model[layers[-1] + ".weight"]).T * 2**-11}[name]
        worst, most = (np.abs(got - exact) - bound).max(), noise
    print(f"{name:8} beyond its rounding by {worst:.2g}, and {most:.2g} is fine")
    assert worst <= most, name

# ---- 2. a teacher of another program's ----


def by_pytorch():
    torch.manual_seed(1)
    net = torch.nn.Sequential(torch.nn.Linear(784, 64), torch.nn.ReLU(), torch.nn.Linear(64, 10))
    optimizer = torch.optim.Adam(net.parameters(), 1e-3)
    pictures, answers = torch.from_numpy(x), torch.from_numpy(labels.astype(np.int64))
    for rows in torch.randperm(len(x)).split(256):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(net(pictures[rows]), answers[rows]).backward()
        optimizer.step()
    with torch.no_grad():
        return net(pictures).numpy()


def by_hand():
    """Softmax regression."""
    weight, bias = np.zeros((784, 10), np.float32), np.zeros(10, np.float32)
    for rows in np.array_split(np.random.default_rng(1).permutation(len(x)), len(x) // 256):
        z = x[rows] @ weight + bias
        p = np.exp(z - z.max(1, keepdims=True))
        off = (p / p.sum(1, keepdims=True) - np.eye(10, dtype=np.float32)[labels[rows]]) / len(rows)
        weight -= 0.1 * (x[rows].T @ off)
        bias -= 0.1 * off.sum(0)
    return x @ weight + bias


order = np.random.default_rng(2).permutation(len(x))
save_file({"logits": (by_pytorch if torch else by_hand)()[order], "ids": order}, "other.safetensors")
results = run("""lyne: 1
name: imported
data: {use: mnist}
stages:
  soft_labels: {import: {logits: other.safetensors, ids: other.safetensors}}
  student: {distill: {model: {mlp: {hidden: [64]}}, labels: soft_labels, loss: [{kd: {temperature: 4}}], epochs: 2}}
""", "imported")
errors = results["student"]["metrics"]["test_errors"]
print(f"a student of its logits alone: {errors} errors of 10,000")
assert errors < (1000 if torch else 1500)
subprocess.run([lyne, "labels", "import", "--logits", "other.safetensors", "--ids", "other.safetensors", "--data", "mnist",
                "--out", "by_command"], check=True)
for file in sorted(os.listdir("imported/soft_labels")):
    if file.startswith(("labels-", "manifest")):
        assert open(f"imported/soft_labels/{file}", "rb").read() == open(f"by_command/{file}", "rb").read(), file
subprocess.run([lyne, "labels", "verify", "by_command"], check=True)
