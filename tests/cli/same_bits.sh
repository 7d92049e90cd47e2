# tests/cli/same_bits.sh -- same recipe, seed and thread count: the same bits; another seed: others.
. "$LYNE_SOURCE/tests/cli/helpers"
small_recipe
# Convolutions and batch norm too, whose sums are split among threads.
sed -i 's/model: {mlp: {hidden: \[32\], dropout: {hidden: 0.2}}}/model: {lenet: {width: 2, norm: true}}/' recipe.yaml
sed -i 's/^    train: {model: {mlp: {hidden: \[8\]}}/    train: {model: {lenet: {width: 0.5}}, optimizer: adamw/' recipe.yaml
expect 0 "$LYNE" check recipe.yaml

for threads in 1 2; do
    say "twice with $threads threads"
    expect 0 "$LYNE" run recipe.yaml --threads $threads --out a$threads
    expect 0 "$LYNE" run recipe.yaml --threads $threads --out b$threads
    same_runs a$threads b$threads
done

say "another seed gives another teacher and another student"
for stage in student alone; do
    cmp -s a1/$stage/seed-1/model.safetensors a1/$stage/seed-2/model.safetensors && fail "$stage: two seeds, one model"
done
expect 0 "$LYNE" run recipe.yaml --threads 1 --out c --set 'seeds=[5]'
cmp -s a1/teacher/model.safetensors c/teacher/model.safetensors && fail "teacher: two seeds, one model"

say "the folder of the run, and where it is started from, make no difference"
mkdir -p deep/er
(cd deep/er && "$LYNE" run ../../recipe.yaml --threads 1 --out ../../d --quiet >/dev/null) || fail "exit $?"
same_runs a1 d

say "nor does how OpenMP is told to be sparing: what it promises it gives, or it does not promise it"
for sparing in OMP_DYNAMIC=true OMP_MAX_ACTIVE_LEVELS=0; do
    expect 0 env $sparing timeout 120 "$LYNE" run recipe.yaml --threads 2 --out sparing
    same_runs a2 sparing
    rm -r sparing
done
expect 0 env OMP_THREAD_LIMIT=1 OMP_NUM_THREADS=2 timeout 120 "$LYNE" run recipe.yaml --out sparing
same_runs a1 sparing
has sparing/results.json ', 1 thread"'
expect 2 env OMP_THREAD_LIMIT=1 "$LYNE" run recipe.yaml --threads 2 --out none
has err '--threads 2: OMP_THREAD_LIMIT allows 1'

say "nor does the precision that oneDNN is to take by default; what it is to take of a CPU is said"
expect 0 env ONEDNN_DEFAULT_FPMATH_MODE=ANY DNNL_DEFAULT_FPMATH_MODE=ANY "$LYNE" run recipe.yaml --threads 1 --out math
same_runs a1 math
expect 0 env ONEDNN_CPU_ISA_HINTS=PREFER_YMM DNNL_CPU_ISA_HINTS=PREFER_YMM "$LYNE" run recipe.yaml --threads 1 --out hints
has hints/results.json ', prefer_ymm, 1 thread"'
lacks a1/results.json 'prefer_ymm'
