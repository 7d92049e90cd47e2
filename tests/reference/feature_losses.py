"""What PyTorch makes of the losses in src/losses that compare features, and of dkd and dist, for fixed numbers: writes
tests/reference/feature_losses.h.  Run with torch 2.13; formulas as in the authors' code:
  hint        mean squared error
  attention   github.com/szagoruyko/attention-transfer, utils.py: at(), at_loss()
  similarity  arXiv:1907.09682, equations 1 to 4
  dkd         github.com/megvii-research/mdistiller, distillers/DKD.py
  dist        github.com/hunto/DIST_KD, losses/dist_kd.py"""
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)


def numbers(shape, a, b):
    n = 1
    for d in shape:
        n *= d
    return torch.tensor([((i * a + 3) % b) / b * 4 - 1.7 for i in range(n)], dtype=torch.float32).double().reshape(shape)


def attention(s, t):
    at = lambda x: F.normalize(x.pow(2).mean(1).view(x.size(0), -1))
    return (at(s) - at(t)).pow(2).mean()


def similarity(s, t):
    def g(x):
        x = x.reshape(x.size(0), -1)
        return F.normalize(x @ x.t(), dim=1)
    return ((g(t) - g(s)) ** 2).sum() / s.size(0) ** 2


def dkd(s, t, y, T, alpha, beta):
    gt = F.one_hot(y, s.size(1)).bool()
    ps, pt = F.softmax(s / T, 1), F.softmax(t / T, 1)
    cat = lambda p: torch.stack([(p * gt).sum(1), (p * ~gt).sum(1)], 1)
    tckd = F.kl_div(cat(ps).log(), cat(pt), reduction='sum') * T ** 2 / s.size(0)
    nckd = F.kl_div(F.log_softmax(s / T - 1000 * gt, 1), F.softmax(t / T - 1000 * gt, 1),
                    reduction='sum') * T ** 2 / s.size(0)
    return alpha * tckd + beta * nckd


def dist(s, t, T, inter, intra):
    def pearson(x, y):
        x, y = x - x.mean(1, keepdim=True), y - y.mean(1, keepdim=True)
        return (x * y).sum(1) / (x.norm(dim=1) * y.norm(dim=1) + 1e-8)
    p, q = F.softmax(s / T, 1), F.softmax(t / T, 1)
    return T ** 2 * (inter * (1 - pearson(p, q).mean()) + intra * (1 - pearson(p.t(), q.t()).mean()))


picture, other, wide, logits = (3, 4, 2, 3), (3, 4, 2, 3), (3, 5, 2, 3), (4, 6)
labels = torch.tensor([2, 0, 5, 1])
rows = [('hint', '{student: a, teacher: b}', picture, other, F.mse_loss),
        ('attention', '{student: a, teacher: b}', picture, wide, attention),
        ('similarity', '{student: a, teacher: b}', picture, (3, 7), similarity),
        ('dkd', '{}', logits, logits, lambda s, t: dkd(s, t, labels, 4, 1, 8)),
        ('dkd', '{temperature: 2, alpha: 3, beta: 0.5}', logits, logits, lambda s, t: dkd(s, t, labels, 2, 3, .5)),
        ('dist', '{}', logits, logits, lambda s, t: dist(s, t, 4, 1, 1)),
        ('dist', '{temperature: 1, inter: 2, intra: 0.5}', logits, logits, lambda s, t: dist(s, t, 1, 2, .5))]


def array(x):
    return '{' + ', '.join(f'{v:.17g}' for v in x.flatten().tolist()) + '}'


def shape(s):
    return '{%d, {%s}}' % (len(s), ', '.join(map(str, s)))


print(f'/* Written by tests/reference/feature_losses.py with torch {torch.__version__}. */')
print('static const int32_t feature_labels[] = {%s};' % ', '.join(map(str, labels.tolist())))
print('/* Numbers i of a value: ((i a + 3) mod b) / b 4 - 1.7, in logical order; student a 37 b 101, teacher a 53 b 97. */')
print('static const struct {\n    const char *loss, *config;\n    lyne_shape student, teacher;\n    double value, grad[72];\n} features[] = {')
for name, config, s_shape, t_shape, f in rows:
    s, t = numbers(s_shape, 37, 101).requires_grad_(), numbers(t_shape, 53, 97)
    value = f(s, t)
    value.backward()
    print(f'    {{"{name}", "{config}", {shape(s_shape)}, {shape(t_shape)}, {value.item():.17g},\n     {array(s.grad)}}},')
print('};')
