# tests/cli/paths.sh -- hostile paths, in each kind of file that can name one: refused with a message, nothing outside is
# read, nothing outside is written.  strace is the witness: no call opened, made, renamed or removed anything there.
. "$LYNE_SOURCE/tests/cli/helpers"
unset LYNE_DATA
export OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive # or it starts itself over with that, see cli/main.c
command -v python3 >/dev/null || skip "python3 makes the files"
python3 "$LYNE_SOURCE/tests/cli/paths.py" >said 2>&1 || { cat said && exit 1; }
cat said
strace -o trace true 2>/dev/null || skip "$(tail -n 1 said), but strace cannot attach here, so nobody witnessed it"
