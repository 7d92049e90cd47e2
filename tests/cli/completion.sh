# bash completes commands, options, names and recipes; the script for zsh names the same things.
set -eu
command -v bash >/dev/null || { echo 'bash is not installed' && exit 77; }
"$LYNE" completion bash >completion.bash
"$LYNE" completion zsh >completion.zsh
mkdir folder && touch a.yaml b.txt mine.so folder/c.yaml

# completes EXPECTED WORD...: the last word, completed, is one of EXPECTED, all of them, in any order.
completes() {
    expected=$1
    shift
    bash -c '. ./completion.bash; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _lyne; printf "%s\n" "${COMPREPLY[@]}"' \
        bash "$@" 2>&1 | sort | tr '\n' ' ' | sed 's/^ *//; s/ *$//' >said
    [ "$(cat said)" = "$expected" ] || { echo "$*: '$(cat said)' and not '$expected'" && exit 1; }
}
completes 'run runs' lyne ru
completes '--data' lyne run --da
completes '--quiet' lyne run x.yaml --q
completes 'kd' lyne explain k
completes 'bash' lyne completion b
completes 'folder' lyne run --data f
completes '' lyne run --threads 2
completes 'a.yaml folder' lyne check ''
completes 'folder/c.yaml' lyne check folder/
completes '' lyne version x
completes 'plugin' lyne new p
completes 'plan plugin' lyne help pl
completes 'mobilenet_v2' lyne show mob
completes 'recipe' lyne new r
completes 'import info' lyne labels i
completes 'folder' lyne labels info ''
completes 'folder' lyne runs ''
completes 'folder' lyne compare a ''
completes 'a.yaml folder' lyne bench ''
completes 'folder mine.so' lyne plugin ''
mkdir spaces && touch 'spaces/two words.yaml'
completes 'spaces/two words.yaml' lyne run spaces/two

# Every command with each of its options is in both.
"$LYNE" --help | sed -n 's/^  lyne \([a-z]*\) .*/\1/p' >commands
[ -s commands ]
while read -r command; do
    for shell in bash zsh; do
        grep -q "^ *$command)" completion.$shell || { echo "$shell: $command is missing" && exit 1; }
        for option in $("$LYNE" "$command" --help | sed -n 's/^  --\([a-z-]*\).*/\1/p'); do
            grep -q -- "--$option" completion.$shell || { echo "$shell: --$option of $command is missing" && exit 1; }
        done
    done
done <commands
if command -v zsh >/dev/null; then zsh -n completion.zsh; fi
! "$LYNE" completion fish 2>said
grep -q 'usage: lyne completion bash|zsh' said
