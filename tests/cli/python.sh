# tests/cli/python.sh -- other programs and Lyne's files: tests/reference/labels.py, where there are PyTorch and MNIST.
. "$LYNE_SOURCE/tests/cli/helpers"
python=
for candidate in ${LYNE_PYTHON:-} python3; do
    if "$candidate" -c 'import numpy, safetensors, torch' 2>/dev/null; then python=$candidate && break; fi
done
[ -n "$python" ] || skip "no Python with numpy, safetensors and torch (LYNE_PYTHON names one)"
mnist=
for folder in $(echo "${LYNE_DATA-}" | tr : ' '); do
    for file in "$folder"/mnist/train-images-idx3-ubyte* "$folder"/train-images-idx3-ubyte*; do
        [ ! -e "$file" ] || mnist=$(dirname "$file")
    done
done
[ -n "$mnist" ] || skip "no MNIST in LYNE_DATA"
cp -r "$LYNE_SOURCE/datasets" .
say "logits in NumPy, in PyTorch and in each cache; a student of PyTorch's logits"
expect 0 "$python" "$LYNE_SOURCE/tests/reference/labels.py" "$LYNE" "$LYNE_SOURCE" "$mnist"
cat out
