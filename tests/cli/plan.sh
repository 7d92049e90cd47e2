# tests/cli/plan.sh -- what a run would do and why, told without touching anything; and that the predictions come true.
. "$LYNE_SOURCE/tests/cli/helpers"
small_recipe

# line STAGE WORDS: the stage's line of the table says so.
line() { grep -E "^ *$1 " out | grep -qF -- "$2" || fail "$1: not '$2'"; }

say "before anything was run: all of it, and nothing is written"
expect 0 "$LYNE" plan recipe.yaml --threads 1 --quick
line teacher 'will run: not done yet'
line soft_labels 'will run: reads teacher, which will run'
line student '2 of 2'
has out '  soft_labels' # below the stage that it reads
absent runs

say "what was done is up to date"
expect 0 "$LYNE" run recipe.yaml --threads 1
cp -r runs before
expect 0 "$LYNE" plan recipe.yaml --threads 1
for stage in teacher soft_labels student alone fidelity; do line $stage 'up to date'; done
has out 'Nothing would run'

say "which field is another now, and whom that concerns"
expect 0 "$LYNE" plan recipe.yaml --threads 1 --quick --set stages.student.distill.epochs=3
line student 'will run: epochs: '
line student ', now 3'
line fidelity 'will run: reads student, which will run'
line alone 'up to date'
expect 0 "$LYNE" plan recipe.yaml --threads 1 --quick --set 'seeds=[1, 2, 3]'
line student '1 of 3'
line teacher 'up to date'
cp datasets/few.yaml kept.yaml
sed 's/train: /seed: 7, train: /' kept.yaml >datasets/few.yaml
expect 0 "$LYNE" plan recipe.yaml --threads 1 --quick
line teacher 'training pictures changed'
cp kept.yaml datasets/few.yaml

say "a file that was lost"
mv runs/small/teacher/model.safetensors kept
expect 0 "$LYNE" plan recipe.yaml --threads 1 --quick
line teacher 'will run: model.safetensors is missing or changed'
mv kept runs/small/teacher/model.safetensors
same_runs before runs

say "what another run has done just so would be copied, and what reads that alone need not run for it"
printf 'lyne: 1\nextends: recipe.yaml\nname: other\n' >other.yaml
other="$LYNE plan other.yaml --threads 1 --quick"
expect 0 $other
line teacher 'will run: not done yet'
has out '8 of 8 would run; '
expect 0 $other --reuse runs/small --set stages.student.distill.epochs=3
for stage in teacher soft_labels; do line $stage "will be copied from runs/small/$stage"; done
line alone 'will be copied from runs/small/alone/seed-1'
line student 'will run: not done yet'
line fidelity 'will run: reads student, which will run'
has out '4 of 8 would run; 4 would be copied; '
expect 0 $other --reuse runs/small --json --set stages.student.distill.epochs=3
[ "$(grep -c '"copied_from": "runs/small/' out)" -eq 4 ] || fail "copied_from"
[ "$(grep -c '"up_to_date": true' out)" -eq 4 ] || fail "up_to_date"
expect 0 $other --reuse runs/small
has out 'Nothing would run: 8 of 8 would be copied'
absent runs/other

say "for programs"
expect 0 "$LYNE" plan recipe.yaml --threads 1 --json --set stages.student.distill.epochs=3
has out '"why": "epochs: '
has out '"seconds": '
expect 0 "$LYNE" plan recipe.yaml --quick --json --out "$(printf 'x\377')"
has out '"out": "x?"'

say "where the time of a step goes, of stages that are done too"
expect 0 "$LYNE" plan recipe.yaml --threads 1 --kernels --set seeds=[1]
has out 'teacher: a training step, batch 32'
has out 'soft_labels: asking a model, batch 50'
for step in 'forward  *fc' 'backward  *fc' 'update .* sgd' 'all '; do
    grep -q "^$step" out || fail "no line of $step"
done
has out 'Nothing would run'
expect 2 "$LYNE" plan recipe.yaml --kernels --quick
has err '--kernels measures'
expect 2 "$LYNE" plan
has err 'usage: lyne plan RECIPE'
expect 3 "$LYNE" plan recipe.yaml --set stages.student.distill.epohs=3

say "a teacher that is asked in each step costs time and memory in each step"
cat >live.yaml <<end
lyne: 1
name: live
data: few
stages:
  teacher: {train: {model: {mlp: {hidden: [2000, 2000]}}, epochs: 1}}
  stored: {label: {teacher: teacher}}
  live: {label: {teacher: teacher, views: online}}
  fixed: {distill: {model: {mlp: {hidden: [2]}}, labels: stored, epochs: 20}}
  online: {distill: {model: {mlp: {hidden: [2]}}, labels: live, epochs: 20}}
  again: {label: {teacher: teacher, views: online}}
  both: {distill: {model: {mlp: {hidden: [2]}}, labels: [live, again], epochs: 20}}
end
expect 0 "$LYNE" plan live.yaml --threads 1 --json
# of STAGE KEY: from the plan
of() { tr -d '\n' <out | sed 's/{ *"disk/\n{"disk/g' | sed -n "/\"stage\": \"$1\"/s/.*\"$2\": \([0-9.e+-]*\).*/\1/p"; }
for key in seconds memory; do
    echo "  $key: from disk $(of fixed $key), live $(of online $key), of two $(of both $key)"
    awk -v a="$(of fixed $key)" -v b="$(of online $key)" -v c="$(of both $key)" 'BEGIN { exit !(a > 0 && b > 2 * a && c > 1.4 * b) }' ||
        fail "$key of stages that ask a teacher"
done

# number KEY FILE: the first such number.
number() { sed -n "s/^ *\"$1\": \([0-9]*\),*\$/\1/p" "$2" | head -n 1; }
# close WHAT PREDICTED MEASURED PERCENT
close() {
    echo "  $1: predicted $2, measured $3"
    awk -v p="$2" -v m="$3" -v most="$4" 'BEGIN { exit !(p > 0 && m > 0 && (p - m) ^ 2 <= (m * most / 100) ^ 2) }' ||
        fail "$1: $2 for $3"
}
say "checkpoints take the disk that is predicted: two are kept, and the next one is whole before one goes"
long="live.yaml --threads 1 --out stopped --set stages.teacher.train.epochs=1000"
expect 0 "$LYNE" plan $long --quick
has out 'more for checkpoints on the way.'
expect 0 "$LYNE" plan $long --quick --json
predicted=$(of teacher disk_meanwhile)
in_background "$LYNE" run $long
wait_until test -e stopped/teacher/metrics.jsonl
kill -TERM $process
wait $process
[ $? -eq 75 ] || fail "it was not stopped"
close "checkpoints" "$predicted" "$((3 * $(find stopped/teacher -name 'checkpoint-*' -printf '%s\n' | head -n 1)))" 2

say "predictions for the quickstart come true: memory within 15%, soft labels within 2%"
quickstart="$LYNE_SOURCE/recipes/quickstart.yaml --out quick --threads 2 --set seeds=[1]"
for stage in teacher.train student.distill alone.train; do quickstart="$quickstart --set stages.$stage.epochs=1"; done
expect 0 "$LYNE" plan $quickstart --json
mv out plan.json
expect 0 "$LYNE" run $quickstart --quiet
labels=$(sed -n '/"kind": "label"/q; s/^ *"disk": \([0-9]*\),*$/\1/p' plan.json | tail -n 1)
close "soft labels" "$labels" "$(cat quick/soft_labels/labels-* | wc -c)" 2
instrumented && exit 0 # memory that is no business of the plan's
close "peak of memory" "$(number peak_memory plan.json)" "$(number peak_memory quick/results.json)" 15

say "so do those of each stage, before anything of it is compiled for good or has memory: in a process of its own, within 15%"
cp "$LYNE_SOURCE/datasets/strokes.yaml" datasets/
cat >kinds.yaml <<-end
	lyne: 1
	name: kinds
	data: {use: strokes}
	stages:
	  teacher: {train: {model: {mlp: {hidden: [1200, 1200]}}, epochs: 0.01}}
	  soft_labels: {label: {teacher: teacher, batch: 2000}}
	  student: {distill: {model: {mlp: {hidden: [900, 900]}}, labels: soft_labels, epochs: 0.2}}
	  live: {label: {teacher: teacher, views: online}}
	  pupil: {distill: {model: {lenet: {}}, labels: live, epochs: 0.05, batch: 512}}
	  mobile: {train: {model: {mobilenet_v2: {width: 0.5}}, epochs: 0.01, batch: 64}}
	  deep: {train: {model: {resnet_cifar: {depth: 20}}, epochs: 0.01, batch: 64}}
	  lean: {train: {model: {resnet_cifar: {depth: 20}}, epochs: 0.01, batch: 64, memory: lean}}
end
expect 0 "$LYNE" plan kinds.yaml --quick --json --threads 2 --out kinds
mv out plan.json
for stage in teacher soft_labels student live pupil mobile deep lean; do
    expect 0 "$LYNE" run kinds.yaml --threads 2 --out kinds --stage $stage --quiet
    [ $stage != live ] || continue # nothing is done there
    close $stage "$(sed -n "/\"peak_memory\"/h; /\"stage\": \"$stage\"/{x; p}" plan.json | sed 's/[^0-9]//g')" \
        "$(number peak_memory kinds/results.json)" 15
done
