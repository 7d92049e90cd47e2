# tests/soak/grows.sh -- training, labelling and distilling, each for a while: resident memory grows by less than 1%, and no
# more files are open in the end than before.  (A sweep keeps what came of each stage, 0.7 kB, and oneDNN up to 1,024 primitives of
# unlike shapes.)
#
# LYNE_SOAK  seconds in all; with less than some minutes the beginning of a process shows in the figures
. "$LYNE_SOURCE/tests/cli/helpers"
seconds=${LYNE_SOAK:?}
make_strokes some 2000 300 16
cat >recipe.yaml <<-end
	lyne: 1
	name: soak
	data: {use: some, validation: 300}
	stages:
	  teacher:
	    train:
	      model: {lenet: {width: 5, norm: true}} # a million labels take it 15 s
	      augment: [{random_crop: {padding: 2}}, flip, mixup]
	      epochs: 1
	      batch: 50
	      keep: best
	      checkpoint_seconds: 0.2
	  soft_labels:
	    label: {teacher: teacher, augment: [{shift: {pixels: 1}}], views: 2, records_per_shard: 3000}
	  student:
	    distill: {model: {mlp: {hidden: [64], dropout: {input: 0.1}}}, labels: soft_labels, checkpoint_seconds: 0.2}
	  fidelity: {evaluate: {model: student, against: teacher}}
	end

resident() { awk '/^VmRSS:/ { print $2 }' /proc/$process/status; }
files() { ls /proc/$process/fd | wc -l; }

# mean COLUMN FROM TO, most COLUMN FROM TO: over the lines of `sizes` whose first column is between these.
mean() { awk -v c="$1" -v from="$2" -v to="$3" '$1 >= from && $1 <= to { s += $c; n++ } END { printf "%d", s / n }' sizes; }
most() { awk -v c="$1" -v from="$2" -v to="$3" '$1 >= from && $1 <= to && $c > m { m = $c } END { print m }' sizes; }

# watch NAME ARGUMENT...: run it for a third of the time, then stop it.  Its memory may grow by 1% from the second tenth of that
# to the last; the most files open in its second half are no more than in the first.
worst=0
watch() {
    name=$1
    shift
    in_background "$LYNE" run "$@" --threads 2 --quiet --out "$name"
    : >sizes
    before=$(date +%s%N) end=$((seconds * 100 / 3))
    while at=$((($(date +%s%N) - before) / 10000000)) && [ $at -lt $end ]; do
        kill -0 $process 2>/dev/null || fail "$name ended after $at hundredths of a second"
        echo "$at $(resident) $(files)" >>sizes
        sleep 0.2
    done
    kill -TERM $process
    wait $process
    [ $? -eq 75 ] || fail "$name: exit $?, not 75"
    first=$(mean 2 $((end / 10)) $((end / 5))) last=$(mean 2 $((end * 9 / 10)) $end)
    open=$(most 3 $((end / 10)) $((end / 2))) still=$(most 3 $((end / 2)) $end)
    grown=$(((last - first) * 10000 / first))
    [ $grown -le $worst ] || worst=$grown
    echo "  $name: $first kB, $last kB in the end; $open files, $still in the end"
    [ $grown -lt 100 ] || fail "$name grew by $grown hundredths of a percent"
    [ "$still" -le "$open" ] || fail "$name has $still files open, and had $open"
}

say "$seconds s: training, labelling, distilling"
watch train recipe.yaml --set stages.teacher.train.epochs=1000000
watch label recipe.yaml --set stages.soft_labels.label.views=60000
watch distill recipe.yaml --set stages.student.distill.epochs=1000000
echo "  memory grew by $worst hundredths of a percent at most"
