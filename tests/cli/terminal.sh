# tests/cli/terminal.sh -- progress in a terminal: a bar that stays on its line and says how long it will take.
. "$LYNE_SOURCE/tests/cli/helpers"
command -v script >/dev/null || skip "script (util-linux) is not installed"
small_recipe

# in_terminal COLUMNS COMMAND...: what the terminal gets, a line for each drawing, in the file `out`.
in_terminal() {
    columns=$1
    shift
    script -qec "stty cols $columns; $*" /dev/null </dev/null >raw 2>err || fail "exit $?: $(cat raw)"
    tr '\r' '\n' <raw | grep -v '^$' >out
}

escape=$(printf '\033')
long="$LYNE run recipe.yaml --threads 1 --set stages.teacher.train.epochs=800"

for columns in 80 60 132; do
    say "$columns columns: no drawing is wider"
    rm -rf runs
    TERM=xterm in_terminal $columns "$long"
    grep 'teacher.*\[####*\.' out >bars || fail "no bar is drawn: $(head -n 5 out)"
    sed "s/$escape\[[0-9;]*[mK]//g" bars >plain
    awk -v most="$columns" 'length($0) >= most { exit 1 }' plain || fail "too wide: $(cat plain)"
    grep -q 'epoch [0-9.]* of 800' plain || fail "no epoch"
    grep -vE '([0-9]|left|%|/s)$' plain && fail "a part of the line is cut"
    [ $columns -lt 80 ] || grep -q ' left, accuracy [0-9.]*%' plain || fail "no accuracy"
    [ $columns -lt 80 ] || grep -q ' left' plain || fail "how long it will take is cut off: $(head -n 1 plain)"
    grep -qF "$escape[1m" bars || fail "no colour"
done

say "quick stages are drawn once, not for every batch"
[ "$(grep -c 'soft_labels.*\[' out)" -le 3 ] || fail "$(grep -c 'soft_labels.*\[' out) times"

say "NO_COLOR: a bar without colour; TERM=dumb: plain lines"
rm -rf runs
NO_COLOR=1 TERM=xterm in_terminal 80 "$long"
grep -q 'teacher \[####*\.' out || fail "no bar"
lacks out "$escape[1m"
rm -rf runs
TERM=dumb in_terminal 80 "$long"
lacks out "$escape"
has out 'teacher: training, epoch 800.0 of 800'
