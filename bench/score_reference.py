"""Questions of MedMCQA scored a second by transformers in fp32, batch 8, longest first: score_reference.py MODEL DEV.json N"""
import json, sys, time

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

folder, file, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
tokenizer = AutoTokenizer.from_pretrained(folder)
model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
docs = [json.loads(line) for line, _ in zip(open(file), range(count))]
texts = ["Question: " + d["question"] + "\nChoices:\nA. " + d["opa"] + "\nB. " + d["opb"] + "\nC. " + d["opc"] + "\nD. " + d["opd"] + "\nAnswer:" for d in docs]
rows = sorted((tokenizer.encode(text) for text in texts), key=len, reverse=True)
letters = torch.tensor([tokenizer.encode(" " + letter, add_special_tokens=False)[0] for letter in "ABCD"])


def whole(batch):
    """Right padding without a mask and logits everywhere, as lm-evaluation-harness runs causal models."""
    width = max(map(len, batch))
    logits = torch.log_softmax(model(torch.tensor([row + [0] * (width - len(row)) for row in batch])).logits, -1)
    return torch.stack([logits[i, len(row) - 1, letters] for i, row in enumerate(batch)])


def last(batch):
    """Left padding with a mask, and logits of the last position alone."""
    width = max(map(len, batch))
    ids = torch.tensor([[0] * (width - len(row)) + row for row in batch])
    mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in batch])
    return torch.log_softmax(model(ids, attention_mask=mask, logits_to_keep=1).logits[:, -1], -1)[:, letters]


found = {}
with torch.inference_mode():
    last(rows[:2])
    for way in (last, whole):
        started = time.perf_counter()
        for i in range(0, len(rows), 8):
            way(rows[i : i + 8])
        found[way.__name__] = len(rows) / (time.perf_counter() - started)
print(json.dumps(found))
