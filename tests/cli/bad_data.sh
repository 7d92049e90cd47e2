# tests/cli/bad_data.sh -- data that are missing, damaged, not what was described, or cut short while they are read: exit 4,
# and the message names the file.
. "$LYNE_SOURCE/tests/cli/helpers"
unset LYNE_DATA

# bytes NUMBER...: as bytes.
bytes() {
    for number in "$@"; do printf "\\$(printf %03o "$number")"; done
}

# Four IDX files: 6 and 4 pictures of 12 x 12 in 3 classes.
make_data() {
    rm -rf data
    mkdir -p data/three
    for split in 'train 6' 'test 4'; do
        n=${split#* } name=data/three/${split% *}
        { bytes 0 0 8 3 0 0 0 "$n" 0 0 0 12 0 0 0 12 && seq 1000 | head -c $((n * 144)); } >"$name"-pictures
        { bytes 0 0 8 1 0 0 0 "$n" && bytes 0 1 2 0 1 2 | head -c "$n"; } >"$name"-labels
    done
}

mkdir datasets
cat >datasets/three.yaml <<end
lyne_dataset: 1
name: three
format:
  idx:
    train_pictures: train-pictures
    train_labels: train-labels
    test_pictures: test-pictures
    test_labels: test-labels
    n_classes: 3
picture: [1, 12, 12]
classes: [a, b, c]
end
cat >recipe.yaml <<end
lyne: 1
name: small
data: three
stages:
  teacher: {train: {model: {mlp: {hidden: [4]}}, epochs: 1, batch: 2}}
  labels: {label: {teacher: teacher}}
  student: {distill: {model: {mlp: {hidden: [4]}}, labels: labels, epochs: 1, batch: 2}}
end

# refused WORDS...: a run of it exits 4 with these words and leaves nothing but the recipe.
refused() {
    expect 4 "$LYNE" run recipe.yaml --threads 1 --data data
    for words in "$@"; do has err "$words"; done
    has err "lyne: data set 'three': "
    lacks err ': :'
    [ "$(wc -l <err)" -eq 1 ] || fail "more than one line"
    [ ! -s out ] || fail "a table"
    left=$(find runs -type f ! -name .lock ! -name recipe.yaml ! -name environment.json ! -name log.txt)
    [ -z "$left" ] || fail "left behind: $left"
}

say "good data are good, packed or not"
make_data
expect 0 "$LYNE" run recipe.yaml --threads 1 --data data
cp -r runs/small plain
gzip data/three/*
rm -r runs
expect 0 "$LYNE" run recipe.yaml --threads 1 --data data
same_runs plain runs/small
rm -r runs

say "where they are: --data before LYNE_DATA, several folders, the folder itself"
expect 0 env LYNE_DATA="nowhere:$PWD/data" "$LYNE" run recipe.yaml --threads 1
expect 0 "$LYNE" run recipe.yaml --threads 1 --data nowhere --data data/three --out other
same_runs runs/small other
rm -r runs

say "no folder is named"
expect 4 "$LYNE" run recipe.yaml --threads 1
has err train-pictures
has err '--data'
has err LYNE_DATA

say "a folder that is not there, a file that is not there: where was looked, and what to do"
make_data
mv data elsewhere
refused train-pictures data/three --data datasets/three.yaml
mv elsewhere data
rm data/three/test-labels
refused test-labels data/three

say "cut short: packed, unpacked, in its header, to nothing"
make_data
gzip data/three/train-pictures
size=$(wc -c <data/three/train-pictures.gz)
head -c $((size - 5)) data/three/train-pictures.gz >cut
mv cut data/three/train-pictures.gz
refused data/three/train-pictures.gz
for size in 500 10 0; do
    make_data
    head -c $size data/three/train-pictures >cut
    mv cut data/three/train-pictures
    refused data/three/train-pictures
done

say "a byte too many; a flipped bit in a gzip; no IDX file at all"
make_data
echo >>data/three/train-labels
refused data/three/train-labels 15
make_data
gzip data/three/test-pictures
size=$(wc -c <data/three/test-pictures.gz)
printf 'x' | dd of=data/three/test-pictures.gz bs=1 seek=$((size / 2)) conv=notrunc 2>/dev/null
refused data/three/test-pictures.gz
make_data
echo 'not an IDX file' >data/three/train-labels
refused data/three/train-labels IDX

say "a label out of range, labels for other pictures, other sizes than described"
make_data
{ head -c 8 data/three/train-labels && bytes 0 1 2 3 1 2; } >wrong
mv wrong data/three/train-labels
refused data/three/train-labels 'label 3 is 3'
make_data
cp data/three/test-labels data/three/train-labels
refused data/three/train-pictures '6 pictures' '4 labels'
make_data
sed -i 's/12, 12/6, 24/' datasets/three.yaml
refused '1 x 12 x 12' '1 x 6 x 24'
sed -i 's/6, 24/12, 12/' datasets/three.yaml

say "another file than the one described"
sed -i "s/^    n_classes/    train_labels_xxh128: $(printf %032d 7)\n    n_classes/" datasets/three.yaml
refused data/three/train-labels 'is not the file' "$(printf %032d 7)"
sed -i '/xxh128/d' datasets/three.yaml

say "a directory in the place of a file"
rm data/three/test-labels
mkdir data/three/test-labels
refused data/three/test-labels

say "and when all is well again, so is the run"
make_data
expect 0 "$LYNE" run recipe.yaml --threads 1 --data data
same_runs plain runs/small

say "soft labels cut short while a student reads them: 4 and the file, whatever was saved is whole, the same command goes on"
sed 's/  student.*/  student: {distill: {model: {mlp: {hidden: [4]}}, labels: labels, epochs: 200000, batch: 2, checkpoint_seconds: 0.05}}/' recipe.yaml >long.yaml
in_background "$LYNE" run long.yaml --threads 1 --data data --out long
wait_until eval '[ "$(last_step long/student/seed-1)" -gt 0 ]'
shard=long/labels/labels-00000-of-00001.safetensors
: >$shard
wait $process
status=$?
[ $status -eq 4 ] || fail "exit $status, not 4"
has err "lyne: $PWD/$shard: cannot be read any more: it was cut short"
expect 0 "$LYNE" run recipe.yaml --threads 1 --data data --out long
same_runs plain long
