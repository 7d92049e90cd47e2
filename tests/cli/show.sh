# The layers of a model: each with its shape and numbers, which add up.
set -eu
fail() { echo "$1" && cat said && exit 1; }
mkdir datasets && cp "$LYNE_SOURCE/datasets/mnist.yaml" datasets
cat >recipe.yaml <<'END'
lyne: 1
name: show
data: mnist
stages:
  teacher: {train: {model: mlp}}
  soft_labels: {label: {teacher: teacher}}
  student: {distill: {model: {mlp: {hidden: [24]}}, labels: soft_labels}}
  alone: {train: {model: lenet}}
END
recipe=recipe.yaml

"$LYNE" show "$recipe" student >said
# 784 x 24 + 24 and 24 x 10 + 10; bytes of one sample in f32, the picture in u8
grep -Eq '^fc1 +linear +\(1, 24\) +18840 +18816 +96$' said || fail 'fc1'
grep -Eq '^fc2 +linear +\(1, 10\) +250 +240 +40$' said || fail 'fc2'
grep -Eq '^picture +input +\(1, 1, 28, 28\) +0 +0 +784$' said || fail 'picture'
grep -Eq '^total +19090 +19056 +' said || fail 'total'
awk 'NR > 1 && $1 != "total" { bytes += $NF } $1 == "total" { exit bytes != $NF }' said || fail 'the bytes do not add up'

"$LYNE" show "$recipe" alone --set 'stages.alone.train.model={lenet: {norm: true}}' >said
grep -Eq '^norm1 +batch_norm +\(1, 6, 28, 28\) +12 +' said || fail 'statistics are not parameters'

# The student of a shipped recipe: ResNet-8 as MLPerf Tiny has it.
"$LYNE" show "$LYNE_SOURCE/recipes/cifar10/consistency.yaml" replayed >said || fail 'exit status'
grep -Eq '^total +78186 ' said || fail 'not 78,186 parameters'

# refused STATUS WORDS ARGUMENT...
refused() {
    want=$1 words=$2 status=0
    shift 2
    "$LYNE" show "$@" >said 2>&1 || status=$?
    [ "$status" -eq "$want" ] || fail "exit status $status"
    grep -Fq "$words" said || fail "not '$words'"
}
refused 2 "which stage? Those that train a model are teacher, student, alone" "$recipe"
refused 2 "there is no stage 'studnt'; did you mean 'student'?" "$recipe" studnt
refused 2 "stage 'soft_labels' trains no model" "$recipe" soft_labels
refused 2 "usage: lyne show RECIPE STAGE"
refused 4 "nowhere.yaml" nowhere.yaml student
