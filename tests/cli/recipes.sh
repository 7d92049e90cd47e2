# tests/cli/recipes.sh -- each shipped recipe opens with what it is, what it shows, what it needs, how long it takes and
# its paper, in this order; says the same of its paper as `paper:` does; and is in the index.
. "$LYNE_SOURCE/tests/cli/helpers"
top=$PWD/top
cd "$LYNE_SOURCE/recipes" || exit 1
n=0
for recipe in $(find . -name '*.yaml' | sort); do
    n=$((n + 1))
    sed '/^#/!q' "$recipe" | grep '^#' >"$top"
    said=$(sed -n 's/^# \(Shows\|Needs\|Takes\|Paper\): ..*/\1/p' "$top" | tr '\n' ' ')
    first=$(sed -n '1s/^# \(Shows\|Needs\|Takes\|Paper\): .*/\1/p' "$top")
    number=$(sed -n 's/^paper: .*arxiv: "*\([0-9.]*\).*/\1/p' "$recipe")
    [ "$said" = "Shows Needs Takes Paper " ] || fail "$recipe opens with: $said"
    [ -z "$first" ] || fail "$recipe: the first line is a title"
    grep -q "^# Paper: .*arXiv:$number" "$top" || fail "$recipe: its head does not name arXiv:$number"
    has README.md "$(basename "$recipe")"
done
[ $n -ge 18 ] || fail "$n recipes"
