"""How far factors are from the singular value decomposition of float64, a line a module: python parity_pissa.py MODEL FACTORS.safetensors

FACTORS holds NAME.a [rank, in] and NAME.b [out, rank]; beside it, the same of PEFT's own way, which decomposes in float32.
"""
import json
import pathlib
import sys

import torch
from safetensors.torch import load_file


def main(model, factors):
    weights, found = load_file(model / "model.safetensors"), load_file(factors)
    for name in sorted({key.rsplit(".", 1)[0] for key in found}):
        a, b = found[f"{name}.a"].double(), found[f"{name}.b"].double()
        weight = weights[f"{name}.weight"].float()
        exact = truncated(weight.double(), len(a))
        line = dict(module=name, medtune=((b @ a - exact).norm() / exact.norm()).item(), peft=((truncated(weight, len(a)).double() - exact).norm() / exact.norm()).item())
        print(json.dumps(line))


def truncated(weight, rank):
    u, s, v = torch.linalg.svd(weight, full_matrices=False)
    return u[:, :rank] * s[:rank] @ v[:rank]


main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
