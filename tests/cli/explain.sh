# What explain and list show comes from the rows: each row is there with each field, and a typo is answered.
. "$LYNE_SOURCE/tests/cli/helpers"

# Every row that list prints can be explained by its kind and name, and by its name alone.
"$LYNE" list >rows
"$LYNE" explain >all
narrow all
n=0
while IFS=$(printf '\t') read -r kind name help; do
    "$LYNE" explain "$kind" "$name" >said
    narrow said
    case $(one_line said) in "$kind $name: $help "*) ;; *) fail "$kind $name does not open with its help" ;; esac
    grep -Eq '^fields:$|^repeat:$|^It has no fields\.$' said || fail "$kind $name: no fields are shown"
    "$LYNE" explain "$name" >named
    one_line named | grep -Fq "$kind $name: $help " || fail "$name alone does not find the $kind"
    "$LYNE" explain "$kind" >of_kind
    narrow of_kind
    grep -Eq "^  $name +" of_kind || fail "$kind does not list $name"
    grep -Eq "^  $name +" all || fail "explain does not list $name"
    n=$((n + 1))
done <rows
[ "$n" -ge 20 ] || fail "only $n rows"

# None of the source is missing: its name there is lyne_KIND_NAME.
cut -f 1,2 rows | sed 's/\t/_/;s/.*/lyne_&/' | sort >listed
grep -hoE '^const lyne_[a-z]+ lyne_(op|model|loss|optimizer|schedule|dataset|augmentation|encoding|stage)_[a-z0-9_]+' \
    "$LYNE_SOURCE"/src/*/*.c | sed 's/.* //' | sort >written
diff written listed >out || fail "rows that the source has (<) and lyne list has (>)"

# A field has its type, range, default and help; a group its own fields; what must be given says so.
"$LYNE" explain loss kd >said
grep -Eq '^  temperature +number, 0\.01 to 1000; default 4$' said || fail "temperature: $(cat said)"
grep -q 'arXiv:1503.02531' said || fail "no paper: $(cat said)"
grep -q '^example: .*kd' said || fail "no example: $(cat said)"
"$LYNE" explain mlp | grep -Eq '^    input +number, 0 to 0\.999; default 0$' || fail 'mlp.dropout.input is missing'
"$LYNE" explain label | grep -Eq '^  teacher +stage that makes a model; required$' || fail 'label.teacher'
"$LYNE" explain recipe >said
narrow said
one_line said | grep -Fq ' seeds list of whole numbers, each 0 to 1000000000000000; default [1] ' || fail 'recipe.seeds'

"$LYNE" explain layers >said
for word in repeat residual parallel 'each of blocks'; do grep -q "^$word:$" said || fail "layers: no $word"; done

# refused WORDS COMMAND...: exit status 2 and these words.
refused() {
    words=$1 status=0
    shift
    "$LYNE" "$@" >said 2>&1 || status=$?
    [ "$status" -eq 2 ] || fail "lyne $*: exit status $status"
    grep -Fq "$words" said || fail "lyne $*: $(cat said)"
}
refused "there is no component or kind 'kdx'; did you mean 'kd'?" explain kdx
refused "there is no loss 'k'" explain loss k
refused "there is no loss 'relu'" explain loss relu
refused "there is no kind 'los'; did you mean 'loss'?" explain los kd
refused "'more' is one too many" explain loss kd more
refused "there is no option --all" explain --all
refused "list takes no arguments" list loss
