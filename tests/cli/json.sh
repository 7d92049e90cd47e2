# tests/cli/json.sh -- `lyne run --json`: one JSON value on stdout that says what programs need.
. "$LYNE_SOURCE/tests/cli/helpers"
command -v python3 >/dev/null || skip "python3 is not installed"
small_recipe

expect 0 "$LYNE" run recipe.yaml --threads 1 --json --out run

say "it is JSON, and what stands in results.json"
python3 -m json.tool out >/dev/null 2>err || fail "not JSON: $(cat err)"
cat >check.py <<'end'
import json, math, os

def fail(*words):
    raise SystemExit(" ".join(map(str, words)))

def unique(pairs):
    keys = [key for key, _ in pairs]
    if len(set(keys)) != len(keys):
        fail("a key twice:", keys)
    return dict(pairs)

def no_constant(name):
    fail("not a JSON number:", name)

said = json.load(open("out"), object_pairs_hook=unique, parse_constant=no_constant)
if said != json.load(open("run/results.json")):
    fail("stdout and results.json differ")
if said["lyne"] != 1 or said["recipe"] != "small":
    fail("lyne, recipe:", said["lyne"], said["recipe"])

def number(stage, key):
    value = stage[key]
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value) or value < 0:
        fail(stage["stage"], key, value)

order = [(stage["stage"], stage["kind"], stage["seed"]) for stage in said["stages"]]
if order != [("teacher", "train", 1), ("soft_labels", "label", 1), ("student", "distill", 1), ("student", "distill", 2),
             ("alone", "train", 1), ("alone", "train", 2), ("fidelity", "evaluate", 1), ("fidelity", "evaluate", 2)]:
    fail("stages:", order)
for stage in said["stages"]:
    if stage["kind"] != "label":
        metrics = stage["metrics"]
        if not 0 <= metrics["test_accuracy"] <= 1 or type(metrics["test_errors"]) is not int:
            fail("metrics:", metrics)
        if abs(metrics["test_errors"] - 200 * (1 - metrics["test_accuracy"])) > 1e-9:
            fail("errors and accuracy do not agree:", metrics)
    if stage["kind"] in ("train", "distill"):
        for key in "parameters", "macs", "seconds", "samples_per_second":
            number(stage, key)
        if os.path.isabs(stage["model"]) or not os.path.isfile(os.path.join("run", stage["model"])):
            fail("model:", stage["model"])
        if os.path.getsize(os.path.join("run", stage["model"])) != stage["model_bytes"]:
            fail("model_bytes:", stage["model_bytes"])
        with open(os.path.join("run", stage["model"]), "rb") as file:
            header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        if not header["__metadata__"]["lyne.digest"].startswith(stage["made"] + "-"):
            fail("made:", stage["made"], "is not of the model's numbers")

teacher = said["stages"][0]
if teacher["parameters"] != 256 * 32 + 32 + 32 * 10 + 10 or teacher["macs"] != 256 * 32 + 32 * 10:
    fail("parameters, macs:", teacher["parameters"], teacher["macs"])
expect, = said["expect"]
errors = [stage["metrics"]["test_errors"] for stage in said["stages"] if stage["stage"] == "student"]
if expect["stage"] != "student" or expect["mean"] != sum(errors) / 2 or expect["n"] != 2:
    fail("expect:", expect)
if expect["met"] is not (abs(expect["mean"] - 100) <= 100):
    fail("met:", expect)
end
python3 check.py 2>err || fail "$(cat err)"

say "a second run says the same, and that nothing was done"
expect 0 "$LYNE" run recipe.yaml --threads 1 --json --out run --quiet
[ ! -s err ] || fail "it speaks"
python3 check.py 2>err || fail "$(cat err)"
[ "$(grep -c '"was_up_to_date": true' out)" -eq 8 ] || fail "was_up_to_date"

say "each model opens as safetensors: a header of JSON, then as many bytes as it speaks of"
python3 - run/*/model.safetensors run/*/*/model.safetensors 2>err <<'end' || fail "$(cat err)"
import json, struct, sys
for path in sys.argv[1:]:
    data = open(path, "rb").read()
    n, = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + n])
    header.pop("__metadata__")
    if max(tensor["data_offsets"][1] for tensor in header.values()) != len(data) - 8 - n:
        raise SystemExit(path)
    if sorted(header) != ["fc1.bias", "fc1.weight", "fc2.bias", "fc2.weight"]:
        raise SystemExit(f"{path}: {sorted(header)}")
end

say "a failure leaves stdout empty"
expect 3 "$LYNE" run recipe.yaml --json --set stages.student.distill.epochs=-1
[ ! -s out ] || fail "something on stdout"
