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
    "$LYNE" run recipe.yaml --threads 1 --out disk/run $often >out 2>err
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
expect 6 "$LYNE" run recipe.yaml --threads 1 --out disk/run --set 'stages.teacher.train.model={mlp: {hidden: [1100]}}'
has err 'disk/run/teacher/model.safetensors'
absent disk/run/teacher/model.safetensors
absent disk/run/teacher/result.json
absent disk/run/results.json
umount disk

say "more memory than there is"
(
    ulimit -v 400000 # kB; the weights alone are 264,000 and there are two copies of them
    expect 6 "$LYNE" run recipe.yaml --threads 1 --set 'stages.teacher.train.model={mlp: {hidden: [8000, 8000]}}'
) || exit 1
has err 'out of memory'
