# tests/cli/students.sh -- networks written out in recipes/students: few lines, and the bits of the built-in ones.
. "$LYNE_SOURCE/tests/cli/helpers"
make_strokes few 48 24 32
options='--threads 1 --quiet --set data=few --set stages.student.train.epochs=1 --set stages.student.train.batch=16
    --set stages.student.train.augment=[]'

# twin NAME BUILT_IN LINES
twin() {
    say "$1: at most $3 lines, and the model of $2"
    cp "$LYNE_SOURCE/recipes/students/$1.yaml" .
    [ "$(grep -vc '^ *#' "$1.yaml")" -le "$3" ] || fail "$(grep -vc '^ *#' "$1.yaml") lines"
    expect 0 "$LYNE" run "$1.yaml" $options --out written
    expect 0 "$LYNE" run "$1.yaml" $options --out built --set "stages.student.train.model=$2"
    cmp written/student/seed-1/model.safetensors built/student/seed-1/model.safetensors || fail "other numbers"
    rm -r written built
}
twin resnet20 '{resnet_cifar: {depth: 20}}' 30
twin mobilenet_v2 mobilenet_v2 40
