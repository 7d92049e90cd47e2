# The examples of README are true: what it prints of the quickstart is that recipe; a student in YAML and one in C train to
# the same bits; every option and command that it names is one; a fresh plug-in from `lyne new` stands its trial.
. "$LYNE_SOURCE/tests/cli/helpers"
readme=$LYNE_SOURCE/README.md

# example NAME LANGUAGE N: the N-th block of that language, into a file.
example() {
    awk -v language="\`\`\`$2" -v wanted="$3" '
        $0 == language { inside = ++n == wanted; next }
        /^```/ { inside = 0 }
        inside' "$readme" >"$1"
    [ -s "$1" ] || fail "README has no $2 example $3"
}

say "the recipe that is explained is recipes/quickstart.yaml"
example explained.yaml yaml 1
cp "$LYNE_SOURCE/recipes/quickstart.yaml" quickstart.yaml
mkdir datasets && cp "$LYNE_SOURCE/datasets/strokes.yaml" datasets
for name in explained quickstart; do
    expect 0 "$LYNE" run --quiet --json --threads 1 --out $name $name.yaml --set seeds='[1]' \
        --set stages.teacher.train.epochs=1 --set stages.student.distill.epochs=1 --set stages.alone.train.epochs=1
done
same_runs explained quickstart

say "a student in YAML and one in C train to the same bits"
example student.yaml yaml 2
example tiny.c c 1
command=$(sed -n 's/^    \(cc -shared .*tiny\.so\)$/\1/p' "$readme")
[ -n "$command" ] || fail "README does not say how tiny.c is compiled"
mkdir bin && printf '#!/bin/sh\necho "-I%s/include"\n' "$LYNE_SOURCE" >bin/pkg-config && chmod +x bin/pkg-config
PATH=$PWD/bin:$PATH
expect 0 sh -c "$command"
expect 0 "$LYNE" plugin tiny.so
has out 'model tiny: fine, '
short='--quiet --threads 1 --set stages.teacher.train.epochs=1 --set stages.student.distill.epochs=1'
expect 0 "$LYNE" run student.yaml $short --out yaml
expect 0 "$LYNE" run student.yaml $short --out c --plugin tiny.so --set stages.student.distill.model=tiny
cmp yaml/student/seed-1/model.safetensors c/student/seed-1/model.safetensors || fail "other bits"

say "a plug-in to begin with stands its trial, and a recipe sets its field"
expect 0 "$LYNE" new plugin mine
has out 'mine.c is written; next: cc -shared'
expect 0 sh -c "$(sed -n 's/^.*next: //p' out | sed "s|lyne plugin|$LYNE plugin|; s|^cc|cc -Wall -Wextra -Werror|")"
has out 'model mine: fine, '
expect 0 "$LYNE" show mine --plugin mine.so --set filters=3 --picture 1x20x20
has out '(1, 3, 9, 9)'
expect 3 "$LYNE" check student.yaml --plugin mine.so --set 'stages.student.distill.model={mine: {filter: 3}}'
has err "did you mean 'filters'?"
expect 2 "$LYNE" new plugin mine
has err 'mine.c is there already'
expect 2 "$LYNE" new plugin Mine
has err "'Mine' cannot name a model"

say "snippets of stages are recipes"
grep -o '^    [a-z_]*: {\(label\|distill\|import\): .*}$' "$readme" >snippets
[ "$(grep -c . snippets)" -ge 3 ] || fail "found only $(cat snippets)"
while read -r line; do
    name=${line%%:*}
    case $line in
    *'{label:'*) stages='  teacher: {train: {model: {mlp: {hidden: [8]}}}}' ;;
    *'[a, b]'*) stages='  teacher: {train: {model: {mlp: {hidden: [8]}}}}
  a: {label: {teacher: teacher}}
  b: {label: {teacher: teacher}}' ;;
    *) stages='' && : >teacher.safetensors ;;
    esac
    printf 'lyne: 1\nname: snippet\ndata: strokes\nstages:\n%s\n  %s\n' "$stages" "$line" >"$name.yaml"
    expect 0 "$LYNE" check "$name.yaml"
done <snippets

say "every command and option that README names is one"
grep -o 'lyne [a-z][a-z]*[^`|]*' "$readme" | grep -o -e '^lyne [a-z]*' | sort -u | sed 's/^lyne //' >commands
for command in $(cat commands); do
    case $command in
    recipe | labels) ;;
    *) "$LYNE" $command --help >/dev/null 2>&1 || echo "$command" ;;
    esac
done >unknown
[ ! -s unknown ] || fail "no command: $(cat unknown)"
"$LYNE" man >man
grep -o -e '`--[a-z][a-z-]*' "$readme" | sort -u | tr -d '\140' | while read -r option; do
    case $option in --quick | --install) continue ;; esac
    sed 's/\\-/-/g' man | grep -qe "$option" || echo "$option"
done >unknown
[ ! -s unknown ] || fail "no option: $(cat unknown)"
