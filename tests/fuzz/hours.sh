#!/bin/sh
# tests/fuzz/hours.sh -- an hour of CPU to each reader of files, ten minutes at a time.
#
#     sh tests/fuzz/hours.sh BUILD_DIR [READER...]      on all cores; without names, those that have had no hour yet
#
# tests/fuzz/hours.txt has what each has had so far: seconds of CPU, inputs tried, branches reached the last time.  End it
# when you like: what is lost is the ten minutes at hand.  Inputs that reach something new stay in BUILD_DIR/fuzz/, where the
# next ten minutes begin with them.  1 if a reader fell over an input (tests/fuzz/run.sh says which).
set -u
source=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd) || exit 1
build=$(CDPATH='' cd -- "${1:?which build directory?}" && pwd) || exit 1
shift
ledger=$source/tests/fuzz/hours.txt hour=3600 slice=600

had() { awk -v name="$1" '$1 == name { seconds = $2 } END { print seconds + 0 }' "$ledger"; }

# One line of tests/fuzz/run.sh, added to the ledger.
add() {
    exec 9>"$build/fuzz/hours.lock"
    flock 9
    awk -v line="$1" 'BEGIN { split(line, now); name = now[1] }
        $1 == name { seconds = $2; inputs = $3; next } { print }
        END { printf "%-12s %5d %11.0f %6d\n", name, seconds + now[6], inputs + now[2], now[4] }' "$ledger" |
        LC_ALL=C sort >"$build/fuzz/hours" && cp "$build/fuzz/hours" "$ledger"
    exec 9>&-
}

if [ "${1-}" = --one ]; then
    while left=$((hour - $(had "$2"))) && [ $left -gt 0 ]; do
        line=$(sh "$source/tests/fuzz/run.sh" "$build" $((left < slice ? left + 1 : slice)) "$2") || { echo "$line"; exit 1; }
        add "$line"
        echo "$line"
    done
    exit 0
fi
touch "$ledger"
mkdir -p "$build/fuzz"
[ $# -gt 0 ] || set -- $("$build/lyne_fuzz" --list | cut -f 1)
printf '%s\n' "$@" | xargs -P "$(getconf _NPROCESSORS_ONLN)" -I READER sh "$0" "$build" --one READER
