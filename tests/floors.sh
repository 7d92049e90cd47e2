#!/bin/sh
# tests/floors.sh -- a folder of src/ includes only folders of lower floors.
#
#     sh tests/floors.sh               check this repository
#     sh tests/floors.sh --self-check  check this script, on made-up trees with one mistake each
#
# The floors are read from the table in src/README.md, so the page and the code cannot drift apart.  Besides: a header of
# oneDNN appears in src/dnn alone, libyaml's in src/component alone, include/lyne needs nothing from src/, and only
# src/cli ends the process.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)

# Prints one line for each mistake in the tree $1; fails if there is one.
check() (
    cd "$1" || exit 1
    find src include -name '*.[ch]' | LC_ALL=C sort | awk '
    function wrong(text) { print file ":" line ": " text; mistakes++ }

    # The line without comments and without what is between quotes.  in_comment lives on to the next line.
    function code(s,    out) {
        out = ""
        while (s != "") {
            if (in_comment) {
                if (!match(s, /\*\//)) return out
                in_comment = 0
                s = substr(s, RSTART + 2)
            } else if (match(s, /"([^"\\]|\\.)*"|\047([^\047\\]|\\.)*\047|\/\*|\/\//)) {
                out = out substr(s, 1, RSTART - 1)
                if (substr(s, RSTART, 2) == "//") return out
                in_comment = substr(s, RSTART, 2) == "/*"
                if (!in_comment) out = out "\"\""
                s = substr(s, RSTART + RLENGTH)
            } else return out s
        }
        return out
    }

    function included(header, quoted,    folder) {
        if (header ~ /dnnl/ && from != "dnn") wrong("<" header ">: only src/dnn may include oneDNN")
        if (header == "yaml.h" && from != "component") wrong("<yaml.h>: only src/component may include libyaml")
        if (!quoted) return
        if (header !~ /\//) { wrong("\"" header "\": write the folder, \"FOLDER/" header "\""); return }
        folder = header
        sub(/\/.*/, "", folder)
        if (folder == "lyne" || folder == from) return
        if (from == "") wrong("\"" header "\": a public header may include lyne/ alone")
        else if (!(folder in floor)) wrong("\"" header "\": src/README.md gives " folder " no floor")
        else if (floor[folder] >= floor[from])
            wrong("\"" header "\": " folder " (floor " floor[folder] ") is not below " from " (floor " floor[from] ")")
    }

    BEGIN {
        FS = "|"
        while ((getline < "src/README.md") > 0)
            if ($2 ~ /^ *[0-9]+ *$/)
                for (n = split($3, part, "`"); n > 1; n -= 2) { floor[part[n - 1]] = $2 + 0; floors++ }
        if (!floors) { print "src/README.md: no table of floors (| floor | `folder` | ... |)"; exit 1 }
        while ((getline file) > 0) {
            line = 0
            in_comment = 0
            from = ""
            if (file ~ /^src\/[^\/]*\//) {
                from = file
                sub(/^src\//, "", from)
                sub(/\/.*/, "", from)
                if (!(from in floor)) wrong("src/README.md gives " from " no floor")
            }
            while ((getline text < file) > 0) {
                line++
                if (!in_comment && match(text, /^[ \t]*#[ \t]*include[ \t]*["<][^">]*/)) {
                    header = substr(text, 1, RLENGTH)
                    sub(/^[^"<]*/, "", header)
                    included(substr(header, 2), header ~ /^"/)
                }
                text = code(text)
                if (from != "cli" && match(text, /(^|[^A-Za-z0-9_])(exit|_exit|_Exit|quick_exit|abort)[ \t]*\(/))
                    wrong("only src/cli may end the process")
            }
            close(file)
            files++
        }
        if (!files) { print "no file to check"; exit 1 }
        if (mistakes) exit 1
        print files " files keep to their floors"
    }'
)

# expect MISTAKE PATH LINE...: a good tree with these lines in that file must be refused with MISTAKE, once.
# An empty MISTAKE: it must be accepted.
expect() {
    mistake=$1 path=$2
    shift 2
    rm -rf "$tree/src" "$tree/include"
    mkdir -p "$tree/src/base" "$tree/src/dnn" "$tree/src/component" "$tree/src/losses" "$tree/src/optim" \
        "$tree/src/cli" "$tree/src/stray" "$tree/include/lyne"
    printf '| floor | folder | what |\n|---|---|---|\n| 0 | `base` | `x` |\n| 1 | `component` `dnn` | |\n' >"$tree/src/README.md"
    printf '| 2 | `losses` `optim` | |\n| 3 | `cli` | |\n' >>"$tree/src/README.md"
    printf '#include "losses/loss.h"\n#include "base/log.h"\n#include "lyne/status.h"\n' >"$tree/src/losses/kd.c"
    printf '#include <oneapi/dnnl/dnnl.h>\n' >"$tree/src/dnn/dnn.c"
    printf '#include <yaml.h>\n' >"$tree/src/component/yaml.c"
    printf 'void f(void) { exit(1); }\n' >"$tree/src/cli/main.c"
    printf '%s\n' "$@" >"$tree/$path"
    if said=$(check "$tree"); then
        [ -z "$mistake" ] || { echo "accepted: $path: $*" && return 1; }
    else
        case $mistake:$said in
        :*) echo "refused: $said" && return 1 ;;
        *) [ "$said" = "$mistake" ] || { echo "expected: $mistake" && echo "said:     $said" && return 1; } ;;
        esac
    fi
    cases=$((cases + 1))
}

self_check() {
    tree=$(mktemp -d)
    trap 'rm -rf "$tree"' EXIT
    cases=0
    expect '' src/base/log.c '#include <stdio.h>'
    expect '' src/base/log.c '/* exit(1)' ' exit(1) */ int exits(int x); // exit(1)' 'char c = 34, *s = "exit(1) \" /*";'
    expect 'src/base/log.c:2: only src/cli may end the process' src/base/log.c '/* */' 'int f(void) { exit (1); }'
    expect 'src/base/log.c:1: only src/cli may end the process' src/base/log.c 'char *s = "/*"; f() || abort();'
    expect 'src/base/log.c:1: "dnn/dnn.h": dnn (floor 1) is not below base (floor 0)' src/base/log.c '#include "dnn/dnn.h"'
    expect 'src/dnn/a.h:1: "component/yaml.h": component (floor 1) is not below dnn (floor 1)' src/dnn/a.h \
        '# include "component/yaml.h"'
    expect 'src/losses/kd.c:2: "optim/sgd.h": optim (floor 2) is not below losses (floor 2)' src/losses/kd.c '' \
        '#include "optim/sgd.h" /* why */'
    expect 'src/losses/kd.c:1: "loss.h": write the folder, "FOLDER/loss.h"' src/losses/kd.c '#include "loss.h"'
    expect 'src/losses/kd.c:1: "far/a.h": src/README.md gives far no floor' src/losses/kd.c '#include "far/a.h"'
    expect 'src/stray/a.c:0: src/README.md gives stray no floor' src/stray/a.c 'int x;'
    expect 'src/losses/kd.c:1: <oneapi/dnnl/dnnl.h>: only src/dnn may include oneDNN' src/losses/kd.c \
        '#include <oneapi/dnnl/dnnl.h>'
    expect 'src/cli/main.c:1: <yaml.h>: only src/component may include libyaml' src/cli/main.c '#include <yaml.h>'
    expect 'include/lyne/a.h:1: "base/log.h": a public header may include lyne/ alone' include/lyne/a.h \
        '#include "base/log.h"'
    expect 'src/README.md: no table of floors (| floor | `folder` | ... |)' src/README.md 'Floors'
    echo "$cases made-up trees judged as they should be"
}

case ${1-} in
'') check "$here" ;;
--self-check) self_check ;;
*) echo "usage: sh tests/floors.sh [--self-check]" >&2 && exit 2 ;;
esac
