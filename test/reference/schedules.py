"""Write test/fixtures/schedules.json: learning rates of transformers' own schedulers, a run a case.

    python test/reference/schedules.py test/fixtures/schedules.json
"""
import json
import pathlib
import sys
import warnings

import torch
import transformers
from transformers import TrainingArguments, get_scheduler

LR = 0.002
TOTALS = [1, 7, 25]
WARMUPS = [0, 3, 0.1]
SCHEDULES = [
    ("linear", {}),
    ("cosine", {}),
    ("cosine", {"num_cycles": 1.5}),
    ("constant_with_warmup", {}),
    ("cosine_with_min_lr", {"min_lr": 0.0003}),
    ("cosine_with_min_lr", {"min_lr_rate": 0.25, "num_cycles": 1}),
    ("cosine_with_restarts", {}),
    ("cosine_with_restarts", {"num_cycles": 3}),
    ("polynomial", {}),
    ("polynomial", {"lr_end": 0.0005, "power": 2.5}),
    ("inverse_sqrt", {}),
    ("inverse_sqrt", {"timescale": 5}),
    ("warmup_stable_decay", {"num_decay_steps": 4}),
    ("warmup_stable_decay", {"num_decay_steps": 4, "num_stable_steps": 2, "decay_type": "linear", "min_lr_ratio": 0.1}),
    ("warmup_stable_decay", {"num_decay_steps": 9, "warmup_type": "cosine", "decay_type": "1-sqrt", "min_lr_ratio": 0.05}),
    ("warmup_stable_decay", {"num_decay_steps": 9, "warmup_type": "1-sqrt", "num_cycles": 1.5}),
]


def rates(use, options, warmup, total):
    """Learning rate of each step, as a Trainer with these arguments would log it."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=LR)
    steps = TrainingArguments(output_dir="unused", warmup_steps=warmup, use_cpu=True, bf16=False).get_warmup_steps(total)
    scheduler = get_scheduler(use, optimizer, num_warmup_steps=steps, num_training_steps=total, scheduler_specific_kwargs=dict(options))
    found = []
    for _ in range(total):
        found.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    return found


def main(out):
    warnings.simplefilter("ignore")
    # A run as long as its warm-up is left out for polynomial: the reference divides by zero after its last step.
    runs = [(use, options, warmup, total) for use, options in SCHEDULES for total in TOTALS for warmup in WARMUPS]
    runs = [run for run in runs if not (run[0] == "polynomial" and run[3] == 1 and run[2] != 0)]
    cases = [dict(use=use, options=options, warmup=warmup, total=total, rates=rates(use, options, warmup, total)) for use, options, warmup, total in runs]
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    versions = json.dumps(dict(torch=torch.__version__, transformers=transformers.__version__))
    out.write_text(f'{{"versions":{versions},"lr":{LR},"cases":[\n{lines}\n]}}\n')


main(pathlib.Path(sys.argv[1]))
