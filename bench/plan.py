#!/usr/bin/env python3
# bench/plan.py -- does `lyne plan` tell the truth?  For each shipped recipe what it predicts beside what a run takes:
# time, peak of memory, bytes of soft labels; as a table in bench/plan.md.
#
#     python3 bench/plan.py BUILD/lyne [RECIPE...]      with LYNE_DATA set, on a machine with nothing else to do
#
# Long schedules are cut for both by --set, and one seed is run: it is the ratio that counts.  Where CIFAR-100 is absent,
# noise of its size stands in, which takes as long.  A recipe named on the command
# line replaces its row; without any, all are run, which takes an hour.  A row is of the machine and threads that it names.
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
RECIPES = os.path.join(HERE, "..", "recipes")
TABLE = os.path.join(HERE, "plan.md")

# Recipe, the epochs of its training stages, what else is set.
SCHEDULES = [
    ("quickstart.yaml", 20),
    ("student.yaml", 4),
    ("mnist/quick.yaml", 2),
    ("mnist/lenet.yaml", 0.4),
    ("mnist/hint.yaml", 0.4),
    ("mnist/hinton2015.yaml", 0.05),
    ("mnist/hinton-temperature.yaml", 0.5),
    ("mnist/hinton-transfer.yaml", 2),
    ("mnist/stanton2021.yaml", 0.5),
    ("shakespeare/transformer.yaml", 0.05, "stages.student.distill.epochs=1"),
    ("students/resnet20.yaml", 0.1),
    ("students/mobilenet_v2.yaml", 0.05),
    ("cifar10/consistency.yaml", 0.05, "stages.eight_views.label.views=2"),
    ("cifar10/resnet20.yaml", 0.05, "stages.soft_labels.label.views=1"),
    ("cifar100/resnet56-resnet20.yaml", 0.02),
    ("cifar100/resnet110-resnet20.yaml", 0.02),
    ("cifar100/resnet110-resnet32.yaml", 0.02),
    ("cifar100/resnet32x4-resnet8x4.yaml", 0.02),
]

HEAD = """# What `lyne plan` predicts and what a run takes

Written by `bench/plan.py`, which says how; do not edit.  Memory should hold within 15%, soft labels within 2%; time is
measured for a second on each stage, is as good as the machine is quiet, and leaves out what a run does besides its stages,
which is much of a schedule that is cut short.

| recipe | schedule | s predicted | measured | ratio | memory predicted [MB] | measured | ratio | soft labels predicted [bytes] | measured | ratio | machine |
|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---|
"""


def lyne(*arguments):
    return subprocess.run([LYNE, *arguments], capture_output=True, text=True)


def ratio(predicted, measured):
    return "%.2f" % (predicted / measured) if measured else ""


def cache_bytes(out):
    return sum(os.path.getsize(os.path.join(folder, file)) for folder, _, files in os.walk(out) for file in files
               if file.startswith("labels-") and file.endswith(".safetensors"))


def make_up_cifar100(folder):
    os.mkdir(os.path.join(folder, "cifar100"))
    for file, records in (("train.bin", 50000), ("test.bin", 10000)):
        with open(os.path.join(folder, "cifar100", file), "wb") as f:
            for _ in range(records):
                f.write(bytes((random.randrange(20), random.randrange(100))) + random.randbytes(3 * 32 * 32))


def row(name, epochs, *settings):
    with tempfile.TemporaryDirectory() as scratch:
        return row_in(scratch, name, epochs, *settings)


def row_in(scratch, name, epochs, *settings):
    recipe, out = os.path.join(RECIPES, name), os.path.join(scratch, "run")
    options = ["--set", "seeds=[1]"]
    pictures = ()
    looked = lyne("plan", recipe, "--quick", "--json", "--out", out, *options)
    if looked.returncode == 4 and name.startswith("cifar100/"):
        make_up_cifar100(scratch)
        pictures = ("made-up pictures",)
        options += ["--data", scratch]
        looked = lyne("plan", recipe, "--quick", "--json", "--out", out, *options)
    if looked.returncode:
        raise SystemExit(looked.stderr)
    stages = {job["stage"]: job["kind"] for job in json.loads(looked.stdout)["jobs"]}
    for stage, kind in stages.items():
        if kind in ("train", "distill"):
            options += ["--set", "stages.%s.%s.epochs=%g" % (stage, kind, epochs)]
    for setting in settings:
        options += ["--set", setting]
    plan = json.loads(lyne("plan", recipe, "--json", "--out", out, *options).stdout)
    start = time.monotonic()
    ran = lyne("run", recipe, "--quiet", "--out", out, *options)
    seconds = time.monotonic() - start
    if ran.returncode:
        raise SystemExit(ran.stderr)
    measured = json.load(open(os.path.join(out, "results.json")))["peak_memory"]
    labels, written = sum(job["disk"] for job in plan["jobs"] if job["kind"] in ("label", "import")), cache_bytes(out)
    return "| %s | 1 seed, %s | %.1f | %.1f | %s | %.1f | %.1f | %s | %d | %d | %s | %s |" % (
        name, ", ".join(("epochs %g" % epochs, *settings, *pictures)), plan["seconds"], seconds,
        ratio(plan["seconds"], seconds), plan["peak_memory"] / 1e6, measured / 1e6, ratio(plan["peak_memory"], measured),
        labels, written, ratio(labels, written), plan["environment"])


def main():
    rows = {}
    if os.path.exists(TABLE):
        rows = {line.split(" | ")[0][2:]: line for line in open(TABLE).read().splitlines() if re.match(r"\| \S+\.yaml ", line)}
    wanted = sys.argv[2:] or [name for name, *_ in SCHEDULES]
    for name, *schedule in SCHEDULES:
        if name not in wanted:
            continue
        rows[name] = row(name, *schedule)
        print(rows[name], flush=True)
        with open(TABLE, "w") as f:
            f.write(HEAD + "\n".join(rows.get(n, "| %s | | not run | | | | | | | | | |" % n) for n, *_ in SCHEDULES) + "\n")


LYNE = os.path.abspath(sys.argv[1])
main()
