# tests/cli/runs.sh -- a recipe to begin with, runs in a list, two side by side, and pictures.
. "$LYNE_SOURCE/tests/cli/helpers"
small_recipe
cp "$LYNE_SOURCE/datasets/strokes.yaml" datasets

say "new recipes pass the check, and nothing is written over"
for kind in recipe student; do
    expect 0 "$LYNE" new $kind my-$kind
    expect 0 "$LYNE" check my-$kind.yaml
    cp my-$kind.yaml before
    expect 2 "$LYNE" new $kind my-$kind
    has err 'is there already'
    cmp before my-$kind.yaml || fail "it was written over"
done
expect 2 "$LYNE" new recipe ../up
expect 2 "$LYNE" new poem mine
expect 2 "$LYNE" new
has err 'usage: lyne new recipe|student|plugin NAME'

say "runs in a list"
expect 4 "$LYNE" runs
expect 0 "$LYNE" run recipe.yaml --threads 1
expect 0 "$LYNE" run recipe.yaml --threads 1 --out runs/longer --set stages.student.distill.epochs=3 \
    --set stages.student.distill.optimizer=adamw
lacks err warning
expect 0 "$LYNE" run recipe.yaml --threads 1 --out runs/other --set name=other
lacks err warning
expect 0 "$LYNE" run recipe.yaml --threads 1 --out runs/other
has err "lyne: warning: runs/other has the results of recipe 'other', which those of 'small' replace"
rm -rf runs/other
mkdir runs/empty runs/broken runs/labels && cp recipe.yaml runs/small/environment.json runs/broken && cp recipe.yaml runs/labels
expect 0 "$LYNE" runs
grep -Eq '^small +done .* ago  errors: teacher [0-9]' out || fail "no small"
grep -Eq '^broken +broken off ' out || fail "no broken"
lacks out empty
lacks out labels

say "a run of some stages is done in part; one that began no job is none"
expect 0 "$LYNE" run recipe.yaml --threads 1 --out runs/other --stage soft_labels
expect 2 "$LYNE" run recipe.yaml --threads 1 --out runs/nothing --stage nosuch
expect 0 "$LYNE" runs
grep -Eq '^other +in part .* errors: teacher ' out || fail "no other"
lacks out nothing
tr -d ' \n' <runs/other/results.json | grep -qF '"not_run":["student","alone","fidelity"]' || fail "what was not run is not named"
grep -q '"not_run": \[\]' runs/small/results.json || fail "all was run"
rm -rf runs/other runs/nothing

say "what a run was made with, and its log: a line for each start, no bars, also of what is quiet or goes wrong"
for key in cpu date isa lyne onednn threads plugins; do grep -q "\"$key\": " runs/small/environment.json || fail "no $key"; done
log=runs/small/log.txt
[ "$(grep -c 'Z start: lyne .* 1 threads, process [0-9]*$' $log)" = 1 ] || fail "$(cat $log)"
grep -Eq '^20[0-9][0-9]-[0-9-]*T[0-9:]*Z student, seed 2: starts$|^[^ ]* student.*: starts$' $log || fail "$(cat $log)"
grep -q 'Z teacher.*: training, epoch 4.0 of 4' $log || fail "$(cat $log)"
expect 0 "$LYNE" run recipe.yaml --threads 1 --quiet
[ "$(grep -c 'Z start: ' $log)" = 2 ] && [ "$(grep -c 'Z end$' $log)" = 2 ] || fail "$(cat $log)"
grep -q 'teacher: up to date' $log || fail "$(cat $log)"
cp "$LYNE_SOURCE/datasets/mnist.yaml" datasets
LYNE_DATA= expect 4 "$LYNE" run recipe.yaml --out runs/none --set data=mnist --data /nowhere
grep -q "Z end: status 4: data set 'mnist': " runs/none/log.txt || fail "$(cat runs/none/log.txt)"
rm -rf runs/none
! grep -q "$(printf '\r')" $log || fail "bars in the log"

say "two side by side: results, and the settings that differ"
expect 0 "$LYNE" compare runs/small runs/longer
has out '  student.epochs: 2 | 3'
has out '  student.optimizer: sgd | adamw'
[ "$(grep -c ' | ' out)" = 3 ] || fail "more than these, and the heading"
grep -Eq '^teacher +test errors .* \+0$' out || fail "no teacher"
expect 0 "$LYNE" compare runs/small runs/small
has out '  none'
expect 0 "$LYNE" run recipe.yaml --threads 1 --quiet --out runs/one --reuse runs/small --set 'seeds=[1]'
expect 0 "$LYNE" compare runs/small runs/one
has out '  student.seeds: 1, 2 | 1'
lacks out teacher.seeds
lacks out none
rm runs/one/*/seed-1/result.json
expect 0 "$LYNE" compare runs/one runs/one
has out '  student: the others are not known, as runs/one has no result.json of it'
lacks out none
rm -r runs/one
expect 4 "$LYNE" compare runs/small runs/broken
expect 2 "$LYNE" compare runs/small

say "of a long sweep no stage is left out"
mkdir runs/long
for i in $(seq 70); do echo ", {\"stage\": \"s\", \"directory\": \"s/epochs=$i\", \"metrics\": {\"test_errors\": $i}}"; done |
    sed '1s/^,//; 1s/^/{"stages": [/; $s/$/]}/' >runs/long/results.json
expect 0 "$LYNE" compare runs/long runs/long
[ "$(grep -c '^s/epochs=' out)" -eq 70 ] || fail "$(grep -c '^s/epochs=' out) of 70 stages"
rm -r runs/long

say "what a run says cannot steer the terminal, and a run is no longer than its jobs"
evil='\u001b]0;mine\u0007\n\u009b2J\u202e'
mkdir "runs/$(printf 'esc\033[2J\nnl')" && cp runs/small/environment.json runs/esc*
mkdir runs/evil && cp runs/small/environment.json runs/evil
cat >runs/evil/results.json <<-end
	{"environment": "here$evil", "recipe": "r$evil",
	 "stages": [{"stage": "s$evil", "directory": "s", "metrics": {"test_errors": 1e308}}, {"stage": "t$evil", "metrics": {"test_errors": 2}}]}
end
mkdir runs/evil/s runs/good && cp runs/evil/environment.json runs/good && sed 's/here/there/' runs/evil/results.json >runs/good/results.json
printf '{"inputs": {"k%s": "v%s", "l": "1"}}\n' "$evil" "$evil" >runs/evil/s/result.json
cp -r runs/evil/s runs/good && sed -i 's/"v/"w/' runs/good/s/result.json
expect 0 "$LYNE" runs
harmless out
has out 'errors: s'
[ "$(wc -l <out)" -eq "$(ls -d runs/*/environment.json | grep -c environment)" ] || fail "more lines than runs"
expect 0 "$LYNE" compare runs/evil runs/good
harmless out
[ "$(grep -c ' | ' out)" -eq 3 ] || fail "not the heading, the environment and one setting"
expect 0 "$LYNE" compare runs/evil runs/good --svg
harmless out
expect 0 "$LYNE" run recipe.yaml --threads 1 --quiet --out runs/evil
harmless err
has err "results of recipe 'r ]0;mine"
harmless runs/evil/log.txt
rm -r runs/evil runs/good runs/esc*
expect 0 "$LYNE" run recipe.yaml --threads 1 --quiet \
    --set 'expect=[{stage: teacher, test_errors: 1, within: 1, note: "a\e[2J\n\u009bb"}]' --set 'paper={arxiv: "1\u202E"}'
harmless out
has out '; a [2J  b'
cp runs/small/teacher/result.json kept
sed -i 's/"fingerprint": "...../"fingerprint": "abcde/; s/"epochs": "4/"epochs": "\\u001b[2J\\n5/' runs/small/teacher/result.json
expect 0 "$LYNE" plan recipe.yaml
harmless out
has out 'will run: epochs:  [2J 5, now 4'
mv kept runs/small/teacher/result.json

say "a run that others may only read is not running"
[ "$(id -u)" = 0 ] || { chmod a-w runs/small/.lock && expect 0 "$LYNE" runs && chmod u+w runs/small/.lock; }
rm runs/small/.lock && mkdir runs/small/.lock
expect 0 "$LYNE" runs
grep -Eq '^small +done ' out || fail "it is running"
rmdir runs/small/.lock

say "pictures"
expect 0 "$LYNE" compare runs/small runs/longer --svg
[ "$(grep -c '<polyline' out)" = 6 ] || fail "not two curves for each of three stages"
# One axis for both, as long as the longer run: the points at the right edge are that run's alone.
grep -A 2 '>student<' out | grep '<polyline' | sed 's/.* \([0-9.]*\),[0-9.]* "\/>/\1/' | sort -u >ends
[ "$(wc -l <ends)" = 2 ] && [ "$(tail -n 1 ends)" = 520.0 ] || fail "where the curves of student end: $(cat ends)"
expect 0 "$LYNE" show my-student.yaml student --svg
[ "$(grep -c 'rx="4"' out)" = "$("$LYNE" show my-student.yaml student | grep -vc '^path\|^total')" ] || fail "not a box for each node"
grep -q '</svg>' out || fail "no end"
expect 0 "$LYNE" show my-student.yaml student --dot
has out '"layer1.0.conv1\nconv2d (1, 8, 10, 10)"'
