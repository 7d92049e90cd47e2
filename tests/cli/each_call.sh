# tests/cli/each_call.sh -- a run is killed as it opens, writes, syncs, renames or removes a file; the same command goes on,
# to the same bytes.  strace sends the signal.
#
# LYNE_LONG=1 kills at each call, some minutes; without it, at three of each kind.  (tests/recipe/broken_off.c dies at
# each call by the seam; here it is the kernel that is asked.)
. "$LYNE_SOURCE/tests/cli/helpers"
export OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive # or it starts itself over with that, see cli/main.c
strace -o trace -e inject=close:signal=CONT:when=1 true 2>err || skip "strace cannot attach: $(tail -n 1 err)"
small_recipe
go() { "$@" "$LYNE" run recipe.yaml --threads 1 --out run --set stages.teacher.train.checkpoint_seconds=0 \
    --set seeds=[1] >out 2>err; }
go strace -o trace -y -e trace=openat,write,fsync,rename,unlink || fail "the run left alone"
mv run whole

kills=0
for call in openat write fsync rename unlink; do
    # which calls of the kind touch the run; the others load libraries and the like
    nl=$(grep "^$call(" trace | grep -n "run/" | cut -d: -f1)
    set -- $nl
    [ $# -ge 3 ] || fail "only $# calls of $call"
    [ -n "${LYNE_LONG-}" ] || { eval "last=\${$#} middle=\${$(($# / 2))}" && set -- "$1" "$middle" "$last"; }
    for when; do
        rm -rf run
        (go strace -o killed -e trace=$call -e "inject=$call:signal=KILL:when=$when")
        status=$?
        grep -q '+++ killed by SIGKILL +++' killed || fail "call $when of $call does not kill: exit $status"
        kills=$((kills + 1))
        go || fail "after a kill at call $when of $call it does not go on"
        same_runs whole run
    done
    echo "  $call: $# kills"
done
echo "  $kills kills, the same bytes"
