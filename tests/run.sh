#!/bin/sh
# tests/run.sh -- everything that tells whether Lyne works, from a bare Debian 12 on.
#
#     sh tests/run.sh [--quick] [--jobs N] [--fuzz SECONDS] [--coverage]
#
# --quick     without the sanitizers, oneDNN 3.2, hostile files and cppcheck
# --fuzz S    hostile files for S seconds to each reader of files; without it, 5
# --coverage  also how many statements and branches the tests run; six minutes
# --jobs N    as many compilers and tests at a time; without it, one for each CPU
#
# Everything it makes lies in build/.  Data sets are read from $LYNE_DATA or ../shared/data; a test that needs one that is
# not there is skipped and says so.  The last line counts test cases: `N passed, N failed, N skipped`.
#
# A script in tests/cli/ is one end-to-end test.  It starts in an empty directory of its own that is removed afterwards, in
# memory where there is room (a sync costs nothing there), with LYNE (the program), LYNE_SOURCE (this repository) and perhaps
# LYNE_DATA in its environment, all absolute.  Exit 0 says passed, 77 skipped with the reason as the last line, anything
# else failed.
set -u
exec 2>&1
source=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd) || exit 1
cd "$source" || exit 1
. src/package/debian.sh

quick= coverage=
fuzz_seconds=5
jobs=$(getconf _NPROCESSORS_ONLN)
while [ $# -gt 0 ]; do
    case $1 in
    --quick) quick=yes ;;
    --coverage) coverage=yes ;;
    --jobs) shift && jobs=${1:?--jobs needs a number} ;;
    --fuzz) shift && fuzz_seconds=${1:?--fuzz needs a number of seconds} ;;
    *) echo "usage: sh tests/run.sh [--quick] [--jobs N] [--fuzz SECONDS] [--coverage]" && exit 2 ;;
    esac
    shift
done

passed=0 failed=0 skipped=0
started=$(date +%s)
part_title='' part_started=$started

# part TITLE: a new part begins; the one before it is over.
part() {
    now=$(date +%s)
    [ -z "$part_title" ] || echo "   $((now - part_started)) s"
    part_title=$1 part_started=$now
    [ -z "$part_title" ] || printf '\n== %s\n' "$part_title"
}

finish() {
    part ''
    printf '\nAll of it took %d s.\n' $(($(date +%s) - started))
    echo "$passed passed, $failed failed, $skipped skipped"
    [ "$failed" -eq 0 ]
    exit
}

# check NAME COMMAND...: one check, by its exit status.
check() {
    name=$1
    shift
    "$@" >build/check.log 2>&1
    case $? in
    0) passed=$((passed + 1)) && echo "   passed   $name" ;;
    77) skipped=$((skipped + 1)) && echo "   skipped  $name: $(tail -n 1 build/check.log)" ;;
    *) failed=$((failed + 1)) && echo "   FAILED   $name" && sed 's/^/      /' build/check.log ;;
    esac
}

# build DIRECTORY OPTION...: fails, counted as one failure, with what the compiler said.
build() {
    directory=$1
    shift
    if cmake -G Ninja -S . -B "$directory" -DLYNE_WERROR=ON -DLYNE_TESTS=ON "$@" >build/check.log 2>&1 &&
        cmake --build "$directory" --parallel "$jobs" >build/check.log 2>&1; then
        return 0
    fi
    failed=$((failed + 1))
    echo "   FAILED   build"
    grep -v '^\[[0-9]*/[0-9]*\] ' build/check.log | sed 's/^/      /'
    return 1
}

# units DIRECTORY [CTEST OPTION...]: the programs of tests/FOLDER.  Each prints how many cases it ran; one that dies before that, or whose
# cases pass but not the program (a leak), is one failure.  As many programs at a time as there are CPUs, each with one case at
# a time; they share the CPUs, so a thread that waits for another must not spin (test_dnn: 9 s of CPU when it does, 1 s when
# not).
units() {
    log=$1/Testing/Temporary/LastTest.log
    CRITERION_JOBS=1 OMP_WAIT_POLICY=passive ctest --parallel "$jobs" --test-dir "$@" >build/check.log 2>&1
    counts=$(awk '
        / Testing: / { name = $3; said = ""; ok = pass = fail = 0 }
        /^Output:$/ { output = 1; next }
        /^<end of output>$/ { output = 0 }
        output && !/^(\[RUN|\[PASS|\[SKIP|---)/ { said = said "      " $0 "\n" }
        /Test is disabled$/ { next }
        /^\[SKIP\] / { skipped++; sub(/^\[SKIP\] /, ""); print "   skipped  " name ": " $0 > "/dev/stderr" }
        /Synthesis: Tested: / { pass = $7; fail = $10 }
        /^Test Passed\.$/ { ok = 1 }
        /^".*" end time: / {
            if (!ok && !fail) fail = 1
            if (ok && !pass) pass = 1 # a program that is one test
            passed += pass
            failed += fail
            printf "   %s   %s: %d of %d\n%s", fail ? "FAILED" : "passed", name, pass, pass + fail, fail ? said : "" \
                > "/dev/stderr"
        }
        END { print passed + 0, failed + 0, skipped + 0 }' "$log")
    set -- $counts
    passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3))
    if [ $(($1 + $2)) -eq 0 ]; then
        failed=$((failed + 1))
        echo "   FAILED   no unit test ran" && cat build/check.log
    fi
}

# fetch_onednn3: unpack the wheels of tests/onednn3.txt into build/onednn3/root, once.
fetch_onednn3() {
    [ ! -e build/onednn3/done ] || return 0
    rm -rf build/onednn3 && mkdir -p build/onednn3/root &&
        python3 -m pip -q download --no-deps --require-hashes -r tests/onednn3.txt -d build/onednn3 || return 1
    for wheel in build/onednn3/*.whl; do
        python3 -m zipfile -e "$wheel" build/onednn3/unpacked || return 1
    done
    for data in build/onednn3/unpacked/*.data/data; do
        cp -r "$data/." build/onednn3/root || return 1
    done
    rm -rf build/onednn3/unpacked && touch build/onednn3/done
}

# fuzz SECONDS: each reader of files, one check.
fuzz() {
    if CC=clang cmake -G Ninja -S . -B build/fuzz -DLYNE_TESTS=OFF -DLYNE_FUZZ=ON \
        -DLYNE_SANITIZE=address,undefined >build/check.log 2>&1 &&
        cmake --build build/fuzz --parallel "$jobs" --target lyne_fuzz >build/check.log 2>&1; then
        check "no reader of files trips over a hostile one" sh tests/fuzz/run.sh build/fuzz "$1"
        sed 's/^/            /' build/check.log
    else
        failed=$((failed + 1)) && echo "   FAILED   build" && sed 's/^/      /' build/check.log
    fi
}

# end_to_end: all scripts of tests/cli, each in a directory of its own; what it says and its exit status are kept.
end_to_end() {
    rm -rf build/cli && mkdir build/cli
    place=/dev/shm
    [ "$(df -Pk $place 2>/dev/null | awk 'NR == 2 { print int($4 / 1048576) }')" -ge 4 ] 2>/dev/null || place=${TMPDIR:-/tmp}
    printf '%s\n' tests/cli/*.sh | LYNE=$source/build/tests/lyne LYNE_SOURCE=$source xargs -P "$jobs" -I SCRIPT sh -c '
        kept=$PWD/build/cli/$(basename "$1")
        scratch=$(mktemp -d -p "$2") && cd "$scratch" || exit
        timeout 600 sh "$LYNE_SOURCE/$1" >"$kept" 2>&1
        echo $? >"$kept.status"
        rm -rf "$scratch"' sh SCRIPT $place
}

# said SCRIPT: what end_to_end kept of it.
said() {
    cat "build/cli/$(basename "$1")" && return "$(cat "build/cli/$(basename "$1").status" || echo 1)"
}

mkdir -p build || exit 1
if [ -z "${LYNE_DATA-}" ] && [ -d ../shared/data ]; then
    LYNE_DATA=$(cd ../shared/data && pwd)
    export LYNE_DATA
fi
export CRITERION_VERBOSITY_LEVEL=1 UBSAN_OPTIONS=print_stacktrace=1

part 'Debian packages'
packages="$lyne_packages libcriterion-dev libarchive-dev strace groff-base zsh python3-jsonschema python3-numpy python3-yaml"
[ -n "$quick" ] || packages="$packages python3-pip clang libclang-rt-dev libomp-dev cppcheck"
[ -z "$coverage" ] || packages="$packages gcovr"
lyne_install_packages $packages || { failed=1 && finish; }

part 'Build: warnings are errors'
build build/tests -DCMAKE_INSTALL_PREFIX="$source/build/tests/prefix" || finish

part 'Unit tests'
units build/tests

if [ -z "$quick" ]; then
    part 'Unit tests with address and undefined-behaviour sanitizers'
    # gcc's own warnings err when it instruments, so they are not errors here.
    build build/sanitize -DLYNE_SANITIZE=address,undefined -DLYNE_WERROR=OFF && units build/sanitize

    part 'Unit tests with oneDNN 3.2'
    if fetch_onednn3 >build/check.log 2>&1; then
        # But for the folders that call nothing of oneDNN.
        build build/tests-onednn3 -DLYNE_DNNL_ROOT="$source/build/onednn3/root" &&
            units build/tests-onednn3 --exclude-regex '^(base|component|formats|data|labels|power)$'
    else
        skipped=$((skipped + 1)) && echo "   skipped  oneDNN 3.2 could not be fetched: $(tail -n 1 build/check.log)"
    fi
fi

if [ -z "$quick" ]; then
    part "Hostile files, $fuzz_seconds s for each reader"
    fuzz "$fuzz_seconds"
fi

if [ -z "$quick" ]; then
    part 'Static analysis'
    check 'cppcheck finds nothing' sh tests/soak/analysers.sh build/tests cppcheck
fi

if [ -n "$coverage" ]; then
    part 'Coverage'
    check 'the tests run 90% of statements and 80% of branches' sh tests/coverage.sh
    sed 's/^/            /' build/check.log
fi

part 'Floors of the source'
check 'the checker sees each kind of mistake' sh tests/floors.sh --self-check
check 'src/ keeps to src/README.md' sh tests/floors.sh

part 'Installation'
check 'a program outside the tree, by pkg-config and by find_package' sh tests/install/run.sh build/tests
check 'plug-ins, built against what is installed' sh tests/plugins/run.sh build/tests

part 'Recipes'
for recipe in $(find recipes -name '*.yaml' | LC_ALL=C sort); do
    check "$recipe" build/tests/lyne check "$recipe"
done

part 'End to end'
end_to_end
for script in tests/cli/*.sh; do
    check "$script" said "$script"
done
finish
