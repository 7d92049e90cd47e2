# tests/cli/killed.sh -- kill -9 in every kind of stage; the same command goes on, to the bits of a run left alone.
. "$LYNE_SOURCE/tests/cli/helpers"
small_recipe

# Stages with so many steps and shards left when they are killed that a busy machine does not finish them first.
long='--set stages.teacher.train.epochs=30 --set stages.student.distill.epochs=30'
long="$long --set stages.soft_labels.label.augment=[shift] --set stages.soft_labels.label.views=30"
# shellcheck disable=SC2086
expect 0 "$LYNE" run recipe.yaml --threads 1 --out whole $long

step_reached() { [ "$(last_step "$1")" -ge "$2" ]; }

# kill_once CONDITION...: start, wait for it, kill.
kill_once() {
    # shellcheck disable=SC2086
    in_background "$LYNE" run recipe.yaml --threads 1 --out killed $often $long
    wait_until "$@"
    kill -9 $process
    wait $process 2>/dev/null
    [ $? -eq 137 ] || fail "it ended before it was killed: $*"
}

for step in 1 7 30 60; do
    say "killed in the teacher, past step $step"
    kill_once step_reached killed/teacher $step
    absent killed/teacher/result.json
done
for shard in 00000 00010 00050; do
    say "killed in the soft labels, past shard $shard"
    kill_once test -e killed/soft_labels/labels-$shard-of-00300.safetensors
done
for step in 2 11 30; do
    say "killed in the student, past step $step"
    kill_once step_reached killed/student/seed-1 $step
    absent killed/student/seed-1/result.json
done

say "then it goes on, and ends in the same bits"
# shellcheck disable=SC2086
expect 0 "$LYNE" run recipe.yaml --threads 1 --out killed $often $long
has err 'teacher: up to date'
has err 'student, seed 1: going on from step'
same_runs whole killed

say "killed again and again, whenever it happens"
kills=0
rm -rf killed whole
expect 0 "$LYNE" run recipe.yaml --threads 1 --out whole
while :; do
    # shellcheck disable=SC2086
    in_background "$LYNE" run recipe.yaml --threads 1 --out killed $often
    sleep 0.$(printf %02d $((4 + kills)))
    kill -9 $process 2>/dev/null
    wait $process 2>/dev/null
    [ $? -eq 137 ] || break
    kills=$((kills + 1))
    [ $kills -lt 90 ] || fail "it makes no headway"
done
echo "  $kills times"
# shellcheck disable=SC2086
expect 0 "$LYNE" run recipe.yaml --threads 1 --out killed $often
same_runs whole killed
