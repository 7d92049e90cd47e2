# Losses that compare features: adapters where they differ, none of them in the model, and mistakes with line and column.
. "$LYNE_SOURCE/tests/cli/helpers"
set -e
make_strokes tiny 200 50 16
cat >tiny.yaml <<'END'
lyne: 1
name: tiny
data: tiny
stages:
  teacher: {train: {model: {resnet_cifar: {depth: 8, width: 0.5}}, epochs: 1, batch: 20}}
  soft_labels: {label: {teacher: teacher}}
  alone: {train: {model: {resnet_cifar: {depth: 8, width: 0.25}}, epochs: 2, batch: 20}}
  student:
    distill:
      model: {resnet_cifar: {depth: 8, width: 0.25}}
      labels: soft_labels
      loss:
        - cross_entropy
        - hint: {student: layer2.0.relu2, teacher: layer2.0.relu2}
        - hint: {student: avgpool, teacher: avgpool}
        - attention: {student: layer2.0.relu2, teacher: layer1.0.relu2, weight: 10}
        - similarity: {student: layer3.0.add, teacher: layer3.0.relu2, weight: 10}
      epochs: 2
      batch: 20
END
says() { # FILE WORDS...
    file=$1
    shift
    for words; do grep -qF -- "$words" "$file" || { echo "'$words' is not said:" && cat "$file" && exit 1; }; done
}
"$LYNE" show tiny.yaml student --taps >said
says said 'layer2.0.relu2         (B, 8, 8, 8)' 'avgpool                (B, 16)'
"$LYNE" check --verbose tiny.yaml >out
one_line out >said
says said 'student: adapter.hint: conv2d takes layer2.0.relu2 from (2, 8, 8, 8) to (2, 16, 8, 8) (batch of 2), 144 param' \
    'student: adapter.hint_2: linear takes avgpool from (2, 16) to (2, 32)' \
    'adapter.attention.teacher_pool: avg_pool takes teacher_feature.layer1.0.relu2 from (2, 8, 16, 16) to (2, 8, 8, 8)'

# Sizes of which neither is a multiple of the other: both to the smaller height and the smaller width.
layers() { echo "{layers: [{c: {conv2d: {filters: 4, kernel: $1, stride: 2}}}, {r: relu}, flatten, {fc: {linear: {units: classes}}}]}"; }
cat >odd.yaml <<END
lyne: 1
name: odd
data: tiny
stages:
  teacher: {train: {model: $(layers 3), epochs: 1, batch: 20}}
  soft_labels: {label: {teacher: teacher}}
  student:
    distill:
      model: $(layers 7)
      labels: soft_labels
      loss: [cross_entropy, {hint: {student: r, teacher: r, weight: 10}}, {attention: {student: r, teacher: r}}]
      epochs: 3
      batch: 20
END
"$LYNE" check --verbose odd.yaml >out
one_line out >said
says said 'adapter.hint.teacher_pool: adaptive_avg_pool takes teacher_feature.r from (2, 4, 7, 7) to (2, 4, 5, 5)' \
    'adapter.attention.teacher_pool: adaptive_avg_pool takes'
"$LYNE" plan --quick --out odd odd.yaml >out
one_line out >said
says said 'adapter.hint.teacher_pool: adaptive_avg_pool takes teacher_feature.r from (2, 4, 7, 7) to (2, 4, 5, 5)'
"$LYNE" run --quiet --threads 1 --out odd odd.yaml >table
falls() { awk -F'"hint": ' '{ split($2, v, ","); if (NR > 1 && v[1] >= last) exit 1; last = v[1] }' "$1"; }
falls odd/student/seed-1/metrics.jsonl
sed -i 's/kernel: 7, stride: 2/kernel: 7/' odd.yaml # 10 x 10 and 7 x 7: now it is the student that is pooled
"$LYNE" check --verbose odd.yaml >out
one_line out >said
says said 'adapter.hint.student_pool: adaptive_avg_pool takes r from (2, 4, 10, 10) to (2, 4, 7, 7)'
"$LYNE" run --quiet --threads 1 --out odd odd.yaml >table
falls odd/student/seed-1/metrics.jsonl

# The exported model is the built-in one, parameter for parameter: as long as the one trained without a teacher, and of the
# same header but for what its metadata says.
"$LYNE" run --quiet --threads 1 --out a tiny.yaml >table
header() { head -c 6000 "$1" | tr '{' '\n' | grep -ao '"dtype":"F32","shape":[^}]*' || true; }
header a/student/seed-1/model.safetensors >student
header a/alone/seed-1/model.safetensors >alone
[ -s alone ] && cmp student alone
! grep -aq adapter a/student/seed-1/model.safetensors

# The features are trained by: both hints fall.
falls a/student/seed-1/metrics.jsonl

# A run that was stopped goes on to the same bits, adapters included, and validation shares the model's weights.
"$LYNE" run --quiet --threads 1 --out b --set data='{use: tiny, validation: 20}' tiny.yaml >table
status=0
"$LYNE" run --quiet --threads 1 --out c --set stages.student.distill.checkpoint_seconds=0 --set stages.student.distill.epochs=60 tiny.yaml \
    >table 2>&1 &
pid=$!
while [ ! -e c/student/seed-1/metrics.jsonl ]; do sleep 0.05; done
kill $pid
wait $pid || status=$?
[ $status -eq 75 ] || { echo "status $status" && exit 1; }
ls c/student/seed-1/checkpoint-* >said
"$LYNE" run --quiet --threads 1 --out c --set stages.student.distill.epochs=60 tiny.yaml >table
"$LYNE" run --quiet --threads 1 --out d --set stages.student.distill.epochs=60 tiny.yaml >table
cmp c/student/seed-1/model.safetensors d/student/seed-1/model.safetensors

# wrong FROM TO WORDS: what is said with the change, at its place.
wrong() {
    sed "s/$1/$2/" tiny.yaml >wrong.yaml
    ! "$LYNE" check wrong.yaml 2>said || { echo "$2 is taken" && exit 1; }
    says said "$3"
}
wrong 'hint: {student: layer2.0.relu2' 'hint: {student: layer2.0.relo2' \
    "wrong.yaml:14:27: student: model: there is no node 'layer2.0.relo2'; did you mean 'layer2.0.relu2'?"
wrong 'teacher: avgpool' 'teacher: avgpol' \
    "wrong.yaml:15:45: student: model: the teacher: there is no node 'avgpol'; did you mean 'avgpool'?"
wrong 'teacher: avgpool' 'teacher: layer1.0.relu2' \
    "the student's feature is (2, 16) and the teacher's (2, 8, 16, 16); name nodes of one kind"
wrong 'teacher: avgpool' 'teacher: picture' 'the teacher: picture is a picture as it was read and no feature'
wrong 'student: avgpool, ' '' "hint: 'student' is missing"
wrong 'hint: {student: layer2.0.relu2' 'hint: {student: [a]' 'expects the path of a node, as layer2.0.bn2'
sed 's/hint: {student: avgpool, teacher: avgpool}/kd/; s/{label: {teacher: teacher}}/{import: {logits: a.npy, ids: b.npy}}/' \
    tiny.yaml >wrong.yaml
! "$LYNE" check wrong.yaml 2>said
says said 'hint reads a teacher'"'"'s features, and there is no model here that could be asked'
