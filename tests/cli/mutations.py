# tests/cli/mutations.py -- what `lyne check` passes does not fail later for a reason that the recipe shows.
#   mutations.py LYNE SOURCE N
#
# Of a recipe one value at a time becomes another that its field might have: the ends of a range and what lies beyond
# them, each choice, each component of the kind, nothing.  Then: what check passes is fine by the schema, so that what
# the schema refuses check refuses; and what check passes runs, on a few made-up samples of the same size, or ends for a
# reason that only a run can know.  One in N is tried, and one in N of those is run.  The recipe is everything.yaml, which
# has a bit of everything; with N = 1 the shipped ones follow, of which one in ten is tried.
import copy
import functools
import glob
import json
import os
import re
import resource
import shutil
import signal
import struct
import subprocess
import sys

import jsonschema

from core_yaml import read, write as write_yaml

LYNE, SOURCE = sys.argv[1:3]
EVERY = int(sys.argv[3])
LONG = EVERY == 1
N = 24  # samples in a split

# What a run may end with all the same, by exit status and words.
ONLY_A_RUN_KNOWS = [
    (5, "", "numbers that grow without bounds"),
    (6, "", "no memory for it on this machine"),
    (-signal.SIGXCPU, "", "how long it takes on this machine"),
    (-signal.SIGKILL, "", "how long it takes on this machine"),
    (4, "cannot be held out of", "how many samples there are"),
    (4, "show: samples = ", "how many samples there are"),
]


def write(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(data)


def pictures(n_bytes, labels):
    """Records of the CIFAR files: labels, then pixels."""
    pixel = lambda i: bytes((i * 37 + k * k * 11) % 251 for k in range(n_bytes))
    return b"".join(label + pixel(i) for i, label in enumerate(labels))


def make_data():
    """datasets/ beside the recipes, with a few samples each; pictures, classes and preprocessing as they are shipped."""
    shutil.copytree(SOURCE + "/recipes", "recipes")
    shutil.copytree(SOURCE + "/datasets", "datasets")
    def replace(name, form):
        text = open("datasets/%s.yaml" % name).read()
        text = re.sub(r"(?ms)^format:.*?(?=^\w)", "format: %s\n" % json.dumps(form), text)
        open("datasets/%s.yaml" % name, "w").write(text)
    few = {"strokes": {"train": N, "test": N, "size": 28}}
    replace("mnist", few)
    replace("strokes", {"strokes": {"train": N, "test": N}})
    ten = {"cifar": {"train": ["a.bin"], "test": ["a.bin"]}}
    for name in ("cifar10", "cifar10-jpeg"):
        replace(name, ten)
        write("data/%s/a.bin" % name, pictures(3072, [bytes([i % 10]) for i in range(N)]))
    replace("cifar100", {"cifar": {"train": ["a.bin"], "test": ["a.bin"], "n_classes": 100}})
    write("data/cifar100/a.bin", pictures(3072, [bytes([i % 20, i * 4 % 100]) for i in range(N)]))
    letters = [c for c in read(open("datasets/tinyshakespeare.yaml").read())["classes"]]
    write("data/tinyshakespeare/input.txt", "".join(letters[i * i % 61 + i % 5] for i in range(65 * 130)).encode()
          + "".join(letters).encode())


# ---- from the schema, what a value could be ----

class Schema:
    def __init__(self):
        self.root = json.loads(subprocess.run([LYNE, "schema"], capture_output=True, check=True).stdout)
        self.validator = jsonschema.Draft202012Validator(self.root)

    def follow(self, node):
        while "$ref" in node:
            node = self.root["$defs"][node["$ref"].rsplit("/", 1)[1]]
        return node

    def mutations(self, node, value, path=()):
        """(path, value) of all that may take the place of a value that this schema describes."""
        node = self.follow(node)
        for choice in node.get("anyOf", []):
            yield from self.mutations(choice, value, path)
        if "enum" in node:
            yield from ((path, other) for other in node["enum"] + ["nonsense"] if other != value)
        if "const" in node:
            yield path, node["const"]
        kind = node.get("type")
        if kind in ("integer", "number"):
            low, high = node.get("minimum"), node.get("maximum")
            if low is not None:
                step = 1 if kind == "integer" else max(abs(low), 1) / 1000
                between = [low + step, (low + high) // 2 if kind == "integer" else (low + high) / 2]
                yield from ((path, other) for other in [low, high, low - step, high * 2 + 1] + between)
            yield from ((path, other) for other in [1, 2, 3] if kind == "integer")
            yield from ((path, other) for other in [0.1, 1.0, "1"] if kind == "number")
        if kind == "boolean":
            yield from ((path, other) for other in (True, False, 1))
        if kind == "array":
            yield path, []
            if isinstance(value, list):
                for i, item in enumerate(value):
                    yield from self.mutations(node.get("items", {}), item, path + (i,))
                if value:
                    yield path, value + value[:1]
            names = self.follow(node.get("items", {})).get("anyOf", [{}])[0].get("enum", [])
            yield from ((path, [name]) for name in names)
        if "properties" in node and isinstance(value, dict):
            for key, of in node["properties"].items():
                if "maxProperties" in node and key not in value:
                    continue
                yield from self.mutations(of, value.get(key), path + (key,))
            if "maxProperties" not in node:
                yield path + ("nonsense",), 1
        if isinstance(node.get("additionalProperties"), dict) and isinstance(value, dict):
            for key in value:
                yield from self.mutations(node["additionalProperties"], value[key], path + (key,))


def changed(recipe, path, value):
    recipe = copy.deepcopy(recipe)
    at = recipe
    for step in path[:-1]:
        if isinstance(at, dict) and step not in at:
            at[step] = {}
        at = at[step]
    if isinstance(at, str):
        raise KeyError
    at[path[-1]] = value
    return recipe


def options(recipe, path):
    """Numbers that ask for a long run are not run long; stages that the change cannot reach are left out."""
    out = []
    for name, stage in recipe["stages"].items():
        kind, fields = next(iter(stage.items())) if isinstance(stage, dict) and stage else ("", {})
        if kind in ("train", "distill") and isinstance(fields, dict):
            epochs = fields.get("epochs", 10)
            if isinstance(epochs, (int, float)) and 1 < epochs <= 1e6:
                out += ["--set", "stages.%s.%s.epochs=1" % (name, kind)]
    reaches_others = path[0] != "stages" or len(path) < 4 or path[2] not in ("train", "distill") or path[3] == "model"
    return out if reaches_others else out + ["--stage", path[1]]


def limit():
    resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))
    resource.setrlimit(resource.RLIMIT_CPU, (5, 10))


def lyne(*arguments, before=limit):
    try:
        ran = subprocess.run([LYNE, *arguments], capture_output=True, text=True, timeout=120, preexec_fn=before)
    except subprocess.TimeoutExpired:
        return -signal.SIGXCPU, "", "120 s are over"
    return ran.returncode, ran.stdout, ran.stderr


def run(recipe, out, more, before=limit):
    return lyne("run", recipe, "--quiet", "--data", "data", "--out", out, "--threads", "1", *more, before=before)


def checked(names):
    """Which of these files check passes."""
    fine = set()
    for i in range(0, len(names), 100):
        status, out, said = lyne("check", *names[i:i + 100])
        if status not in (0, 3):
            raise SystemExit("check ends with %d: %s" % (status, said))
        fine |= {line.split(":")[0] for line in out.splitlines()}
    return fine


def mutants(schema, recipe):
    """What is changed, and the recipe with it, each once."""
    seen = set()
    for path, value in schema.mutations(schema.root["else"], recipe):
        what = ".".join(map(str, path)) + "=" + json.dumps(value)
        if what not in seen and path[0] not in ("lyne", "name", "extends"):
            seen.add(what)
            yield what, path, functools.partial(changed, recipe, path, value)


def spoil(name, recipe, schema, every, found):
    """Change one value at a time, one in so many, and run one in so many of those that check passes."""
    wrong = lambda *text: (found.append(text), print(*text, flush=True))
    what, path, tree = zip(*list(mutants(schema, recipe))[::every])
    names = ["m%d.yaml" % i for i in range(len(what))]
    for file, t in zip(names, tree):
        with open(file, "w") as f:
            f.write(write_yaml(t()))
    fine = checked(names)
    for i, file in enumerate(names):
        if file in fine and not schema.validator.is_valid(tree[i]()):
            wrong(what[i], "passes check, and not the schema")
    counts = {"changes": len(what), "refused": len(what) - len(fine), "ran": 0, "ended": 0}
    passed = [i for i, file in enumerate(names) if file in fine]
    for i in passed[::every]:
        shutil.rmtree("out", ignore_errors=True)
        shutil.copytree("base", "out")
        status, _, said = run(names[i], "out", options(tree[i](), path[i]))
        if status == 0:
            counts["ran"] += 1
        elif any(status == s and words in said for s, words, why in ONLY_A_RUN_KNOWS):
            counts["ended"] += 1
        else:
            wrong(what[i], "passes check, and the run ends with %d: %s" % (status, said))
    print(name, counts, flush=True)
    for file in names:
        os.remove(file)


def main():
    make_data()
    schema, found = Schema(), []
    shutil.copy(SOURCE + "/tests/cli/everything.yaml", "everything.yaml")
    shipped = sorted(glob.glob("recipes/**/*.yaml", recursive=True)) if LONG else []
    for name in ["everything.yaml"] + shipped:
        shutil.rmtree("base", ignore_errors=True)
        status, _, said = run(name, "base", options(read(open(name).read()), ("seeds",)), None)
        if status != 0:
            found.append(name)
            print(name, "as it is: exit %d: %s" % (status, said))
            continue
        # A shipped recipe as it was understood: what it extends merged, defaults written out.
        recipe = read(open(name if name == "everything.yaml" else "base/recipe.yaml").read())
        spoil(name, recipe, schema, EVERY if name == "everything.yaml" else 10, found)
    return 1 if found else 0


sys.exit(main())
