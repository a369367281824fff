"""Write test/fixtures/order.json: the packed rows that TRL feeds from more than 1000 rows, in two epochs' order.

    python test/reference/order_fixture.py test/fixtures/order.json

The rows are recipes/quickstart/train.jsonl, the tokenizer that of models/tiny-gemma3. A document goes by the first row
that has its text. No step is trained: the trainer's own data loader is read.
"""
import hashlib
import json
import pathlib
import sys
import tempfile

import transformers
import trl
from datasets import Dataset
from transformers import AutoTokenizer, Gemma3ForCausalLM, Gemma3TextConfig
from trl import SFTConfig, SFTTrainer

ROOT = pathlib.Path(__file__).parents[2]
TOKENIZER = ROOT / "models" / "tiny-gemma3"
ROWS = ROOT / "recipes" / "quickstart" / "train.jsonl"
MAX_LENGTH = 128
SEED = 42


def main(out):
    rows = [json.loads(line) for line in ROWS.open()]
    data = Dataset.from_list([dict(prompt=[dict(role="user", content=row["Question"])],
                                   completion=[dict(role="assistant", content=f"{row['Complex_CoT']}\n\nFinal Answer: {row['Response']}")]) for row in rows])
    whole = trainer_of(data, packing=False)
    index = {}
    for i, row in enumerate(whole.train_dataset):
        index.setdefault(tuple(row["input_ids"]), i)
    loader = trainer_of(data, packing=True).get_train_dataloader()
    epochs = []
    for epoch in range(2):
        loader.set_epoch(epoch)
        epochs.append([documents(batch, index) for batch in loader])
    digests = dict(tokenizer=digest(TOKENIZER / "tokenizer.json"), rows=digest(ROWS))
    found = dict(versions=dict(transformers=transformers.__version__, trl=trl.__version__), **digests, max_length=MAX_LENGTH, seed=SEED, epochs=epochs)
    out.write_text(json.dumps(found, separators=(",", ":")) + "\n")


def trainer_of(data, packing):
    shape = dict(hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1, num_key_value_heads=1, head_dim=8)
    model = Gemma3ForCausalLM(Gemma3TextConfig(vocab_size=2048, **shape))
    with tempfile.TemporaryDirectory() as folder:
        settings = SFTConfig(output_dir=folder, max_length=MAX_LENGTH, packing=packing, per_device_train_batch_size=1, seed=SEED, report_to="none",
                             use_cpu=True, bf16=False, dataloader_pin_memory=False)
        return SFTTrainer(model=model, processing_class=AutoTokenizer.from_pretrained(TOKENIZER), train_dataset=data, args=settings)


def documents(batch, index):
    ids, positions = batch["input_ids"][0].tolist(), batch["position_ids"][0].tolist()
    starts = [i for i, position in enumerate(positions) if position == 0] + [len(ids)]
    return [index[tuple(ids[start:end])] for start, end in zip(starts, starts[1:])]


def digest(file):
    return hashlib.sha256(file.read_bytes()).hexdigest()


main(pathlib.Path(sys.argv[1]))
