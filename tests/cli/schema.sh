# tests/cli/schema.sh -- what `lyne schema` says, tried by a validator that is not ours: shipped recipes are fine by it,
# bad ones are not.
. "$LYNE_SOURCE/tests/cli/helpers"
find_python jsonschema yaml
expect 0 "$LYNE" schema
mv out lyne.json
"$python" "$LYNE_SOURCE/tests/cli/schema.py" lyne.json "$LYNE_SOURCE" || fail "the schema and the recipes differ"
