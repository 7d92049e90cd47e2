# tests/cli/up_to_date.sh -- what is run again: nothing, the stage that changed, the stage whose file was lost.
. "$LYNE_SOURCE/tests/cli/helpers"
small_recipe

# again STAGE...: of the last run, just these were run again.
again() {
    sed -n 's/^\([a-z_]*\)[a-z0-9, ]*: up to date$/\1/p' err | sort -u >skipped
    for stage in teacher soft_labels student alone fidelity; do
        case " $* " in
        *" $stage "*) ! grep -qx $stage skipped || fail "$stage was not run again" ;;
        *) grep -qx $stage skipped || fail "$stage was run again" ;;
        esac
    done
}

say "a second run does nothing, within 2 s, and says the same"
expect 0 "$LYNE" run recipe.yaml --threads 1
again teacher soft_labels student alone fidelity
cp out first
grep -v 'up_to_date\|wall_seconds\|peak_memory' runs/small/results.json >results
cp -r runs/small before
started=$(date +%s)
expect 0 "$LYNE" run recipe.yaml --threads 1
[ $(($(date +%s) - started)) -le 2 ] || fail "it took $(($(date +%s) - started)) s"
again
cmp out first || fail "another table"
grep -v 'up_to_date\|wall_seconds\|peak_memory' runs/small/results.json | cmp - results || fail "other results"
same_runs before runs/small

say "results keep what they were made with, and when, whoever finds them up to date"
cp runs/small/environment.json .
expect 0 "$LYNE" run recipe.yaml --threads 2
again
has runs/small/results.json '1 thread"'
lacks runs/small/results.json '2 threads'
grep -v 'up_to_date\|wall_seconds\|peak_memory' runs/small/results.json | cmp - results || fail "other results"
cmp environment.json runs/small/environment.json || fail "another environment.json"
expect 0 "$LYNE" run recipe.yaml --threads 2 --set stages.fidelity.evaluate.split=train
again fidelity
[ "$(grep -c '2 threads"' runs/small/results.json)" -eq 3 ] || fail "not of two seeds and all"
grep -q '^  "environment": "[^"]*, 1 thread; [^"]*, 2 threads"' runs/small/results.json || fail "not of both"
has runs/small/environment.json '"threads": 2'
expect 0 "$LYNE" run recipe.yaml --threads 1
again fidelity

say "a changed student: it alone, and what scores it, is run again"
expect 0 "$LYNE" run recipe.yaml --threads 1 --set stages.student.distill.epochs=3
again student fidelity
expect 0 "$LYNE" run recipe.yaml --threads 1
again student fidelity
same_runs before runs/small

say "an expectation, a title, how often checkpoints are made: nothing is run again"
expect 0 "$LYNE" run recipe.yaml --threads 1 --set 'expect=[]' --set 'paper.title=On strokes' $often
again

say "a model file that was lost is made again, to the same bits, and nothing else is"
rm runs/small/teacher/model.safetensors
expect 0 "$LYNE" run recipe.yaml --threads 1
again teacher
same_runs before runs/small

say "so is one in which a bit has flipped"
model=runs/small/student/seed-2/model.safetensors
size=$(wc -c <$model)
{ head -c $((size - 1)) before/student/seed-2/model.safetensors && printf '\377'; } >$model
cmp -s $model before/student/seed-2/model.safetensors && fail "the file was not changed"
expect 0 "$LYNE" run recipe.yaml --threads 1
has err 'student, seed 1: up to date'
lacks err 'student, seed 2: up to date'
same_runs before runs/small

say "a soft label in which a bit has flipped: the labels are made again"
printf 'x' | dd of=runs/small/soft_labels/labels-00003-of-00010.safetensors bs=1 seek=700 conv=notrunc 2>dd.log ||
    fail "$(cat dd.log)"
expect 0 "$LYNE" run recipe.yaml --threads 1
again soft_labels
same_runs before runs/small

say "a run that fails leaves no model and no results of the recipe before"
expect 5 "$LYNE" run recipe.yaml --threads 1 --set stages.student.distill.optimizer.sgd.lr=1e6
has err 'student, seed 1: the loss kd is not a finite number'
absent runs/small/student/seed-1/model.safetensors
absent runs/small/results.json
there runs/small/teacher/model.safetensors
expect 0 "$LYNE" run recipe.yaml --threads 1
lacks err 'student, seed 1: up to date'
has err 'student, seed 2: up to date'
same_runs before runs/small

say "one seed more: only what is of that seed is run"
expect 0 "$LYNE" run recipe.yaml --threads 1 --set 'seeds=[1, 2, 3]'
has err 'student, seed 2: up to date'
lacks err 'student, seed 3: up to date'
has err 'teacher: up to date'

say "another recipe takes from this run what it would do just so, and does the rest"
printf 'lyne: 1\nextends: recipe.yaml\nname: other\nstages: {student: {distill: {epochs: 3}}}\n' >other.yaml
expect 2 "$LYNE" run other.yaml --threads 1 --reuse runs/nobody
has err "--reuse: there is no folder runs/nobody"
for folder in runs runs/small/student; do
    expect 2 "$LYNE" run other.yaml --threads 1 --reuse $folder
    has err "--reuse: $folder is not the folder of a run"
done
expect 0 "$LYNE" run other.yaml --threads 1
lacks err 'taken from'
cp -r runs/other alone
rm -r runs/other
expect 0 "$LYNE" run other.yaml --threads 1 --reuse runs/small
for stage in teacher soft_labels 'alone, seed 1' 'alone, seed 2'; do has err "$stage: taken from runs/small/"; done
lacks err 'student, seed 1: taken'
same_runs alone runs/other
expect 0 "$LYNE" run other.yaml --threads 1
again

say "but nothing that has changed since"
rm -r runs/other
printf 'x' >>runs/small/teacher/model.safetensors
expect 0 "$LYNE" run other.yaml --threads 1 --reuse runs/small
lacks err 'teacher: taken'
has err 'soft_labels: taken from runs/small/'
same_runs alone runs/other

say "a batch of more than all samples trains, too: its one step is in the middle of the schedule"
expect 0 "$LYNE" run recipe.yaml --threads 1 --out runs/once --stage teacher --set stages.teacher.train.epochs=1 \
    --set stages.teacher.train.batch=4096
lacks runs/once/teacher/metrics.jsonl '"lr": 0.0,'
has runs/once/teacher/metrics.jsonl '"step": 1,'
