"""Write test/fixtures/families: tiny Llama and Qwen 3 models with adapters, and what transformers and PEFT compute with them.

    python test/reference/families_fixture.py test/fixtures/families

Every document is run alone, in float32 on the CPU: the tests pack them into rows and must get the same numbers.
"""
import json
import pathlib
import shutil
import sys

import peft
import torch
import transformers
from peft import LoraConfig, get_peft_model
from transformers import AutoConfig, AutoModelForCausalLM

COMMON = dict(vocab_size=61, bos_token_id=1, eos_token_id=2, pad_token_id=0)
LLAMA3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 24}
CASES = {
    # Llama 3.2's shape: grouped queries, the head tied, llama3 scaling that reaches slow, middle and fast pairs.
    "llama-tied": dict(
        seed=21, dtype="bfloat16", family="llama",
        shape=dict(hidden_size=24, intermediate_size=32, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, head_dim=16,
                   max_position_embeddings=192, rms_norm_eps=1e-5, tie_word_embeddings=True, rope_parameters={"rope_theta": 500000.0, **LLAMA3}),
    ),
    # A head of its own, one key-value head for each query head, config.json as version 4 wrote it, head_dim left out.
    "llama-untied": dict(
        seed=22, dtype="float16", family="llama",
        shape=dict(hidden_size=24, intermediate_size=32, num_hidden_layers=2, num_attention_heads=3, num_key_value_heads=3,
                   max_position_embeddings=128, rms_norm_eps=1e-6, tie_word_embeddings=False),
        old=dict(rope_theta=20000.0, rope_scaling=None), drop=["head_dim"],
    ),
    # Qwen 3's small shape: queries and keys normed, the head tied, heads wider together than the model.
    "qwen3-tied": dict(
        seed=23, dtype="bfloat16", family="qwen3",
        shape=dict(hidden_size=24, intermediate_size=32, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, head_dim=8,
                   max_position_embeddings=128, rms_norm_eps=1e-6, tie_word_embeddings=True, rope_parameters={"rope_type": "default", "rope_theta": 1000000.0}),
    ),
    # A head of its own, and sliding layers from the second on.
    "qwen3-untied": dict(
        seed=24, dtype="float32", family="qwen3",
        shape=dict(hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=1, head_dim=16,
                   max_position_embeddings=128, rms_norm_eps=1e-6, tie_word_embeddings=False, use_sliding_window=True, sliding_window=6, max_window_layers=1),
        old=dict(rope_theta=5000.0), drop=["layer_types"],
    ),
    # The first Gemma, which is no built-in: docs/families.md adds it, and its logits are compared.
    "gemma-example": dict(
        seed=25, dtype="bfloat16", family="gemma", adapted=False,
        shape=dict(hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=1, head_dim=8,
                   max_position_embeddings=128, rms_norm_eps=1e-6, tie_word_embeddings=True, hidden_act="gelu_pytorch_tanh"),
        old=dict(rope_theta=10000.0),
    ),
}
WATCH = ["layers.0.self_attn.q_proj", "layers.0.self_attn.k_proj", "layers.1.mlp.down_proj"]
# Two documents that share a row, and one longer than a window and than the length before scaling.
LENGTHS = [23, 17, 40]
# Token i of the long text of n tokens is 3 + (7919 i + 31 n) mod 58. Kept are a few positions, and every 4th column.
LONG = [1, 17, 600, 1100]
COLUMNS = 4


def main(out: pathlib.Path) -> None:
    if out.exists():
        shutil.rmtree(out)
    for name, case in CASES.items():
        write_case(out / name, **case)


def write_case(folder, seed, dtype, family, shape, old=None, drop=(), adapted=True):
    torch.manual_seed(seed)
    folder.mkdir(parents=True)
    write_model(folder, dtype, family, shape, old, drop)
    model = load(folder)
    documents = [dict(ids=torch.randint(3, 61, (n,)).tolist(), mask=[0] + (torch.rand(n - 1) < 0.6).int().tolist()) for n in LENGTHS]

    long = dict(columns=COLUMNS, cases=[long_case(model, n) for n in LONG])
    if not adapted:
        (folder / "expected.json").write_text(json.dumps(dict(long=long), separators=(",", ":")) + "\n")
        return
    base = [log_probs(model, d) for d in documents]
    tuned = get_peft_model(model, LoraConfig(r=4, lora_alpha=6, target_modules="all-linear", task_type="CAUSAL_LM"))
    with torch.no_grad():
        for name, parameter in tuned.named_parameters():
            if "lora_B" in name:
                parameter.normal_(0, 0.3)
    tuned.save_pretrained(folder / "adapter")
    for name in ("README.md", "adapter_config.json"):
        (folder / "adapter" / name).unlink(missing_ok=True)

    labels = sum(sum(d["mask"]) for d in documents)
    scored = [log_probs(tuned, d) for d in documents]
    loss = -sum(s.sum() for s in scored) / labels
    loss.backward()
    gradients = {
        name.replace(".default", ""): parameter.grad.flatten().tolist()
        for name, parameter in tuned.named_parameters()
        if parameter.requires_grad and any(w in name for w in WATCH)
    }
    own, own_loss = own_gradients(folder, documents, labels)
    expected = dict(
        versions=dict(torch=torch.__version__, transformers=transformers.__version__, peft=peft.__version__),
        documents=documents,
        long=long,
        base=[rounded(b) for b in base],
        tuned=[rounded(s) for s in scored],
        loss=round(loss.item(), 7),
        gradients={k: [float(f"{x:.6e}") for x in v] for k, v in gradients.items()},
        full=dict(loss=round(own_loss, 7), gradients={k: [float(f"{x:.6e}") for x in v] for k, v in own.items()}),
    )
    (folder / "expected.json").write_text(json.dumps(expected, separators=(",", ":")) + "\n")


def write_model(folder, dtype, family, shape, old, drop):
    """Weights from a fresh model; norms too are random, around one."""
    shape = {**shape, **({"rope_parameters": {"rope_type": "default", "rope_theta": old["rope_theta"]}} if old else {})}
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(family, **COMMON, **shape))
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.normal_(1 if name.endswith("norm.weight") else 0, 0.2)
    model.to(getattr(torch, dtype)).save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    if old is not None:
        config = {k: v for k, v in json.loads((folder / "config.json").read_text()).items() if k not in ("rope_parameters", "dtype", *drop)}
        config = {**config, **old, "torch_dtype": dtype}
        (folder / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


def load(folder):
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()


def long_case(model, length):
    ids = torch.tensor([[3 + (7919 * i + 31 * length) % 58 for i in range(length)]])
    positions = sorted({0, length // 2, length - 1})
    with torch.no_grad():
        logits = model(input_ids=ids, use_cache=False).logits[0, positions, ::COLUMNS]
    return dict(length=length, positions=positions, logits=[[float(f"{x:.7g}") for x in row] for row in logits.tolist()])


def log_probs(model, document):
    """Log-probability of each token with mask 1, given those before it."""
    ids = torch.tensor([document["ids"]])
    logits = model(input_ids=ids, use_cache=False).logits[0].float()
    scores = torch.log_softmax(logits[:-1], -1).gather(1, ids[0, 1:, None])[:, 0]
    return scores[torch.tensor(document["mask"][1:], dtype=torch.bool)]


def own_gradients(folder, documents, labels):
    """Gradients of the model's own weights: norms, a part of the embedding, and a part of the head where it is apart."""
    model = load(folder)
    loss = -sum(log_probs(model, d).sum() for d in documents) / labels
    loss.backward()
    found = dict(model.named_parameters())
    wanted = ["model.layers.1.post_attention_layernorm.weight", "model.layers.0.self_attn.k_norm.weight", "model.norm.weight"]
    gradients = {name: found[name].grad.flatten().tolist() for name in wanted if name in found}
    for name in ("model.embed_tokens.weight", "lm_head.weight"):
        if name in found:
            gradients[name] = found[name].grad[:16].flatten().tolist()
    return gradients, loss.item()


def rounded(values):
    return [round(v, 7) for v in values.tolist()]


main(pathlib.Path(sys.argv[1]))
