"""Write test/fixtures/training/logits.json: logits of the fixture's model at lengths up to many times its window.

    python test/reference/logits_fixture.py test/fixtures/training

Token i of the text of length n is 3 + (7919 i + 31 n) mod 2045. Kept are a few positions, and every 16th column.
"""
import json
import pathlib
import sys

import torch
import transformers
from transformers import Gemma3ForCausalLM

LENGTHS = [1, 17, 600, 1100]
WINDOWS = [16, 512]
COLUMNS = 16


def main(out):
    cases = []
    for window in WINDOWS:
        model = Gemma3ForCausalLM.from_pretrained(out / "model", dtype=torch.float32, attn_implementation="eager", sliding_window=window).eval()
        assert model.config.sliding_window == window
        for length in LENGTHS:
            ids = torch.tensor([[3 + (7919 * i + 31 * length) % 2045 for i in range(length)]])
            positions = sorted({0, length // 2, max(0, length - 2), length - 1})
            with torch.no_grad():
                logits = model(input_ids=ids, use_cache=False).logits[0, positions, ::COLUMNS]
            cases.append(dict(window=window, length=length, positions=positions, logits=[[float(f"{x:.7g}") for x in row] for row in logits.tolist()]))
    versions = dict(torch=torch.__version__, transformers=transformers.__version__)
    head = json.dumps(dict(versions=versions, columns=COLUMNS))[:-1]
    (out / "logits.json").write_text(head + ',"cases":[\n' + ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases) + "\n]}\n")


main(pathlib.Path(sys.argv[1]))
