"""The step of bench/step.ts in PyTorch fp32 with transformers and peft: prints JSON. Arguments: model folder, lengths, steps."""
import json, resource, sys, time
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

folder, lengths, steps = sys.argv[1], [int(n) for n in sys.argv[2].split(",")], int(sys.argv[3])
torch.set_num_threads(torch.get_num_threads())
model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="sdpa")
model = get_peft_model(model, LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM"))
optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=2e-4)
results = []
for length in lengths:
    ids = torch.randint(0, model.config.vocab_size, (1, length))
    seconds = []
    for _ in range(steps):
        start = time.perf_counter()
        model(input_ids=ids, labels=ids).loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        seconds.append(time.perf_counter() - start)
    median = sorted(seconds)[len(seconds) // 2]
    results.append({"length": length, "step_seconds": median, "tokens_per_second": length / median,
                    "peak_rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024})
print(json.dumps({"torch": torch.__version__, "results": results}))
