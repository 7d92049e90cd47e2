#!/bin/sh
# tests/soak/threads.sh -- the thread sanitizer over runs of every stage kind with 2 threads.
#
#     sh tests/soak/threads.sh BUILD_DIR
#
# BUILD_DIR is made by clang.  Its OpenMP tells the sanitizer of barriers (libarcher) and takes the place of gcc's in oneDNN
# too: the names of libgomp that oneDNN asks for are in libomp.  What oneDNN itself does is not instrumented and not looked at.
set -u
source=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd) || exit 1
build=${1:?which build directory?}
omp=$(dirname "$(clang -print-file-name=libomp.so)")
cd "$source" && CC=clang cmake -G Ninja -S . -B "$build" -DLYNE_TESTS=OFF -DLYNE_SANITIZE=thread >/dev/null &&
    cmake --build "$build" --parallel --target lyne >"$build/log" 2>&1 || { tail -n 20 "$build/log"; exit 1; }
build=$(cd "$build" && pwd)
mkdir -p "$build/omp" && ln -sf "$(readlink -f "$omp/libomp.so")" "$build/omp/libgomp.so.1" &&
    ln -sf "$(readlink -f "$omp/libomp.so")" "$build/omp/libomp.so.5" || exit 1
cd "$build" && rm -rf run && mkdir run && cd run || exit 1
export LYNE_SOURCE="$source" LD_LIBRARY_PATH="$build/omp" OMP_TOOL_LIBRARIES="$omp/libarcher.so" \
    TSAN_OPTIONS="ignore_noninstrumented_modules=1 exitcode=66 log_path=$build/run/race"
. "$source/tests/cli/helpers"
small_recipe
for model in 'mlp: {hidden: [96], dropout: {hidden: 0.2}}' 'lenet: {norm: true, width: 4}' \
    'resnet_cifar: {depth: 8, width: 0.5}' 'mobilenet_v2: {width: 0.25}'; do
    "$build/lyne" run recipe.yaml --threads 2 --quiet --out "run-$(echo "$model" | cut -d : -f 1)" \
        --set 'stages.teacher.train.model={layers: [flatten, {linear: {units: 128}}, relu, {linear: {units: classes}}]}' \
        --set "stages.student.distill.model={$model}" --set 'seeds=[1]' --set stages.teacher.train.batch=100 \
        --set stages.student.distill.batch=100 --set 'stages.teacher.train.augment=[{random_crop: {padding: 2}}, mixup]' \
        >out 2>err || { cat err race.* 2>/dev/null | head -n 60; echo "thread sanitizer: $model failed"; exit 1; }
    n=$((${n:-0} + 1))
done
races=$(cat race.* 2>/dev/null | grep -c '^WARNING: ThreadSanitizer')
echo "thread sanitizer: $races races in $n runs with 2 threads"
[ "$races" -eq 0 ]
