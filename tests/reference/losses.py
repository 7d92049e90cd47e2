"""What PyTorch says of kd and cross entropy: prints the arrays of losses.h.  python losses.py > losses.h

kd is batchmean, not mean: the mean over classes as well would be C times too small.  Float64 throughout, from float32
logits, so that the numbers are the formula's and not the rounding's.
"""
import torch
import torch.nn.functional as F

B, C = 4, 7
torch.manual_seed(1)
student = (3 * torch.randn(B, C)).float()
teacher = (student + torch.randn(B, C)).float()
labels = torch.randint(0, C, (B,))


def differentiate(loss):
    z = student.double().requires_grad_()
    value = loss(z)
    value.backward()
    return value.item(), z.grad.flatten().tolist()


def kd(T):
    p = F.softmax(teacher.double() / T, 1)
    return differentiate(lambda z: F.kl_div(F.log_softmax(z / T, 1), p, reduction="batchmean") * T * T)


def cross_entropy(smoothing):
    return differentiate(lambda z: F.cross_entropy(z, labels, label_smoothing=smoothing))


def floats(name, numbers, kind="float"):
    text = ", ".join(f"{x:.9g}" if kind == "float" else str(x) for x in numbers)
    print(f"static const {kind} {name}[] = {{{text}}};")


print(f"/* Made by losses.py with PyTorch {torch.__version__}. */")
print("#ifndef LYNE_TESTS_REFERENCE_LOSSES_H\n#define LYNE_TESTS_REFERENCE_LOSSES_H\n\n#include <stdint.h>\n")
print("// clang-format off")
print(f"enum {{ GOLDEN_B = {B}, GOLDEN_C = {C} }};")
floats("golden_student", student.flatten().tolist())
floats("golden_teacher", teacher.flatten().tolist())
floats("golden_labels", labels.tolist(), "int32_t")
rows = [("kd", f"{{temperature: {T}}}", kd(T)) for T in (1, 4, 20)]
rows += [("cross_entropy", f"{{smoothing: {e}}}", cross_entropy(e)) for e in (0, 0.1)]
print("static const struct {\n    const char *loss, *config;\n    double value, grad[GOLDEN_B * GOLDEN_C];\n} golden[] = {")
for loss, config, (value, grad) in rows:
    print(f'    {{"{loss}", "{config}", {value:.12g}, {{{", ".join(f"{g:.12g}" for g in grad)}}}}},')
print("};\n// clang-format on\n\n#endif")
