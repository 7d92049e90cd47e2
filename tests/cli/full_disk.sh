# tests/cli/full_disk.sh -- a disk that is full, at whatever point: exit 6, a message with the path, and nothing torn.
. "$LYNE_SOURCE/tests/cli/helpers"

# In a mount namespace of our own, with a small file system in memory.
if [ -z "${LYNE_IN_NAMESPACE-}" ]; then
    unshare -rm true 2>err || skip "no namespaces here: $(cat err)"
    unshare -rm mount -t tmpfs none /mnt 2>err || skip "no tmpfs here: $(cat err)"
    LYNE_IN_NAMESPACE=yes exec unshare -rm sh "$0"
fi

small_recipe
mkdir disk
# shellcheck disable=SC2086
expect 0 "$LYNE" run recipe.yaml --threads 1 --out whole $often

# What is there under its final name is whole: the same as in the run that had room.
expect_whole() {
    for file in $(products disk/run); do
        cmp "disk/run/$file" "whole/$file" || fail "$file is torn"
    done
    [ -z "$(find disk -name '*.tmp.*')" ] || fail "left behind: $(find disk -name '*.tmp.*')"
    for file in $(find disk/run -name 'result*.json'); do
        grep -q '^}' "$file" || fail "$file is torn"
    done
}

say "each size of disk, from one that takes nothing to one that takes all: exit 6, then on with more room"
full=0 size=8
while :; do
    mount -t tmpfs -o size=${size}k none disk || fail "mount"
    # shellcheck disable=SC2086
    "$LYNE" run recipe.yaml --threads 1 --out disk/run $often --ignore-limits >out 2>err
    status=$?
    [ $status -ne 0 ] || break
    [ $status -eq 6 ] || fail "exit $status with $size kB"
    full=$((full + 1))
    has err 'lyne: disk/run'
    has err 'No space left on device'
    [ ! -s out ] || fail "a table"
    expect_whole
    mount -o remount,size=16m disk
    # shellcheck disable=SC2086
    expect 0 "$LYNE" run recipe.yaml --threads 1 --out disk/run $often
    same_runs whole disk/run
    umount disk
    size=$((size + 12))
done
echo "  full $full times"
[ $full -gt 10 ] || fail "too few"
same_runs whole disk/run
umount disk

say "a model that is larger than the disk"
mount -t tmpfs -o size=1m none disk || fail "mount"
large() { # with no checkpoint on the way, however slow the machine is
    "$LYNE" run recipe.yaml --threads 1 --out disk/run --set 'stages.teacher.train.model={mlp: {hidden: [1100]}}' \
        --set stages.teacher.train.checkpoint_seconds=86400 "$@"
}
expect 6 large --ignore-limits
has err 'disk/run/teacher/model.safetensors'
absent disk/run/teacher/model.safetensors
absent disk/run/teacher/result.json
absent disk/run/results.json

say "and that is seen before anything is done"
expect 6 large --out disk/other
has err 'lyne: disk/other: '
has err 'will be written'
has err '--ignore-limits'
absent disk/other/teacher
umount disk

say "what is copied from another run takes no more than its size: no room for checkpoints, no memory for training"
large_teacher='stages.teacher.train.model={mlp: {hidden: [1100]}}'
expect 0 "$LYNE" run recipe.yaml --threads 1 --out done --quiet --set "$large_teacher"
mount -t tmpfs -o size=2m none disk || fail "mount"
expect 6 "$LYNE" run recipe.yaml --threads 1 --out disk/run --set "$large_teacher"
has err 'disk/run: '
expect 0 "$LYNE" run recipe.yaml --threads 1 --out disk/run --set "$large_teacher" --reuse done
same_runs done disk/run
expect 6 "$LYNE" run recipe.yaml --threads 1 --out disk/other --set "$large_teacher" --reuse done
has err 'disk/other: '
absent disk/other/teacher
umount disk

say "a control group of either version with less memory than a stage takes, and one with enough"
mount -t tmpfs none /sys/fs/cgroup || fail "mount"
for file in memory.max memory/memory.limit_in_bytes; do
    grep -q ':memory:\|:memory,\|,memory:\|,memory,' /proc/self/cgroup || [ $file = memory.max ] || continue
    grep -q '^0::' /proc/self/cgroup || [ $file != memory.max ] || continue
    mkdir -p /sys/fs/cgroup/memory
    echo 30000000 >/sys/fs/cgroup/$file
    expect 6 "$LYNE" run recipe.yaml --threads 1 --out narrow --set 'stages.teacher.train.model={mlp: {hidden: [2000, 2000]}}'
    has err " will take "
    has err "and this process may have 30.0MB (/sys/fs/cgroup/$file)"
    has err 'memory: lean'
    absent narrow/teacher
    expect 0 "$LYNE" run recipe.yaml --threads 1 --out narrow --quiet
    rm -r narrow
    echo 300000000 >/sys/fs/cgroup/$file
    expect 0 "$LYNE" run recipe.yaml --threads 1 --out narrow --quiet --set 'stages.teacher.train.model={mlp: {hidden: [2000, 2000]}}'
    rm -r narrow /sys/fs/cgroup/memory*
done
umount /sys/fs/cgroup

say "more memory than there is"
(
    ulimit -v 400000 # kB; the weights alone are 264,000 and there are two copies of them
    expect 6 "$LYNE" run recipe.yaml --threads 1 --ignore-limits --set 'stages.teacher.train.model={mlp: {hidden: [8000, 8000]}}'
) || exit 1
has err 'out of memory'
