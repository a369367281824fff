"""Write what TRL makes of question rows: token ids and labels of each, in full length, before any batching.

    python test/reference/rows.py DATA.jsonl TOKENIZER_FOLDER OUT.jsonl             a row a line: ids, labels
    python test/reference/rows.py DATA.jsonl TOKENIZER_FOLDER OUT.json --digests    a length and a digest a row
"""
import argparse
import hashlib
import json
import pathlib
import tempfile

import transformers
import trl
from transformers import AutoTokenizer, Gemma3ForCausalLM, Gemma3TextConfig
from trl import SFTConfig, SFTTrainer

from trl_run import conversations


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("data", "tokenizer", "out"):
        parser.add_argument(name, type=pathlib.Path)
    parser.add_argument("--digests", action="store_true")
    arguments = parser.parse_args()
    rows = [json.loads(line) for line in arguments.data.open()]
    lines = [json.dumps(document, separators=(",", ":")) for document in prepared(rows, arguments.tokenizer)]
    if not arguments.digests:
        arguments.out.write_text("".join(line + "\n" for line in lines))
        return
    digests = [hashlib.sha256(line.encode()).hexdigest()[:16] for line in lines]
    versions = dict(transformers=transformers.__version__, trl=trl.__version__)
    arguments.out.write_text(json.dumps(dict(versions=versions, rows=digests), separators=(",", ":")) + "\n")


def prepared(rows, tokenizer):
    # The trainer asks for a model, which is never run.
    shape = dict(hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1, num_key_value_heads=1, head_dim=8)
    model = Gemma3ForCausalLM(Gemma3TextConfig(vocab_size=262144, **shape))
    with tempfile.TemporaryDirectory() as folder:
        settings = SFTConfig(output_dir=folder, max_length=None, report_to="none", use_cpu=True, bf16=False)
        trainer = SFTTrainer(model=model, processing_class=AutoTokenizer.from_pretrained(tokenizer), train_dataset=conversations(rows), args=settings)
    return [dict(ids=list(row["input_ids"]), labels=list(row["labels"])) for row in trainer.train_dataset]


main()
