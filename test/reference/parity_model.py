"""Write a Gemma 3 of random weights (bfloat16) with a tokenizer's files: python parity_model.py OUT SHAPE TOKENIZER_FOLDER"""
import pathlib
import shutil
import sys

import torch
from transformers import Gemma3ForCausalLM, Gemma3TextConfig

SHAPES = {
    "270m": dict(hidden_size=640, intermediate_size=2048, num_hidden_layers=18, num_attention_heads=4, num_key_value_heads=1, head_dim=256, sliding_window=512, query_pre_attn_scalar=256),
    # For trying the comparison itself.
    "tiny": dict(hidden_size=64, intermediate_size=96, num_hidden_layers=6, num_attention_heads=4, num_key_value_heads=1, head_dim=32, sliding_window=64, query_pre_attn_scalar=32),
}


def main(out, shape, tokenizer):
    torch.manual_seed(11)
    model = Gemma3ForCausalLM(Gemma3TextConfig(vocab_size=262144, max_position_embeddings=32768, tie_word_embeddings=True, bos_token_id=2, eos_token_id=1, pad_token_id=0, **SHAPES[shape]))
    with torch.no_grad():
        for name, weight in model.named_parameters():
            # Norms too, so that 1 + w matters.
            weight.normal_(0, 0.02)
    draft = out.with_name(out.name + ".tmp")
    shutil.rmtree(draft, ignore_errors=True)
    model.to(torch.bfloat16).save_pretrained(draft)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(tokenizer / name, draft / name)
    draft.rename(out)


main(pathlib.Path(sys.argv[1]), sys.argv[2], pathlib.Path(sys.argv[3]))
