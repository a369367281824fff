"""Logits of a model, bare and with adapters of PEFT: python parity_logits.py SETTINGS.json

SETTINGS: model (folder), out (folder), texts (name: ids, positions), and any of
- base: names of texts to run without an adapter -> OUT/base-NAME.f32
- make: adapters (name: settings of LoraConfig) that get random values and are saved in OUT/NAME -> OUT/NAME.f32
- load: adapters (name: folder) -> OUT/NAME.f32
Adapters see the text "long". Files are float32 [positions, vocabulary], little-endian.
"""
import json
import pathlib
import sys

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import Gemma3ForCausalLM


def main(settings):
    out, texts = pathlib.Path(settings["out"]), settings["texts"]
    base = load(settings["model"]) if settings.get("base") else None
    for name in settings.get("base", []):
        write(out / f"base-{name}.f32", base, texts[name])
    for name, lora in settings.get("make", {}).items():
        write(out / f"{name}.f32", make(settings["model"], lora, out / name), texts["long"])
    for name, folder in settings.get("load", {}).items():
        write(out / f"{name}.f32", PeftModel.from_pretrained(load(settings["model"]), folder).eval(), texts["long"])


def load(folder):
    return Gemma3ForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="sdpa").eval()


def make(model, lora, folder):
    """An adapter with random values; PiSSA and OLoRA, which change the base model, saved for the model as it is."""
    torch.manual_seed(23)
    tuned = get_peft_model(load(model), LoraConfig(task_type="CAUSAL_LM", **lora)).eval()
    init = lora.get("init_lora_weights")
    if init:
        tuned.peft_config["default"].init_lora_weights = True
        tuned.save_pretrained(folder / "initial")
        tuned.peft_config["default"].init_lora_weights = init
    with torch.no_grad():
        for name, parameter in tuned.named_parameters():
            if "lora_B" in name:
                parameter.add_(torch.randn_like(parameter) * 0.02)
            if "magnitude" in name:
                parameter.mul_(1 + 0.05 * torch.randn_like(parameter))
    tuned.save_pretrained(folder, **(dict(path_initial_model_for_weight_conversion=str(folder / "initial")) if init else {}))
    return tuned


@torch.no_grad()
def write(file, model, text):
    logits = model(input_ids=torch.tensor([text["ids"]]), use_cache=False, logits_to_keep=torch.tensor(text["positions"])).logits[0]
    file.write_bytes(logits.float().contiguous().numpy().tobytes())


main(json.load(open(sys.argv[1])))
