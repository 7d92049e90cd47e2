# A network written in the recipe trains to the same bits as the built-in one that it spells out.
. "$LYNE_SOURCE/tests/cli/helpers"
set -e
make_strokes tiny 200 50 16

# train NAME MODEL
train() {
    printf 'lyne: 1\nname: %s\ndata: tiny\nstages: {net: {train: {model: %s, epochs: 2, batch: 20}}}\n' "$1" "$2" >"$1.yaml"
    "$LYNE" run --quiet --out "$1" "$1.yaml" >"$1.log"
}

# same MODEL MODEL
same() {
    train a "$1"
    train b "$2"
    cmp a/net/seed-1/model.safetensors b/net/seed-1/model.safetensors || { echo "not the same: $1 and $2" && exit 1; }
    rm -r a b
}
same '{mlp: {hidden: [20, 10], dropout: {input: 0.2, hidden: 0.5}}}' \
    '{layers: [flatten, {d0: {dropout: {rate: 0.2}}}, {fc1: {linear: {units: 20}}}, relu, dropout,
      {fc2: {linear: {units: 10}}}, relu, dropout, {fc3: {linear: {units: classes}}}]}'
same '{lenet: {norm: true}}' \
    '{layers: [{conv1: {conv2d: {filters: 6, kernel: 5, padding: 2, bias: false}}}, {norm1: batch_norm}, relu, max_pool,
      {conv2: {conv2d: {filters: 16, kernel: 5, bias: false}}}, {norm2: batch_norm}, relu, max_pool, flatten,
      {fc1: {linear: {units: 120}}}, relu, {fc2: {linear: {units: 84}}}, relu, {fc3: {linear: {units: classes}}}]}'

basic() { # FILTERS STRIDE
    printf '{residual: {main: [%s, %s, relu, %s, %s], shortcut: [%s]}}, relu' \
        "{conv1: {conv2d: {filters: $1, stride: $2, padding: 1, bias: false}}}" '{bn1: batch_norm}' \
        "{conv2: {conv2d: {filters: $1, padding: 1, bias: false}}}" '{bn2: batch_norm}' \
        "$([ "$2" = 1 ] || echo "{downsample: [{conv2d: {filters: $1, kernel: 1, stride: $2, bias: false}}, batch_norm]}")"
}
same '{resnet_cifar: {depth: 8}}' \
    "{layers: [{conv1: {conv2d: {filters: 16, padding: 1, bias: false}}}, {bn1: batch_norm}, relu,
      {layer1: [[$(basic 16 1)]]}, {layer2: [[$(basic 32 2)]]}, {layer3: [[$(basic 64 2)]]}, global_avg_pool,
      {fc: {linear: {units: classes}}}]}"

# What is kept beside the results reads back to the same network: nothing has to be done again.
train a '{layers: [{b: [flatten, {linear: {units: 8 * 2}}]}, relu, {fc: {linear: {units: classes}}}]}'
cp a/recipe.yaml again.yaml
"$LYNE" run --out a again.yaml 2>&1 | grep -q 'up to date' || { echo 'the kept recipe is another' && exit 1; }

# The name of a block becomes that of a layer and of its parameters, so it is one.
printf 'lyne: 1\nname: x\ndata: tiny\nblocks: {"b\\e[2J": {layers: [{linear: {units: 4}}]}}\nstages:\n  t: {train: {model: {layers: [flatten, "b\\e[2J"]}}}\n' >named.yaml
"$LYNE" check named.yaml 2>err && { echo 'a block may be called anything' && exit 1; }
grep -q "named.yaml:6:41: layers: a layer's name is letters, digits, _ and -" err || { cat err && exit 1; }
