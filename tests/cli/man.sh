# The manual page in the tree is what the tables say today.
set -eu
"$LYNE" man >lyne.1
diff "$LYNE_SOURCE/src/cli/lyne.1" lyne.1 || { echo 'run: lyne man >src/cli/lyne.1' && exit 1; }

# It has every command and option, and every exit status.
"$LYNE" --help | sed -n 's/^  lyne \([a-z]*\) .*/\1/p' >commands
[ -s commands ]
while read -r command; do
    grep -q "^\.SS \"lyne $command[ \"]" lyne.1 || { echo "$command is missing" && exit 1; }
    for option in $("$LYNE" "$command" --help | sed -n 's/^  --\([a-z-]*\).*/\1/p'); do
        grep -Fq "$(echo "--$option" | sed 's/-/\\-/g')" lyne.1 || { echo "--$option is missing" && exit 1; }
    done
done <commands
grep -q '^75 ' lyne.1

# groff has nothing against it.
command -v groff >/dev/null || exit 0
groff -man -Tutf8 -ww lyne.1 >page 2>warnings
[ ! -s warnings ] || { cat warnings && exit 1; }
