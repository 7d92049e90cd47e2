"""tests/cli/large.py -- run by large.sh.  A row is a large file and the command that reads it; what the command takes is
compared with the same command on a file of a few bytes."""
import os, shutil, subprocess, sys


def serve(requests, answers):
    """Runs commands, one a line, and answers what each took: bytes at most, seconds of CPU, exit status.  A program
    inherits the peak of who starts it, so this is a process that stays smaller than lyne."""
    for line in os.fdopen(requests):
        child = os.posix_spawn(os.environ['LYNE'], ['lyne'] + line.split(), os.environ, file_actions=[
            (os.POSIX_SPAWN_OPEN, 1, '/dev/null', os.O_WRONLY, 0),
            (os.POSIX_SPAWN_OPEN, 2, 'err', os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)])
        _, status, usage = os.wait4(child, 0)
        os.write(answers, b'%d %f %d\n' % (usage.ru_maxrss * 1024, usage.ru_utime + usage.ru_stime,
                                           os.waitstatus_to_exitcode(status)))
    os._exit(0)


(theirs, ask), (answer, mine) = os.pipe(), os.pipe()
if os.fork() == 0:
    os.close(ask)
    serve(theirs, mine)
os.close(theirs)
answers = os.fdopen(answer)

import gzip, io, struct, tarfile, zlib

LYNE = os.environ['LYNE']
MIB = 1 << 20
TEN = 'classes: ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]\n'
TRAIN = 'stages:\n  teacher: {train: {model: {mlp: {hidden: [2]}}, epochs: 1, batch: 10}}\n'


def put(path, data):
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    with open(path, 'wb' if isinstance(data, bytes) else 'w') as f:
        f.write(data)


def dataset(name, text, model='{mlp: {hidden: [2]}}'):
    put('datasets/%s.yaml' % name, 'lyne_dataset: 1\nname: %s\n' % name + text)
    put('%s.yaml' % name, 'lyne: 1\nname: %s\ndata: %s\n' % (name, name) + TRAIN.replace('{mlp: {hidden: [2]}}', model))


dataset('few', 'format: {strokes: {train: 20, test: 20, size: 12}}\npicture: [1, 12, 12]\n' + TEN)
dataset('idx', 'format: {idx: {train_pictures: f, train_labels: f, test_pictures: f, test_labels: f, n_classes: 2}}\n'
        'picture: [1, 32, 32]\nclasses: [a, b]\n')
dataset('cifar', 'format: {cifar: {train: [f], test: [f]}}\npicture: [3, 32, 32]\n' + TEN)
dataset('pictures', 'format: {pictures: {train: f, test: f, height: 32, width: 32, folders: [a, b]}}\n'
        'picture: [3, 32, 32]\nclasses: [a, b]\n')
dataset('text', 'format: {text: {file: f, length: 4, test: 0.3}}\ntokens: {length: 4, vocabulary: 2, labels: each}\nclasses: [a, b]\n', '{transformer: {}}')
put('good.yaml', 'lyne: 1\nname: good\ndata: few\n' + TRAIN + '  labels: {label: {teacher: teacher}}\n')
for end in 'npy', 'safetensors':
    put(end + '.yaml', 'lyne: 1\nname: i\ndata: few\nstages:\n  l: {import: {logits: f.%s, ids: f.%s}}\n' % (end, end))
subprocess.run([LYNE, 'run', '--quiet', 'good.yaml', '--threads', '1'], check=True, capture_output=True)
shutil.copytree('runs/good', 'runs/base')


def tensors(header):
    return struct.pack('<Q', len(header)) + header


def tar(members):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode='w') as t:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            t.addfile(info, io.BytesIO(data))
    return out.getvalue()


def chunk(kind, data):
    return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))


def png(width, height, packed, more=b''):
    return (b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', width, height, 8, 2, 0, 0, 0)) + more
            + chunk(b'IDAT', packed) + chunk(b'IEND', b''))


def holes(n):
    """A tar of n files of one byte behind a hole of 64 MiB, as GNU tar -S writes them."""
    size = 1 << 26
    info = tarfile.TarInfo('a/1.png')
    info.size, info.type = 1, tarfile.GNUTYPE_SPARSE
    head = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    head[386:410] = b'%011o\0%011o\0' % (size - 2, 1)
    head[483:495] = b'%011o\0' % (size - 1)
    head[148:156] = b' ' * 8
    head[148:155] = b'%06o\0' % sum(head)
    return (bytes(head) + bytes(512)) * n + bytes(1024)


def pax(key, value):
    """A tar that says this of its one picture."""
    with_length = b' %s=%s\n' % (key, value)
    length = len(with_length) + 1
    while length != len(str(length)) + len(with_length):
        length += 1
    info = tarfile.TarInfo('x')
    info.size, info.type = length, b'x'
    record = b'%d' % length + with_length
    return info.tobuf(tarfile.USTAR_FORMAT) + record + bytes(-length % 512) + tar([('a/1.png', small_png)])


def zstd(n):
    """n blocks of 128 KiB of zeros, each in 4 bytes; behind a tar's header they are a picture."""
    return b'\x28\xb5\x2f\xfd\0\x58' + b''.join((131072 << 3 | 1 << 1 | (i == n - 1)).to_bytes(3, 'little') + b'\0'
                                                for i in range(n))


def stages(n):
    return b'{"stages": [' + b','.join(b'{"directory":"s%06x","metrics":{"test_errors":1}}' % i for i in range(n)) + b']}'


RECIPE = b'lyne: 1\nname: r\ndata: few\nstages:\n'
noise = os.urandom(MIB)
small_png = png(32, 32, zlib.compress(bytes(32 * 97)))
entry = b'"t%d":{"dtype":"F32","shape":[],"data_offsets":[0,0]}'
run = lambda name: ['run', name + '.yaml', '--threads', '1', '--data', 'data']
manifest = 'runs/good/labels/manifest.json'
rows = [  # name, where, contents, command
    ('recipe, a list', 'r.yaml', b'x: [' + b'1, ' * 49000 + b'1]\n' + b'#' * 800000, ['check', 'r.yaml']),
    ('recipe, a text', 'r.yaml', b'name: "' + b'x' * (MIB - 20) + b'"\n', ['check', 'r.yaml']),
    ('recipe, larger than allowed', 'r.yaml', b'x: ' + b'1' * 8 * MIB, ['check', 'r.yaml']),
    ('recipe, flow maps', 'r.yaml', b'{' + b','.join(b'k%d: {}' % i for i in range(40000)) + b'}', ['check', 'r.yaml']),
    ('recipe, stages', 'r.yaml', RECIPE + b''.join(b'  s%d: {train: {model: {mlp: {hidden: [2]}}}}\n' % i for i in range(8000)), ['check', 'r.yaml']),
    ('recipe, seeds', 'r.yaml', b'seeds: [' + b','.join(b'%d' % i for i in range(99000)) + b']\n' + RECIPE + TRAIN[8:].encode(), ['check', 'r.yaml']),
    ('recipe, blocks', 'r.yaml', b'blocks: {' + b','.join(b'b%d: {layers: [relu]}' % i for i in range(9000)) + b'}\n' + RECIPE
     + b'  s: {train: {model: {layers: [' + b','.join(b'b%d' % i for i in range(9000)) + b']}}}\n', ['check', 'r.yaml']),
    ('recipe, mistakes of points', 'r.yaml', RECIPE + b'  s: {train: {model: {mlp: {hidden: [2]}}}}\nsweep: {stages.s.train: [' + b', '.join(
        b'{' + b', '.join(b'k%d: %d' % (i, p) for i in range(99)) + b'}' for p in range(200)) + b']}\n', ['check', 'r.yaml']),
    ('JSON, a list of objects', 'runs/good/results.json', b'{"stages": [' + b'{},' * 1400000 + b'{}]}', ['runs', 'runs']),
    ('JSON, a text', 'runs/good/results.json', b'{"recipe": "' + b'x' * 4 * MIB + b'"}', ['runs', 'runs']),
    ('JSON, depth', 'runs/good/results.json', b'[' * 4 * MIB, ['runs', 'runs']),
    ('JSON, keys', 'runs/good/results.json', b'{"stages": [{' + b','.join(b'"%05x":""' % i for i in range(85000)) + b'}]}', ['runs', 'runs']),
    ('JSON, more keys', 'runs/good/results.json', b'{"stages": [{' + b','.join(b'"%06x":""' % i for i in range(340000)) + b'}]}', ['runs', 'runs']),
    ('results, stages', 'runs/good/results.json', stages(18000), ['runs', 'runs']),
    ('results, stages beside stages', 'runs/good/results.json', stages(18000), ['compare', 'runs/good', 'runs/base']),
    ('results, stages: curves', 'runs/good/results.json', stages(18000), ['compare', 'runs/good', 'runs/base', '--svg']),
    ('results, a stage again and again', 'runs/good/results.json', b'{"stages": [' + b','.join(
        b'{"directory": "%s"}' % [b'teacher', b'x'][i % 2] for i in range(30000)) + b']}', ['compare', 'runs/good', 'runs/base']),
    ('results, a folder by many names', 'runs/good/results.json', b'{"stages": [' + b','.join(
        b'{"directory": "%steacher"}' % (b'./' * i) for i in range(1000)) + b']}', ['compare', 'runs/good', 'runs/base']),
    ('settings', 'runs/good/teacher/result.json', b'{"inputs": {' + b','.join(b'"a%s%d":"b"' % (b'.' * 150, i) for i in range(6200)) + b'}}',
     ['compare', 'runs/good', 'runs/base']),
    ('metrics', 'runs/good/teacher/metrics.jsonl', b'{"epoch":1,"train_accuracy":1}\n' * 140000, ['compare', 'runs/good', 'runs/base', '--svg']),
    ('metrics, a line', 'runs/good/teacher/metrics.jsonl', b'[' + b'[],' * 1400000 + b'[]]\n', ['compare', 'runs/good', 'runs/base', '--svg']),
    ('manifest', manifest, b'{"shards": [' + b'[],' * 2600000 + b'[]]}', ['labels', 'verify', 'runs/good/labels', '--sample', '0']),
    ('manifest, numbers', manifest, b'{"shards": [' + b'1,' * 4000000 + b'1]}', ['labels', 'verify', 'runs/good/labels', '--sample', '0']),
    ('safetensors, header', 'f.safetensors', tensors(b'{' + b','.join(entry % i for i in range(70000)) + b'}'), run('safetensors')),
    ('safetensors, header of objects', 'f.safetensors', tensors(b'{"a":[' + b'{},' * 1300000 + b'{}]}'), run('safetensors')),
    ('safetensors, data', 'f.safetensors', tensors(b'{"logits":{"dtype":"U8","shape":[%d],"data_offsets":[0,%d]}}' % (8 * MIB, 8 * MIB)) + bytes(8 * MIB), run('safetensors')),
    ('npy, header', 'f.npy', b'\x93NUMPY\x02\0' + struct.pack('<I', 4 * MIB) + b' ' * 4 * MIB, run('npy')),
    ('npy, data', 'f.npy', b'\x93NUMPY\x01\0' + struct.pack('<H', 118) + b"{'descr': '|u1', 'fortran_order': False, 'shape': (8388608,), }".ljust(117) + b'\n' + bytes(8 * MIB), run('npy')),
    ('IDX', 'data/idx/f', struct.pack('>IIII', 0x803, 8192, 32, 32) + noise * 8, run('idx')),
    ('IDX, gzip', 'data/idx/f', gzip.compress(struct.pack('>IIII', 0x803, 4096, 32, 32) + noise * 4, 1), run('idx')),
    ('IDX, a bomb with another length at its end', 'data/idx/f', gzip.compress(struct.pack('>IIII', 0x803, 1 << 20, 32, 32)
                                                                           + bytes(300 * MIB), 9)[:-4] + struct.pack('<I', 1000), run('idx')),
    ('IDX, gzip, a length at its end that is too large', 'data/idx/f', gzip.compress(noise * 4, 1)[:-4] + struct.pack('<I', 250 * MIB), run('idx')),
    ('IDX, a bomb', 'data/idx/f', gzip.compress(struct.pack('>IIII', 0x803, 1 << 20, 32, 32) + bytes(300 * MIB), 9), run('idx')),
    ('CIFAR', 'data/cifar/f', (b'\xff' + noise[:3072]) * 2700, run('cifar')),
    ('CIFAR, gzip', 'data/cifar/f', gzip.compress((b'\xff' + noise[:3072]) * 2700, 1), run('cifar')),
    ('text', 'data/text/f', noise * 8, run('text')),
    ('tar', 'data/pictures/f', tar([('a/%d.png' % i, noise[:1000]) for i in range(4000)]), run('pictures')),
    ('tar of a large file', 'data/pictures/f', tar([('a/1.png', noise * 8)]), run('pictures')),
    ('tar of good pictures, one bad', 'data/pictures/f', tar([('a/%d.png' % i, small_png) for i in range(2000)] + [('c/1.png', b'x')]), run('pictures')),
    ('tar, gzip', 'data/pictures/f', gzip.compress(tar([('a/%d.png' % i, noise[:1000]) for i in range(4000)]), 1), run('pictures')),
    ('tar, gzip, a bomb', 'data/pictures/f', gzip.compress(tar([('a/1.png', bytes(200 * MIB))]), 9), run('pictures')),
    ('tar, zstd, a bomb', 'data/pictures/f', zstd(32000), run('pictures')),
    ('tar, access lists', 'data/pictures/f', pax(b'SCHILY.acl.access', b','.join(b'user:%x:rwx:%d' % (i, i) for i in range(50000))), run('pictures')),
    ('tar, gzip, holes', 'data/pictures/f', gzip.compress(holes(20)), run('pictures')),
    ('PNG, dimensions', 'data/pictures/f', tar([('a/1.png', png(60000, 60000, zlib.compress(bytes(8 * MIB), 9)))]), run('pictures')),
    ('PNG, wide', 'data/pictures/f', tar([('a/1.png', png(0x7fffffff, 1, noise))]), run('pictures')),
    ('PNG, data', 'data/pictures/f', tar([('a/1.png', png(32, 32, zlib.compress(bytes(100 * MIB), 9)))]), run('pictures')),
    ('PNG, packed texts', 'data/pictures/f', tar([('a/1.png', png(32, 32, zlib.compress(bytes(32 * 97)), 50 * chunk(
        b'zTXt', b'k\0\0' + zlib.compress(b'x' * 7990000, 9))))]), run('pictures')),
    ('JPEG, dimensions', 'data/pictures/f', tar([('a/1.jpg', b'\xff\xd8\xff\xc0\0\x11\x08\xff\xff\xff\xff\3\1\x11\0\2\x11\0\3\x11\0' + noise)]), run('pictures')),
]


# Packed files: n is what they unpack to, and no bomb is unpacked.
unpacked = {'IDX, gzip': 4 * MIB, 'IDX, gzip, a length at its end that is too large': 4 * MIB, 'CIFAR, gzip': 8 * MIB, 'tar, gzip': 6 * MIB}


def measure(command):
    """Most memory [bytes], CPU [s] and exit status of a command."""
    os.write(ask, (' '.join(command) + '\n').encode())
    memory, seconds, status = answers.readline().split()
    return int(memory), float(seconds), int(status)


failures, worst_memory, worst_time, base = 0, 0, 0, {}
for name, path, data, command in rows:
    kept = open(path, 'rb').read() if path.startswith('runs') else None
    if tuple(command) not in base:
        put(path, b'\0\0')
        base[tuple(command)] = measure(command)
    put(path, data)
    memory, seconds, status = measure(command)
    memory, seconds = memory - base[tuple(command)][0], seconds - base[tuple(command)][1]
    n = max(len(data), unpacked.get(name, 0))
    of_memory, of_time = memory / (16 * MIB + 4 * n), seconds / max(1, n / MIB)
    worst_memory, worst_time = max(worst_memory, of_memory), max(worst_time, of_time)
    if of_memory > 1 or of_time > 1 or status < 0 or status > 6 or '-v' in sys.argv:
        print('%s: %.1f MiB, %.1f MiB more memory, %.2f s, exit %d: %s' % (name, len(data) / MIB, memory / MIB, seconds, status,
              open('err', errors='replace').read()[:120].strip()))
    failures += of_memory > 1 or of_time > 1 and '--any-time' not in sys.argv or status < 0 or status > 6
    if kept is not None:
        put(path, kept)
    elif os.path.exists(path):
        os.remove(path)
print('%d files: at most %.0f%% of the memory and %.0f%% of the time that is promised' % (len(rows), 100 * worst_memory, 100 * worst_time))
sys.exit(failures > 0)
