"""tests/cli/inert.py -- run by inert.sh.  Makes the files and a list of commands, runs all of them under one strace, and
reads what it saw."""
import ast, glob, os, re, shutil, subprocess, sys

LYNE, SOURCE, ROOT = os.environ['LYNE'], os.environ['LYNE_SOURCE'], os.getcwd()
commands = []  # (what, argv)


def put(path, text):
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    with open(path, 'wb' if isinstance(text, bytes) else 'w') as f:
        f.write(text)


def lyne(what, *argv):
    commands.append((what, [LYNE] + list(argv)))


HEAD = 'lyne_dataset: 1\nname: %s\n'
TEN = 'classes: ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]\n'
TRAIN = 'stages:\n  teacher: {train: {model: {mlp: {hidden: [2]}}, epochs: 1, batch: 10}}\n'
FORMATS = {
    'idx': 'format: {idx: {train_pictures: f, train_labels: f, test_pictures: f, test_labels: f, n_classes: 2}}\n'
           'picture: [1, 8, 8]\nclasses: [a, b]\n',
    'cifar': 'format: {cifar: {train: [f], test: [f]}}\npicture: [3, 32, 32]\n' + TEN,
    'pictures': 'format: {pictures: {train: f, test: f, height: 4, width: 4, folders: [cat, dog]}}\n'
                'picture: [3, 4, 4]\nclasses: [a, b]\n',
    'text': 'format: {text: {file: f, length: 4, test: 0.3}}\ntokens: {length: 4, vocabulary: 256, labels: each}\n'
            'classes: [' + ', '.join('"%d"' % i for i in range(256)) + ']\n'}


def prepare():
    """A good run, which is also what may be opened; descriptions of each format; shared objects as bait."""
    put('datasets/few.yaml', HEAD % 'few' + 'format: {strokes: {train: 20, test: 20, size: 12}}\npicture: [1, 12, 12]\n' + TEN)
    for name, text in FORMATS.items():
        put('datasets/%s.yaml' % name, HEAD % name + text)
        put('%s.yaml' % name, 'lyne: 1\nname: %s\ndata: %s\n' % (name, name) + TRAIN)
    put('good.yaml', 'lyne: 1\nname: good\ndata: few\n' + TRAIN + '  labels: {label: {teacher: teacher}}\n'
        '  student: {distill: {labels: labels, model: {mlp: {hidden: [2]}}, epochs: 1}}\n')
    for name in 'x.so', 'lyne.so', 'mlp.so', 'libmlp.so', 'lyne_plugin.so':
        put(name, b'\x7fELF' + bytes(100))


def corpus():
    for path in sorted(glob.glob(SOURCE + '/tests/fuzz/corpus/*/*')):
        name = '-'.join(path.split('/')[-2:])
        data = open(path, 'rb').read()
        folder = 'c/' + name
        for kind in FORMATS:
            put('%s/data/%s/f' % (folder, kind), data)
            lyne(name + ' as ' + kind, 'run', kind + '.yaml', '--data', folder + '/data', '--out', folder + '/run')
        put(folder + '/recipe.yaml', data)
        put(folder + '/base.yaml', data[2 + int.from_bytes(data[:2], 'little'):])
        lyne(name + ' as a recipe', 'check', folder + '/recipe.yaml')
        lyne(name + ' as a base', 'check', folder + '/base.yaml')
        for end in 'npy', 'safetensors':
            put('%s/z.%s' % (folder, end), data)
            put('%s/%s.yaml' % (folder, end), 'lyne: 1\nname: i\ndata: few\nstages:\n  l: {import: {logits: %s/z.%s, ids: %s/z.%s}}\n'
                % (folder, end, folder, end))
            lyne(name + ' as ' + end, 'run', '%s/%s.yaml' % (folder, end), '--out', folder + '/run')
        run = folder + '/good'
        shutil.copytree('runs/good', run)
        for file in 'teacher/result.json', 'results.json', 'labels/manifest.json', 'labels/labels-00000-of-00001.safetensors', \
                    'student/seed-1/checkpoint-000000000001.safetensors', 'student/seed-1/metrics.jsonl', 'teacher/model.safetensors':
            put(run + '/' + file, data)
        os.remove(run + '/student/seed-1/result.json')
        lyne(name + ' as the cache', 'labels', 'verify', run + '/labels', '--sample', '0')
        lyne(name + ' as results', 'runs', folder)
        lyne(name + ' as the files of a run', 'run', 'good.yaml', '--out', run)


def bad_recipes():
    text = open(SOURCE + '/tests/recipe/bad_recipes.h').read()
    string = r'"(?:[^"\\\n]|\\.)*"'
    strings = lambda s: ''.join(ast.literal_eval(x) for x in re.findall(string, s))
    good = strings(re.search(r'good_recipe\[\] =(.*?);', text, re.S).group(1))
    pair = r'^    \{((?:%s\s*)+),\s*((?:%s\s*)+),' % (string, string)
    for i, (old, new) in enumerate(re.findall(pair, text, re.M)):
        put('bad/%d.yaml' % i, good.replace('use: tiny', 'use: few').replace(strings(old), strings(new)))
        lyne('bad recipe %d' % i, 'check', 'bad/%d.yaml' % i)
    assert len(commands) > 100, len(commands)


TRIES = ['plugin: x.so', 'plugins: [x.so]', 'lyne: !!python/object/apply:os.system ["touch ran"]', 'name: $(touch ran)',
         'name: "`touch ran`"', 'data: {use: "few; touch ran"}', 'data: http://127.0.0.1:9/few', 'extends: http://127.0.0.1:9/x.yaml',
         'extends: x.so', 'extends: "|touch ran"', 'stages: {t: {train: {model: x.so}}}', 'stages: {t: {train: {model: ./x.so}}}',
         'stages: {t: {train: {model: {"mlp.so": {}}}}}', 'stages: {t: {run: "touch ran"}}',
         'stages: {l: {import: {logits: "|touch ran", ids: x.so}}}', 'stages: {l: {import: {logits: "http://127.0.0.1:9/z.npy", ids: x.so}}}',
         'seeds: !include x.yaml', 'environment: {LD_PRELOAD: x.so}', 'paper: {title: "{{touch ran}}"}']


def tries():
    for i, line in enumerate(TRIES):
        key = line.split(':')[0]
        base = 'lyne: 1\nname: t\ndata: few\n' + TRAIN
        if key in ('lyne', 'name', 'data'):
            base = re.sub('^%s:.*\n' % key, '', base, flags=re.M)
        if key == 'stages':
            base = base[:base.index('stages')]
        put('t/%d.yaml' % i, base + line + '\n')
        lyne('the recipe with ' + line, 'run', 't/%d.yaml' % i, '--out', 't/run')


def traced(script, to):
    seccomp = ['--seccomp-bpf'] if subprocess.run(['strace', '-f', '--seccomp-bpf', '-o', '/dev/null', 'true'],
                                                  capture_output=True).returncode == 0 else []
    subprocess.run(['strace', '-f', '-qq'] + seccomp + ['-s', '4000', '-e', 'trace=execve,execveat,socket,connect,open,openat,openat2',
                    '-o', to, 'sh', script], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def script_of(list_, path):
    quote = lambda words: ' '.join("'" + w.replace("'", "'\\''") + "'" for w in words)
    put(path, ''.join('%s\n' % quote(argv + ['--threads', '1'] * (argv[1] == 'run')) for _, argv in list_))


def objects(trace):
    return {m for line in open(trace, errors='replace') for m in re.findall(r'open(?:at2?)?\(.*?"([^"]*\.so[^"]*)"', line)}


prepare()
lyne('good', 'run', 'good.yaml')
script_of(commands, 'good.sh')
traced('good.sh', 'good.trace')
assert os.path.exists('runs/good/results.json'), 'the good recipe does not run'
allowed = objects('good.trace')
del commands[:]
corpus()
bad_recipes()
tries()
script_of(commands, 'all.sh')
traced('all.sh', 'all.trace')
started = [line for line in open('all.trace', errors='replace') if 'execve' in line and '= 0' in line]
others = [line for line in started if '"%s"' % LYNE not in line and 'all.sh' not in line]
sockets = [line for line in open('all.trace', errors='replace') if re.search(r' (socket|connect)\(', line)]
loaded = objects('all.trace') - allowed
wrong = others + sockets + sorted(loaded)
n = sum('"%s"' % LYNE in line for line in started)
if os.path.exists('ran'):
    wrong.append('something ran')
if n != len(commands):
    wrong.append('%d programs were started for %d commands' % (n, len(commands)))
print('%d commands: %d other programs, %d sockets, %d shared objects' % (n, len(others), len(sockets), len(loaded)))
print(*wrong[:10], sep='\n')
sys.exit(bool(wrong))
