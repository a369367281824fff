"""Write test/fixtures/gemma3-tiny: tiny Gemma 3 models with adapters, and what transformers and PEFT compute with them.

    python test/reference/gemma3_fixture.py test/fixtures/gemma3-tiny

Every document is run alone, in float32 on the CPU: the tests pack them into rows and must get the same numbers.
"""
import json
import pathlib
import shutil
import sys

import peft
import torch
import transformers
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import save_file
from transformers import Gemma3ForCausalLM, Gemma3TextConfig

COMMON = dict(vocab_size=97, max_position_embeddings=256, bos_token_id=2, eos_token_id=1, pad_token_id=0, tie_word_embeddings=True)
CASES = {
    # Grouped queries, an explicit list of layers with one full one, bfloat16 weights, an adapter on every projection.
    "grouped": dict(
        seed=11,
        dtype="bfloat16",
        shape=dict(hidden_size=32, intermediate_size=32, num_hidden_layers=7, num_attention_heads=4, num_key_value_heads=2,
                   head_dim=16, sliding_window=8, query_pre_attn_scalar=24),
        targets="all-linear",
        watch=["layers.0.self_attn.q_proj", "layers.0.self_attn.v_proj", "layers.3.mlp.gate_proj", "layers.5.self_attn.k_proj", "layers.6.mlp.down_proj"],
    ),
    # One key-value head, config.json as version 4 wrote it: layers derived from a pattern, linear scaling of the full ones.
    "old-keys": dict(
        seed=12,
        dtype="float32",
        shape=dict(hidden_size=24, intermediate_size=32, num_hidden_layers=6, num_attention_heads=2, num_key_value_heads=1,
                   head_dim=8, sliding_window=5, query_pre_attn_scalar=8),
        old=dict(rope_theta=500000.0, rope_local_base_freq=5000.0, rope_scaling={"factor": 8.0, "rope_type": "linear"}, sliding_window_pattern=3),
        targets=["q_proj", "v_proj"],
        watch=["layers.0.self_attn.q_proj", "layers.2.self_attn.v_proj", "layers.5.self_attn.q_proj"],
    ),
}
# Two documents that share a row, and one longer than any window.
LENGTHS = [23, 17, 40]


def main(out: pathlib.Path) -> None:
    if out.exists():
        shutil.rmtree(out)
    for name, case in CASES.items():
        write_case(out / name, **case)


def write_case(folder, seed, dtype, shape, targets, watch, old=None):
    torch.manual_seed(seed)
    folder.mkdir(parents=True)
    config_json = write_model(folder, dtype, shape, old)
    model = Gemma3ForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    documents = [dict(ids=torch.randint(3, 97, (n,)).tolist(), mask=[0] + (torch.rand(n - 1) < 0.6).int().tolist()) for n in LENGTHS]

    base = [log_probs(model, d) for d in documents]
    tuned = get_peft_model(model, LoraConfig(r=4, lora_alpha=6, target_modules=targets, task_type="CAUSAL_LM"))
    with torch.no_grad():
        for parameter_name, parameter in tuned.named_parameters():
            if "lora_B" in parameter_name:
                parameter.normal_(0, 0.3)
    tuned.save_pretrained(folder / "adapter")
    (folder / "adapter" / "README.md").unlink(missing_ok=True)
    config_file = folder / "adapter" / "adapter_config.json"
    adapter_config = json.loads(config_file.read_text())
    adapter_config["base_model_name_or_path"] = None
    config_file.write_text(json.dumps(adapter_config, indent=2, sort_keys=True) + "\n")

    labels = sum(sum(d["mask"]) for d in documents)
    scored = [log_probs(tuned, d) for d in documents]
    loss = -sum(s.sum() for s in scored) / labels
    loss.backward()
    gradients = {}
    for parameter_name, parameter in tuned.named_parameters():
        if any(w in parameter_name for w in watch) and parameter.requires_grad:
            gradients[parameter_name.replace(".default", "")] = parameter.grad.flatten().tolist()
    embedding, full_loss = full_gradients(folder, documents, labels)
    expected = dict(
        versions=dict(torch=torch.__version__, transformers=transformers.__version__, peft=peft.__version__),
        documents=documents,
        base=[rounded(b) for b in base],
        tuned=[rounded(s) for s in scored],
        loss=round(loss.item(), 7),
        gradients={k: [float(f"{x:.6e}") for x in v] for k, v in gradients.items()},
        full=dict(loss=round(full_loss, 7), gradients={k: [float(f"{x:.6e}") for x in v] for k, v in embedding.items()}),
    )
    (folder / "expected.json").write_text(json.dumps(expected, separators=(",", ":")) + "\n")
    assert config_json == json.loads((folder / "config.json").read_text())


def write_model(folder, dtype, shape, old):
    """Weights from a fresh model; norms too are random, so that 1 + w matters."""
    model = Gemma3ForCausalLM(Gemma3TextConfig(**COMMON, **shape))
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.normal_(0, 0.2 if name.endswith("norm.weight") else 0.15)
    model.to(getattr(torch, dtype)).save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    if old is not None:
        config = {k: v for k, v in json.loads((folder / "config.json").read_text()).items() if k not in ("rope_parameters", "layer_types", "_sliding_window_pattern", "dtype")}
        config = {**config, **old, "torch_dtype": dtype}
        (folder / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
    return json.loads((folder / "config.json").read_text())


def log_probs(model, document):
    """Log-probability of each token with mask 1, given those before it."""
    ids = torch.tensor([document["ids"]])
    logits = model(input_ids=ids, use_cache=False).logits[0].float()
    scores = torch.log_softmax(logits[:-1], -1).gather(1, ids[0, 1:, None])[:, 0]
    return scores[torch.tensor(document["mask"][1:], dtype=torch.bool)]


def full_gradients(folder, documents, labels):
    """Gradients of the model's own weights: a part of the tied embedding, and one norm of each kind."""
    model = Gemma3ForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    loss = -sum(log_probs(model, d).sum() for d in documents) / labels
    loss.backward()
    names = ["model.layers.1.self_attn.q_norm.weight", "model.layers.2.post_feedforward_layernorm.weight", "model.norm.weight"]
    found = dict(model.named_parameters())
    gradients = {name: found[name].grad.flatten().tolist() for name in names}
    gradients["model.embed_tokens.weight"] = found["model.embed_tokens.weight"].grad[:24].flatten().tolist()
    return gradients, loss.item()


def rounded(values):
    return [round(v, 7) for v in values.tolist()]


main(pathlib.Path(sys.argv[1]))
