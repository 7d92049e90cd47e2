"""The average of several teachers, in numpy: prints the table of tests/train/teacher.c.  python teachers.py

Probabilities are averaged at temperature T and written as logits z with softmax(z / T) = that average.
"""
import numpy as np

z = np.array([[[1.5, -2.0, 0.25], [30.0, 0.0, -30.0]], [[-1.0, 3.0, 0.5], [0.0, 1.0, 2.0]], [[0.0, 0.0, 4.0], [9.0, 8.0, 7.0]]])
w = np.array([2.0, 1.0, 0.5])
w /= w.sum()


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


print(f"numpy {np.__version__}")
for T in (1, 4, 0):
    mean = T * np.log(np.tensordot(w, softmax(z / T), 1)) if T else np.tensordot(w, z, 1)
    print(f"{{{T}, {{" + ", ".join(f"{v:.9g}" for v in mean.flatten()) + "}},")
