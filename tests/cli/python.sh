# tests/cli/python.sh -- other programs and Lyne's files: tests/reference/labels.py, where there are NumPy and MNIST; with
# PyTorch and safetensors too where LYNE_PYTHON names a Python that has them.
. "$LYNE_SOURCE/tests/cli/helpers"
python=${LYNE_PYTHON:-python3}
"$python" -c 'import numpy' 2>/dev/null || skip "no NumPy for $python (LYNE_PYTHON names another Python)"
mnist=
for folder in $(echo "${LYNE_DATA-}" | tr : ' '); do
    for file in "$folder"/mnist/train-images-idx3-ubyte* "$folder"/train-images-idx3-ubyte*; do
        [ ! -e "$file" ] || mnist=$(dirname "$file")
    done
done
[ -n "$mnist" ] || skip "no MNIST in LYNE_DATA"
cp -r "$LYNE_SOURCE/datasets" .
say "logits in another program and in each cache; a student of another program's logits"
expect 0 "$python" "$LYNE_SOURCE/tests/reference/labels.py" "$LYNE" "$LYNE_SOURCE" "$mnist"
cat out
