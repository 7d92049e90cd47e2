#!/bin/sh
# tests/coverage.sh -- how much of src/, the command line apart, the tests run: statements and branches, in all and by folder; 1
# if that is less than 90% and 80%.
#
#     sh tests/coverage.sh [--no-run]      --no-run: of what the last run left in build/coverage
#
# Needs gcovr (Debian).  The unit tests, the plug-ins, and the end-to-end scripts but for those that kill, ask PyTorch or look
# how well a student learns.  Not optimised, so it takes six minutes on 2 cores.  A function counts once: not for each instruction
# set of LYNE_VECTOR, of which a CPU runs only one, nor in each function that a LYNE_INLINE is put into.  Assertions do not count.
set -u
cd "$(dirname -- "$0")/.." || exit 1
build=build/coverage
mkdir -p $build
command -v gcovr >/dev/null || { echo "gcovr is not installed"; exit 77; }
if [ "${1-}" != --no-run ]; then
    cmake -G Ninja -S . -B $build -DCMAKE_BUILD_TYPE=Debug -DCMAKE_INSTALL_PREFIX="$PWD/$build/prefix" \
        -DCMAKE_C_FLAGS='--coverage -O0 -fprofile-update=atomic "-Dtarget_clones(...)=unused" -Dalways_inline=unused -Wno-attributes' \
        >$build/log 2>&1 && cmake --build $build --parallel >$build/log 2>&1 || { tail -n 20 $build/log; exit 1; }
    find $build -name '*.gcda' -delete
    jobs=$(getconf _NPROCESSORS_ONLN)
    CRITERION_JOBS=1 OMP_WAIT_POLICY=passive ctest --parallel "$jobs" --test-dir $build -E '^(avx|bench)' --timeout 900 >$build/log 2>&1 ||
        { grep -E '\*\*\*|Failed' $build/log; echo "some tests failed; the figures are of those that ran"; }
    printf '%s\n' tests/plugins/run.sh tests/cli/*.sh | grep -vE '/(killed|stopped|bench_quick|python)\.sh$' |
        LYNE=$PWD/$build/lyne LYNE_SOURCE=$PWD LYNE_BUILD=$PWD/$build xargs -P "$jobs" -I SCRIPT sh -c '
            scratch=$(mktemp -d) && cd "$scratch" || exit
            timeout 900 sh "$LYNE_SOURCE/$1" "$LYNE_BUILD" >log 2>&1
            case $? in 0 | 77) ;; *) echo "$1 failed; the figures are of what it ran until then: $(tail -n 3 log)" ;; esac
            rm -rf "$scratch"' sh SCRIPT
fi
gcovr --root . --object-directory $build --filter 'src/' --exclude 'src/cli/' --exclude-throw-branches \
    --exclude-unreachable-branches --exclude-lines-by-pattern '.*\bassert\(.*' --gcov-ignore-parse-errors --csv $build/files.csv \
    >$build/log 2>&1 || { tail -n 5 $build/log; exit 1; }
awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) column[$i] = i; next }
    { split($1, path, "/"); f = path[2]; ls[f] += $column["line_total"]; lc[f] += $column["line_covered"]
      bs[f] += $column["branch_total"]; bc[f] += $column["branch_covered"] }
    END { if (NR < 2) { print "gcovr found no source"; exit 1 }
          for (f in ls) { printf "%-10s %5.1f%% of %5d statements, %5.1f%% of %5d branches\n", f, 100 * lc[f] / ls[f], ls[f],
                          100 * bc[f] / (bs[f] ? bs[f] : 1), bs[f] | "sort"
                          l += ls[f]; L += lc[f]; b += bs[f]; B += bc[f] }
          close("sort")
          printf "coverage: %.1f%% of %d statements, %.1f%% of %d branches\n", 100 * L / l, l, 100 * B / b, b
          exit !(L >= 0.9 * l && B >= 0.8 * b) }' $build/files.csv
