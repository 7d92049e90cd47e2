# tests/cli/stopped.sh -- SIGTERM commits a checkpoint and exits 75; two cannot run in one folder.
. "$LYNE_SOURCE/tests/cli/helpers"
small_recipe

# A teacher that takes long enough to be stopped in.
long='--set stages.teacher.train.epochs=300'
# shellcheck disable=SC2086
expect 0 "$LYNE" run recipe.yaml --threads 1 --out whole $long

training() { grep -qs training err || [ -s stopped/teacher/metrics.jsonl ]; }

for signal in TERM INT; do
    say "SIG$signal: exit 75, a checkpoint, a message that says how to go on"
    rm -rf stopped
    # A shell starts what it puts into the background with SIGINT ignored; Lyne sets its own handler all the same.
    # shellcheck disable=SC2086
    in_background "$LYNE" run recipe.yaml --threads 1 --out stopped $long
    wait_until training
    kill -$signal $process
    wait $process
    got=$?
    [ $got -eq 75 ] || fail "exit $got, not 75"
    has err 'teacher: stopped at step'
    has err 'the same command goes on'
    [ ! -s out ] || fail "a table of a run that was stopped"
    [ "$(last_step stopped/teacher)" -gt 0 ] || fail "no checkpoint"
    absent stopped/teacher/model.safetensors
    absent stopped/results.json
done

say "the same command goes on, to the same bits"
# shellcheck disable=SC2086
expect 0 "$LYNE" run recipe.yaml --threads 1 --out stopped $long
has err 'teacher: going on from step'
same_runs whole stopped

say "in the soft labels: what is whole is kept, and the rest is written behind it"
many='--set stages.soft_labels.label.augment=[shift] --set stages.soft_labels.label.views=300'
many="$many --set stages.soft_labels.label.records_per_shard=2000"
# shellcheck disable=SC2086
expect 0 "$LYNE" run recipe.yaml --threads 1 --out whole.labels $many
# shellcheck disable=SC2086
in_background "$LYNE" run recipe.yaml --threads 1 --out stopped.labels $many
wait_until test -e stopped.labels/soft_labels/labels-00003-of-00090.safetensors
kill -TERM $process
wait $process
got=$?
[ $got -eq 75 ] || fail "exit $got, not 75"
has err 'soft_labels: stopped at record'
absent stopped.labels/soft_labels/manifest.json
# shellcheck disable=SC2086
expect 0 "$LYNE" run recipe.yaml --threads 1 --out stopped.labels $many
same_runs whole.labels stopped.labels

say "on with another number of threads: exit 7, and the message says what differs and what to do"
rm -rf stopped
# shellcheck disable=SC2086
in_background "$LYNE" run recipe.yaml --threads 2 --out stopped $long
wait_until training
kill -TERM $process
wait $process
# shellcheck disable=SC2086
expect 7 "$LYNE" run recipe.yaml --threads 1 --out stopped $long
has err '2 threads; here it is'
has err '1 thread, which'
has err '--any-environment'
# shellcheck disable=SC2086
expect 0 "$LYNE" run recipe.yaml --threads 1 --out stopped $long --any-environment
has err 'teacher: going on from step'

say "a second process in the same folder: exit 1 at once, and the message names the folder"
rm -rf stopped
# shellcheck disable=SC2086
in_background "$LYNE" run recipe.yaml --threads 1 --out stopped $long --set stages.teacher.train.epochs=3000
wait_until training
"$LYNE" run recipe.yaml --threads 1 --out stopped >out.2 2>err.2
got=$?
[ $got -eq 1 ] || fail "exit $got, not 1: $(cat err.2)"
has err.2 stopped
has err.2 'in use by another process'
kill -0 $process || fail "the first was disturbed"
kill -TERM $process
wait $process
[ $? -eq 75 ] || fail "the first was disturbed"
