# tests/cli/stopped.sh -- SIGTERM, SIGINT and SIGHUP commit a checkpoint and exit 75; a second one ends at once; standard
# streams that are closed, full or broken; two in one folder.
#
# LYNE_SIGNALS  how many signals at random moments, 6 unless it is set; LYNE_RACES  how many pairs of runs, 5
. "$LYNE_SOURCE/tests/cli/helpers"
small_recipe
signals=${LYNE_SIGNALS:-6} races=${LYNE_RACES:-5} seed=${LYNE_SEED:-$(date +%s)}
awk -v seed="$seed" 'BEGIN { srand(seed); for (i = 0; i < 10000; i++) print int(1e6 * rand()) }' >random
exec 3<random

# Stages that take long enough to be stopped in.
cat >long.yaml <<-end
	extends: recipe.yaml
	seeds: [1]
	stages:
	  teacher: {train: {epochs: 120}}
	  soft_labels: {label: {augment: [shift], views: 60, records_per_shard: 1000}}
	  student: {distill: {epochs: 200}}
	end

milliseconds() { echo $(($(date +%s%N) / 1000000)); }

# stop_run SIGNAL: $process is told to stop, and does, in 10 s: $status, $took [ms], $slowest of all.
slowest=0
stop_run() {
    sent=$(milliseconds)
    kill -"$1" $process 2>/dev/null
    wait $process 2>/dev/null
    status=$?
    took=$(($(milliseconds) - sent))
    [ $took -le $slowest ] || slowest=$took
    [ $took -le 10000 ] || fail "SIG$1: it took $took ms to stop"
}

# Whether $process has its handlers: of those caught the 15th, SIGTERM.
listening() { grep -qs '^SigCgt:.*[4-7c-f]...$' /proc/$process/status; }

say "in each stage: exit 75, a checkpoint or whole shards, a message that says how to go on"
expect 0 "$LYNE" run long.yaml --threads 1 --out whole
for stop in TERM:teacher HUP:soft_labels INT:student/seed-1; do
    signal=${stop%:*} stage=${stop#*:}
    # A shell starts what it puts into the background with SIGINT ignored; Lyne sets its own handler all the same.
    in_background "$LYNE" run long.yaml --threads 1 --out stopped
    case $stage in
    soft_labels) wait_until test -e stopped/soft_labels/labels-00001-of-00036.safetensors ;;
    *) wait_until test -e stopped/$stage/metrics.jsonl && sleep 0.05 ;;
    esac
    stop_run $signal
    [ $status -eq 75 ] || fail "exit $status, not 75"
    has err "${stage%/*}: stopped at"
    has err 'the same command goes on'
    [ ! -s out ] || fail "a table of a run that was stopped"
    case $stage in
    soft_labels) absent stopped/soft_labels/manifest.json ;;
    *) [ "$(last_step stopped/$stage)" -gt 0 ] || fail "no checkpoint" && absent stopped/$stage/model.safetensors ;;
    esac
    absent stopped/results.json
done
say "the same command goes on, to the same bits"
expect 0 "$LYNE" run long.yaml --threads 1 --out stopped
has err 'student: going on from step'
same_runs whole stopped

say "$signals signals at random moments, seed $seed: 75 each time, and the same bits in the end"
# With AVX2: those of oneDNN's products have their stack pointer in the heap, where a signal must not write.
export ONEDNN_MAX_CPU_ISA=AVX2
rm -rf whole
expect 0 "$LYNE" run long.yaml --threads 1 --out whole
sent_all=0 rounds=0
while [ $sent_all -lt "$signals" ]; do
    rm -rf stopped
    status=75
    while [ $status -eq 75 ]; do
        read -r at <&3
        in_background "$LYNE" run long.yaml --threads 1 --out stopped
        wait_until listening
        sleep 0.0$((at % 100000))
        case $((at % 3)) in 0) stop_run TERM ;; 1) stop_run INT ;; 2) stop_run HUP ;; esac
        case $status in
        75) sent_all=$((sent_all + 1)) && has err 'the same command goes on' ;;
        0) ;; # it was done sooner
        *) fail "exit $status" ;;
        esac
        if [ $sent_all -ge "$signals" ]; then break; fi
    done
    expect 0 "$LYNE" run long.yaml --threads 1 --out stopped
    same_runs whole stopped
    rounds=$((rounds + 1))
    [ $rounds -lt 1000 ] || fail "it is never stopped"
done
echo "  $sent_all of $sent_all, at most $slowest ms"
unset ONEDNN_MAX_CPU_ISA

say "a second signal ends it at once"
rm -rf stopped
in_background "$LYNE" run long.yaml --threads 1 --out stopped --set stages.teacher.train.batch=600 \
    --set 'stages.teacher.train.model={mlp: {hidden: [6000, 6000]}}'
wait_until test -d stopped/teacher
sleep 0.3
kill -TERM $process
sleep 0.05
stop_run INT
case $status in
130) echo "  after $took ms" ;;
75) echo "  (it had stopped at the first)" ;;
*) fail "exit $status, not 130" ;;
esac

say "a command with nothing to save ends at the first"
in_background "$LYNE" plan long.yaml
sleep 0.05
stop_run TERM
[ $status -eq 143 ] || [ $status -eq 0 ] || fail "exit $status"

say "nohup: a hang-up that is ignored stays so"
rm -rf stopped
(trap '' HUP && exec "$LYNE" run recipe.yaml --threads 1 --out stopped >out 2>err) &
process=$!
wait_until test -e stopped/.lock
kill -HUP $process
wait $process || fail "exit $?"

say "standard streams that are closed: nothing lands in a file, and a table that nobody got is a failure"
rm -rf whole stopped
expect 0 "$LYNE" run recipe.yaml --threads 1 --out whole
"$LYNE" run recipe.yaml --threads 1 --out stopped --json <&- 2>&- >results || fail "exit $? without stderr"
grep -rl --exclude=log.txt 'samples/s,' stopped >talk && fail "the talk is in $(cat talk)"
same_runs whole stopped
grep -q '^}' results || fail "no results"
"$LYNE" run recipe.yaml --threads 1 --out stopped <&- >&- 2>&- && fail "exit 0 without stdout"
same_runs whole stopped

say "a reader that goes away, and a full device: a failing status, no signal, and the results are on disk"
rm -rf stopped
{ "$LYNE" run recipe.yaml --threads 1 --out stopped 2>err && echo 0 >status || echo $? >status; } | true
[ "$(cat status)" -ne 0 ] && [ "$(cat status)" -lt 128 ] || fail "exit $(cat status)"
has err 'standard output'
same_runs whole stopped
there stopped/results.json
rm -rf stopped
"$LYNE" run recipe.yaml --threads 1 --out stopped >/dev/full 2>err
[ $? -eq 6 ] || fail "exit $?, not 6, with a full device"
"$LYNE" run recipe.yaml --threads 1 --out stopped 2>/dev/full >out || fail "exit $? with stderr full"
same_runs whole stopped

say "on with another number of threads: exit 7, and the message says what differs and what to do"
rm -rf stopped
in_background "$LYNE" run long.yaml --threads 2 --out stopped
wait_until test -e stopped/teacher/metrics.jsonl && sleep 0.05
stop_run TERM
expect 7 "$LYNE" run long.yaml --threads 1 --out stopped
has err '2 threads; here it is'
has err '1 thread, which'
has err '--any-environment'
for names in oneDNN "$("$LYNE" version | sed -n 's/^oneDNN \([0-9.]*\).*/\1/p')"; do
    [ "$(grep -o "$names" err | wc -l)" -ge 2 ] || fail "the message does not name $names on both sides"
done
poorer=sse41 # than this CPU is
"$LYNE" version | grep -q avx512 && poorer=avx2
ONEDNN_MAX_CPU_ISA=$poorer LYNE_MAX_ISA=avx2 expect 7 "$LYNE" run long.yaml --threads 2 --out stopped
has err 'avx2'
LYNE_MAX_ISA=base expect 7 "$LYNE" run long.yaml --threads 2 --out stopped
has err 'base by LYNE_MAX_ISA'
expect 0 "$LYNE" run long.yaml --threads 1 --out stopped --any-environment
has err 'teacher: going on from step'

say "two at once in one folder, $races times: one runs, the other is refused within a second and names the folder"
race=0 slowest=0
while [ $race -lt "$races" ]; do
    rm -rf raced out.[12] err.[12] end.[12]
    for i in 1 2; do
        {
            "$LYNE" run long.yaml --threads 1 --out raced >out.$i 2>err.$i
            echo "$? $(milliseconds)" >end.$i
        } &
    done
    wait
    read -r first first_end <end.1
    read -r second second_end <end.2
    case "$first $second" in
    "0 1") loser=2 refused=$second_end ;;
    "1 0") loser=1 refused=$first_end ;;
    *) fail "exit $first and $second: $(cat err.1 err.2)" ;;
    esac
    has err.$loser 'raced/.lock is in use by another process'
    locked=$(($(stat -c %.3Y raced/recipe.yaml | tr -d .)))
    took=$((refused - locked))
    [ $took -le $slowest ] || slowest=$took
    [ $took -le 5000 ] || fail "refused only after $took ms"
    same_runs raced raced
    race=$((race + 1))
done
echo "  $races of $races, at most $slowest ms after the other had begun"
