# tests/cli/bench_quick.sh -- a student that is taught errs less than the same one alone, at the same number of steps.
. "$LYNE_SOURCE/tests/cli/helpers"

say "the suite bench/quick.yaml, its control beaten"
expect 0 "$LYNE" bench "$LYNE_SOURCE/bench/quick.yaml" --results results --strict --threads 1
has out '0 expectations missed'
has RESULTS.md 'the control makes 1.'
