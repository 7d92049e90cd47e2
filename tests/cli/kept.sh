# tests/cli/kept.sh -- what a run must leave alone: what is not its own, what it cannot read just now, another recipe's lines.
. "$LYNE_SOURCE/tests/cli/helpers"
small_recipe
expect 0 "$LYNE" run recipe.yaml --threads 1

say "soft labels in a folder of their own are no run, nor is what somebody calls as a run's files are"
cp -r runs/small/soft_labels labels
touch labels/.lock
expect 2 "$LYNE" run recipe.yaml --threads 1 --out labels
has err 'labels: is no folder of a run, and has files in it ('
mkdir mine
for file in environment.json recipe.yaml results.json notes.tmp.2024; do echo mine >mine/$file; done
touch mine/.lock
expect 2 "$LYNE" run recipe.yaml --threads 1 --out mine
has err 'mine: is no folder of a run, and has files in it ('
[ "$(cat mine/* | sort -u)" = mine ] || fail "something was written over"
[ "$(ls mine | wc -l)" -eq 4 ] || fail "something was removed: $(ls mine)"

say "in its own folder a run removes what it was writing when it was killed, and nothing else"
cp -r runs/small own
touch own/notes.tmp.2024 own/teacher/notes.tmp.2024 own/results.json.tmp.7 own/teacher/model.safetensors.tmp.7
touch own/soft_labels/labels-notes.txt
mkdir own/backup.tmp.2024
rm own/teacher/result.json
expect 0 "$LYNE" run recipe.yaml --threads 1 --out own
has err 'soft_labels: up to date'
for file in notes.tmp.2024 teacher/notes.tmp.2024 backup.tmp.2024 soft_labels/labels-notes.txt; do there own/$file; done
absent own/results.json.tmp.7
absent own/teacher/model.safetensors.tmp.7

command -v strace >/dev/null || skip "strace is not installed"
strace -o trace -e inject=close:signal=CONT:when=1 true 2>err || skip "strace cannot attach: $(tail -n 1 err)"
# killed_at N ARGUMENT...: a run that is killed as it gives the N-th file its name.
killed_at() {
    n=$1
    shift
    expect 137 sh -c 'exec strace -f -qq -o trace -e trace=rename -e "inject=rename:signal=KILL:when=$0" "$@"' "$n" \
        "$LYNE" run recipe.yaml "$@"
}

say "between two recipes in one folder, no line of the one is in the other's metrics"
epochs='--set stages.teacher.train.epochs=200 --stage teacher --threads 1'
expect 0 "$LYNE" run recipe.yaml $epochs --out whole
killed_at 20 $epochs --out between $often
ls between/teacher/checkpoint-* >/dev/null || fail "it was killed too early"
expect 5 "$LYNE" run recipe.yaml $epochs --out between --set stages.teacher.train.optimizer.sgd.lr=1e6
expect 0 "$LYNE" run recipe.yaml $epochs --out between
same_runs whole between

say "what cannot be read just now is not made anew, nor is it removed"
# unread FILE: a run that meets an error as it opens the file of runs/small says so, and the file is the same one after it.
unread() {
    before=$(stat -c '%i %Y' "runs/small/$1")
    for error in ENFILE EACCES EIO ESTALE; do
        expect 4 strace -f -qq -o trace -e trace=openat -P "runs/small/$1" -e inject=openat:error=$error:when=1 \
            "$LYNE" run recipe.yaml --threads 1
        has err "$1: cannot open: "
        [ "$(stat -c '%i %Y' "runs/small/$1")" = "$before" ] || fail "$error: it was made anew"
    done
}
mkdir -p data/mnist && touch data/mnist/train-images-idx3-ubyte && cp "$LYNE_SOURCE/datasets/mnist.yaml" datasets
LYNE_DATA= expect 4 strace -f -qq -o trace -e trace=newfstatat -P data/mnist/train-images-idx3-ubyte \
    -e inject=newfstatat:error=EACCES "$LYNE" run recipe.yaml --data data --set data=mnist --out none
has err 'data/mnist/train-images-idx3-ubyte: cannot examine: Permission denied'
unread teacher/model.safetensors
unread teacher/result.json
rm runs/small/soft_labels/result.json runs/small/soft_labels/manifest.json
unread soft_labels/labels-00003-of-00010.safetensors
# until_checkpoint RUN: into RUN, until it has a checkpoint.
until_checkpoint() {
    in_background "$LYNE" run recipe.yaml $epochs --out "$1" $often --set stages.teacher.train.epochs=9999
    wait_until sh -c "ls $1/teacher/checkpoint-* >/dev/null 2>&1"
    kill $process
    wait $process
    [ $? -eq 75 ] || fail "it was not stopped: $(cat err)"
}
until_checkpoint whole
rm -rf runs/small && mv whole runs/small
for checkpoint in $(cd runs/small && ls -r teacher/checkpoint-* | head -n 1); do
    expect 4 strace -f -qq -o trace -e trace=openat -P "runs/small/$checkpoint" -e inject=openat:error=EACCES:when=1 \
        "$LYNE" run recipe.yaml $epochs --set stages.teacher.train.epochs=9999 $often
    has err "$checkpoint: cannot open: "
    there "runs/small/$checkpoint"
done
expect 0 "$LYNE" run recipe.yaml --threads 1

say "soft labels that were begun with other threads are refused by name, or their result is said to be of both"
expect 0 "$LYNE" run recipe.yaml --threads 1 --out begun --stage teacher
killed_at 7 --threads 1 --out begun --stage soft_labels
there begun/soft_labels/begun.json
ls begun/soft_labels/labels-* >/dev/null || fail "it was killed too early"
cp -r begun other
expect 7 "$LYNE" run recipe.yaml --threads 2 --out begun --stage soft_labels
has err 'soft_labels was begun with oneDNN'
has err 'which gives other bits. Go on there, or go on here all the same with --any-environment'
expect 0 "$LYNE" run recipe.yaml --threads 2 --out begun --stage soft_labels --any-environment
grep -q '"environment": "[^"]*, 1 thread; [^"]*, 2 threads"' begun/soft_labels/result.json || fail "not of both"
absent begun/soft_labels/begun.json
cp other/soft_labels/begun.json kept
sed -i 's/oneDNN/\\u001b[2J\\n\\u009b/' other/soft_labels/begun.json
expect 7 "$LYNE" run recipe.yaml --threads 1 --out other --stage soft_labels
harmless err
mv kept other/soft_labels/begun.json
expect 0 "$LYNE" run recipe.yaml --threads 1 --out other --stage soft_labels
lacks other/soft_labels/result.json ', 2 threads'

say "training that another number of threads may not go on with is not said to be of both"
until_checkpoint stopped
expect 7 "$LYNE" run recipe.yaml $epochs --threads 2 --out stopped $often --set stages.teacher.train.epochs=9999
lacks stopped/teacher/begun.json '2 threads'
has stopped/teacher/begun.json '1 thread"'

say "soft labels of another batch, in which a record may have other bits, are written anew"
expect 0 "$LYNE" run recipe.yaml --threads 1 --out other --stage soft_labels --set stages.soft_labels.label.batch=1
expect 0 "$LYNE" run recipe.yaml --threads 1 --out fresh --stage soft_labels --set stages.soft_labels.label.batch=1
same_runs fresh other
[ "$(stat -c %Y other/soft_labels/labels-00000-of-00010.safetensors)" -ge "$(stat -c %Y begun/soft_labels/result.json)" ] ||
    fail "they were kept"
