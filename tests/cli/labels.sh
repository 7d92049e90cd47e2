# `lyne labels`: what it says of a cache, and what of a damaged one.
set -eu
"$LYNE" run "$LYNE_SOURCE/recipes/quickstart.yaml" --quiet --out run --set 'seeds=[1]' --set stages.teacher.train.epochs=1 \
    --set stages.student.distill.epochs=0.1 --set stages.alone.train.epochs=0.1 \
    --set 'stages.soft_labels.label.encoding={topk: {k: 4, temperature: 4}}' >table
cp -r "$LYNE_SOURCE/datasets" . # where a recipe in a run finds them
cache=run/soft_labels

"$LYNE" labels info $cache >info
grep -q '^encoding  *{topk: {k: 4, temperature: 4, tail: class}}$' info
grep -q '^bytes per record  32 (16 and 16 for sample, view and checksum)$' info
grep -q '^  T = 20 ' info
grep -q '"label_kl_p99_t20"' run/results.json
"$LYNE" labels verify $cache | grep -q 'fine, 8000 records in 1 shard$'
"$LYNE" labels verify $cache >verdict
grep -q 'the teacher says the same now: .* of 1000 records to the bit' verdict
"$LYNE" labels verify $cache --sample 0 | grep -vq teacher
"$LYNE" labels compare $cache $cache | grep -q '8000 (100.0000%)'
"$LYNE" labels export $cache --out arrays
test "$(wc -c <arrays/ids.npy)" -eq $((128 + 8 * 8000))
test "$(wc -c <arrays/logits.npy)" -eq $((128 + 4 * 10 * 8000))

# status TEXT COMMAND...: it exits with that and says so.
status() {
    want=$1 text=$2 got=0
    shift 2
    "$@" >out 2>&1 || got=$?
    test $got -eq "$want" && grep -q "$text" out || { cat out && echo "exit status $got: $*" && exit 1; }
}
status 2 'expects info, verify, export, import, merge or compare' "$LYNE" labels
status 2 'expects info, verify, export, import, merge or compare' "$LYNE" labels inspect $cache
status 2 'takes no --out' "$LYNE" labels info $cache --out x
status 2 'expects two directories' "$LYNE" labels compare $cache
status 2 'where to' "$LYNE" labels export $cache
cp -r arrays saved
status 2 'arrays/logits.npy: is there already' "$LYNE" labels export $cache --out arrays
rm arrays/logits.npy
status 2 'arrays/ids.npy: is there already' "$LYNE" labels export $cache --out arrays
test ! -e arrays/logits.npy
cp saved/logits.npy arrays
status 2 'from 0 to 1000' "$LYNE" labels compare $cache $cache --list -1
status 4 'no soft-label cache, or not finished' "$LYNE" labels verify arrays
status 2 'expects how many records' "$LYNE" labels verify $cache --sample few
status 2 'ids is missing' "$LYNE" labels import --logits x.npy --data few --out y
status 2 'no directory but that of' "$LYNE" labels import x --logits x.npy --ids x.npy --data strokes --out y

# import: what was exported comes back, with a recipe that says where it is from
"$LYNE" labels import --logits arrays/logits.npy --ids arrays/ids.npy --data strokes --encoding f32 --out back
"$LYNE" labels compare back $cache | grep -q '8000 (100.0000%)'
"$LYNE" labels verify back --sample 50 | grep -q '50 of 50 records to the bit'
cp -r back moved && rm moved/recipe.yaml
"$LYNE" labels verify moved | grep -q 'nobody was asked'
status 4 'nobody can be asked' "$LYNE" labels verify moved --sample 1
printf '\001' | dd of=arrays/logits.npy bs=1 seek=131 conv=notrunc 2>/dev/null
status 4 'another teacher' "$LYNE" labels verify back

# an import has a folder to itself, and what is there already stays as it is
cp arrays/ids.npy labels-ids.npy
cp arrays/logits.npy labels-teacher.npy
echo 'name: mine' >recipe.yaml
status 2 'has something in it that is not of this very import' "$LYNE" labels import --logits labels-teacher.npy --ids labels-ids.npy \
    --data strokes --out .
cmp labels-ids.npy arrays/ids.npy && cmp labels-teacher.npy arrays/logits.npy && grep -q mine recipe.yaml && ! [ -e manifest.json ]
sha256sum back/* >before
status 2 'not of this very import' "$LYNE" labels import --logits arrays/logits.npy --ids arrays/ids.npy --data strokes --out back
status 3 'nosuch' "$LYNE" labels import --logits arrays/logits.npy --ids arrays/ids.npy --data nosuch --encoding f32 --out fresh
status 4 'nosuch.npy' "$LYNE" labels import --logits nosuch.npy --ids arrays/ids.npy --data strokes --encoding f32 --out fresh
status 2 'not of this very import' "$LYNE" labels import --logits arrays/logits.npy --ids arrays/ids.npy --data strokes --out $cache
sha256sum -c --quiet before
"$LYNE" labels import --logits arrays/logits.npy --ids arrays/ids.npy --data strokes --encoding f32 --out fresh
"$LYNE" labels import --logits arrays/logits.npy --ids arrays/ids.npy --data strokes --encoding f32 --out fresh
"$LYNE" labels verify fresh | grep -q 'to the bit'

# a class that only one of two has heard of
"$LYNE" labels import --logits arrays/logits.npy --ids arrays/ids.npy --data strokes --encoding '{sampled: {draws: 9}}' --out drawn
"$LYNE" labels compare back drawn | grep -q '^  T = 1  .* inf  .* inf'
"$LYNE" labels compare drawn back | grep -q '^  T = 1  *[0-9.]* '
status 4 'part-.*; it is a whole cache' "$LYNE" labels merge $cache

# another model where the teacher was
cp -r run other
"$LYNE" run "$LYNE_SOURCE/recipes/quickstart.yaml" --quiet --out third --set 'seeds=[1]' --stage teacher \
    --set stages.teacher.train.epochs=0.1 >table
cp third/teacher/model.safetensors other/teacher/model.safetensors
status 4 'another teacher' "$LYNE" labels verify other/soft_labels
shard=$(echo $cache/labels-*)
mkdir elsewhere && cp -r $cache elsewhere/labels && echo 'kind: note' >elsewhere/recipe.yaml
status 4 'cannot be read as a recipe' "$LYNE" labels verify elsewhere/labels
status 0 '' "$LYNE" labels verify elsewhere/labels --sample 0
cp -r run narrow && sed 's/^precision: .*/precision: bf16/' run/recipe.yaml >narrow/recipe.yaml
ONEDNN_MAX_CPU_ISA=AVX2 DNNL_MAX_CPU_ISA=AVX2 status 7 'bf16 needs a CPU' "$LYNE" labels verify narrow/soft_labels
mv other/teacher gone
status 4 'the teacher cannot be asked again: .*model.safetensors' "$LYNE" labels verify other/soft_labels
printf lyne | dd of="$shard" bs=1 seek=200000 conv=notrunc 2>/dev/null
status 4 'fails its checksum' "$LYNE" labels verify $cache
status 0 '' "$LYNE" labels info $cache
