#!/usr/bin/env python3
"""How fast is Lyne, beside PyTorch on the same machine?

    python3 bench/speed.py [--models mlp,resnet20] [--precisions f32,bf16] [--kinds train,infer,online] [--quick]
                           [--json FILE] [--build DIR] [--torch-python PYTHON] [--peer FILE] [--beside BUILD] [--growth]

Needs lyne_bench (built with everything else) and a Python with PyTorch 2.x; standard library only in here.

A and B run in turns, one process each.  Hosts that are shared change speed by up to 2.7 times within seconds, so every
repetition of ours has an FMA and an AMX probe before it and every run of the peer one before and one behind; what counts
is the median of the ratios of neighbours, with quartiles.  A pair whose probes differ by more than a third is left out
while enough others remain.  The peer is the best of eager and compiled, plain and channels last, found first.

    train    a step of distillation from soft labels in a cache (KD and cross-entropy, SGD with momentum; AdamW for the
             transformer)
    infer    answers of a trained network
    online   Lyne's step from the cache beside PyTorch's with the teacher in the loop

MB is the peak of resident memory of the whole process, ours and the peer's.  With
--beside BUILD the peer is another build of Lyne, say with another oneDNN.  --growth prints, as a Markdown table, how time
and memory grow with batch, width, depth, classes and threads, each with the exponent of the line through the logarithms.
"""
import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# A new model is a new line: its name for the peer, the YAML that a recipe would say, the picture or the number of tokens,
# the classes, the batch.
MODELS = {
    'mlp': ('{mlp: {hidden: [800, 800]}}', '1,28,28', 10, 128),
    'resnet20': ('{resnet_cifar: {depth: 20}}', '3,32,32', 10, 128),
    'resnet8x4': ('{resnet_cifar: {depth: 8, stem: 32, width: 4}}', '3,32,32', 100, 64),
    'mobilenetv2h': ('{mobilenet_v2: {width: 0.5}}', '3,32,32', 100, 64),
    'transformer': ('{transformer: {layers: 4, width: 256, heads: 4}}', '128', 1000, 32),
    'resnet56': ('{resnet_cifar: {depth: 56}}', '3,32,32', 10, 128),
    'resnet32x4': ('{resnet_cifar: {depth: 32, stem: 32, width: 4}}', '3,32,32', 100, 64),
}
KINDS = {'train': ['mlp', 'resnet20', 'resnet8x4', 'mobilenetv2h', 'transformer'],
         'infer': ['resnet32x4', 'resnet56'],
         'online': ['resnet20', 'resnet8x4']}
PEER_MODE = {'train': 'kd-cached', 'infer': 'infer', 'online': 'kd-train'}
ADAMW = ['transformer']
CONFIGS = [[], ['--channels-last'], ['--compile'], ['--compile', '--channels-last']]
UNLIKE = 1.33  # probes of a pair may differ by this factor


class Failed(Exception):
    pass


def run(command, timeout):
    """stdout of a command, and its peak of resident memory [MB]."""
    with tempfile.TemporaryFile('w+') as out, tempfile.TemporaryFile('w+') as said:
        child = subprocess.Popen(command, stdout=out, stderr=said, cwd=tempfile.gettempdir())
        end = time.monotonic() + timeout
        pid, status, usage = os.wait4(child.pid, os.WNOHANG)
        while not pid and time.monotonic() < end:
            time.sleep(0.01)
            pid, status, usage = os.wait4(child.pid, os.WNOHANG)
        if not pid:
            child.kill()
            child.wait()
            raise Failed('took longer than %d s' % timeout)
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        said.seek(0)
        if child.returncode:
            raise Failed((said.read().strip().splitlines() or ['status %d' % child.returncode])[-1])
        return out.read(), usage.ru_maxrss / 1024


class Lyne:
    def __init__(self, options):
        self.path = os.path.join(options.build, 'lyne_bench')
        self.threads = options.threads
        self.repetitions = 2 if options.quick else 3
        self.seconds = 0.2 if options.quick else 0.5
        if not os.access(self.path, os.X_OK):
            sys.exit('%s: is not there; build with: cmake -S %s -B %s && cmake --build %s --target lyne_bench'
                     % (self.path, ROOT, options.build, options.build))

    def step(self, model, precision, infer=False, batch=None, classes=None, threads=None, yaml=None,
             lean=False):
        spec = MODELS[model]
        command = [self.path, '--model', yaml or spec[0], '--picture' if ',' in spec[1] else '--tokens', spec[1], '--classes', str(classes or spec[2]),
                   '--batch', str(batch or spec[3]), '--precision', precision, '--threads', str(threads or self.threads),
                   '--repetitions', str(self.repetitions), '--seconds', str(self.seconds)]
        command += ['--optimizer', 'adamw'] if model in ADAMW else []
        return json.loads(run(command + ['--infer'] * infer + ['--lean'] * lean, 600)[0])

    def probe(self):
        return json.loads(run([self.path, '--probe', '--threads', str(self.threads)], 60)[0])


class Peer:
    def __init__(self, options):
        self.command = [options.torch_python, options.peer, '--threads', str(options.threads), '--reps',
                        '2' if options.quick else '3', '--rep-seconds', '0.3' if options.quick else '0.5']

    def step(self, kind, model, precision, config):
        out, peak = run(self.command + ['--model', model, '--mode', PEER_MODE[kind], '--dtype',
                                        'fp32' if precision == 'f32' else 'bf16'] +
                        (['--opt', 'adamw'] if model in ADAMW else []) + config, 1200)
        answer = json.loads(out.strip().splitlines()[-1])
        if not answer['torch'].startswith('2.') and not answer['torch'].startswith('1.13'):
            raise Failed('PyTorch %s' % answer['torch'])
        return dict(answer, peak_mb=peak)

    def best(self, kind, model, precision, quick):
        """The fastest configuration, and what each came to [ms], or why it did not run."""
        tried, best = {}, None
        configs = CONFIGS[:2] if quick else CONFIGS
        if ',' not in MODELS[model][1]:  # tokens have no channels
            configs = [c for c in configs if '--channels-last' not in c]
        for config in configs:
            name = ' '.join(config) or 'eager'
            try:
                tried[name] = self.step(kind, model, precision, config)['ms_per_step']
                if best is None or tried[name] < best[0]:
                    best = (tried[name], config)
            except Failed as why:
                tried[name] = str(why)
        if best is None:
            raise Failed('the peer runs in no configuration: %s' % tried)
        return best[1], tried


class OtherBuild:
    """Lyne again, as it was built somewhere else, in the place of the peer."""

    def __init__(self, options):
        self.lyne = Lyne(argparse.Namespace(**dict(vars(options), build=os.path.abspath(options.beside))))

    def step(self, kind, model, precision, config):
        answer = self.lyne.step(model, precision, kind == 'infer')
        return {'ms_per_step': statistics.median(r['ms'] for r in answer['repetitions']), 'torch': answer['onednn'],
                'peak_mb': answer['peak_kb'] / 1024}

    def best(self, kind, model, precision, quick):
        return [], {}


def quartiles(values):
    if len(values) < 2:
        return values[0], values[0], values[0]
    low, mid, high = statistics.quantiles(values, n=4, method='inclusive')
    return low, mid, high


def alike(ours, before, after, precision):
    """Whether the machine was as fast for both: the probe that this precision lives on."""
    which = 'amx' if precision == 'bf16' and before['amx'] else 'fma'
    theirs = (before[which] + after[which]) / 2
    mine = statistics.median(r[which] for r in ours['repetitions'])
    return max(mine, theirs) <= UNLIKE * max(min(mine, theirs), 1e-9)


def compare(kind, model, precision, lyne, peer, options):
    config, tried = peer.best(kind, model, precision, options.quick)
    pairs = []
    for _ in range(options.rounds):
        ours = lyne.step(model, precision, kind == 'infer')
        before = lyne.probe()
        theirs = peer.step(kind, model, precision, config)
        after = lyne.probe()
        pairs.append((ours, theirs, alike(ours, before, after, precision), before, after))
    good = [p for p in pairs if p[2]]
    used = good if len(good) >= max(2, options.rounds // 3) else pairs
    ms = [statistics.median(r['ms'] for r in p[0]['repetitions']) for p in used]
    peer_ms = [p[1]['ms_per_step'] for p in used]
    low, ratio, high = quartiles([b / a for a, b in zip(ms, peer_ms)])
    kernels = [r['kernels_ms'] / r['ms'] for p in used for r in p[0]['repetitions']]
    first = used[0][0]
    work = 2e-9 * first['macs'] * first['batch'] * (1 if kind == 'infer' else 3)
    speed = [work / (r['ms'] / 1e3) / (r['amx'] if precision == 'bf16' and r['amx'] else r['fma'])
             for p in used for r in p[0]['repetitions']]
    return {'kind': kind, 'model': model, 'precision': precision, 'batch': first['batch'],
            'lyne': statistics.median(ms), 'peer': statistics.median(peer_ms), 'unit': 'ms a step', 'ratio': ratio,
            'ratio_quartiles': [low, high], 'peer_config': ' '.join(config) or 'eager', 'peer_tried': tried,
            'peer_version': used[0][1]['torch'], 'step_over_kernels': statistics.median(kernels),
            'of_roof': statistics.median(speed), 'lyne_peak_mb': max(p[0]['peak_kb'] for p in used) / 1024,
            'peer_peak_mb': max(p[1]['peak_mb'] for p in used),
            'onednn': first['onednn'], 'isa': first['isa'], 'threads': options.threads, 'pairs': len(pairs),
            'pairs_alike': len(good),
            'rounds': [{'lyne': [r for r in p[0]['repetitions']], 'peer_ms': p[1]['ms_per_step'], 'before': p[3],
                        'after': p[4]} for p in pairs]}


GROWTH = [
    ('batch', 'mlp', [16, 32, 64, 128, 256, 512], lambda v: {'batch': v}),
    ('width', 'mlp', [400, 800, 1600], lambda v: {'yaml': '{mlp: {hidden: [%d, %d]}}' % (v, v)}),
    ('classes', 'mlp', [10, 100, 1000, 10000, 50000], lambda v: {'classes': v}),
    ('threads', 'mlp', [1, 2], lambda v: {'threads': v}),
    ('batch', 'resnet20', [16, 32, 64, 128, 256, 512], lambda v: {'batch': v}),
    ('width', 'resnet20', [1, 2, 4], lambda v: {'yaml': '{resnet_cifar: {depth: 20, width: %d}}' % v}),
    ('depth', 'resnet20', [8, 20, 56, 110], lambda v: {'yaml': '{resnet_cifar: {depth: %d}}' % v}),
    ('depth, lean', 'resnet20', [8, 20, 56, 110], lambda v: {'yaml': '{resnet_cifar: {depth: %d}}' % v, 'lean': True}),
    ('classes', 'resnet20', [10, 100, 1000, 10000, 50000], lambda v: {'classes': v}),
    ('threads', 'resnet20', [1, 2], lambda v: {'threads': v}),
]


def exponent(x, y):
    """The slope of the line through the logarithms: y grows as x to this power."""
    x, y = [math.log(v) for v in x], [math.log(v) for v in y]
    mx, my = statistics.mean(x), statistics.mean(y)
    return sum((a - mx) * (b - my) for a, b in zip(x, y)) / sum((a - mx) ** 2 for a in x)


def growth(lyne, models, precisions, rounds):
    """Time and memory of a step over each size, in turns, and the exponents."""
    rows = []
    print('# How the cost of a step grows\n\nPrinted by `speed.py --growth`: a training step from cached soft labels, %d threads '
          'unless threads are\nwhat varies, median of %d.  Time and memory grow as the size to the power given, the slope of '
          'the line\nthrough the logarithms; behind it each size with its milliseconds and peak megabytes.\n'
          % (lyne.threads, rounds * lyne.repetitions))
    print('| model | type | over | time grows as its power | memory | sizes: ms, MB |\n|---|---|---|---|---|---|')
    for what, model, values, change in GROWTH:
        for precision in precisions if model in models else []:
            took, peak = {v: [] for v in values}, {}
            try:
                for _ in range(rounds):
                    for v in values:
                        step = lyne.step(model, precision, **change(v))
                        took[v] += [r['ms'] for r in step['repetitions']]
                        peak[v] = step['peak_kb'] / 1024
            except Failed as why:
                print('| %s | %s | %s | | | %s |' % (model, precision, what, why), flush=True)
                continue
            ms, mb = [statistics.median(took[v]) for v in values], [peak[v] for v in values]
            rows.append({'model': model, 'precision': precision, 'over': what, 'values': values, 'ms': ms,
                         'peak_mb': mb, 'exponent': exponent(values, ms), 'exponent_of_memory': exponent(values, mb)})
            print('| %s | %s | %s | %.2f | %.2f | %s |' % (
                model, precision, what, rows[-1]['exponent'], rows[-1]['exponent_of_memory'],
                '; '.join('%d: %.2f, %.0f' % p for p in zip(values, ms, mb))), flush=True)
    return rows


def parse():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--json', help='write all numbers there')
    p.add_argument('--models', help='default: all that a kind is for')
    p.add_argument('--precisions', default='f32,bf16')
    p.add_argument('--kinds', default='train,infer')
    p.add_argument('--quick', action='store_true', help='fewer and shorter rounds, the peer not compiled')
    p.add_argument('--rounds', type=int, help='pairs; default 7, quick 3')
    p.add_argument('--threads', type=int, default=2)
    p.add_argument('--build', default=os.path.join(ROOT, 'build', 'release'), help='where lyne_bench is')
    p.add_argument('--torch-python', default=sys.executable, help='a Python that has PyTorch')
    p.add_argument('--peer', default=os.path.join(ROOT, '..', 'shared', 'peers', 'peer_torch.py'))
    p.add_argument('--beside', metavar='BUILD', help='another build of Lyne, say with another oneDNN, instead of PyTorch')
    p.add_argument('--growth', action='store_true', help='instead: how cost grows, without the peer')
    options = p.parse_args()
    options.rounds = options.rounds or (3 if options.quick else 7)
    options.build, options.peer = os.path.abspath(options.build), os.path.abspath(options.peer)
    for name in (options.models or '').split(',') if options.models else []:
        if name not in MODELS:
            p.error('there is no model %s; there are %s' % (name, ', '.join(MODELS)))
    for name in options.kinds.split(','):
        if name not in KINDS:
            p.error('there is no kind %s; there are %s' % (name, ', '.join(KINDS)))
    if not options.growth and not options.beside and not os.path.exists(options.peer):
        p.error('%s is not there; --peer says where the peer is' % options.peer)
    return options


def main():
    options = parse()
    lyne, peer = Lyne(options), (OtherBuild if options.beside else Peer)(options)
    precisions = options.precisions.split(',')
    chosen = options.models.split(',') if options.models else None
    if options.growth:
        rows = growth(lyne, chosen or list(MODELS), precisions, 1 if options.quick else 3)
    else:
        rows = []
        print('%-7s %-12s %-5s %9s %9s %6s %13s %8s %6s %6s %11s  %s' % (
            'kind', 'model', 'type', 'lyne ms', 'peer ms', 'ratio', 'quartiles', 'kernels', 'roof', 'alike', 'MB', 'peer'))
        for kind in options.kinds.split(','):
            for model in chosen or KINDS[kind]:
                for precision in precisions:
                    try:
                        row = compare(kind, model, precision, lyne, peer, options)
                    except Failed as why:
                        print('%-7s %-12s %-5s %s' % (kind, model, precision, why), flush=True)
                        continue
                    rows.append(row)
                    print('%-7s %-12s %-5s %9.2f %9.2f %6.2f %6.2f-%6.2f %7.0f%% %5.0f%% %3d/%-2d %5.0f/%-5.0f  %s' % (
                        kind, model, precision, row['lyne'], row['peer'], row['ratio'], *row['ratio_quartiles'],
                        100 * row['step_over_kernels'], 100 * row['of_roof'], row['pairs_alike'], row['pairs'],
                        row['lyne_peak_mb'], row['peer_peak_mb'], row['peer_config']), flush=True)
        best = {}
        for row in rows:
            if row['kind'] == 'train':
                best[row['model']] = max(best.get(row['model'], 0), row['ratio'])
        if best:
            print('geometric mean of the best ratio of each of %d models: %.2f'
                  % (len(best), statistics.geometric_mean(best.values())))
    if options.json:
        with open(options.json, 'w') as f:
            json.dump({'rows': rows}, f, indent=1)
    return 0 if rows else 1


if __name__ == '__main__':
    sys.exit(main())
