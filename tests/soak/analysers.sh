#!/bin/sh
# tests/soak/analysers.sh -- cppcheck, clang-tidy and gcc -fanalyzer over src/: a line each with what they found; 1 if that is
# anything.
#
#     sh tests/soak/analysers.sh BUILD_DIR [cppcheck|clang-tidy|fanalyzer...]
#
# BUILD_DIR has been configured.  What is left out, and why: cppcheck.txt; of clang-tidy the checks that begin with a minus
# below: sizes of pointers to pointers, which is what arrays of pointers need; a macro's arguments without parentheses, in
# tables; getenv and exit, called by one thread.  A file that takes gcc more than two minutes of CPU (vectors in unrolled
# loops) is named and left out.  strcpy and strcat are for names whose length was checked where they came from; memcmp of
# numbers asks whether they are the same bits; gcc does not follow which elements of an array a loop has written.
set -u
cd "$(dirname -- "$0")/../.." || exit 1
build=${1:?which build directory?}
shift
[ $# -gt 0 ] || set -- cppcheck clang-tidy fanalyzer
jobs=$(getconf _NPROCESSORS_ONLN)
export include="-Isrc -Iinclude $(sed -n 's/.*-isystem \([^ ]*\).*/-isystem \1/p' "$build/compile_commands.json" | sort -u | tr '\n' ' ')"
export log=$build/analysers failed=0
mkdir -p "$log"
seeded=tests/soak/leak.c
sources() { find src $seeded -name '*.c' ! -path src/base/status.c | LC_ALL=C sort; }

for tool; do
    command -v "$(echo "$tool" | sed 's/fanalyzer/gcc/')" >/dev/null || { echo "$tool: not installed, skipped" && continue; }
    case $tool in
    cppcheck)
        cppcheck -Isrc -Iinclude --std=c11 -D_GNU_SOURCE -DLYNE_VERSION='""' -DLYNE_DATADIR='""' -DDNNL_VERSION_MAJOR=2 \
            -DDNNL_VERSION_MINOR=6 --suppressions-list=tests/soak/cppcheck.txt --enable=warning,performance,portability -q \
            -j "$jobs" --template='{file}:{line}: warning: {message} [{id}]' src $seeded >"$log/$tool" 2>&1
        ;;
    clang-tidy)
        sources | xargs -P "$jobs" -n 4 clang-tidy -p "$build" --quiet --extra-arg=-includetests/soak/analysers.h \
            --extra-arg=-I"$PWD" --checks='-*,clang-analyzer-*,bugprone-*,concurrency-*
,-clang-analyzer-security.insecureAPI.DeprecatedOrUnsafeBufferHandling,-clang-analyzer-valist.Uninitialized
,-clang-analyzer-security.insecureAPI.strcpy,-bugprone-suspicious-memory-comparison
,-bugprone-easily-swappable-parameters,-bugprone-narrowing-conversions,-bugprone-implicit-widening-of-multiplication-result
,-bugprone-assignment-in-if-condition,-bugprone-macro-parentheses,-bugprone-sizeof-expression,-bugprone-branch-clone
,-bugprone-reserved-identifier,-bugprone-suspicious-string-compare,-concurrency-mt-unsafe' >"$log/$tool" 2>&1
        ;;
    fanalyzer)
        sources | xargs -P "$jobs" -n 1 sh -c 'ulimit -t 120; out=$(gcc -std=gnu11 -O1 -fanalyzer -include tests/soak/analysers.h \
            $include -D_GNU_SOURCE -DLYNE_VERSION=\"\" -DLYNE_DATADIR=\"\" -Wno-analyzer-use-of-uninitialized-value \
            -fdiagnostics-plain-output -c -o /dev/null "$0" 2>&1)
            case $out in *"terminated program cc1"*) echo "left out: $0" ;; *) echo "$out" ;; esac' >"$log/$tool" 2>&1
        ;;
    esac
    grep -E ': (warning|error|fatal error): ' "$log/$tool" | sort -u >"$log/found"
    grep -q "$seeded" "$log/found" || { failed=1 && echo "$tool does not find the memory that $seeded loses"; }
    found=$(grep -vc "$seeded" "$log/found")
    echo "$tool: $found findings in $(find src -name '*.c' | wc -l) files$(grep '^left out' "$log/$tool" | sort | tr '\n' ',' | sed 's/^/; /; s/,$//')"
    [ "$found" -eq 0 ] || { failed=1 && grep -v "$seeded" "$log/found" | head -n 30; }
done
exit $failed
