#!/bin/sh
# tests/fuzz/run.sh -- every reader of files against hostile ones, by libFuzzer with the address and undefined-behaviour
# sanitizers.
#
#     sh tests/fuzz/run.sh BUILD_DIR [SECONDS [TARGET...]]      10 seconds a target unless said otherwise
#
# Good inputs lie in tests/fuzz/corpus/TARGET; those that the program writes itself and what is found are kept in
# BUILD_DIR/fuzz/.  One line a target: inputs tried, branches of the program reached, seconds of CPU.  A file of src/ that
# opens files and that no target covers is a failure: whoever adds a reader adds its row to a table in tests/fuzz/*.c.
set -u
source=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd) || exit 1
build=$(CDPATH='' cd -- "${1:?which build directory?}" && pwd) || exit 1
seconds=${2:-10}
[ $# -gt 2 ] && shift 2 || shift $#
here=$source/tests/fuzz/run.sh fuzz=$build/lyne_fuzz
listed=$("$fuzz" --list) || exit 1
failed=0
# Freed memory is watched until 8 MiB more have been freed, not 256: no input frees as much, and many are tried twice as fast.
export ASAN_OPTIONS=quarantine_size_mb=8:thread_local_quarantine_size_kb=64:malloc_context_size=8${ASAN_OPTIONS:+:$ASAN_OPTIONS}

# ---- try one, when called by itself below ----
try() {
    work=$build/fuzz/$1
    mkdir -p "$work/found" "$work/seeds" || return 1
    cd "$work" || return 1
    exec 8>lock && flock -n 8 || { echo "$1 is being tried in $work already" && return 1; }
    "$fuzz" --seeds "$1" "$work/seeds" && rm -f "$work/seeds/.lock" || return 1
    given=$source/tests/fuzz/corpus/$1
    case $1 in description) given=$source/datasets ;; esac
    [ -d "$given" ] || given=
    # 16 MiB and 4 bytes for each are promised: nobody asks for twice as much at once, also where it is not touched then.
    # But for libzstd, which reserves a frame's window.
    case $1 in tar | pictures) most=160 ;; *) most=32 ;; esac
    timeout $((seconds + 120)) "$fuzz" "$1" -max_total_time="$seconds" -max_len=16384 -rss_limit_mb=1024 -malloc_limit_mb=$most \
        -timeout=20 -print_final_stats=1 -close_fd_mask=3 -artifact_prefix="$work/" "$work/found" "$work/seeds" $given >log 2>&1
    status=$?
    times >times
    cpu=$(awk 'NR == 2 { split($0, t, "[ ms]+"); printf "%.0f", 60 * (t[1] + t[3]) + t[2] + t[4] }' times)
    tried=$(sed -n 's/^stat::number_of_executed_units: *//p' log)
    reached=$(grep -oE 'cov: [0-9]+' log | tail -n 1 | tr -dc 0-9)
    printf '%-12s %10s inputs, %5s branches, %5s s of CPU\n' "$1" "${tried:-0}" "${reached:-0}" "$cpu"
    if [ $status -ne 0 ]; then
        echo "$1 failed on the input that is kept in $work:"
        grep -E 'ERROR|SUMMARY|runtime error|^[[:space:]]*#[0-9]' log | head -n 30
        return 1
    fi
}
if [ "${1-}" = --one ]; then
    try "$2"
    exit
fi

# ---- is there a target for every reader? ----
opens='lyne_(map_open|file_read|inflate|members_read|json_load|safetensors_open|npy_open|yaml_read|picture_decode)\('
# But for: the calls themselves; a plug-in, which is code that its user asked to run; a page that is searched for a line, and a
# recipe that is the same as another text or not.
cd "$source/src" || exit 1
for file in $(grep -lE "$opens" ./*/*.c | sed 's,^\./,,' | grep -vE '^(base/file|recipe/plugin|cli/bench|cli/labels_recipe)\.c$'); do
    printf '%s\n' "$listed" | cut -f 2 | tr ' ' '\n' | grep -qx "$file" ||
        { echo "$file opens files, and no target of tests/fuzz covers it" && failed=1; }
done
for file in $(printf '%s\n' "$listed" | cut -f 2); do
    [ -e "$file" ] || { echo "tests/fuzz covers $file, which does not exist" && failed=1; }
done

# ---- try all, or those that were named ----
[ $# -gt 0 ] || set -- $(printf '%s\n' "$listed" | cut -f 1)
printf '%s\n' "$@" | xargs -P "$(getconf _NPROCESSORS_ONLN)" -I TARGET sh "$here" "$build" "$seconds" --one TARGET || failed=1
exit $failed
