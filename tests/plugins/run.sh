#!/bin/sh
# tests/plugins/run.sh BUILD -- plug-ins built out of tree against an installed Lyne (the prefix of BUILD, which lies in
# BUILD), by find_package and by pkg-config: what they bring is used in recipes, and what is wrong with one is said.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
build=$(CDPATH='' cd -- "$1" && pwd)
prefix=$(sed -n 's/^CMAKE_INSTALL_PREFIX:PATH=//p' "$build/CMakeCache.txt")
case $prefix in "$build"/*) ;; *) echo "$prefix: not in $build, so it is not for tests" && exit 1 ;; esac
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
rm -rf "$prefix" && cmake --install "$build" >"$scratch/install.log"
lyne=$prefix/bin/lyne
pc=$(find "$prefix" -name lyne.pc)
flags=$(PKG_CONFIG_PATH=${pc%/lyne.pc} pkg-config --cflags lyne)
cd "$scratch"
export OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive
unset LYNE_PLUGINS

# compile OUT SOURCE FLAG...: as README says.
compile() {
    out=$1 source=$2
    shift 2
    cc -std=c11 -Wall -Wextra -Werror -O2 -shared -fPIC "$@" "$here/$source" $flags -o "$out"
}

echo "by find_package, and each row stands its trial"
cmake -G Ninja -S "$here" -B out -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_BUILD_TYPE=Release >cmake.log
cmake --build out >cmake.log
# csv FILE LINES: class 0 is bright above, class 1 below.
csv() {
    awk -v n="$2" 'BEGIN { for (i = 0; i < n; i++) { printf "%d", i % 2
        for (k = 0; k < 16; k++) printf ",%d", (k < 8) == (i % 2 == 0) ? 200 - i : i + k; print "" } }' >"$1"
}
mkdir -p data/csv
csv data/csv/train.csv 40
csv data/csv/test.csv 20
"$lyne" plugin --data data out/*.so >said || { cat said && exit 1; }
for row in 'model resnet20: fine' 'op prelu: fine' 'loss logit_mse: fine' 'optimizer lion: fine' 'schedule linear: fine' \
    'dataset csv: fine, 40 training and 20 test samples, pictures of 1 x 4 x 4, 2 classes' 'augmentation noise: fine' \
    'augmentation seam: fine'; do
    grep -q "$row" said || { echo "'$row' is not said" && cat said && exit 1; }
done

echo "by pkg-config"
for name in resnet20 prelu logit_mse lion csv noise; do compile $name.so $name.c; done
mkdir datasets && cat >datasets/tiny.yaml <<'END'
lyne_dataset: 1
name: tiny
format: {strokes: {train: 60, test: 20, size: 16}}
picture: [1, 16, 16]
classes: ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]
END

echo "three ways of writing ResNet-20 train to the same bits"
blocks='blocks:
  first:
    arguments: {n: ~, s: 1}
    layers:
      - residual:
          main: [{conv1: {conv2d: {filters: n, stride: s, padding: 1, bias: false}}}, {bn1: batch_norm}, relu,
                 {conv2: {conv2d: {filters: n, padding: 1, bias: false}}}, {bn2: batch_norm}]
          shortcut: [{downsample: [{conv2d: {filters: n, kernel: 1, stride: s, bias: false}}, batch_norm]}]
      - relu
  block:
    arguments: {n: ~}
    layers:
      - residual:
          main: [{conv1: {conv2d: {filters: n, padding: 1, bias: false}}}, {bn1: batch_norm}, relu,
                 {conv2: {conv2d: {filters: n, padding: 1, bias: false}}}, {bn2: batch_norm}]
      - relu'
yaml='{layers: [{conv1: {conv2d: {filters: 16, padding: 1, bias: false}}}, {bn1: batch_norm}, relu,
  {layer1: [{block: {n: 16}}, {block: {n: 16}}, {block: {n: 16}}]},
  {layer2: [{first: {n: 32, s: 2}}, {block: {n: 32}}, {block: {n: 32}}]},
  {layer3: [{first: {n: 64, s: 2}}, {block: {n: 64}}, {block: {n: 64}}]},
  global_avg_pool, {fc: {linear: {units: classes}}}]}'
# train NAME MODEL [OPTION]...
train() {
    name=$1
    printf 'lyne: 1\nname: %s\ndata: tiny\n%s\nstages: {net: {train: {model: %s, epochs: 1, batch: 20}}}\n' "$name" \
        "$blocks" "$2" >"$name.yaml"
    shift 2
    "$lyne" run --quiet --out "$name" "$@" "$name.yaml" >"$name.log" 2>&1 || { cat "$name.log" && exit 1; }
}
train built_in '{resnet_cifar: {depth: 20}}'
train yaml "$yaml"
train c resnet20 --plugin resnet20.so
for other in yaml c; do
    # The metadata names the stage; all three have the same.
    cmp built_in/net/seed-1/model.safetensors $other/net/seed-1/model.safetensors
done

echo "its digest is in results.json and in the fingerprint of what uses it, and of nothing else"
again() { "$lyne" run --out "$1" "$2" "$3" "$1.yaml" 2>&1; }
digest=$("$lyne" plugin resnet20.so | sed -n 's/.*digest //p')
grep -q "\"digest\": \"$digest\"" c/results.json
again c --plugin resnet20.so | grep -q 'up to date'
again built_in --plugin resnet20.so | grep -q 'up to date'
compile new.so resnet20.c -g
again c --plugin new.so >said
! grep -q 'up to date' said

echo "op, loss, optimizer and schedule in a recipe; list, explain, schema and check know them"
cat >all.yaml <<'END'
lyne: 1
name: all
data: tiny
stages:
  teacher:
    train:
      model: {layers: [flatten, {fc1: {linear: {units: 30}}}, prelu, {fc2: {linear: {units: classes}}}]}
      optimizer: {lion: {lr: 0.001}}
      schedule: {linear: {warmup: 0.5}}
      epochs: 2
      batch: 20
  soft_labels: {label: {teacher: teacher}}
  student:
    distill:
      model: {mlp: {hidden: [20]}}
      labels: soft_labels
      loss: [{logit_mse: {weight: 0.1}}, cross_entropy]
      epochs: 2
      batch: 20
END
plugins=./prelu.so:./logit_mse.so:./lion.so
LYNE_PLUGINS=$plugins "$lyne" run --quiet all.yaml
compile new.so prelu.c -g
LYNE_PLUGINS=./new.so:./logit_mse.so:./lion.so "$lyne" plan --quick all.yaml >said
grep -q 'teacher .*will run: plug-in of op prelu changed' said || { cat said && exit 1; }
! "$lyne" check all.yaml 2>said
grep -q "all.yaml:7:" said
LYNE_PLUGINS=$plugins "$lyne" list >said
grep -q '^loss	logit_mse	' said
"$lyne" explain --plugin=lion.so lion | grep -q 'momentum that is kept'
"$lyne" schema --plugin lion.so >said
grep -q optimizer.lion said
sed -i 's/lion: {lr: 0.001}/lion: {lr: 11}/' all.yaml
! LYNE_PLUGINS=$plugins "$lyne" check all.yaml 2>said
grep -q 'all.yaml:8:30: lion: lr = 11 is outside \[0, 10\]' said || { cat said && exit 1; }
! "$lyne" list --plugin 2>said
grep -q -- '--plugin expects a file' said

echo "data set and augmentations in a recipe; the digest of each is in the fingerprint of what uses it"
cat >datasets/halves.yaml <<'END'
lyne_dataset: 1
name: halves
format: csv
picture: [1, 4, 4]
classes: [above, below]
END
cat >halves.yaml <<'END'
lyne: 1
name: halves
data: halves
stages:
  plain: {train: {model: {mlp: {hidden: [8]}}, epochs: 20, batch: 10}}
  noisy: {train: {model: {mlp: {hidden: [8]}}, epochs: 20, batch: 10, augment: [noise, {seam: {probability: 0.5}}]}}
END
halves() { # STATUS OUT DATA_SET_PLUGIN AUGMENTATION_PLUGIN [OPTION]...: what it says is in the file said
    wanted=$1 out=$2 status=0
    LYNE_PLUGINS=./$3:./$4
    export LYNE_PLUGINS
    shift 4
    "$lyne" run --data data --out "$out" "$@" halves.yaml >said 2>&1 || status=$?
    unset LYNE_PLUGINS
    [ $status -eq "$wanted" ] || { echo "status $status:" && cat said && exit 1; }
}
says() { grep -q "$1" said || { echo "not '$1':" && cat said && exit 1; }; }
mkdir data/halves && cp data/csv/*.csv data/halves
halves 0 halves csv.so noise.so
says '^plain .* 100.00%'
halves 0 halves csv.so noise.so
says '^plain: up to date'
says '^noisy: up to date'
compile noise2.so noise.c -g
halves 0 halves csv.so noise2.so
says '^plain: up to date'
! grep -q '^noisy: up to date' said
compile csv2.so csv.c -g
halves 0 halves csv2.so noise2.so
! grep -q 'up to date' said
halves 4 none noise.so noise2.so
says "augmentation 'noise': there is one of this name already, from ./noise.so"
! "$lyne" check --plugin noise.so halves.yaml 2>said
says "there is no dataset 'csv'"
sed 's/picture: .*/picture: [1, 5, 5]/' datasets/halves.yaml >datasets/fives.yaml
halves 4 fives csv.so noise.so --set data=fives
says 'train.csv: neither it nor train.csv.gz is in data/fives'
mkdir data/fives && cp data/csv/*.csv data/fives
halves 4 fives csv.so noise.so --set data=fives
says 'train pictures are 1 x 4 x 4 with 2 classes where datasets/fives.yaml says 1 x 5 x 5'
echo 'not,a,number' >>data/halves/test.csv
halves 4 worse csv.so noise.so
says 'halves/test.csv:21: expects a label and 16 pixels'

echo "what is wrong is said"
# refuses WORDS FILE: with exit status 4.
refuses() {
    status=0
    "$lyne" list --plugin "$2" >said 2>&1 || status=$?
    [ $status -eq 4 ] && grep -qF -- "$1" said || { echo "status $status, and not '$1':" && cat said && exit 1; }
}
# wrong WORDS FLAG...
wrong() {
    words=$1
    shift
    compile bad.so bad.c -Wno-error "$@" 2>cc.log
    refuses "$words" bad.so
}
refuses 'nowhere.so: cannot open' nowhere.so
echo 'not a library' >text.so
refuses 'text.so: cannot be loaded as a plug-in' text.so
wrong 'it has no symbol lyne_plugin_entry' -DNO_ENTRY
wrong 'undefined symbol: lyne_no_such_function' -DUNDEFINED
wrong 'made for version 2 of the plug-in interface, this is version 1; build it again' -DWRONG_ABI
wrong 'made for a Lyne that shares 3 structs' -DWRONG_COUNT
wrong 'made for a Lyne whose lyne_model has' -DWRONG_SIZE
wrong 'it brings no row' -DNO_ROWS
wrong "model 'mlp': there is one of this name already, built in" '-DNAME="mlp"'
wrong "model 'Bad': a name is [a-z0-9_]+" '-DNAME="Bad"'
wrong "model 'bad': it has no help" '-DHELP=""'
wrong "model 'bad': it has no build" '-DBUILD=NULL'
wrong 'a plug-in brings models' '-DKIND=LYNE_STAGE'
wrong 'there is no kind 77' '-DKIND=77'
field() { # WORDS FIELD
    wrong "model 'bad': field 'a' $1" "-DFIELD=.name=\"a\",$2"
}
field 'has no help' '.type=LYNE_FIELD_INT,.fallback="8"'
field 'has no type' '.type=99,.help="a",.fallback="8"'
field 'lies outside the config' '.type=LYNE_FIELD_INT,.help="a",.fallback="8",.offset=8'
field 'has a range upside down' '.type=LYNE_FIELD_INT,.help="a",.fallback="8",LYNE_RANGE(9,1)'
field 'refuses its own fallback' '.type=LYNE_FIELD_INT,.help="a",.fallback="8",LYNE_RANGE(1,7)'

wrong "dataset 'bad': it has no open" -DROW=format -DOPEN=NULL
wrong "dataset 'idx': there is one of this name already, built in" -DROW=format '-DNAME="idx"'
wrong "augmentation 'flip': there is one of this name already, built in" -DROW=augmentation '-DNAME="flip"'
wrong "augmentation 'bad': it has no help" -DROW=augmentation '-DHELP=""'
wrong "augmentation 'bad': it must have apply or mix, and not both" -DROW=augmentation -DAPPLY=NULL
wrong "augmentation 'bad': it must have apply or mix, and not both" -DROW=augmentation -DMIX=mix
wrong "augmentation 'bad': it mixes, so its config must begin with lyne_mix_config" -DROW=mixing \
    '-DMIX_FIELD={.name="p",.type=LYNE_FIELD_FLOAT,.help="p",.fallback="1"}'

echo "a trial that fails says of what, and so does the exit status"
compile bad.so bad.c
status=0
"$lyne" plugin bad.so >said 2>&1 || status=$?
[ $status -eq 3 ] && grep -q 'model bad: WRONG, its logits fc are (2, 8) and not (2, 10)' said || { cat said && exit 1; }
# failing WORDS FLAG...
failing() {
    words=$1 status=0
    shift
    compile bad.so bad.c -Wno-error "$@" 2>cc.log
    "$lyne" plugin bad.so >said 2>&1 || status=$?
    [ $status -eq 4 ] && grep -qF -- "$words" said || { echo "status $status, and not '$words':" && cat said && exit 1; }
}
failing 'dataset bad: WRONG, train samples: there are none' -DROW=format '-DCHANGE_DATA=d->n=0'
failing 'dataset bad: WRONG, train samples: label 1 is 1, and with n_classes = 1' -DROW=format '-DCHANGE_DATA=d->n_classes=1'
failing 'dataset bad: WRONG, its test samples are of another size' -DROW=format '-DCHANGE_DATA=d->width=split+1'
failing 'augmentation bad: WRONG, on 1 x 28 x 28: it writes outside dst' -DROW=augmentation \
    '-DCHANGE_PICTURE=dst[size.channels*size.height*size.width]=9'
failing 'the same view is another picture the second time' -DROW=augmentation '-DCHANGE_PICTURE=dst[0]=(uint8_t)drawn'
failing 'dataset bad: WRONG, it crashed: Segmentation fault (its row has no config_size, so config is NULL)' \
    -DROW=format '-DCHANGE_DATA=d->n=((const config*)c)->units'
failing 'augmentation bad: WRONG, it ended the process, with exit status 3' -DROW=augmentation \
    '-DCHANGE_PICTURE=_exit(3)' -include unistd.h
sed 's/a\[i % C\] \* diff_dst/-a[i % C] * diff_dst/' "$here/prelu.c" >wrong.c
cc -shared -fPIC wrong.c $flags -o wrong.so
status=0
"$lyne" plugin wrong.so >said 2>&1 || status=$?
[ $status -eq 4 ] && grep -q 'op prelu: WRONG, case 0: its gradient is not its derivative' said || { cat said && exit 1; }
