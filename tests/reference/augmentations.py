"""What torchvision makes of a picture with the factors, angles and boxes that our streams draw.

    python3 augmentations.py >augmentations.h

The draws are those that the head of each src/data/NAME.c says, from Philox4x32-10 at (seed 7, purpose 3, view 2, sample).
"""
import math
import torch
import torchvision
import torchvision.transforms.functional as F

H, W, SAMPLES = 6, 7, 6


def philox(counter, key):
    c, (k0, k1) = list(counter), key
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(p1 >> 32) ^ c[1] ^ k0, p1 & 0xFFFFFFFF, (p0 >> 32) ^ c[3] ^ k1, p0 & 0xFFFFFFFF]
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return c


class Stream:
    def __init__(self, seed, view, sample):
        self.key, self.at, self.block, self.left = (seed, 0), (view, sample, 0), 0, []

    def bits(self):
        if not self.left:
            self.left = philox((3 << 24 | self.block, *self.at), self.key)
            self.block += 1
        return self.left.pop(0)

    def real(self, lo, hi):
        return lo + (hi - lo) * (self.bits() >> 8) * 2.0**-24

    def between(self, lo, hi):
        n = hi - lo + 1
        while True:
            p = self.bits() * n
            if (p & 0xFFFFFFFF) >= (1 << 32) % n:
                return lo + (p >> 32)

    def box(self, scale, ratio, height, width):
        for _ in range(10):
            area = H * W * self.real(*scale)
            shape = math.exp(self.real(math.log(ratio[0]), math.log(ratio[1])))
            w, h = math.floor(math.sqrt(area * shape) + 0.5), math.floor(math.sqrt(area / shape) + 0.5)
            if 1 <= w <= width and 1 <= h <= height:
                left = self.between(0, W - w)
                return self.between(0, H - h), left, h, w
        return None


def rotate(x, s, degrees):
    return F.rotate(x, s.real(-degrees, degrees), F.InterpolationMode.BILINEAR)


def random_resized_crop(x, s, scale, ratio):
    top, left, h, w = s.box(scale, ratio, H, W)
    return F.resized_crop(x, top, left, h, w, [H, W], antialias=True)


def erase(x, s, probability, scale, ratio):
    if not s.real(0, 1) < probability:
        return x
    box = s.box(scale, ratio, H - 1, W - 1)
    return F.erase(x, *box, torch.zeros(1)) if box else x


def color_jitter(x, s, *strength):
    factor = [s.real(max(0, 1 - v), 1 + v) if k < 3 else s.real(-v, v) for k, v in enumerate(strength)]
    order = [0, 1, 2, 3]
    for k in (3, 2, 1):
        other = s.between(0, k)
        order[k], order[other] = order[other], order[k]
    step = [F.adjust_brightness, F.adjust_contrast, F.adjust_saturation, F.adjust_hue]
    for k in order:
        x = step[k](x, factor[k])
    return x


CASES = [
    ("rotate", "{degrees: 180}", rotate, (180,)),
    ("rotate", "{degrees: 15}", rotate, (15,)),
    ("random_resized_crop", "{}", random_resized_crop, ((0.08, 1), (0.75, 1.3333333333333333))),
    ("erase", "{probability: 0.7, fill: zeros}", erase, (0.7, (0.02, 0.33), (0.3, 3.3))),
    ("color_jitter", "{brightness: 0.8}", color_jitter, (0.8, 0, 0, 0)),
    ("color_jitter", "{contrast: 0.8}", color_jitter, (0, 0.8, 0, 0)),
    ("color_jitter", "{saturation: 1.5}", color_jitter, (0, 0, 1.5, 0)),
    ("color_jitter", "{hue: 0.5}", color_jitter, (0, 0, 0, 0.5)),
    ("color_jitter", "{brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.1}", color_jitter, (0.4, 0.4, 0.4, 0.1)),
]


def picture():
    """Any bytes, but some pixels grey, black or white."""
    s = Stream(1, 0, 0)
    x = torch.tensor([s.bits() >> 24 for _ in range(H * W * 3)]).reshape(H, W, 3)
    x[0, 0], x[1, 1], x[2, 2] = 0, 255, 77
    return x


def numbers(x):
    return "{" + ", ".join(str(int(v)) for v in x.flatten()) + "}"


src = picture()
print(f"/* Made by augmentations.py with torchvision {torchvision.__version__}. */")
print("#ifndef LYNE_TESTS_REFERENCE_AUGMENTATIONS_H\n#define LYNE_TESTS_REFERENCE_AUGMENTATIONS_H\n")
print("#include <stdint.h>\n\n// clang-format off")
print(f"enum {{ GOLDEN_H = {H}, GOLDEN_W = {W}, GOLDEN_BYTES = {src.numel()}, GOLDEN_SAMPLES = {SAMPLES} }};")
print(f"static const uint8_t golden_picture[GOLDEN_BYTES] = {numbers(src)};")
print("static const struct {\n    const char *name, *config;")
print("    uint8_t out[GOLDEN_SAMPLES][GOLDEN_BYTES]; /* of samples 0.. in view 2 of seed 7 */\n} golden[] = {")
for name, config, apply, arguments in CASES:
    print(f'    {{"{name}", "{config}", {{')
    for sample in range(SAMPLES):
        x = apply(src.permute(2, 0, 1).float() / 255, Stream(7, 2, sample), *arguments)
        print("        " + numbers((x.permute(1, 2, 0) * 255).round()) + ",")
    print("    }},")
print("};\n// clang-format on\n\n#endif")
