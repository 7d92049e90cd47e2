# tests/cli/sweep.sh -- one recipe, several points: what they share is done once, and every one is what it would be alone.
. "$LYNE_SOURCE/tests/cli/helpers"
small_recipe
sed 's/labels: soft_labels, /labels: soft_labels, loss: [{kd: {temperature: 2}}], /' recipe.yaml >alone.yaml
cp alone.yaml recipe.yaml
cat >>recipe.yaml <<'END'
sweep:
  stages.student.distill.loss.0.kd.temperature: [1, 4]
  stages.student.distill.model.mlp.hidden: [[8], [6, 6]]
END
run='run recipe.yaml --threads 1'

say "a stage that no axis touches is run once, the others at each point"
expect 0 "$LYNE" check recipe.yaml
has out '5 stages at 4 points'
expect 0 "$LYNE" plan recipe.yaml --threads 1 --quick
has out '20 of 20 would run'
expect 0 "$LYNE" $run
[ "$(find runs -name model.safetensors | wc -l)" = 11 ] || fail "$(find runs -name model.safetensors)"
there runs/small/teacher/model.safetensors
there 'runs/small/student/temperature=4,hidden=6-6/seed-2/model.safetensors'

say "one table, with what was varied in columns"
[ "$(grep -c '^stage  *temperature  *hidden ' out)" = 1 ] || fail "no such table"
grep -Eq '^student +4 +\[6, 6\] +2 ' out || fail "no line of the last point"
grep -Eq '^alone +2 ' out || fail "what is not varied has no values"
[ "$(grep -c '^teacher' out)" = 1 ] || fail "the teacher stands there more than once"

say "each point has the bits that it would have alone"
expect 0 "$LYNE" run alone.yaml --threads 1 --out one --set stages.student.distill.loss.0.kd.temperature=4 \
    --set 'stages.student.distill.model.mlp.hidden=[6, 6]'
for model in teacher student/seed-1 alone/seed-2; do
    in_sweep=$(echo $model | sed 's|student|student/temperature=4,hidden=6-6|')
    # their metadata differ in the stage's label
    tail -c 300 one/$model/model.safetensors >a && tail -c 300 "runs/small/$in_sweep/model.safetensors" >b
    cmp a b || fail "$model differs"
done

say "again: nothing; another value: its points alone"
expect 0 "$LYNE" plan recipe.yaml --threads 1 --quick
has out 'Nothing would run'
sed 's/\[1, 4\]/[1, 2, 4]/' recipe.yaml >more.yaml
expect 0 "$LYNE" plan more.yaml --threads 1 --quick
has out '8 of 28 would run' # two stages, two widths, two seeds

say "what was understood reads back to the same points"
cp runs/small/recipe.yaml understood.yaml
expect 0 "$LYNE" plan understood.yaml --threads 1 --quick
has out 'Nothing would run'

say "a list of points, and for programs"
sed '/^sweep:/,$d' recipe.yaml >list.yaml
cat >>list.yaml <<'END'
sweep:
  - {stages.student.distill.epochs: 1, stages.alone.train.epochs: 1}
  - {stages.student.distill.epochs: 2, stages.alone.train.epochs: 2}
END
expect 0 "$LYNE" run list.yaml --threads 1 --out list --json
has out '"stages.alone.train.epochs": "2"'
there 'list/alone/train.epochs=2/seed-1/model.safetensors'
there 'list/student/distill.epochs=1/seed-1/model.safetensors'

say "two values that would be called alike have a folder each, the first the plain one"
cat >alike.yaml <<'END'
lyne: 1
extends: alone.yaml
name: alike
stages:
  a: {label: {teacher: teacher}}
  b: {label: {teacher: teacher}}
  a-b: {label: {teacher: teacher}}
  late: {distill: {model: {mlp: {hidden: [8]}}, labels: a, epochs: 1}}
sweep:
  stages.late.distill.labels: [[a, b], a-b]
END
expect 0 "$LYNE" run alike.yaml --threads 1 --out alike
[ "$(ls -d alike/late/labels=a-b alike/late/labels=a-b-???????? | wc -l)" -eq 2 ] || fail "$(ls alike/late)"
has out '[a, b]'
expect 0 "$LYNE" plan alike.yaml --threads 1 --quick --out alike
has out 'Nothing would run'

say "--set of what is swept is refused; --set 'sweep=~' turns it off"
expect 3 "$LYNE" $run --set stages.student.distill.loss.0.kd.temperature=3
has err 'and so does the sweep'
expect 0 "$LYNE" plan recipe.yaml --threads 1 --quick --set sweep=~
has out '4 of 8 would run' # the student and what scores it, at the temperature of the recipe

say "stages that read each other in very many ways"
{
    printf 'lyne: 1\nname: x\ndata: mnist\nstages:\n  s0: {train: {model: {mlp: {hidden: [2]}}}}\n'
    for i in $(seq 40); do
        printf '  a%d: {label: {teacher: s%d}}\n  b%d: {label: {teacher: s%d}}\n' $i $((i - 1)) $i $((i - 1))
        printf '  s%d: {distill: {model: {mlp: {hidden: [2]}}, labels: [a%d, b%d]}}\n' $i $i $i
    done
    printf '  z: {train: {model: {mlp: {hidden: [2]}}}}\n'
} >ways.yaml
cp "$LYNE_SOURCE/datasets/mnist.yaml" datasets
LYNE_DATA= expect 4 timeout 20 "$LYNE" run ways.yaml --stage s40 --out ways
has err 'mnist'
echo 'sweep: {stages.z.train.epochs: [1, 2]}' >>ways.yaml
expect 0 timeout 20 "$LYNE" check ways.yaml
sed -i 's/\[1, 2\]/[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34]/' ways.yaml
expect 3 "$LYNE" check ways.yaml
has err 'ways.yaml:127:8: sweep: more than 4096 stages in all points together'

say "a text that is swept stays what it is"
cat >texts.yaml <<-end
	lyne: 1
	name: texts
	data: few
	stages: {l: {import: {logits: z.npy, ids: z.npy}}}
	sweep: {stages.l.import.logits: ["it's.npy", "b\\t.npy"]}
end
expect 4 "$LYNE" run texts.yaml --out texts
expect 0 "$LYNE" check texts/recipe.yaml
has texts/recipe.yaml "\"stages.l.import.logits\": \"it's.npy\""
has texts/recipe.yaml '"b\u0009.npy"'
