# tests/cli/parts.sh -- soft labels written by several processes, joined, are those of one; two at one part: one is refused.
. "$LYNE_SOURCE/tests/cli/helpers"
small_recipe
views='--set stages.soft_labels.label.augment=[shift] --set stages.soft_labels.label.views=3'

# shellcheck disable=SC2086
run() { "$LYNE" run recipe.yaml --threads 1 $views "$@"; }

expect 0 run --out whole

say "only one stage, and what it reads"
expect 0 run --out parts --stage teacher
has out "  student          not run"
expect 0 "$LYNE" run recipe.yaml --threads 1 --out control --stage student --reuse whole \
    --set 'expect=[{stage: student, better_than: alone}, {stage: alone, better_than: student}]'
has out "  student          beside alone, which was not run"
has out "  alone            not run"
there parts/teacher/result.json
absent parts/soft_labels
expect 2 run --out parts --stage soft_label
has err "did you mean 'soft_labels'?"
expect 2 run --out parts --shard 1/3
has err 'add --stage NAME'
expect 2 run --out parts --stage soft_labels --shard 0/3
has err '--shard expects I/N with I from 1 to N'
expect 2 run --out parts --stage teacher --shard 1/3
has err "stage 'teacher' makes a model"
expect 2 run --out parts --stage soft_labels --shard 31/31
has err '31 parts of 30 shards'
expect 2 run --out nothing --stage soft_labels --shard 1/3
has err 'teacher is not done'

say "three processes at once in one folder"
for i in 1 2 3; do
    run --out parts --stage soft_labels --shard $i/3 >out.$i 2>err.$i &
    eval "process_$i=\$!"
done
for i in 1 2 3; do
    eval "wait \$process_$i" || { cat err.$i && fail "part $i"; }
done
has err.2 'part 2 of 3 is in parts/soft_labels'
absent parts/soft_labels/manifest.json
expect 0 "$LYNE" labels merge parts/soft_labels
has out 'all parts are joined'
expect 0 run --out parts
same_runs whole parts
[ "$(cd parts/soft_labels && ls -A)" = "$(cd whole/soft_labels && ls -A)" ] || fail "$(ls -A parts/soft_labels)"

say "on machines that share nothing"
for i in 1 2; do
    mkdir machine.$i
    cp -r whole/teacher machine.$i
    expect 0 run --out machine.$i --stage soft_labels --shard $i/2
done
expect 2 "$LYNE" labels merge machine.1/soft_labels machine.2/soft_labels
has err 'where to?'
expect 4 "$LYNE" labels merge machine.1/soft_labels --out joined
has err 'shards 15 to 29 of 30 are in none of these parts'
expect 0 "$LYNE" labels merge machine.1/soft_labels machine.2/soft_labels --out joined
for file in $(cd whole/soft_labels && ls labels-* manifest.json); do
    cmp "whole/soft_labels/$file" "joined/$file" || fail "$file"
done

say "again is fine, but not over other soft labels"
expect 0 "$LYNE" labels merge machine.1/soft_labels machine.2/soft_labels --out joined
expect 0 run --out other --stage soft_labels --set stages.teacher.train.epochs=1
cp -r other/soft_labels kept
expect 2 "$LYNE" labels merge machine.1/soft_labels machine.2/soft_labels --out other/soft_labels
has err 'other/soft_labels: has other soft labels'
diff -r kept other/soft_labels || fail "they were changed"
echo '{' >joined/manifest.json
expect 0 "$LYNE" labels merge machine.1/soft_labels machine.2/soft_labels --out joined
cmp whole/soft_labels/manifest.json joined/manifest.json || fail "a manifest that is none is in the way"

say "the second at one part is refused within a second, and the first is not disturbed"
many='--set stages.soft_labels.label.views=3000 --set stages.soft_labels.label.records_per_shard=9000'
# shellcheck disable=SC2086
in_background "$LYNE" run recipe.yaml --threads 1 $views $many --out parts --stage soft_labels --shard 2/3
wait_until test -e parts/soft_labels/labels-00067-of-00200.safetensors
start=$(date +%s%N)
# shellcheck disable=SC2086
"$LYNE" run recipe.yaml --threads 1 $views $many --out parts --stage soft_labels --shard 2/3 >out.2 2>err.2
[ $? -eq 1 ] || fail "the second was not refused: $(cat err.2)"
took=$((($(date +%s%N) - start) / 1000000))
has err.2 'in use by another process'
echo "  after $took ms"
[ $took -lt 1000 ] || echo "  (a busy machine)"
expect 1 run --out parts
has err 'in use by another process'
kill -0 $process || fail "the first was disturbed"

say "and stops when told to, with what is whole"
start=$(date +%s)
kill -TERM $process
wait $process
[ $? -eq 75 ] || fail "exit status of a part that was stopped"
[ $(($(date +%s) - start)) -le 10 ] || fail "it took more than 10 s to stop"
absent parts/soft_labels/part-00002-of-00003.json
there parts/soft_labels/labels-00067-of-00200.safetensors
