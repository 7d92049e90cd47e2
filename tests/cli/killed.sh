# tests/cli/killed.sh -- kill -9 at random moments of every stage kind, of three recipes; the same command goes on, and
# all of it comes to the bits of a run left alone: models, soft labels, results, the log of metrics but for the seconds, and
# every checkpoint on the way (weights, optimizer, counters) but for the seconds.
#
# LYNE_KILLS  how many, 30 unless it is set; LYNE_SEED repeats those of an earlier run, which names it
. "$LYNE_SOURCE/tests/cli/helpers"
kills=${LYNE_KILLS:-30} seed=${LYNE_SEED:-$(date +%s)}
cc -O1 -shared -fPIC -o shim.so "$LYNE_SOURCE/tests/cli/killed.c" -ldl || fail "tests/cli/killed.c does not build"
awk -v seed="$seed" 'BEGIN { srand(seed); for (i = 0; i < 100000; i++) print int(1e6 * rand()) }' >random
exec 3<random

# ---- three recipes: dense with everything that keeps state of its own; convolutions, norms, mixed views; a transformer ----

mkdir data
make_strokes few 600 600 16
cat >mlp.yaml <<-end
	lyne: 1
	name: mlp
	data: {use: few, validation: 100}
	seeds: [1, 2]
	stages:
	  teacher:
	    train:
	      {model: {mlp: {hidden: [64], dropout: {hidden: 0.2}}}, augment: [{shift: {pixels: 1}}], epochs: 4, batch: 40,
	       optimizer: adamw, keep: best, checkpoint_seconds: 0.01}
	  soft_labels: {label: {teacher: teacher, batch: 50, records_per_shard: 100, augment: [{shift: {pixels: 1}}], views: 4}}
	  given: {import: {logits: given/logits.npy, ids: given/ids.npy, records_per_shard: 20}}
	  student:
	    distill: {model: {mlp: {hidden: [32]}}, labels: soft_labels, epochs: 2, batch: 40, checkpoint_seconds: 0}
	  other: {distill: {model: {mlp: {hidden: [16]}}, labels: given, epochs: 2.5, batch: 32, checkpoint_seconds: 0.01}}
	  fidelity: {evaluate: {model: student, against: teacher}}
	  corrected: {bias: {model: student, classes: ["3"], tune: frequencies}}
	end
cat >conv.yaml <<-end
	lyne: 1
	name: conv
	data: {use: few}
	stages:
	  teacher:
	    train:
	      {model: {resnet_cifar: {depth: 8, stem: 8, width: 0.5}}, augment: [flip, mixup], epochs: 2, batch: 50,
	       checkpoint_seconds: 0}
	  soft_labels:
	    {label: {teacher: teacher, batch: 50, records_per_shard: 150, views: 2, augment: [flip, mixup], encoding: feature}}
	  given: {import: {logits: given/logits.npy, ids: given/ids.npy, records_per_shard: 20, encoding: f32}}
	  student:
	    distill:
	      {model: {lenet: {norm: true}}, labels: soft_labels, epochs: 3, batch: 50, checkpoint_seconds: 0, memory: lean}
	  other: {distill: {model: {lenet: {width: 0.5}}, labels: given, epochs: 1, batch: 50, checkpoint_seconds: 0.01}}
	  fidelity: {evaluate: {model: student, against: teacher}}
	  corrected: {bias: {model: other, classes: ["3", "5"]}}
	end
make_words
cat >transformer.yaml <<-end
	lyne: 1
	name: transformer
	data: {use: words}
	stages:
	  teacher:
	    train:
	      {model: {transformer: {layers: 2, width: 32, heads: 2, kind: decoder, dropout: 0.1}}, epochs: 1, batch: 8,
	       optimizer: {adamw: {lr: 0.01}}, checkpoint_seconds: 0}
	  soft_labels: {label: {teacher: teacher, batch: 10, records_per_shard: 300, encoding: {topk: {k: 4}}}}
	  given: {import: {logits: given/logits.npy, ids: given/ids.npy, records_per_shard: 500}}
	  student:
	    distill:
	      {model: {transformer: {layers: 1, width: 16, heads: 2, kind: decoder}}, labels: [soft_labels, given],
	       average: logit, loss: [{kd: {temperature: 1, weight: 0.5}}, {cross_entropy: {weight: 0.5}}], epochs: 1, batch: 8,
	       optimizer: {adamw: {lr: 0.01}}, checkpoint_seconds: 0}
	  fidelity: {evaluate: {model: student, against: teacher}}
	end

# ---- one recipe ----

# run RECIPE OUT KEEP: to the end, with its checkpoints copied to KEEP, or to where KILL_AFTER and KILL_IN kill it.
run() {
    in_background env LD_PRELOAD="$PWD/shim.so" KEEP="$PWD/$3" "$LYNE" run "$1" --data data --threads 1 --out "$2"
    wait $process 2>/dev/null
    status=$?
}

# Logits for the import stage: what a teacher said that has seen little.
make_given() {
    rm -rf given
    expect 0 "$LYNE" run $recipe.yaml --data data --threads 1 --out first --stage soft_labels \
        --set stages.soft_labels.label.views=1 --set 'stages.soft_labels.label.augment=[]' \
        --set stages.teacher.train.epochs=0.1
    expect 0 "$LYNE" labels export first/soft_labels --out given
    rm -rf first
}

# stages RUN: FOLDER MICROSECONDS of its stages, in the order in which they were done.
stages() {
    (cd "$1" && stat -c '%.6Y %n' recipe.yaml $(find . -name result.json)) | sort -n |
        awk '{ t = $1 * 1e6; sub(/^\.\//, "", $2); sub(/\/result.json$/, "", $2)
               if (NR > 1) printf "%s %d\n", $2, t - before
               before = t }'
}

# same_checkpoints A B: those in B are in A, to the byte (killed.c has taken out the times).
same_checkpoints() {
    rm -f "$2"/*.part "$1"/*.part
    diff -rq "$1" "$2" | grep -v "^Only in $1" >differing
    [ ! -s differing ] || fail "checkpoints differ: $(cat differing)"
    n_checkpoints=$((n_checkpoints + $(ls "$2" | wc -l)))
}

# same_results RUN OTHER: results.json but for times and what the process took.
same_results() {
    for result in "$1" "$2"; do
        grep -Ev '"(seconds|wall_seconds|teacher_seconds|samples_per_second|peak_memory|was_up_to_date|made|date)":' \
            "$result/results.json" >results."$(basename "$result")"
    done
    cmp results."$(basename "$1")" results."$(basename "$2")" || fail "$1 and $2 have not the same results"
}

# kill_recipe NAME N: killed once in each stage, one after the other, then run to the end, until there are N kills.  More
# often early in a stage: a busy machine may have held up the run that the times are from.
kill_recipe() {
    recipe=$1 killed=0 rounds=0 n_checkpoints=0
    rm -rf whole keep.whole && mkdir keep.whole
    make_given
    sed 's/checkpoint_seconds: 0.01/checkpoint_seconds: 0/' $recipe.yaml >often.yaml
    run often.yaml whole keep.whole
    [ $status -eq 0 ] || fail "exit $status"
    { echo 'start 60000' && stages whole; } >stages
    while [ $killed -lt "$2" ]; do
        rm -rf killed keep.killed && mkdir keep.killed
        while read -r folder time; do
            read -r at <&3
            KILL_IN=$folder KILL_AFTER=$((time * at / 1000000 * at / 900000)) && export KILL_IN KILL_AFTER
            [ $folder != start ] || unset KILL_IN
            run $recipe.yaml killed keep.killed
            unset KILL_IN KILL_AFTER
            case $status in
            137) killed=$((killed + 1)) && echo "$folder" | sed 's,/seed-.*,,' >>kills.$recipe ;;
            0) ;; # it was done sooner
            *) fail "exit $status after $killed kills" ;;
            esac
        done <stages
        run $recipe.yaml killed keep.killed
        [ $status -eq 0 ] || fail "exit $status after $killed kills"
        same_runs whole killed
        same_results whole killed
        same_checkpoints keep.whole keep.killed
        rounds=$((rounds + 1))
        [ $rounds -le $((2 + $2)) ] || fail "it is hardly ever killed"
    done
    echo "  $killed kills in $rounds runs, $n_checkpoints checkpoints compared"
    sort kills.$recipe | uniq -c | awk '{ printf "%s %s %d", NR == 1 ? " " : ",", $2, $1 } END { print "" }'
}

echo "seed $seed"
for recipe in mlp conv transformer; do
    say "$recipe: killed in each stage, then it goes on, to the same bits"
    kill_recipe $recipe $(((kills + 2) / 3))
done
