#!/bin/sh
# recipes/quickstart.sh -- from a checkout to a distilled student: install what is missing, build, run quickstart.yaml.
set -eu
cd "$(dirname -- "$0")/.."
. src/package/debian.sh

# step TITLE COMMAND...: says what it does and how long it took.
step() {
    printf '== %s\n' "$1"
    shift
    started=$(date +%s)
    "$@"
    printf '   %d s\n\n' $(($(date +%s) - started))
}

build() {
    mkdir -p build
    if ! { cmake -G Ninja -S . -B build/quickstart -DLYNE_TESTS=OFF && cmake --build build/quickstart; } \
        >build/quickstart.log 2>&1; then
        cat build/quickstart.log
        return 1
    fi
}

step 'Debian packages' lyne_install_packages $lyne_packages
step 'Build the program: build/quickstart/lyne' build
step 'Run recipes/quickstart.yaml: teacher, soft labels, student, the same student alone' \
    build/quickstart/lyne run recipes/quickstart.yaml
echo 'Next: build/quickstart/lyne explain distill'
