"""tests/cli/paths.py -- run by paths.sh.  A row is a name, what makes the hostile thing, the exit statuses that are right
and a word of the message.  All that a row could reach lies in the folder away/, beside home/, where the program runs."""
import json, os, re, shutil, struct, subprocess, sys, tarfile, io

LYNE = os.environ['LYNE']
ROOT = os.getcwd()
HOME, AWAY = ROOT + '/home', ROOT + '/away'
WITNESS = subprocess.run(['strace', '-o', '/dev/null', 'true'], capture_output=True).returncode == 0 \
    if shutil.which('strace') else False
CALLS = 'open,openat,openat2,creat,mkdir,mkdirat,rename,renameat,renameat2,unlink,unlinkat,link,linkat,symlink,' \
        'symlinkat,truncate,mknod,mknodat,execve,socket'
LONG = 'x' * 5000

STROKES = 'format: {strokes: {train: 20, test: 20, size: 12}}\npicture: [1, 12, 12]\nclasses: ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]\n'
TAR = 'format: {pictures: {train: %s, test: t.tar, height: 8, width: 8, folders: [a, b]}}\npicture: [3, 8, 8]\nclasses: [a, b]\n'
RECIPE = 'lyne: 1\nname: r\ndata: few\nstages:\n'
TRAIN = '  teacher: {train: {model: {mlp: {hidden: [2]}}, epochs: 1, batch: 10}}\n'
LABELS = TRAIN + '  labels: {label: {teacher: teacher, records_per_shard: 20}}\n'


def put(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'wb' if isinstance(text, bytes) else 'w') as f:
        f.write(text)


def recipe(text):
    put(HOME + '/recipe.yaml', text)


def link(to, name):
    path = HOME + '/' + name
    if os.path.lexists(path):
        os.remove(path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    os.symlink(to, path)


def npy(shape, kind):
    head = ("{'descr': '%s', 'fortran_order': False, 'shape': %s, }" % (kind, shape)).encode()
    head += b' ' * (63 - (10 + len(head)) % 64) + b'\n'
    n = 1
    for d in shape:
        n *= d
    return b'\x93NUMPY\x01\x00' + struct.pack('<H', len(head)) + head + bytes(n * int(kind[2:]))


def fresh():
    for folder in HOME, AWAY:
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder + '/datasets')
        os.makedirs(folder + '/data/few')
        put(folder + '/datasets/few.yaml', 'lyne_dataset: 1\nname: few\n' + STROKES)
    put(AWAY + '/secret.yaml', RECIPE + TRAIN)
    put(AWAY + '/z.npy', npy((20, 10), '<f4'))
    put(AWAY + '/i.npy', npy((20,), '<i8'))
    put(AWAY + '/t.tar', b'\0' * 10240)
    put(HOME + '/z.npy', npy((20, 10), '<f4'))
    os.remove(AWAY + '/datasets/few.yaml')
    put(AWAY + '/datasets/other.yaml', 'lyne_dataset: 1\nname: other\n' + STROKES)


def extends(path):
    return lambda: recipe('extends: %s\nname: x\n' % path)


def imports(path):
    return lambda: recipe(RECIPE + '  labels: {import: {logits: %s, ids: z.npy}}\n' % path)


def data_file(path):
    def make():
        put(HOME + '/datasets/few.yaml', 'lyne_dataset: 1\nname: few\n' + TAR % path)
        recipe(RECIPE + TRAIN)
    return make


def linked(to, name, then):
    return lambda: (link(to, name), then())


def member(**fields):
    def make():
        data_file('t.tar')()
        info = tarfile.TarInfo('a/1.png')
        info.size = 4 if fields.get('type', tarfile.REGTYPE) == tarfile.REGTYPE else 0
        for key, value in fields.items():
            setattr(info, key, value)
        with tarfile.open(HOME + '/data/few/t.tar', 'w', format=tarfile.PAX_FORMAT) as tar:
            tar.addfile(info, io.BytesIO(b'xxxx') if info.size else None)
    return make


def run_first(text=LABELS):
    recipe(RECIPE + text)
    done = subprocess.run([LYNE, 'run', '--quiet', 'recipe.yaml', '--threads', '1'], cwd=HOME, capture_output=True)
    assert done.returncode == 0, done.stderr


def manifest(change):
    def make():
        run_first()
        path = HOME + '/runs/r/labels/manifest.json'
        m = json.load(open(path))
        m['shards'][0]['name'] = change
        json.dump(m, open(path, 'w'))
        shutil.copy(HOME + '/runs/r/labels/labels-00000-of-00001.safetensors', AWAY + '/s.safetensors')
    return make


def suite(run):
    def make():
        recipe(RECIPE + '  labels: {import: {logits: z.npy, ids: z.npy}}\n')
        put(HOME + '/suite.yaml', 'lyne_bench: 1\nname: s\ntitle: t\nruns: [%s]\n' % run)
    return make


def results(directory, then=lambda: None):
    """A run whose results name another folder for a stage; what compare would read lies there."""
    def make():
        run_first()
        path = HOME + '/runs/r/results.json'
        r = json.load(open(path))
        r['stages'][0]['directory'] = directory
        json.dump(r, open(path, 'w'))
        for name in 'result.json', 'metrics.jsonl':
            shutil.copy(HOME + '/runs/r/teacher/' + name, AWAY + '/' + name)
        then()
    return make


def product(name, to):
    """A finished run in which one file is a link to the same file, away."""
    def make():
        run_first()
        shutil.move(HOME + '/runs/r/' + name, AWAY + '/' + to)
        link(AWAY + '/' + to, 'runs/r/' + name)
    return make


def run_link(name, to):
    """In the folder of a run that has made nothing yet, a link where it will write."""
    def make():
        recipe(RECIPE + LABELS)
        put(HOME + '/runs/r/environment.json', '{"lyne": "0", "onednn": "0"}')
        link(to, 'runs/r/' + name)
    return make


def fifo(name, then):
    return lambda: (os.mkfifo(HOME + '/' + name), then())


OUT = 'out of its folder'
BENCH = ['bench', 'suite.yaml', '--threads', '1', '--data', 'data']
COMPARE = ['compare', 'runs/r', 'runs/r']
RUN, VERIFY = ['run', 'recipe.yaml', '--threads', '1', '--data', 'data'], ['labels', 'verify', 'runs/r/labels', '--sample', '0']
rows = [
    # name, made by, statuses, words, command
    ('extends: ..', extends('../away/secret.yaml'), [3], OUT),
    ('extends: .. behind a folder', extends('datasets/../../away/secret.yaml'), [3], OUT),
    ('extends: absolute', extends(AWAY + '/secret.yaml'), [3], 'relative to this file'),
    ('extends: a link', linked('../away/secret.yaml', 'base.yaml', extends('base.yaml')), [3], OUT),
    ('extends: a linked folder', linked('../away', 'folder', extends('folder/secret.yaml')), [3], OUT),
    ('extends: a loop of links', linked('base.yaml', 'base.yaml', extends('base.yaml')), [3], 'symbolic links'),
    ('extends: a link to a device', linked('/dev/zero', 'base.yaml', extends('base.yaml')), [3], OUT),
    ('extends: a fifo', fifo('base.yaml', extends('base.yaml')), [3], 'regular file'),
    ('extends: over-long', extends(LONG), [3], 'xxx'),
    ('extends: NUL', extends('"../away/secret.yaml\\0.yaml"'), [3], 'cannot contain the character'),
    ('data: ..', lambda: recipe(RECIPE.replace('few', '../../away/datasets/other') + TRAIN), [3], 'there is no datasets/'),
    ('data: a linked description', linked('../../away/datasets/other.yaml', 'datasets/few.yaml',
                                          lambda: recipe(RECIPE + TRAIN)), [3, 4], OUT),
    ('data: a linked folder of descriptions', lambda: (shutil.rmtree(HOME + '/datasets'), link('../away/datasets', 'datasets'),
                                                       recipe(RECIPE.replace('few', 'other') + TRAIN)), [3, 4], OUT),
    ('import: ..', imports('../away/z.npy'), [3], OUT),
    ('import: absolute', imports(AWAY + '/z.npy'), [3], OUT),
    ('import: a link', linked('../away/z.npy', 'l.npy', imports('l.npy')), [3], OUT),
    ('import: a fifo', fifo('f.npy', imports('f.npy')), [4], 'regular file'),
    ('import: over-long', imports(LONG), [3], 'xxx'),
    ('suite: ..', suite('{recipe: ../away/secret.yaml}'), [3], OUT, BENCH),
    ('suite: absolute', suite('{recipe: %s/secret.yaml}' % AWAY), [3], OUT, BENCH),
    ('suite: a link', linked('../away/secret.yaml', 'l.yaml', suite('{recipe: l.yaml}')), [3], OUT, BENCH),
    ('suite: a file that it sets', suite('{recipe: recipe.yaml, set: [stages.labels.import.logits=../away/z.npy]}'), [3], OUT, BENCH),
    ('data file: ..', data_file('../../../away/t.tar'), [4], 'without'),
    ('data file: absolute', data_file(AWAY + '/t.tar'), [4], 'relative'),
    ('data file: a link', linked('../../../away/t.tar', 'data/few/t.tar', data_file('t.tar')), [4], OUT),
    ('data file: a linked folder', linked('../../../away', 'data/few/f', data_file('f/t.tar')), [4], OUT),
    ('data file: a folder with a link', lambda: (data_file('p')(), link('../../../../../away/t.tar', 'data/few/p/a/1.png')), [4],
     'symbolic link'),
    ('data file: a folder with a linked folder', lambda: (data_file('p')(), link('../../../../away', 'data/few/p/a')), [4], OUT),
    ('data file: a fifo', fifo('data/few/t.tar', data_file('t.tar')), [4], 't.tar'),
    ('data file: over-long', data_file(LONG), [4], 'x'),
    ('tar: ..', member(name='../away/1.png'), [4], 'out of its folder'),
    ('tar: .. behind a folder', member(name='a/../../../../away/1.png'), [4], 'out of its folder'),
    ('tar: absolute', member(name=AWAY + '/1.png'), [4], 'absolute'),
    ('tar: a symbolic link', member(type=tarfile.SYMTYPE, linkname='../../../away/t.tar'), [4], 'link'),
    ('tar: a hard link', member(type=tarfile.LNKTYPE, linkname='../../../away/t.tar'), [4], 'link'),
    ('tar: a fifo', member(type=tarfile.FIFOTYPE), [4], 'device'),
    ('tar: a device', member(type=tarfile.CHRTYPE, devmajor=1, devminor=5), [4], 'device'),
    ('tar: a block device', member(type=tarfile.BLKTYPE, devmajor=8, devminor=0), [4], 'device'),
    ('tar: over-long', member(name='a/' + LONG + '.png'), [4], 't.tar'),
    ('tar: deep', member(name='a/b/c/1.png'), [4], 'FOLDER/NAME'),
    ('manifest: ..', manifest('../../../../away/s.safetensors'), [4], 'must be', VERIFY),
    ('manifest: absolute', manifest(AWAY + '/s.safetensors'), [4], 'must be', VERIFY),
    ('manifest: NUL', manifest('labels-00000-of-00001.safetensors\0'), [4], 'manifest.json', VERIFY),
    ('manifest: a linked shard', product('labels/labels-00000-of-00001.safetensors', 's'), [4], 'symbolic link', VERIFY),
    ('manifest: a link', product('labels/manifest.json', 'm'), [4], 'symbolic link', VERIFY),
    ('recipe beside a cache: a link', product('recipe.yaml', 'm'), [4], OUT, VERIFY[:-1] + ['5']),
    ('result: a link', product('teacher/result.json', 'm'), [0], ''),
    ('results: ..', results('../../../away'), [0], '', COMPARE),
    ('results: ..: curves', results('../../../away'), [0], '', COMPARE + ['--svg']),
    ('results: absolute', results('/../../../../../../../../../../../../../..' + AWAY), [0], '', COMPARE),
    ('results: over-long', results(LONG), [0], '', COMPARE),
    ('results: a linked folder', results('l', lambda: link('../../../away', 'runs/r/l')), [0], '', COMPARE),
    ('results: a linked folder: curves', results('l', lambda: link('../../../away', 'runs/r/l')), [0], '', COMPARE + ['--svg']),
    ('results: a fifo', results('l', lambda: (os.mkdir(HOME + '/runs/r/l'), os.mkfifo(HOME + '/runs/r/l/result.json'),
                                              os.mkfifo(HOME + '/runs/r/l/metrics.jsonl'))), [0], '', COMPARE),
    ('results: a link', product('results.json', 'm'), [4], 'symbolic link', COMPARE),
    ('model: a link', product('teacher/model.safetensors', 'm'), [0], ''),
    ('name: ..', lambda: recipe(RECIPE.replace('name: r', 'name: ../../away/r') + TRAIN), [3], 'cannot name a folder'),
    ('stage: ..', lambda: recipe(RECIPE + TRAIN.replace('teacher', '../../../away/t')), [3], '../'),
    ('write: a linked stage', run_link('teacher', AWAY), [4], OUT),
    ('write: a stage linked to nothing', run_link('teacher', AWAY + '/new'), [4], 'teacher'),
    ('write: a linked log', run_link('teacher/metrics.jsonl', AWAY + '/t.tar'), [4], 'symbolic link'),
    ('write: a linked lock', run_link('.lock', AWAY + '/lock'), [4], 'symbolic link'),
    ('write: a linked lock of a cache', run_link('labels/.lock', AWAY + '/lock'), [4], 'symbolic link'),
    ('write: a linked model', run_link('teacher/model.safetensors', AWAY + '/t.tar'), [0], ''),
    ('write: a linked recipe', run_link('recipe.yaml', AWAY + '/secret.yaml'), [0], ''),
    ('write: linked results', run_link('results.json', AWAY + '/secret.yaml'), [0], ''),
    ('write: a linked checkpoint', run_link('teacher/checkpoint-000000000001.safetensors', AWAY + '/t.tar'), [0], ''),
    ('write: a log that is a fifo', lambda: (recipe(RECIPE + LABELS), os.makedirs(HOME + '/runs/r/teacher'),
                                             os.mkfifo(HOME + '/runs/r/teacher/metrics.jsonl')), [4], 'metrics.jsonl'),
]


def state(folder):
    out = []
    for root, folders, files in os.walk(folder):
        for name in sorted(folders + files):
            path = os.path.join(root, name)
            st = os.lstat(path)
            out.append((path, st.st_mode, st.st_size, st.st_mtime_ns, st.st_ino))
    return sorted(out)


# A successful call whose descriptor, or else whose path, is away; or one that no reader of data should make.
def witnessed(trace):
    for line in open(trace, errors='replace'):
        if re.search(r'= -1 ', line):
            continue
        if re.search(r'= \d+<%s' % re.escape(AWAY), line) or re.search(r'= \d+</dev/(zero|full|sd)', line):
            return line
        if re.search(r'(mkdir|rename|unlink|link|truncate|mknod)\w*\(', line) and re.search(r'"[^"]*away', line):
            if not re.search(r'symlink', line):
                return line
    return None


def main():
    failures = 0
    for name, make, statuses, words, *command in rows:
        fresh()
        make()
        before = state(AWAY)
        command = [LYNE] + (command[0] if command else RUN)
        if WITNESS:
            command = ['strace', '-f', '-qq', '-y', '-s', '8000', '-e', 'trace=' + CALLS, '-o', ROOT + '/trace'] + command
        try:
            done = subprocess.run(command, cwd=HOME, capture_output=True, timeout=20)
            status, said = done.returncode, done.stderr.decode(errors='replace')
        except subprocess.TimeoutExpired:
            status, said = 'none within 20 s', ''
        seen = witnessed(ROOT + '/trace') if WITNESS else None
        wrong = ['exit %s, not %s' % (status, statuses)] * (status not in statuses)
        wrong += ["'%s' is not said" % words] * (words not in said)
        wrong += ['away/ has changed'] * (state(AWAY) != before)
        wrong += ['seen: ' + str(seen)] * bool(seen)
        if wrong:
            failures += 1
            print('%s: %s\n%s' % (name, '; '.join(wrong), said[:600]))
    print('%d hostile paths, %d of them got somewhere' % (len(rows), failures))
    sys.exit(failures > 0)


main()
