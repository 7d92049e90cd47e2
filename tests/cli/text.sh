# tests/cli/text.sh -- a text: teacher, soft labels of every character, student, fidelity, export; and a shard that ends
# within a window.
. "$LYNE_SOURCE/tests/cli/helpers"
make_words
[ "$(wc -c <data/words.txt)" -eq 5076 ] || fail "the text has $(wc -c <data/words.txt) characters"
cat >recipe.yaml <<-end
	lyne: 1
	name: words
	data: {use: words}
	stages:
	  teacher:
	    train:
	      model: {transformer: {layers: 2, width: 32, heads: 2, kind: decoder, dropout: 0.1}}
	      epochs: 6
	      batch: 8
	      optimizer: {adamw: {lr: 0.01}}
	  soft_labels: {label: {teacher: teacher, batch: 10, records_per_shard: 1000}}
	  student:
	    distill:
	      model: {transformer: {layers: 1, width: 16, heads: 2, kind: decoder}}
	      labels: soft_labels
	      loss: [{kd: {temperature: 1, weight: 0.5}}, {cross_entropy: {weight: 0.5}}]
	      epochs: 4
	      batch: 8
	      optimizer: {adamw: {lr: 0.01}}
	  fidelity: {evaluate: {model: student, against: teacher}}
end
expect 0 "$LYNE" check recipe.yaml
expect 0 "$LYNE" run recipe.yaml --data data --out run --threads 1
has out 'nats a token'
cp out table

say "253 windows of 16 characters train, 63 test, and each character counts"
has run/results.json '"test_samples": 1008'
expect 0 "$LYNE" labels verify run/soft_labels --folder data
has out 'fine, 4048 records in 5 shards'
grep -q '"test_accuracy": 0\.[6-9]' run/results.json || fail "the teacher has learned nothing: $(grep accuracy run/results.json)"

say "a model written in the recipe has logits for each character, and is told so if it has not"
layers='[{tok: {embedding: {entries: 18, width: 24}}}, positions, {qkv: {linear: {units: 72}}},
    {att: {self_attention: {heads: 2, causal: true}}}, %s]'
set -- --data data --threads 1 --stage teacher
expect 0 "$LYNE" run recipe.yaml --out layers "$@" --set "stages.teacher.train.model={layers: $(
    printf "$layers" '{head: {linear: {units: classes}}}')}"
has out 'nats a token'
expect 3 "$LYNE" check recipe.yaml --set "stages.teacher.train.model={layers: $(
    printf "$layers" 'flatten, {head: {linear: {units: classes}}}')}"
has err 'its logits head are (2, '

say "an export has a row for each character, in the order of the text"
expect 0 "$LYNE" labels export run/soft_labels --out arrays
[ "$(wc -c <arrays/logits.npy)" -eq $((128 + 4 * 18 * 4048)) ] || fail "logits.npy"
[ "$(wc -c <arrays/ids.npy)" -eq $((128 + 8 * 4048)) ] || fail "ids.npy"

say "in one shard, or asked about in other batches, the labels are the same"
expect 0 "$LYNE" run recipe.yaml --data data --out again --threads 1 --set stages.soft_labels.label.records_per_shard=5000 \
    --set stages.soft_labels.label.batch=10
expect 0 "$LYNE" labels compare run/soft_labels again/soft_labels
has out '4048 (100.0000%)'

say "features of each character with the teacher's last layer are its logits; a part may begin within a window"
set -- --data data --threads 1 --stage soft_labels
mkdir logits features && cp -r run/teacher logits/ && cp -r run/teacher features/
expect 0 "$LYNE" run recipe.yaml --out logits "$@" --set stages.soft_labels.label.encoding=f32
for part in 2 1 3; do
    expect 0 "$LYNE" run recipe.yaml --out features "$@" --shard $part/3 \
        --set 'stages.soft_labels.label.encoding={feature: {type: f32}}'
done
expect 0 "$LYNE" labels merge features/soft_labels
expect 0 "$LYNE" labels compare logits/soft_labels features/soft_labels
has out '4048 (100.0000%)'
grep -A1 '"max"' features/soft_labels/manifest.json | grep -q 'e-1[1-9]' || fail "features are not the logits"
expect 0 "$LYNE" run recipe.yaml --data data --out features --threads 1 \
    --set 'stages.soft_labels.label.encoding={feature: {type: f32}}'
has out 'nats a token'
expect 0 "$LYNE" labels verify features/soft_labels --folder data
has out '1000 of 1000 records to the bit'

say "its own export teaches the student: an import has a row for each character"
sed 's/label: {teacher: teacher, batch: 10, records_per_shard: 1000}/import: {logits: arrays\/logits.npy, ids: arrays\/ids.npy}/' \
    recipe.yaml >import.yaml
expect 0 "$LYNE" run import.yaml --data data --out imported --threads 1
expect 0 "$LYNE" labels verify imported/soft_labels --folder data
has out '1000 of 1000 records to the bit'

say "some windows are held out, with their labels"
expect 0 "$LYNE" run recipe.yaml --data data --out held --threads 1 --set 'data={use: words, validation: 40}'

say "what does not fit is refused"
expect 3 "$LYNE" check --set 'stages.teacher.train.model=mlp' recipe.yaml
expect 3 "$LYNE" check --set 'stages.teacher.train.model={transformer: {width: 32, output: mean}}' recipe.yaml
has err 'should be f32 (2, 16, 18)'
expect 3 "$LYNE" run recipe.yaml --data data --out bad --threads 1 --set 'stages.teacher.train.augment=[flip]'
has err 'augment: flip is for pictures'
sed -i 's/length: 16, vocab/length: 12, vocab/' datasets/words.yaml
expect 4 "$LYNE" run recipe.yaml --data data --out bad --threads 1
has err 'samples are 16 tokens below 18 with labels each of 18 classes where datasets/words.yaml says 12 below 18'
