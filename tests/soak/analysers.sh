#!/bin/sh
# tests/soak/analysers.sh -- cppcheck, clang-tidy and gcc -fanalyzer over src/: a line each with what they found; 1 if that is
# anything.
#
#     sh tests/soak/analysers.sh BUILD_DIR [cppcheck|clang-tidy|fanalyzer...]
#
# BUILD_DIR has been configured.  What is left out, and why: cppcheck.txt; of clang-tidy the checks that begin with a minus
# below: sizes of pointers to pointers, which is what arrays of pointers need; a macro's arguments without parentheses, in
# tables; getenv and exit, called by one thread.  strcpy and strcat are for names whose length was checked where they came from;
# memcmp of numbers asks whether they are the same bits; gcc does not follow which vectors of an array the loops of two kernels
# have written, and takes the logarithm of a vector's length for the width of its elements: "shift by 52 >= precision of type
# ('3')" is of 8 int64.
#
# gcc sees a function once, not for each instruction set of LYNE_VECTOR and in each place that LYNE_INLINE puts it, and goes ten
# times as far as it would by itself.  Files are named in which it gives some function up even so, and left out those that take
# it more than two minutes of CPU.
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
        sources | xargs -P "$jobs" -n 1 sh -c 'ulimit -t 120; out=$(LC_ALL=C gcc -std=gnu11 -O1 -fanalyzer $include \
            -include tests/soak/analysers.h -D_GNU_SOURCE -DLYNE_VERSION=\"\" -DLYNE_DATADIR=\"\" "-Dtarget_clones(...)=unused" \
            -Dalways_inline=unused -Wno-attributes -Wanalyzer-too-complex $(case $0 in
                src/ops/conv2d_depthwise_rows.c | src/ops/conv2d_winograd_tiles.c) echo -Wno-analyzer-use-of-uninitialized-value ;;
            esac) \
            --param analyzer-bb-explosion-factor=50 -fdiagnostics-plain-output -c -o /dev/null "$0" 2>&1)
            case $out in *"terminated program cc1"*) echo "left out: $0" && exit ;; esac
            case $out in *"analysis bailed out early"*) echo "not to the end: $0" ;; esac
            echo "$out"' >"$log/$tool" 2>&1
        ;;
    esac
    grep -E ': (warning|error|fatal error): ' "$log/$tool" | grep -vE "precision of type \('[0-9]'\)|analyzer-too-complex" |
        sort -u >"$log/found"
    grep -q "$seeded" "$log/found" || { failed=1 && echo "$tool does not find the memory that $seeded loses"; }
    found=$(grep -vc "$seeded" "$log/found")
    echo "$tool: $found findings in $(find src -name '*.c' | wc -l) files$(sort "$log/$tool" |
        awk -F: '/^(left out|not to the end): / { of[$1] = of[$1] $2 } END { for (k in of) printf "; %s:%s", k, of[k] }')"
    [ "$found" -eq 0 ] || { failed=1 && grep -v "$seeded" "$log/found" | head -n 30; }
done
exit $failed
