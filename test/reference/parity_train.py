"""Train a LoRA with TRL as a JSON file says, and write a line a step: python parity_train.py SETTINGS.json

SETTINGS: model (folder), rows (JSON Lines), out (folder), lora (of LoraConfig), train (of trl_run.train). OUT gets
adapter-before, adapter-after and steps.jsonl.
"""
import json
import pathlib
import sys

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoTokenizer, Gemma3ForCausalLM

import trl_run


def main(settings):
    torch.manual_seed(settings["train"]["seed"])
    out = pathlib.Path(settings["out"])
    base = Gemma3ForCausalLM.from_pretrained(settings["model"], dtype=torch.float32, attn_implementation="sdpa")
    model = get_peft_model(base, LoraConfig(task_type="CAUSAL_LM", **settings["lora"]))
    model.save_pretrained(out / "adapter-before")
    rows = [json.loads(line) for line in open(settings["rows"])]
    with (out / "steps.jsonl").open("w") as log:
        trl_run.train(model, rows, AutoTokenizer.from_pretrained(settings["model"]), **settings["train"], on_step=lambda step: log.write(json.dumps(step) + "\n") and log.flush())
    model.save_pretrained(out / "adapter-after")


main(json.load(open(sys.argv[1])))
