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
grep -Eq '^fc1 +linear +\(1, 24\) +f32 +18840 +18816 +96$' said || fail 'fc1'
grep -Eq '^fc2 +linear +\(1, 10\) +f32 +250 +240 +40$' said || fail 'fc2'
grep -Eq '^picture +input +\(1, 1, 28, 28\) +u8 +0 +0 +784$' said || fail 'picture'
grep -Eq '^total +19090 +19056 +' said || fail 'total'
awk 'NR > 1 && $1 != "total" { bytes += $NF } $1 == "total" { exit bytes != $NF }' said || fail 'the bytes do not add up'

"$LYNE" show "$recipe" alone --set 'stages.alone.train.model={lenet: {norm: true}}' >said
grep -Eq '^norm1 +batch_norm +\(1, 6, 28, 28\) +f32 +12 +' said || fail 'statistics are not parameters'

# The student of a shipped recipe: ResNet-8 as MLPerf Tiny has it.
"$LYNE" show "$LYNE_SOURCE/recipes/cifar10/consistency.yaml" replayed >said || fail 'exit status'
grep -Eq '^total +78186 ' said || fail 'not 78,186 parameters'

# refused STATUS WORDS ARGUMENT...
refused() {
    want=$1 words=$2 status=0
    shift 2
    "$LYNE" show "$@" >said 2>&1 || status=$?
    [ "$status" -eq "$want" ] || fail "exit status $status"
    grep -Fq -- "$words" said || fail "not '$words'"
}
refused 2 "which stage; those that train a model are teacher, student, alone" "$recipe"
refused 2 "there is no stage 'studnt'; did you mean 'student'?" "$recipe" studnt
refused 2 "stage 'soft_labels' trains no model" "$recipe" soft_labels
refused 2 "usage: lyne show RECIPE [STAGE], or lyne show MODEL"
refused 4 "nowhere.yaml" nowhere.yaml student

# A model by its name, with its fields, and for other data.
"$LYNE" show resnet_cifar --set depth=20 >said || fail 'exit status'
grep -Eq '^picture +input +\(1, 3, 32, 32\)' said && grep -Eq '^total +272474 +' said || fail 'not ResNet-20'
"$LYNE" show resnet_cifar --set depth=32 --set width=4 --classes 100 --taps >said || fail 'exit status'
grep -Fq 'avgpool' said && grep -Fq '(B, 256)' said && grep -Fq '(B, 100)' said || fail 'no taps'
"$LYNE" show mlp --picture 1x28x28 --set 'hidden=[24]' >said && grep -Eq '^total +19090 +19056 ' said || fail 'mlp'
"$LYNE" show mlp --set dropout.hidden=0.5 >said && grep -q '^drop1 ' said || fail 'no dropout'
"$LYNE" show transformer --tokens 16x99 --set layers=1 --set width=8 --set heads=2 >said || fail 'exit status'
grep -Eq '^tokens +input +\(1, 16\)' said || fail 'no tokens'
"$LYNE" show transformer >said && grep -Eq '^tokens +input +\(1, 128\)' said || fail 'a model of tokens is not found out'
refused 2 "there is no file and no model 'resnet_cifer'; did you mean 'resnet_cifar'?" resnet_cifer
refused 2 "there is no file and no model 'vgg'; \`lyne explain model\` lists them" vgg
refused 2 "'x' is one too many: mlp is a model, which has no stages" mlp x
refused 2 "--picture, --tokens and --classes are for a model by name; a recipe has data" "$recipe" student --classes 100
refused 3 "depth must be 6 n + 2" resnet_cifar --set depth=21
refused 3 "unknown key 'dept'; did you mean 'depth'?" resnet_cifar --set dept=20
refused 2 "--picture expects CxHxW, whole numbers from 1 to 65536, not '3x32'" resnet_cifar --picture 3x32
refused 2 "not '3x32x32x1'" resnet_cifar --picture 3x32x32x1
refused 2 "--classes expects N" resnet_cifar --classes 0
refused 2 "are for a model by name" "$recipe" student --picture 3x32x32
refused 3 "transformer" transformer --picture 3x32x32
