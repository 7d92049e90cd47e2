# tests/cli/inert.sh -- data never run code: over the corpus of the fuzzers, each file given to each reader, over the bad
# recipes, and over recipes that try, strace sees no program started, no socket made, and no shared object opened but
# those that the program opens with good files.
. "$LYNE_SOURCE/tests/cli/helpers"
unset LYNE_DATA
export OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive # or it starts itself over with that, see cli/main.c
command -v python3 >/dev/null || skip "python3 makes the files"
strace -o trace true 2>err || skip "strace cannot attach: $(tail -n 1 err)"
python3 "$LYNE_SOURCE/tests/cli/inert.py"
