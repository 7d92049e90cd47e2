# tests/cli/large.sh -- reading n bytes takes at most 16 MiB + 4n of memory beyond what the program takes anyway, and a
# second of CPU for each MiB: files of 1 to 8 MiB in each format, most of them made to be as costly as they can be, and
# bombs.
. "$LYNE_SOURCE/tests/cli/helpers"
unset LYNE_DATA
export OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive
command -v python3 >/dev/null || skip "python3 makes the files"
python3 "$LYNE_SOURCE/tests/cli/large.py" $(instrumented && echo --any-time)
