"""Tokens a second of transformers' generate in PyTorch, greedy, float32: prints JSON.

    python bench/generate_reference.py <model folder> <prompts as JSON: lists of ids> <tokens> <rounds>
"""
import json
import sys
import time

import torch
from transformers import AutoModelForCausalLM, GenerationConfig

folder, prompts, tokens, rounds = sys.argv[1], json.loads(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
torch.set_num_threads(2)
model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
ids = torch.tensor(prompts)
model.generation_config = GenerationConfig()


def run(count):
    config = GenerationConfig(max_new_tokens=count, do_sample=False, eos_token_id=None, pad_token_id=0)
    start = time.perf_counter()
    with torch.no_grad():
        found = model.generate(ids, attention_mask=torch.ones_like(ids), generation_config=config)
    return time.perf_counter() - start, found[:, ids.shape[1]:].tolist()


run(2)
found = [run(tokens) for _ in range(rounds)]
first = [run(1)[0] for _ in range(rounds)]
print(json.dumps(dict(seconds=[seconds for seconds, _ in found], first=first, ids=found[0][1])))
