# tests/cli/other_labels.sh -- soft labels that are not of this teacher, data set, views or classes are refused by name.
. "$LYNE_SOURCE/tests/cli/helpers"
small_recipe
sed 's/size: 16/size: 16, seed: 2/' datasets/few.yaml >datasets/other.yaml
sed 's/\["0", "1"/["1", "0"/' datasets/few.yaml >datasets/swapped.yaml

# graft STAGE FROM TO: put the files of a stage of one run into another, as if they were its own.
graft() {
    fingerprint=$(sed -n 's/.*"fingerprint": "\([0-9a-f]*\)".*/\1/p' "$3/$1/result.json")
    rm -r "${3:?}/$1"
    cp -r "$2/$1" "$3/$1"
    sed -i "s/\"fingerprint\": \"[0-9a-f]*\"/\"fingerprint\": \"$fingerprint\"/" "$3/$1/result.json"
}

# refused WORD: run with the labels of `other` grafted into a copy of `own`; exit 4, and WORD says what differs.
refused() {
    rm -rf run
    cp -r own run
    graft soft_labels other run
    expect 4 "$LYNE" run recipe.yaml --threads 1 --out run
    has err 'soft_labels: up to date'
    has err "$1"
    has err 'run/soft_labels'
    absent run/student/seed-1/result.json
    rm -rf other
}

expect 0 "$LYNE" run recipe.yaml --threads 1 --out own

say "its own labels, taken out and put back, are fine"
cp -r own run
graft soft_labels own run
expect 0 "$LYNE" run recipe.yaml --threads 1 --out run
has err 'student, seed 1: up to date'

say "of another teacher"
expect 0 "$LYNE" run recipe.yaml --threads 1 --out other --set stages.teacher.train.epochs=3
refused teacher

say "of another data set, by the same teacher"
expect 0 "$LYNE" run recipe.yaml --threads 1 --out other --set data.use=other
graft teacher own other
expect 0 "$LYNE" run recipe.yaml --threads 1 --out other --set data.use=other
has err 'teacher: up to date'
refused data

say "of other views"
expect 0 "$LYNE" run recipe.yaml --threads 1 --out other --set 'stages.soft_labels.label.augment=[shift]'
refused views

say "of classes in another order"
expect 0 "$LYNE" run recipe.yaml --threads 1 --out other --set data.use=swapped
graft teacher own other
expect 0 "$LYNE" run recipe.yaml --threads 1 --out other --set data.use=swapped
refused classes

say "a cache without its manifest is made again"
rm -rf run
cp -r own run
rm run/soft_labels/manifest.json
expect 0 "$LYNE" run recipe.yaml --threads 1 --out run
lacks err 'soft_labels: up to date'
same_runs own run
