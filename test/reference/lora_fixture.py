"""Write test/fixtures/peft-lora: adapters as PEFT makes them, which modules its rules choose, and what it computes.

    python test/reference/lora_fixture.py test/fixtures/gemma3-tiny/grouped test/fixtures/peft-lora

The base model is the one of gemma3_fixture.py, in float32 on the CPU. A is what PEFT draws after `torch.manual_seed(seed)`;
B (and DoRA's magnitude) then get random values, so that the adapter matters.
"""
import json
import pathlib
import shutil
import sys
import warnings

import peft
import torch
import transformers
from peft import LoraConfig, PeftModel, get_peft_model
from peft.optimizers import create_loraplus_optimizer
from transformers import Gemma3ForCausalLM

CASES = {
    "patterns": dict(
        seed=42, r=4, lora_alpha=6, target_modules=["q_proj", "self_attn.v_proj", "down_proj"],
        exclude_modules=["layers.4.self_attn.q_proj"], layers_to_transform=[1, 2, 4, 6],
        rank_pattern={"down_proj": 2, "layers.6.self_attn.q_proj": 6}, alpha_pattern={"v_proj": 12},
    ),
    "rslora": dict(seed=43, r=4, lora_alpha=8, use_rslora=True, target_modules=r".*layers\.[0-2]\.(self_attn\.o_proj|mlp\.up_proj)"),
    "gaussian": dict(seed=7, r=3, lora_alpha=6, init_lora_weights="gaussian", target_modules=["k_proj", "gate_proj"], layers_to_transform=[0, 3]),
    "dora": dict(seed=42, r=3, lora_alpha=6, use_dora=True, target_modules=["q_proj", "v_proj", "up_proj"], layers_to_transform=[0, 3, 6]),
    "dora-rslora": dict(
        seed=5, r=4, lora_alpha=4, use_dora=True, use_rslora=True, target_modules=["o_proj", "down_proj"], layers_to_transform=[1, 5],
        rank_pattern={"o_proj": 2},
    ),
}
# What is matched: settings that differ in one rule each.
RULES = [
    dict(target_modules="all-linear"),
    dict(target_modules="ALL-LINEAR", exclude_modules=["lm_head", "o_proj"]),
    dict(target_modules="all-linear", exclude_modules=r".*layers\.[0-5]\..*"),
    dict(target_modules="all-linear", exclude_modules="q_proj"),
    dict(target_modules=["q_proj", "v_proj"]),
    dict(target_modules=["self_attn.q_proj", "model.layers.1.mlp.up_proj"]),
    dict(target_modules=["layers.1.self_attn.q_proj", "1.self_attn.k_proj"]),
    dict(target_modules=["proj"]),
    dict(target_modules=["self_attn"]),
    dict(target_modules=["q_proj"], exclude_modules=["layers.0.self_attn.q_proj", "model.layers.2.self_attn.q_proj"]),
    dict(target_modules=["q_proj"], exclude_modules=["0.self_attn.q_proj"]),
    dict(target_modules=["q_proj"], exclude_modules=r"model\.layers\.(0|3)\..*"),
    dict(target_modules=["q_proj"], exclude_modules="self_attn.q_proj"),
    dict(target_modules=["q_proj"], exclude_modules=["q_proj"]),
    dict(target_modules=["q_proj"], layers_to_transform=3),
    dict(target_modules=["q_proj", "up_proj"], layers_to_transform=[0, 6, 9]),
    dict(target_modules=["q_proj"], layers_to_transform=[]),
    dict(target_modules=["q_proj"], layers_to_transform=[1], layers_pattern="layers"),
    dict(target_modules=["q_proj"], layers_to_transform=[1], layers_pattern=["blocks", "layers"]),
    dict(target_modules=["q_proj"], layers_to_transform=[1], layers_pattern="blocks"),
    dict(target_modules=["q_proj"], layers_to_transform=[1], layers_pattern=[]),
    dict(target_modules=["q_proj"], layers_to_transform=[1], layers_pattern="model.layers"),
    dict(target_modules=["q_proj", "model.layers.5.mlp.up_proj"], layers_to_transform=[1]),
    dict(target_modules=["q_proj"], layers_pattern="layers"),
    dict(target_modules=r".*q_proj", layers_to_transform=[1]),
    dict(target_modules="all-linear", layers_to_transform=[1]),
    dict(target_modules=r".*q_proj", layers_pattern="layers"),
    dict(target_modules=r".*\.(q|v)_proj"),
    dict(target_modules=r"model\.layers\.1\..*_proj"),
    dict(target_modules=r".*q_proj|.*k_proj"),
    dict(target_modules=r"q_proj"),
    dict(target_modules=r"(?i).*\.Q_PROJ"),
    dict(target_modules=r".*layers\.(?P<n>[13])\..*up_proj\Z"),
    dict(target_modules=r".*layers\.\d{,1}\.mlp\.up_proj"),
    dict(target_modules=r".*(?<=mlp\.)up_proj"),
    dict(target_modules=r".*.q_proj$"),
    dict(target_modules=["q_proj", "up_proj"], rank_pattern={"q_proj": 2}),
    dict(target_modules=["q_proj", "up_proj"], rank_pattern={"layers.0.self_attn.q_proj": 2, "q_proj": 3, ".*": 5}),
    dict(target_modules=["q_proj", "up_proj"], rank_pattern={"mlp.*": 2}, alpha_pattern={"self_attn.q_proj": 3, ".*layers.1.*": 5}),
    dict(target_modules=["q_proj", "up_proj"], rank_pattern={"^model.layers.1.mlp.up_proj": 2, "_proj": 3}),
    dict(target_modules=["q_proj", "up_proj"], rank_pattern={"q_proj|up_proj": 2}, alpha_pattern={"[0-2].mlp.up_proj": 7}, use_rslora=True),
    dict(target_modules=["q_proj", "up_proj"], alpha_pattern={"up_proj$": 9}, rank_pattern={r"\d+\.self_attn\.q_proj": 3}),
]
LENGTHS = [23, 40]


def main(base, out):
    if out.exists():
        shutil.rmtree(out)
    torch.manual_seed(3)
    documents = [torch.randint(3, 97, (n,)).tolist() for n in LENGTHS]
    versions = dict(torch=torch.__version__, transformers=transformers.__version__, peft=peft.__version__)
    expected = dict(versions=versions, documents=documents, cases={n: write_case(base, out / n, documents, **c) for n, c in CASES.items()})
    (out / "expected.json").write_text(json.dumps(expected, separators=(",", ":")) + "\n")
    (out / "olora.json").write_text(json.dumps(factored(base, documents, "olora"), separators=(",", ":")) + "\n")
    pissa = factored(base, documents, "pissa", converted=out / "pissa")
    (out / "pissa.json").write_text(json.dumps(pissa, separators=(",", ":")) + "\n")
    masked = {n: dropout(base, out / n, documents) for n in ("patterns", "dora")}
    (out / "dropout.json").write_text(json.dumps(masked, separators=(",", ":")) + "\n")
    (out / "plus.json").write_text(json.dumps(lora_plus(base, out / "dora", documents), separators=(",", ":")) + "\n")
    (out / "rules.json").write_text("[\n" + ",\n".join(json.dumps(rule(base, r)) for r in RULES) + "\n]\n")


def load(base):
    return Gemma3ForCausalLM.from_pretrained(base, dtype=torch.float32, attn_implementation="eager").eval()


def write_case(base, folder, documents, seed, **settings):
    model = load(base)
    torch.manual_seed(seed)
    tuned = get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", **settings)).eval()
    with torch.no_grad():
        for name, parameter in tuned.named_parameters():
            if "lora_B" in name:
                parameter.normal_(0, 0.3)
    start = {n.replace(".default", "").removesuffix(".weight"): p.tolist() for n, p in tuned.named_parameters() if "magnitude" in n}
    with torch.no_grad():
        for name, parameter in tuned.named_parameters():
            if "magnitude" in name:
                parameter.mul_(1 + 0.2 * torch.randn_like(parameter))
    tuned.save_pretrained(folder)
    tidy(folder)
    again = PeftModel.from_pretrained(load(base), folder).eval()
    scores = [log_probs(again, ids) for ids in documents]
    assert all(torch.allclose(s, log_probs(tuned, ids)) for s, ids in zip(scores, documents))
    loss = -sum(log_probs(tuned, ids).sum() for ids in documents) / sum(n - 1 for n in LENGTHS)
    loss.backward()
    gradients = {}
    for name, parameter in tuned.named_parameters():
        if parameter.requires_grad and settings.get("use_dora"):
            gradients[name.replace(".default", "") if "magnitude" not in name else name.replace(".default", "").removesuffix(".weight")] = parameter.grad.flatten().tolist()
    keep = list(gradients)[:6] + list(gradients)[-3:]
    # Row norms of W: where a magnitude starts, before B is drawn.
    return dict(
        seed=seed,
        logProbs=[[round(v, 7) for v in s.tolist()] for s in scores],
        loss=loss.item(),
        gradients={k: [float(f"{x:.6e}") for x in gradients[k]] for k in keep} if gradients else {},
        magnitudes={k: v for k, v in list(start.items())[:2]},
    )


def log_probs(model, ids):
    """Log-probability of each token after the first."""
    tensor = torch.tensor([ids])
    logits = model(input_ids=tensor, use_cache=False).logits[0].float()
    return torch.log_softmax(logits[:-1], -1).gather(1, tensor[0, 1:, None])[:, 0]


def lora_plus(base, folder, documents):
    """Five steps of LoRA+ from the DoRA adapter: losses, and one module's tensors after them."""
    tuned = PeftModel.from_pretrained(load(base), folder, is_trainable=True).eval()
    options = dict(lr=2e-3, loraplus_lr_ratio=4.0, loraplus_weight_decay=0.05)
    optimizer = create_loraplus_optimizer(tuned, torch.optim.AdamW, **options)
    losses = []
    for _ in range(5):
        loss = -sum(log_probs(tuned, ids).sum() for ids in documents) / sum(n - 1 for n in LENGTHS)
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    module = "layers.3.self_attn.v_proj"
    tensors = {n.replace(".default", ""): p.flatten().tolist() for n, p in tuned.named_parameters() if module in n and p.requires_grad}
    tensors = {n.removesuffix(".weight") if "magnitude" in n else n: [float(f"{v:.7e}") for v in values] for n, values in tensors.items()}
    return dict(options=options, losses=losses, tensors=tensors)


def factored(base, documents, init, converted=None):
    """OLoRA or PiSSA: what two modules start from, the losses of four steps of AdamW, and log-probabilities after them.

    Singular vectors have no sign of their own, so that B A stands for both. `converted` is a folder for the adapter
    as PEFT writes it for the base model as it is.
    """
    settings = dict(r=3, lora_alpha=6, target_modules=["q_proj", "down_proj"], layers_to_transform=[0, 3])
    tuned = get_peft_model(load(base), LoraConfig(init_lora_weights=init, task_type="CAUSAL_LM", **settings)).eval()
    start = {n.replace(".default", ""): p.tolist() for n, p in tuned.named_parameters() if p.requires_grad and "layers.3" in n}
    products = {
        n.removeprefix("base_model.model."): (m.lora_B["default"].weight @ m.lora_A["default"].weight * m.scaling["default"]).flatten().tolist()
        for n, m in tuned.named_modules() if hasattr(m, "lora_A") and hasattr(m, "base_layer") and "layers.3" in n
    }
    if converted:
        tuned.peft_config["default"].init_lora_weights = True
        tuned.save_pretrained(converted.parent / "initial")
        tuned.peft_config["default"].init_lora_weights = init
    optimizer = torch.optim.AdamW([p for p in tuned.parameters() if p.requires_grad], lr=5e-3, weight_decay=0.0)
    losses = []
    for _ in range(4):
        loss = -sum(log_probs(tuned, ids).sum() for ids in documents) / sum(n - 1 for n in LENGTHS)
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    after = [[round(v, 7) for v in log_probs(tuned, ids).tolist()] for ids in documents]
    if converted:
        tuned.save_pretrained(converted, path_initial_model_for_weight_conversion=converted.parent / "initial")
        shutil.rmtree(converted.parent / "initial")
        tidy(converted)
        return dict(products={n: [float(f"{v:.7e}") for v in values] for n, values in products.items()}, losses=losses, logProbs=after)
    return dict(start={n: [float(f"{v:.7e}") for row in values for v in row] for n, values in start.items()}, losses=losses)


def tidy(folder):
    """The settings without what changes from one machine to the next."""
    (folder / "README.md").unlink(missing_ok=True)
    file = folder / "adapter_config.json"
    config = json.loads(file.read_text())
    config["base_model_name_or_path"] = None
    if isinstance(config["target_modules"], list):
        config["target_modules"].sort()
    file.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


class Mask(torch.nn.Module):
    """Dropout with a mask that is known: a part of it for each document, in turn."""

    def __init__(self, width, p):
        super().__init__()
        self.p, self.at = p, 0
        self.keep = (torch.rand(sum(LENGTHS), width) >= p).float()

    def forward(self, x):
        part = self.keep[self.at : self.at + x.shape[1]]
        self.at = (self.at + x.shape[1]) % len(self.keep)
        return x * part / (1 - self.p)


def dropout(base, folder, documents, p=0.25):
    """The loss and gradients of one training step under dropout; masks as hex, eight values a byte, token by token."""
    torch.manual_seed(17)
    tuned = PeftModel.from_pretrained(load(base), folder, is_trainable=True).train()
    masks = {}
    for name, module in tuned.named_modules():
        if hasattr(module, "lora_A") and hasattr(module, "base_layer"):
            module.lora_dropout["default"] = masks[name.removeprefix("base_model.model.")] = Mask(module.in_features, p)
    loss = -sum(log_probs(tuned, ids).sum() for ids in documents) / sum(n - 1 for n in LENGTHS)
    loss.backward()
    gradients = {}
    for name, parameter in tuned.named_parameters():
        if parameter.requires_grad:
            name = name.replace(".default", "")
            gradients[name.removesuffix(".weight") if "magnitude" in name else name] = [float(f"{v:.6e}") for v in parameter.grad.flatten().tolist()]
    keep = list(gradients)[:3] + list(gradients)[-3:]
    return dict(
        p=p,
        loss=loss.item(),
        masks={name: bytes(pack(mask.keep.flatten().int().tolist())).hex() for name, mask in masks.items()},
        gradients={name: gradients[name] for name in keep},
    )


def pack(bits):
    return [sum(bit << i for i, bit in enumerate(bits[at : at + 8])) for at in range(0, len(bits), 8)]


def rule(base, settings):
    """The chosen modules, each with its rank and scaling; or that PEFT refuses."""
    settings = dict(r=4, lora_alpha=8, **settings)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tuned = get_peft_model(load(base), LoraConfig(**settings))
    except ValueError as error:
        return dict(settings=settings, refused=str(error)[:80])
    chosen = {
        name.removeprefix("base_model.model."): [module.r["default"], module.scaling["default"]]
        for name, module in tuned.named_modules() if hasattr(module, "lora_A") and hasattr(module, "base_layer")
    }
    return dict(settings=settings, chosen=chosen)


main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
