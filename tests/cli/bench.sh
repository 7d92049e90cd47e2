# tests/cli/bench.sh -- `lyne bench`: a suite, what it keeps, that it goes on, says what is not the same, and can fail.
. "$LYNE_SOURCE/tests/cli/helpers"
small_recipe
sed -i '/^expect:/,$d' recipe.yaml
cat >>recipe.yaml <<-end
	expect: [{stage: student, test_errors: 0, within: 1000}, {stage: alone, better_than: alone}]
end
cat >suite.yaml <<-end
	lyne_bench: 1
	name: try
	title: A few strokes
	runs:
	  - {recipe: recipe.yaml, notes: [Nothing was tuned.]}
	  - {recipe: recipe.yaml, set: [name=shorter, stages.student.distill.epochs=1]}
end

say "a suite leaves a log for each recipe, a plot, and a page"
expect 0 "$LYNE" bench suite.yaml --threads 1
has out 'try: 2 recipes done, 2 expectations missed'
there results/small.svg
has RESULTS.md '## Suite try: A few strokes'
has RESULTS.md '### small'
has RESULTS.md 'Nothing was tuned.'
has RESULTS.md '| minutes | asking |'
[ "$(grep -c '^| soft_labels | 1 | .* | [0-9][0-9.e-]* |$' RESULTS.md)" -eq 2 ] || fail "no minutes of soft labels"
[ "$(grep '^| alone ' RESULTS.md | grep -vc '|  |$')" -eq 0 ] || fail "who has no teacher asked one"
has RESULTS.md '| 0 &plusmn; 1e+03 | within (+'
has RESULTS.md 'Run with `name=shorter`, `stages.student.distill.epochs=1`, which is not the published schedule'
[ "$(grep -c '&plusmn;' RESULTS.md)" -eq 1 ] || fail "a reduced schedule stands beside a published figure"
[ "$(grep -c '"seed"' results/small.jsonl)" -eq 8 ] || fail "jobs: $(cat results/small.jsonl)"

say "what recipes of a suite share is done once"
has err 'teacher: taken from runs/bench/try/small/teacher'
has err 'alone, seed 2: taken from runs/bench/try/small/alone/seed-2'
lacks err 'student, seed 1: taken'

say "again, nothing is run and the page is the same"
cp RESULTS.md before.md
expect 0 "$LYNE" bench suite.yaml --threads 1
[ "$(grep -c 'up to date' err)" -eq 16 ] || fail "not everything was up to date"
cmp before.md RESULTS.md || fail "another page"

say "who finds all up to date changes nothing in what is kept, with another number of threads neither"
cp -r results kept
expect 0 "$LYNE" bench suite.yaml --threads 2
diff -r kept results || fail "the logs have changed"
rm -r kept

say "one recipe of a suite, in its place on the page"
rm results/shorter.jsonl
expect 0 "$LYNE" bench suite.yaml --threads 1 --only shorter
has out 'try: 1 recipe done, 1 expectations missed'
[ "$(grep -c 'up to date' err)" -eq 8 ] || fail "another was run"
cmp before.md RESULTS.md || fail "another page"
expect 0 "$LYNE" bench suite.yaml --threads 1 --only shorter --out elsewhere --results elsewhere/results
[ "$(grep -c 'up to date' err)" -eq 0 ] || fail "of what was run elsewhere something is up to date"
expect 2 "$LYNE" bench suite.yaml --only small --only large
has err "--only: suite try has no recipe 'large'; it has small, shorter"

say "a log under another name is refused, as its plot would be, wherever that leads"
sed '1s/"recipe":"small"/"recipe":"..\/..\/small"/' results/small.jsonl >results/evil.jsonl
expect 4 "$LYNE" bench suite.yaml --threads 1
has err '"recipe" must be "evil", as the file is called'
absent ../small.svg
rm results/evil.jsonl

say "--strict fails when an expectation is missed: a stage is not better than itself"
expect 1 "$LYNE" bench suite.yaml --threads 1 --strict
has err "2 of the suite's expectations are not met"

say "--again runs elsewhere and finds the same bits, and keeps nothing"
rm RESULTS.md
expect 0 "$LYNE" bench suite.yaml --again --threads 1
[ "$(grep -c 'the same bits in all 8 jobs' out)" -eq 2 ] || fail "other bits"
absent RESULTS.md

say "what is done is not run again, so it reproduces nothing; what --again began it goes on with"
expect 2 "$LYNE" bench suite.yaml --again --threads 1
has err '--again: runs/again/try/small is there, from a run that is done'
expect 2 "$LYNE" bench suite.yaml --again --threads 1 --out runs/bench/try
rm -r runs/again/try/shorter && mkdir runs/again/try/shorter && touch runs/again/try/shorter/.again.tmp.77
expect 1 "$LYNE" bench suite.yaml --again --threads 1 --only shorter --strict
has out 'the same bits in all 8 jobs'
lacks err 'taken from'
has err "1 of the suite's expectations are not met"
absent runs/again/try/shorter/.again

say "what differs is named: the environment, a recipe, bits alone"
sed -i '1s/"processor":"[^"]*"/"processor":"Abacus"/' results/small.jsonl
sed -i '/"stage":"alone"/s/"made":"[0-9a-f]*"/"made":"00000000000000000000000000000000"/' results/small.jsonl
rm -r runs/again
expect 7 "$LYNE" bench suite.yaml --again --threads 1 --only small
has out 'another processor: Abacus there, '
has out 'alone, seed 2: other bits'
has out '2 of 8 jobs are not the same, as may be in another environment'
rm -r runs/again
expect 4 "$LYNE" bench suite.yaml --again --threads 1 --only small --set stages.alone.train.epochs=3
has out 'alone, seed 1: another recipe, data set, version or input'
has out 'because something else was run'

say "rows of a recipe book: what is kept, and what was not run"
mkdir book && cp -r recipe.yaml datasets book && sed 's/name: small/name: never/' recipe.yaml >book/other.yaml
printf 'top\n<!-- results -->\nold\n<!-- end -->\nbottom\n' >book/README.md
expect 0 "$LYNE" bench --rows book/README.md --results results
has book/README.md '| [other.yaml](other.yaml) | few | not run |'
has book/README.md '| [recipe.yaml](recipe.yaml) | few | teacher '
has book/README.md bottom
lacks book/README.md old
cp book/README.md once.md
expect 0 "$LYNE" bench --rows book/README.md --results results
cmp once.md book/README.md || fail "a second filling changes the page"

say "a row that cannot be made is no reason to lose it, nor those behind it; a folder may have a dot in its name"
mkdir book/v1.2 && cp recipe.yaml book/v1.2/deep.yaml
expect 0 "$LYNE" bench --rows book/README.md --results results
has book/README.md '| [v1.2/deep.yaml](v1.2/deep.yaml) |'
cp book/README.md deep.md
echo 'lyne: 1' >book/v1.2/bad.yaml
expect 3 "$LYNE" bench --rows book/README.md --results results
cmp deep.md book/README.md || fail "a page without its rows"
rm -r book/v1.2
expect 2 "$LYNE" bench --rows book/README.md --results reslts
has err 'there is no folder reslts of kept results'
cmp deep.md book/README.md || fail "a page of what was not run"
for option in --strict --again '--only small' '--set name=x' '--out x' '--data x' '--threads 1'; do
    expect 2 "$LYNE" bench --rows book/README.md --results results $option
    has err "--rows runs nothing, so ${option%% *} says nothing to it"
done
cp once.md book/README.md

say "a book that leads back into itself, or is deeper than a book is"
(cd book && ln -s . again && ln -s . anew && ln -s /etc/passwd linked.yaml)
deep=$(printf 'd/%.0s' $(seq 1000))
mkdir -p "book/$deep" && echo 'no recipe' >"book/$deep/r.yaml"
expect 0 timeout 20 "$LYNE" bench --rows book/README.md --results results
cmp once.md book/README.md || fail "links are followed"
rm -r book/again book/anew book/linked.yaml book/d

say "mistakes"
echo 'nothing' >book/README.md
expect 4 "$LYNE" bench --rows book/README.md --results results
has err 'there are no lines <!-- results --> and <!-- end -->'
expect 2 "$LYNE" bench
has err 'which suite?'
expect 3 "$LYNE" bench suite.yaml --set stages.student.distil.epochs=1
has err "distil"
printf 'lyne_bench: 1\nname: a/b\ntitle: x\nruns: [{recipe: recipe.yaml}, {recipe: recipe.yaml}, {recpe: x}]\n' >bad.yaml
expect 3 "$LYNE" bench bad.yaml
has err "bad.yaml:2:7: name: 'a/b' cannot name a folder"
has err "bad.yaml:4:31: runs: two recipes are called 'small'"
has err "unknown key 'recpe'; did you mean 'recipe'?"
cp results/small.jsonl good.jsonl
# wrong SED WORDS: a log that was changed so is refused with these words.
wrong() {
    sed "$1" good.jsonl >results/small.jsonl
    ! cmp -s good.jsonl results/small.jsonl || fail "'$1' changes nothing"
    cp once.md book/README.md
    expect 4 "$LYNE" bench --rows book/README.md --results results
    has err "results/small.jsonl$2"
}
wrong d ': is empty'
wrong 1d ':1: is not a line of a benchmark'
wrong 1p ':2: is not a line of a benchmark'
wrong '2s/^/x/' ":2: invalid token near 'x'"
wrong '1s/"date":"[^"]*"/"date":3/' ': "date"'
wrong '1s/"order":[0-9]*/"order":-1/' ': "order"'
wrong '1s/"minutes":[0-9.e-]*/"minutes":"x"/' ': "minutes"'
wrong '2s/"stage":"[^"]*"/"stage":null/' ': "stage"'
wrong '2s/"metrics":{/"metrics":3,"others":{/' ': "metrics"'
wrong 's/"metric":"[^"]*"/"metric":7/' ': "metric"'
wrong '/"metric":/s/"stage":"[^"]*"/"stage":[]/' ': "stage"'
wrong '/"metric":/s/"stage":"[^"]*"/"stage":"a|b"/' ": \"stage\": 'a|b' is no name"
wrong '2s/"stage":"[^"]*"/"stage":"<b>"/' ": \"stage\": '<b>' is no name"
wrong '1s/"suite":"[^"]*"/"suite":"\\u001b"/' ": \"suite\": ' ' is no name"
wrong '1s/"lyne_bench":1/"lyne_bench":2/' ': "lyne_bench" = 2 is outside'
wrong '2s/"test_errors":[0-9]*/"test_errors":1e101/' ': "test_errors" = 1e+101 is beyond 1e100'
wrong '/"metric":/s/"within":[0-9.]*/"within":-1e300/' ': "within" = -1e+300 is beyond 1e100'
wrong '2s/$/\x00/' ':2: '
echo '{"lyne_bench": 1, "suite": 3}' >results/small.jsonl
rm -r runs/again
expect 4 "$LYNE" bench suite.yaml --again --threads 1 --only small
has err 'results/small.jsonl: "recipe"'

say "what the command line sets is said beside what it made, behind what the suite sets"
rm results/small.jsonl
expect 0 "$LYNE" bench suite.yaml --threads 1 --only shorter --set stages.alone.train.epochs=1
has RESULTS.md 'Run with `name=shorter`, `stages.student.distill.epochs=1`, `stages.alone.train.epochs=1`, which'
