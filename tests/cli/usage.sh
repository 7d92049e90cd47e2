# tests/cli/usage.sh -- the command line: help, mistakes, exit status, what goes to stdout and what to stderr.
. "$LYNE_SOURCE/tests/cli/helpers"
small_recipe

say "without a command, with an unknown one: usage on stderr, exit 2"
expect 2 "$LYNE"
has err 'lyne run'
expect 2 "$LYNE" rnu
has err "there is no command 'rnu'"
expect 2 "$LYNE" help rnu
has err "there is no command 'rnu'"
[ ! -s out ] || fail "a mistake on stdout"

say "unknown options, missing and superfluous operands: exit 2, and the message names them"
while IFS='|' read -r arguments words; do
    # shellcheck disable=SC2086
    expect 2 "$LYNE" $arguments
    has err "$words"
    [ ! -s out ] || fail "a mistake on stdout: $arguments"
    [ "$(wc -l <err)" -eq 1 ] || fail "more than a line: $arguments"
done <<end
run|which recipe?
run recipe.yaml other.yaml|'other.yaml' is one too many
run --sead 3 recipe.yaml|there is no option --sead
run -v recipe.yaml|there is no option -v
run -vx recipe.yaml|there is no option -v
run --json=yes recipe.yaml|--json=yes: this option takes no value
compare --svg=c.svg a b|--svg=c.svg: this option takes no value
run recipe.yaml -é|there is no option -é;
run recipe.yaml --s x|--s begins several options
run recipe.yaml --threads|--threads expects a value
run recipe.yaml --threads 0|--threads expects a number from 1 to 1024, not '0'
run recipe.yaml --threads 2x|--threads expects a number from 1 to 1024, not '2x'
run recipe.yaml --out=|--out expects
check|which recipe?
check --quiet recipe.yaml|there is no option --quiet
version now|'now'
version --long|there is no option --long
end
absent runs

say "a run has a folder to itself: files of somebody's are not written over"
cp recipe.yaml kept
expect 2 "$LYNE" run recipe.yaml --out .
has err "lyne: .: is no folder of a run, and has files in it ("
has err "--out runs/small"
expect 2 "$LYNE" run recipe.yaml --out . --stage soft_labels --shard 1/2
cmp -s recipe.yaml kept || fail "the recipe was written over"
absent environment.json
rm kept

say "--help of each command: exit 0, on stdout, names every option that the command takes"
expect 0 "$LYNE" --help
for command in $(sed -n 's/^  lyne \([a-z]*\) .*/\1/p' out); do
    expect 0 "$LYNE" help "$command"
    cp out help.out
    expect 0 "$LYNE" "$command" --help
    cmp out help.out || fail "lyne $command --help is not lyne help $command"
    has out "usage: lyne $command"
    narrow out
    [ ! -s err ] || fail "help on stderr"
done
expect 0 "$LYNE" run --help
for option in $(sed -n 's/^ *\[[A-Z_]*\] = {"\([a-z-]*\)".*/\1/p' "$LYNE_SOURCE/src/cli/run.c"); do
    has out "--$option"
    grep -q -- "$(echo "$option" | sed 's/-/\\\\-/g')" "$LYNE_SOURCE/src/cli/lyne.1" || fail "--$option is not in the man page"
done
[ "$(grep -c '^  --' out)" -ge 7 ] || fail "too few options"

say "version: the program, oneDNN, exit 0"
expect 0 "$LYNE" version
has out 'oneDNN'
expect 0 "$LYNE" --version
has out 'lyne '

say "check: exit 3 for a bad recipe with its place, 0 for a good one, 4 for one that is not there"
sed 's/hidden: \[8\]/hiden: [8]/' recipe.yaml >bad.yaml
expect 3 "$LYNE" check recipe.yaml bad.yaml
has out 'recipe.yaml: fine'
has err "bad.yaml:11:29: mlp: unknown key 'hiden'; did you mean 'hidden'?"
has err "bad.yaml:13:27: mlp: unknown key 'hiden'; did you mean 'hidden'?"
has err '^^^^^'
lacks out bad.yaml
expect 0 "$LYNE" check recipe.yaml
[ ! -s err ] || fail "something about a good recipe"
expect 4 "$LYNE" check nowhere.yaml
has err nowhere.yaml
expect 3 "$LYNE" check recipe.yaml --set stages.student.distill.epochs=-1
has err '--set:1:31: distill: epochs = -1 is outside'
expect 3 "$LYNE" check recipe.yaml --set stages.student.epochs=4
has err '--set:1:16: student: expects one stage, as in {distill: {model: '
expect 3 "$LYNE" run bad.yaml
absent runs

say "run: data on stdout, talk on stderr, no escape codes where there is no terminal"
expect 0 "$LYNE" run recipe.yaml --threads 1
head -n 1 out | grep -q '^stage .*accuracy' || fail "no table"
for stage in teacher soft_labels student alone fidelity; do
    grep -q "^$stage " out || fail "$stage is not in the table"
done
has out '100 errors +- 100, here'
has err 'teacher: training'
has err 'runs/small'
lacks out 'training'
[ -z "$(tr -d -c '\033\r' <out)$(tr -d -c '\033\r' <err)" ] || fail "escape codes"

say "run --stage: a table of the stages that were asked for, and no figure of the others"
expect 0 "$LYNE" run recipe.yaml --threads 1 --quiet --stage soft_labels --out runs/part
[ "$(sed '/^$/q' out | grep -c .)" -eq 3 ] || fail "other lines than two stages'"
has out '  student          not run'
rm -r runs/part

say "run --stage behind a whole run: what else stands stays in the table and in results.json, what does not is left out"
results() { python3 -c 'import json; print(*[s["stage"] for s in json.load(open("runs/small/results.json"))["stages"]])'; }
expect 0 "$LYNE" run recipe.yaml --threads 1
grep -v seconds out >table
results >whole
expect 0 "$LYNE" run recipe.yaml --threads 1 --quiet --stage soft_labels
grep -v seconds out | cmp - table || fail "another table"
results | cmp - whole || fail "other results"
rm runs/small/teacher/model.safetensors
expect 0 "$LYNE" run recipe.yaml --threads 1 --quiet --stage teacher
results | cmp - whole || fail "the teacher came out as it was, and what reads it does not stand"
rm runs/small/student/seed-2/result.json # and with it the other seed and what reads them
expect 0 "$LYNE" run recipe.yaml --threads 1 --quiet --stage teacher
[ "$(results)" = "teacher soft_labels alone alone" ] || fail "$(results)"
expect 0 "$LYNE" run recipe.yaml --threads 1 --quiet --stage teacher --set stages.teacher.train.epochs=2
[ "$(results)" = "teacher alone alone" ] || fail "$(results)"
expect 0 "$LYNE" run recipe.yaml --threads 1

say "run --quiet: nothing on stderr, the same table"
grep -v seconds out >table
expect 0 "$LYNE" run recipe.yaml --threads 1 --quiet
[ ! -s err ] || fail "it speaks"
grep -v seconds out | cmp - table || fail "another table"

say "a reader that went away, and a full device, are failures"
for arguments in '--help' 'help run' 'version' 'check recipe.yaml' 'run recipe.yaml' 'run recipe.yaml --json'; do
    # shellcheck disable=SC2086
    "$LYNE" $arguments >/dev/full 2>err && fail "exit 0 with stdout full: $arguments"
    [ $? -ne 139 ] || fail "crash"
    has err 'standard output'
done
