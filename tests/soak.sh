#!/bin/sh
# tests/soak.sh -- the long forms of the tests of tests/run.sh: a line for each promise of README.md, with the figure.
#
#     sh tests/soak.sh [--seconds N] [PART...]      all parts but `hours` unless some are named; --seconds: of each reader of
#                                                   files, and of the soak; without it 60 and 1800
#
#   kills      300 kills at random moments of three recipes, all stage kinds           5 to 10 min
#   signals    100 SIGTERM, SIGINT and SIGHUP at random moments                        2 min
#   races      100 pairs of runs in one folder                                         4 min
#   soak       training, labelling, distilling: resident memory, open files            30 min
#   long       the unit tests that LYNE_LONG=1 makes exhaustive                        15 to 35 min
#   mutations  every value of every shipped recipe changed: what check passes runs     1 h
#   fuzz       every reader of files against hostile ones                              a minute for each
#   hours      an hour of CPU for each of them, ten minutes at a time; goes on         23 h on a core
#   analysers  cppcheck, clang-tidy, gcc -fanalyzer                                    5 to 20 min
#   threads    the thread sanitizer                                                    10 min
#   valgrind   a run of each stage kind under memcheck                                 5 min
#   coverage   statements and branches that the tests run                              6 min
#
# Each part may run alone.  What they build and log lies in build/soak; what is not installed is skipped and says so.
set -u
source=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd) || exit 1
cd "$source" || exit 1
seconds=
if [ "${1-}" = --seconds ]; then
    seconds=${2:?--seconds needs a number}
    shift 2
fi
[ $# -gt 0 ] || set -- kills signals races soak long mutations fuzz analysers threads valgrind coverage
mkdir -p build/soak
log=build/soak/log failed=0
export UBSAN_OPTIONS=print_stacktrace=1 LYNE_SOURCE="$source"

# build DIRECTORY OPTION...
build() {
    directory=$1
    shift
    cmake -G Ninja -S . -B "$directory" -DLYNE_TESTS=ON "$@" >$log 2>&1 && cmake --build "$directory" --parallel >$log 2>&1 ||
        { tail -n 30 $log && echo "FAILED   the build in $directory" && exit 1; }
}

# line PART STATUS PATTERN: the part's line with those of the log that have the pattern, and all of the log if it failed.
line() {
    figure=$(grep -E -- "$3" $log | sed 's/^ *//' | tr '\n' ';' | sed 's/;$//; s/;/; /g')
    case $2 in
    0) printf '%-10s passed   %s\n' "$1" "$figure" ;;
    77) printf '%-10s skipped  %s\n' "$1" "$(tail -n 1 $log)" ;;
    *) printf '%-10s FAILED   %s\n' "$1" "$figure" && sed 's/^/    /' $log && failed=1 ;;
    esac
}

# script FILE: in an empty directory, as tests/run.sh does; what it says goes to the log.
script() {
    scratch=$(mktemp -d) || exit 1
    (cd "$scratch" && LYNE=$source/build/soak/release/lyne exec sh "$source/$1") >$log 2>&1
    status=$?
    rm -rf "$scratch"
    return $status
}

for part; do
    case $part in
    kills | signals | races | soak | mutations | valgrind) build build/soak/release ;;
    esac
    case $part in
    kills)
        LYNE_KILLS=300 script tests/cli/killed.sh
        line kills $? '^seed|kills in'
        ;;
    signals)
        LYNE_SIGNALS=100 LYNE_RACES=1 script tests/cli/stopped.sh
        line signals $? '^  [0-9]+ of [0-9]+, at most [0-9]+ ms$'
        ;;
    races)
        LYNE_SIGNALS=1 LYNE_RACES=100 script tests/cli/stopped.sh
        line races $? 'ms after the other had begun'
        ;;
    soak)
        LYNE_SOAK=${seconds:-1800} script tests/soak/grows.sh
        line soak $? 'hundredths of a percent at most|in the end'
        ;;
    long)
        build build/soak/sanitize -DLYNE_SANITIZE=address,undefined
        # Of two tests at a time Criterion loses the memory of a timer.  ctest would stop one after 25 minutes.
        LYNE_LONG=1 CRITERION_JOBS=1 OMP_WAIT_POLICY=passive ctest --parallel "$(getconf _NPROCESSORS_ONLN)" --timeout 7200 \
            --test-dir build/soak/sanitize --output-on-failure >$log 2>&1
        line long $? 'tests passed'
        ;;
    mutations)
        LYNE_LONG=1 script tests/cli/mutations.sh
        line mutations $? 'changes|passes check'
        ;;
    fuzz)
        CC=clang build build/soak/fuzz -DLYNE_TESTS=OFF -DLYNE_FUZZ=ON -DLYNE_SANITIZE=address,undefined
        sh tests/fuzz/run.sh build/soak/fuzz "${seconds:-60}" >$log 2>&1
        status=$?
        awk '/ inputs, / { n += $2; m++ } END { printf "in all %d inputs to %d readers\n", n, m }' $log >>$log
        line fuzz $status '^in all'
        ;;
    hours)
        CC=clang build build/soak/fuzz -DLYNE_TESTS=OFF -DLYNE_FUZZ=ON -DLYNE_SANITIZE=address,undefined
        sh tests/fuzz/hours.sh build/soak/fuzz >$log 2>&1
        status=$?
        awk '$2 >= 3600 { n++ } { inputs += $3 } END { printf "%d readers had their hour, in all %.0f inputs\n", n, inputs }' \
            tests/fuzz/hours.txt >>$log
        line hours $status 'had their hour'
        ;;
    analysers)
        build build/soak/release
        sh tests/soak/analysers.sh build/soak/release >$log 2>&1
        line analysers $? 'findings|skipped'
        ;;
    threads)
        sh tests/soak/threads.sh build/soak/threads >$log 2>&1
        line threads $? '^thread sanitizer'
        ;;
    valgrind)
        script tests/soak/valgrind.sh
        line valgrind $? 'nothing lost$'
        ;;
    coverage)
        sh tests/coverage.sh >$log 2>&1
        line coverage $? '^coverage:'
        ;;
    *) echo "there is no part '$part'; see the head of tests/soak.sh" && exit 2 ;;
    esac
done
exit $failed
