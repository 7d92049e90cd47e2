# tests/cli/mnist.sh -- one epoch on the real MNIST, from recipes/mnist/quick.yaml.
. "$LYNE_SOURCE/tests/cli/helpers"
case :${LYNE_DATA-}: in
::) skip "no MNIST: LYNE_DATA is not set" ;;
esac
found=
for folder in $(echo "$LYNE_DATA" | tr : ' '); do
    for file in "$folder"/mnist/train-images-idx3-ubyte* "$folder"/train-images-idx3-ubyte*; do
        [ ! -e "$file" ] || found=$file
    done
done
[ -n "$found" ] || skip "no MNIST in $LYNE_DATA"

say "a small teacher and a smaller student, an epoch each: accuracy above 0.9"
expect 0 "$LYNE" run "$LYNE_SOURCE/recipes/mnist/quick.yaml" --json --threads 1 --out run --set 'seeds=[1]' \
    --set 'stages.teacher.train.model={mlp: {hidden: [64]}}' --set stages.teacher.train.epochs=1 \
    --set stages.student.distill.epochs=1 --set stages.alone.train.epochs=1
[ "$(grep -c '"test_accuracy": 0\.9' out)" -eq 3 ] || fail "accuracy: $(grep test_accuracy out)"
[ "$(grep -c '"test_samples": 10000' out)" -eq 3 ] || fail "test samples"
