"""Write test/fixtures/training: a tiny Gemma 3, a first adapter, and what TRL and PEFT make of them step by step.

    python test/reference/training_fixture.py test/fixtures/training

The tokenizer is that of models/tiny-gemma3, the rows are the first of recipes/quickstart/train.jsonl. Everything is
float32 on the CPU. runs.json holds each document once; a micro-batch is the list of its documents.
"""
import hashlib
import json
import pathlib
import shutil
import sys

import peft
import torch
import transformers
import trl
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoTokenizer, Gemma3ForCausalLM, Gemma3TextConfig

import trl_run

ROOT = pathlib.Path(__file__).parents[2]
TOKENIZER = ROOT / "models" / "tiny-gemma3"
ROWS = ROOT / "recipes" / "quickstart" / "train.jsonl"
COUNT = 41
SEED = 42
SHAPE = dict(vocab_size=2048, hidden_size=32, intermediate_size=48, num_hidden_layers=6, num_attention_heads=2, num_key_value_heads=1, head_dim=16,
             sliding_window=16, query_pre_attn_scalar=16, max_position_embeddings=2048, bos_token_id=2, eos_token_id=1, pad_token_id=0, tie_word_embeddings=True)
ADAPTER = dict(r=4, lora_alpha=8, target_modules="all-linear", task_type="CAUSAL_LM")
# Every run starts from the same model and adapter. The last micro-batch of an epoch holds one row, and its last
# accumulation window one micro-batch.
RUNS = {
    "unpacked": dict(max_length=44, packing=False, batch_size=4, accumulate=2, epochs=9, lr=4e-3, schedule="linear", warmup=5, weight_decay=0.0, clip=1.0),
    "packed": dict(max_length=90, packing=True, batch_size=2, accumulate=2, steps=50, lr=3e-3, schedule="cosine", warmup=0.1, weight_decay=0.1, clip=0.5),
}


def main(out):
    for part in ("model", "adapter"):
        shutil.rmtree(out / part, ignore_errors=True)
    write_model(out / "model")
    rows = [json.loads(line) for line in ROWS.open()][:COUNT]
    (out / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    runs = {name: train(out, rows, **options) for name, options in RUNS.items()}
    versions = {module.__name__: module.__version__ for module in (torch, transformers, peft, trl)}
    tokenizer = hashlib.sha256((TOKENIZER / "tokenizer.json").read_bytes()).hexdigest()
    (out / "runs.json").write_text(json.dumps(dict(versions=versions, tokenizer=tokenizer, runs=runs), separators=(",", ":")) + "\n")


def write_model(folder):
    """A random model in bfloat16; norms are random too, so that 1 + w matters. Beside it the adapter that runs start from."""
    torch.manual_seed(5)
    model = Gemma3ForCausalLM(Gemma3TextConfig(**SHAPE))
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.normal_(0, 0.1)
    model.to(torch.bfloat16).save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    tuned = get_peft_model(Gemma3ForCausalLM.from_pretrained(folder, dtype=torch.float32), LoraConfig(**ADAPTER))
    with torch.no_grad():
        for name, weight in tuned.named_parameters():
            if "lora_B" in name:
                weight.normal_(0, 0.05)
    tuned.save_pretrained(folder.parent / "adapter")
    (folder.parent / "adapter" / "README.md").unlink(missing_ok=True)
    config_file = folder.parent / "adapter" / "adapter_config.json"
    config = {**json.loads(config_file.read_text()), "base_model_name_or_path": None}
    config["target_modules"].sort()
    config_file.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


def train(out, rows, **options):
    torch.manual_seed(0)
    base = Gemma3ForCausalLM.from_pretrained(out / "model", dtype=torch.float32, attn_implementation="sdpa")
    model = PeftModel.from_pretrained(base, out / "adapter", is_trainable=True)
    trainer, steps = trl_run.train(model, rows, AutoTokenizer.from_pretrained(TOKENIZER), seed=SEED, **options)
    documents = {}

    def known(ids, labels):
        """Index of a document, which is its token ids with its labels."""
        return documents.setdefault((tuple(ids), tuple(labels)), len(documents))

    log = [dict(loss=round(step["loss"], 6), grad_norm=float(f"{step['grad_norm']:.6g}"), lr=step["lr"],
                batches=[[known(*document) for document in batch] for batch in step["batches"]]) for step in steps]
    bins = [[known(*document) for document in bin_documents(row)] for row in trainer.train_dataset]
    norms = {name.replace(".default", ""): float(f"{weight.norm().item():.6g}") for name, weight in model.named_parameters() if weight.requires_grad}
    recipe = {"pack" if name == "packing" else name: value for name, value in options.items()}
    found = [dict(ids=list(ids), labels=list(labels)) for ids, labels in documents]
    return dict(options=recipe, documents=found, rows=bins, steps=log, norms=norms)


def bin_documents(row):
    lengths, start, found = row.get("seq_lengths") or [len(row["input_ids"])], 0, []
    for length in lengths:
        found.append((row["input_ids"][start:start + length], row["labels"][start:start + length]))
        start += length
    return found


main(pathlib.Path(sys.argv[1]))
