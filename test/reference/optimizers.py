"""Write test/fixtures/optimizers.json: what the reference's optimizers make of a few tensors in 30 steps.

    python test/reference/optimizers.py test/fixtures/optimizers.json

AdamW is torch's, Adafactor transformers', Lion timm's: transformers itself has none. Of timm only this one module is
loaded, so that `pip install --no-deps timm` will do.
Values start at cos(i + 1); the gradient of a step is sin(step * (i + 1)) * (1 + i % 7) / 4, in float64, rounded once.
"""
import importlib
import importlib.metadata
import importlib.util
import json
import math
import pathlib
import sys
import types

import torch
import transformers
from transformers import Adafactor


def from_timm(module):
    """A module of timm without what its packages import."""
    folder = pathlib.Path(importlib.util.find_spec("timm").submodule_search_locations[0])
    for package in ("timm", "timm.optim"):
        sys.modules[package] = types.ModuleType(package)
        sys.modules[package].__path__ = [str(folder.joinpath(*package.split(".")[1:]))]
    return importlib.import_module(module)


Lion = from_timm("timm.optim.lion").Lion
SHAPES = [[6, 9], [7], [1, 5], [2, 3, 4]]
STEPS = 30
KEPT = [1, 5, 30]
LR = 0.02
ADAFACTOR = dict(scale_parameter=False, relative_step=False)
# Names of options as medtune has them beside those of the reference.
CASES = [
    ("adamw", torch.optim.AdamW, dict(weight_decay=0.1, betas=(0.8, 0.95)), dict(weight_decay=0.1, beta1=0.8, beta2=0.95)),
    ("lion", Lion, {}, {}),
    ("lion", Lion, dict(weight_decay=0.3, betas=(0.8, 0.95)), dict(weight_decay=0.3, beta1=0.8, beta2=0.95)),
    ("adafactor", Adafactor, ADAFACTOR, {}),
    ("adafactor", Adafactor, dict(ADAFACTOR, weight_decay=0.2, beta1=0.7, scale_parameter=True), dict(weight_decay=0.2, beta1=0.7, scale_parameter=True)),
    ("adafactor", Adafactor, dict(ADAFACTOR, clip_threshold=0.4, decay_rate=-0.5, eps=(1e-3, 1e-3)), dict(clip_threshold=0.4, decay_rate=-0.5, eps1=1e-3)),
    ("adafactor", Adafactor, dict(lr=None, relative_step=True), dict(relative_step=True, scale_parameter=True)),
    ("adafactor", Adafactor, dict(lr=None, relative_step=True, warmup_init=True, scale_parameter=False), dict(relative_step=True, warmup_init=True)),
]


def tensor(f, shape):
    return torch.tensor([f(i) for i in range(math.prod(shape))], dtype=torch.float64).to(torch.float32).reshape(shape)


def run(make, options):
    parameters = [torch.nn.Parameter(tensor(lambda i: math.cos(i + 1), shape)) for shape in SHAPES]
    optimizer = make(parameters, **{"lr": LR, **options})
    kept = []
    for step in range(1, STEPS + 1):
        for group in optimizer.param_groups:
            if group["lr"] is not None:
                group["lr"] = LR * (1 - step / 40)
        for parameter, shape in zip(parameters, SHAPES):
            parameter.grad = tensor(lambda i: math.sin(step * (i + 1)) * (1 + i % 7) / 4, shape)
        optimizer.step()
        if step in KEPT:
            kept.append([[float(f"{x:.8g}") for x in parameter.detach().flatten().tolist()] for parameter in parameters])
    return kept


def main(out):
    cases = [dict(use=use, options=options, values=run(make, theirs)) for use, make, theirs, options in CASES]
    versions = dict(torch=torch.__version__, transformers=transformers.__version__, timm=importlib.metadata.version("timm"))
    head = json.dumps(dict(versions=versions, lr=LR, steps=STEPS, kept=KEPT, shapes=SHAPES))[:-1]
    out.write_text(head + ',"cases":[\n' + ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases) + "\n]}\n")


main(pathlib.Path(sys.argv[1]))
