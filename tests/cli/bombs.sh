# tests/cli/bombs.sh -- small files that would fill the memory if they were believed: refused.  Recipes in 0.1 s
# and 32 MiB; what else is read, with exit 3 or 4, in 64 MiB of address space beyond what the program takes anyway, and
# within seconds.
. "$LYNE_SOURCE/tests/cli/helpers"
unset LYNE_DATA
command -v python3 >/dev/null || skip "python3 makes the bombs"
export OMP_NUM_THREADS=1

# What the program maps to print its version, and 64 MiB more [KiB].
limit=$(python3 - "$LYNE" <<'end'
import resource, subprocess, sys
# the least of a few limits under which it still starts
for mib in range(256, 4097, 128):
    if subprocess.run([sys.argv[1], 'version'], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                      preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (mib << 20, mib << 20))).returncode == 0:
        print((mib + 64) * 1024)
        break
end
)
[ -n "$limit" ] || skip "the program does not run under a limit of address space"

# refused STATUS WORDS COMMAND...
refused() {
    status=$1 words=$2
    shift 2
    (ulimit -v "$limit" && timeout 20 "$@" >out 2>err)
    got=$?
    [ $got -eq "$status" ] || fail "exit $got, not $status: $*"
    has err "$words"
}

# light NAME WORDS [SECONDS]: what `lyne check` makes of NAME.yaml: exit 3 or 4 with these words, in 0.1 s of CPU time (or so many) and 32 MiB of
# memory at the peak, all that it needs to start included, unless it is instrumented.
light() {
    say "$1.yaml: $(wc -c <"$1.yaml") bytes"
    python3 - "$LYNE" "$1.yaml" "$2" "${3-0.1}" "$(instrumented && echo yes)" <<'end' || fail "$1.yaml"
import resource, subprocess, sys
lyne, recipe, words, most, instrumented = sys.argv[1:]
seconds, spent = 1e9, 0
for _ in range(3):  # the machine may have other things to do
    ran = subprocess.run([lyne, 'check', recipe], capture_output=True, text=True, timeout=60)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds, spent = min(seconds, used.ru_utime + used.ru_stime - spent), used.ru_utime + used.ru_stime
mebibytes = used.ru_maxrss / 1024
print('  %.0f ms, %.0f MiB: %s' % (1000 * seconds, mebibytes, ran.stderr.splitlines()[0][:100]))
good = ran.returncode in (3, 4) and words in ran.stderr and len(ran.stderr) < 100000
sys.exit(not (good and (instrumented or seconds < float(most) and mebibytes < 32)))
end
}

# Recipes that are small and stand for a lot: each limit of component/yaml.h, and of what is written in layers.
python3 - <<'end'
head = 'lyne: 1\nname: a\ndata: few\n'
def put(name, text):
    open(name + '.yaml', 'w').write(text)
def layers(text, blocks=''):
    put_blocks = 'blocks: {%s}\n' % blocks if blocks else ''
    return head + put_blocks + 'stages: {a: {train: {model: {layers: [%s]}}}}\n' % text
lol = ['x'] * 9
text = head + 'a0: &a0 [%s]\n' % ', '.join(lol)
for i in range(1, 10):
    text += 'a%d: &a%d [%s]\n' % (i, i, ', '.join(['*a%d' % (i - 1)] * 9))
put('laughs', text)
text = head + 'a0: &a0 {k: x, l: x}\n'
for i in range(1, 25):
    text += 'a%d: &a%d {k: *a%d, l: *a%d}\n' % (i, i, i - 1, i - 1)
put('laughing_maps', text)
put('deep', '[' * 500000)
put('deep_maps', head + 'a: ' + '{a: ' * 100000)
put('deep_lines', head + ''.join(' ' * i + 'a:\n' for i in range(1200)))
put('many_nodes', head + 'a: [' + 'a,' * 400000 + ']\n')
put('many_anchors', head + 'a:\n' + ''.join('- &a%d x\n' % i for i in range(2000)))
put('many_keys', head + ''.join('k%d: 1\n' % i for i in range(10000)))
put('long', head + '# ' + 'x' * (1 << 20) + '\n')
put('long_key', head + 'k' * 500000 + ': 1\n')
put('repeats', layers('{repeat: {times: 1000, layers: [{repeat: {times: 1000, layers: [{repeat: {times: 1000, '
                      'layers: [relu]}}]}}]}}'))
put('blocks', layers('b19', ', '.join(['b0: {layers: [relu]}'] + [
    'b%d: {layers: [%s]}' % (i, ', '.join(['b%d' % (i - 1)] * 9)) for i in range(1, 20)])))
put('itself', layers('b', 'b: {layers: [b]}'))
end
mkdir -p data/many datasets
cat >datasets/few.yaml <<end
lyne_dataset: 1
name: few
format: {strokes: {train: 20, test: 20, size: 12}}
picture: [1, 12, 12]
classes: [a, b, c, d, e, f, g, h, i, j]
end
light laughs 'aliases stand for more than'
light laughing_maps 'aliases stand for more than'
light deep 'deep'
light deep_maps 'deep'
light deep_lines 'deep'
light many_nodes 'more than 100000'
light many_anchors 'more than 1000'
light many_keys "more"
light long 'more than the 1048576 allowed'
light long_key "no ':' after it"
light repeats 'more than 10000 layers' 0.5 # whose names are compared
light blocks 'more than 10000 layers'
light itself 'the block contains itself'

say "a gzip of 300 MB of zeros that says it is pictures"
python3 - <<'end'
import gzip, struct
with gzip.GzipFile('data/many/p.gz', 'wb', 9, mtime=0) as f:
    f.write(struct.pack('>IIII', 0x803, 300000, 32, 32))
    for _ in range(300):
        f.write(bytes(1024 * 1000))
with open('data/many/l', 'wb') as f:
    f.write(struct.pack('>II', 0x801, 300000) + bytes(300000))
end
cat >datasets/many.yaml <<end
lyne_dataset: 1
name: many
format: {idx: {train_pictures: p, train_labels: l, test_pictures: p, test_labels: l, n_classes: 2}}
picture: [1, 32, 32]
classes: [a, b]
end
cat >recipe.yaml <<end
lyne: 1
name: bomb
data: many
stages: {teacher: {train: {model: {mlp: {hidden: [4]}}, epochs: 1}}}
end
refused 4 'unpacks to more than 64 times its size' "$LYNE" run recipe.yaml --data data

say "a tar that says it holds a picture of 3 GB"
cat >datasets/many.yaml <<end
lyne_dataset: 1
name: many
format: {pictures: {train: t.tar, test: t.tar, height: 8, width: 8, folders: [a, b]}}
picture: [3, 8, 8]
classes: [a, b]
end
python3 - <<'end'
import tarfile
member = tarfile.TarInfo('a/1.png')
member.size = 3 << 30
with open('data/many/t.tar', 'wb') as f:
    f.write(member.tobuf(tarfile.GNU_FORMAT) + bytes(10240))
end
refused 4 't.tar' "$LYNE" run recipe.yaml --data data

say "a PNG of 40 kB whose header says 60,000 by 60,000 pixels"
python3 - <<'end'
import struct, tarfile, zlib, io
def chunk(kind, data):
    return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))
png = (b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', 60000, 60000, 8, 2, 0, 0, 0))
       + chunk(b'IDAT', zlib.compress(bytes(40000000), 9)) + chunk(b'IEND', b''))
with tarfile.open('data/many/t.tar', 'w') as tar:
    member = tarfile.TarInfo('a/1.png')
    member.size = len(png)
    tar.addfile(member, io.BytesIO(png))
end
refused 4 '60000' "$LYNE" run recipe.yaml --data data

say "a PNG of 41 bytes with a text that says it has 2 GiB"
python3 - <<'end'
import struct, tarfile, zlib, io
header = b'IHDR' + struct.pack('>IIBBBBB', 4, 4, 8, 0, 0, 0, 0)
png = (b'\x89PNG\r\n\x1a\n' + struct.pack('>I', 13) + header + struct.pack('>I', zlib.crc32(header))
       + struct.pack('>I', 0x7FFFFFFF) + b'iTXt')
with tarfile.open('data/many/t.tar', 'w') as tar:
    member = tarfile.TarInfo('a/1.png')
    member.size = len(png)
    tar.addfile(member, io.BytesIO(png))
end
# without a limit, for where there is no memory libpng does with none
python3 - "$LYNE" <<'end' || fail "it was believed"
import resource, subprocess, sys
status = subprocess.run([sys.argv[1], 'run', 'recipe.yaml', '--data', 'data'], stderr=open('err', 'w')).returncode
mebibytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
print('  %.0f MiB' % mebibytes)
sys.exit(not (status == 4 and mebibytes < 512))
end
has err 'a/1.png: is no PNG that can be read'

say "a model file whose header is a list of empty objects, and one that says it has 2^63 bytes"
python3 - <<'end'
import struct
text = b'{"a":[' + b','.join([b'{}'] * 3000000) + b']}'
open('objects.safetensors', 'wb').write(struct.pack('<Q', len(text)) + text)
open('long.safetensors', 'wb').write(struct.pack('<Q', 1 << 63) + b'{}')
text = b'{"logits":{"dtype":"F32","shape":[4294967296,4294967297],"data_offsets":[0,16]}}'
open('product.safetensors', 'wb').write(struct.pack('<Q', len(text)) + text + bytes(16))
end
make_strokes many 20 20 12
for kind in objects long product; do
    cat >import.yaml <<-end
	lyne: 1
	name: import
	data: many
	stages:
	  labels: {import: {logits: $kind.safetensors, ids: $kind.safetensors}}
	end
    refused 4 "$kind.safetensors" "$LYNE" run import.yaml
done
