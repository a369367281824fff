"""Write test/fixtures/generation: what transformers generates with the tiny models of three families, and how it cuts a distribution.

    python test/reference/generation_fixture.py test/fixtures

Greedy, in float32 on the CPU, each prompt alone. A prompt whose path comes near a tie is passed over for the next one, so that
another order of additions cannot choose another token.
"""
import json
import pathlib
import sys

import torch
import transformers
from transformers import AutoConfig, AutoModelForCausalLM, GenerationConfig
from transformers.generation.logits_process import (
    LogitsProcessorList,
    MinPLogitsWarper,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

COMMON = dict(vocab_size=97, hidden_size=24, intermediate_size=32, bos_token_id=2, eos_token_id=1, pad_token_id=0, max_position_embeddings=256)
LLAMA3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 24}
MODELS = {
    # Grouped queries; three of four layers see 8 tokens.
    "gemma3_text": dict(
        num_hidden_layers=4, num_attention_heads=4, num_key_value_heads=2, head_dim=8, query_pre_attn_scalar=8, sliding_window=8,
        layer_types=["sliding_attention", "sliding_attention", "full_attention", "sliding_attention"],
    ),
    # Grouped queries, llama3 scaling, the head tied.
    "llama": dict(
        num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2, head_dim=8, tie_word_embeddings=True,
        rope_parameters={"rope_theta": 500000.0, **LLAMA3},
    ),
    # One key-value head; the last two of three layers see 6 tokens; a head of its own.
    "qwen3": dict(
        num_hidden_layers=3, num_attention_heads=2, num_key_value_heads=1, head_dim=8, tie_word_embeddings=False,
        use_sliding_window=True, sliding_window=6, max_window_layers=1, rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
    ),
}
PROMPTS = 20
TOKENS = 64
MARGIN = 1e-3
# Distinct tokens among the 64: a model that repeats itself would hide a wrong cache.
DISTINCT = 12
# Lengths of the prompts, in turn: one token, a few, and more than a window.
LENGTHS = [1, 2, 5, 9, 17, 30, 45]


def main(root: pathlib.Path) -> None:
    out = root / "generation"
    out.mkdir(exist_ok=True)
    versions = dict(torch=torch.__version__, transformers=transformers.__version__)
    for seed, (family, shape) in enumerate(MODELS.items()):
        name = family.removesuffix("_text")
        write_model(out / name, family, shape, seed)
        model = AutoModelForCausalLM.from_pretrained(out / name, dtype=torch.float32, attn_implementation="eager").eval()
        plain = greedy(model, seed=1)
        penalised = greedy(model, seed=2, count=4, repetition_penalty=1.3)
        stopped = ends(model, plain)
        expected = dict(versions=versions, margin=MARGIN, greedy=plain, penalised=penalised, stopped=stopped)
        (out / name / "expected.json").write_text(json.dumps(expected, separators=(",", ":")) + "\n")
    (out / "cuts.json").write_text(json.dumps(dict(versions=versions, cases=cuts()), separators=(",", ":")) + "\n")


def write_model(folder, family, shape, seed):
    """Embeddings small beside what the layers add, so that a token does not call for itself; norms around one, the last one larger."""
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(family, **COMMON, **shape))
    centre = 0.0 if family == "gemma3_text" else 1.0
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name == "model.norm.weight":
                weight.normal_(centre + 12, 0.5)
            elif name.endswith("norm.weight"):
                weight.normal_(centre, 0.2)
            else:
                weight.normal_(0, 0.08 if "embed" in name or "lm_head" in name else 0.4)
    model.to(torch.bfloat16).save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)


def run(model, prompt, **settings):
    config = GenerationConfig(max_new_tokens=TOKENS, do_sample=False, pad_token_id=0, output_scores=True, output_logits=True, return_dict_in_generate=True, **settings)
    ids = torch.tensor([prompt])
    model.generation_config = GenerationConfig()
    with torch.no_grad():
        result = model.generate(ids, attention_mask=torch.ones_like(ids), generation_config=config)
    chosen = result.sequences[0, len(prompt):].tolist()
    tops = [score[0].topk(2).values for score in result.scores]
    margin = min((top[0] - top[1]).item() for top in tops)
    logs = [torch.log_softmax(logits[0].float(), -1)[id].item() for logits, id in zip(result.logits, chosen)]
    return chosen, margin, logs


def greedy(model, seed, count=PROMPTS, **settings):
    """Prompts whose path is clear, with what follows; the log-probabilities of the first few."""
    draw = torch.Generator().manual_seed(seed)
    cases = []
    while len(cases) < count:
        length = LENGTHS[len(cases) % len(LENGTHS)]
        prompt = torch.randint(3, model.config.vocab_size, (length,), generator=draw).tolist()
        chosen, margin, logs = run(model, prompt, eos_token_id=None, **settings)
        if margin < MARGIN or len(set(chosen)) < DISTINCT:
            continue
        case = dict(prompt=prompt, ids=chosen)
        if len(cases) < 3:
            case["log_probs"] = [round(x, 5) for x in logs]
        cases.append(case)
    return cases


def ends(model, cases):
    """The same prompts, with two tokens that end an answer: those that come eleventh in the first two."""
    stop = sorted({case["ids"][10] for case in cases[:2]})
    return dict(stop=stop, ids=[run(model, case["prompt"], eos_token_id=stop)[0] for case in cases])


def cuts():
    """Tokens that stay and their probabilities, by the processors in the order in which generate puts them."""
    draw = torch.Generator().manual_seed(5)
    settings = [
        dict(temperature=0.7),
        dict(temperature=1.0, top_k=1),
        dict(temperature=1.3, top_k=7),
        dict(temperature=1.0, top_p=0.9),
        dict(temperature=0.5, top_p=0.3),
        dict(temperature=2.0, min_p=0.1),
        dict(temperature=1.0, top_k=12, top_p=0.8),
        dict(temperature=0.8, top_k=20, top_p=0.95, min_p=0.05),
        dict(temperature=1.0, repetition_penalty=1.5),
        dict(temperature=0.9, top_k=9, top_p=0.7, min_p=0.02, repetition_penalty=1.2),
        dict(temperature=1.0, top_p=0.001),
        dict(temperature=1.0, min_p=1.0),
    ]
    cases = []
    for setting in settings:
        logits = torch.randn(40, generator=draw) * 3
        seen = torch.randint(0, 40, (12,), generator=draw)
        scores = processors(**setting)(seen[None], logits[None].clone())[0]
        probabilities = torch.softmax(scores, -1)
        kept = (scores > -torch.inf).nonzero()[:, 0].tolist()
        cases.append(
            dict(
                setting=setting,
                logits=[float(f"{x:.9g}") for x in logits.tolist()],
                seen=seen.tolist(),
                kept=kept,
                probabilities=[float(f"{x:.7g}") for x in probabilities[kept].tolist()],
            )
        )
    return cases


def processors(temperature, top_k=0, top_p=1.0, min_p=None, repetition_penalty=1.0):
    wanted = LogitsProcessorList()
    if repetition_penalty != 1.0:
        wanted.append(RepetitionPenaltyLogitsProcessor(penalty=repetition_penalty))
    if temperature != 1.0:
        wanted.append(TemperatureLogitsWarper(temperature))
    if top_k != 0:
        wanted.append(TopKLogitsWarper(top_k=top_k))
    if top_p < 1.0:
        wanted.append(TopPLogitsWarper(top_p=top_p))
    if min_p is not None:
        wanted.append(MinPLogitsWarper(min_p=min_p))
    return wanted


main(pathlib.Path(sys.argv[1]))
