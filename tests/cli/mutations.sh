# tests/cli/mutations.sh -- what `lyne check` passes does not fail later for a reason that the recipe shows: each value of
# a recipe becomes another, one in five, and one in five of what check passes is run; with LYNE_LONG=1 all of it, and of
# the shipped recipes too (an hour; tests/soak.sh mutations).
. "$LYNE_SOURCE/tests/cli/helpers"
find_python jsonschema yaml
unset LYNE_DATA
export OMP_NUM_THREADS=1
every=5
[ -z "${LYNE_LONG-}" ] || every=1
"$python" "$LYNE_SOURCE/tests/cli/mutations.py" "$LYNE" "$LYNE_SOURCE" $every || fail "check and run differ"
