# tests/cli/bombs.sh -- small files that would fill the memory if they were believed: refused, exit 3 or 4, in 64 MiB of
# address space beyond what the program takes anyway, and within seconds.
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

say "a YAML file of aliases of aliases"
{
    echo 'lyne: 1'
    echo 'a0: &a0 [x, x, x, x, x, x, x, x, x, x]'
    for i in 1 2 3 4 5 6 7 8 9; do echo "a$i: &a$i [*a$((i - 1)), *a$((i - 1)), *a$((i - 1)), *a$((i - 1)), *a$((i - 1))]"; done
} >laughs.yaml
refused 3 'alias' "$LYNE" check laughs.yaml

say "a YAML file of nothing but brackets"
python3 -c "print('[' * 500000)" >deep.yaml
refused 3 'deep' "$LYNE" check deep.yaml

say "a gzip of 300 MB of zeros that says it is pictures"
mkdir -p data/many datasets
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

say "a model file whose header is a list of empty objects, and one that says it has 2^63 bytes"
python3 - <<'end'
import struct
text = b'{"a":[' + b','.join([b'{}'] * 3000000) + b']}'
open('objects.safetensors', 'wb').write(struct.pack('<Q', len(text)) + text)
open('long.safetensors', 'wb').write(struct.pack('<Q', 1 << 63) + b'{}')
text = b'{"logits":{"dtype":"F32","shape":[4294967296,4294967297],"data_offsets":[0,16]}}'
open('product.safetensors', 'wb').write(struct.pack('<Q', len(text)) + text + bytes(16))
end
cat >datasets/many.yaml <<end
lyne_dataset: 1
name: many
format: {strokes: {train: 20, test: 20, size: 12}}
picture: [1, 12, 12]
classes: ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]
end
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
