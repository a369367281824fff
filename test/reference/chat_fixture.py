"""Write test/fixtures/chat/expected.json: what transformers' apply_chat_template makes of conversations.

    python test/reference/chat_fixture.py test/fixtures/chat GEMMA_TRAINING_TEMPLATE [GEMMA_TOKENIZER_FOLDER]

GEMMA_TRAINING_TEMPLATE is trl/chat_templates/gemma3_training.jinja: Gemma's own text with the model's turns marked.
"""
import json
import pathlib
import sys

import transformers
from transformers import AutoTokenizer

ROOT = pathlib.Path(__file__).parents[2]
DATE = "07 Mar 2025"


def turns(*contents, system=None):
    messages = [] if system is None else [dict(role="system", content=system)]
    return messages + [dict(role="user" if i % 2 == 0 else "assistant", content=c) for i, c in enumerate(contents)]


CONVERSATIONS = [
    turns("What is a fever?", "A raised temperature."),
    turns("Hello", "Hi!", system="You are a physician."),
    turns("  padded \n", "\n\nAnswer, padded too \t\n", system="  kept as it is \n"),
    turns("one", "two", "three", "four", "five", "six", system="Count."),
    turns("only a question"),
    turns("\nfoo", "\nbar\n\nbaz\n"),
    turns("an empty answer", ""),
    turns("Größe? 体温 🌡️ ﷽", "37,5 °C – e\u0301tait\u00a0là \u2028 \u200b"),
    turns("code:\n\n    x = {{ y }}\n\t{% if %}", "```\n{# no comment #}\n```\n\n\n- a\n- b"),
    turns("\x1c\x85python trims these\x1d\x1f", "\ufeffbut not this\ufeff"),
    turns("\u2000spaces of many kinds\u3000", "\x1ftrimmed\u2003 \x1e"),
    turns("a < b <", "tail <end_of", "<", "x <b> & <unk"),
]
PLAIN = [c for c in CONVERSATIONS]
THINKING = [
    turns("q", "a"),
    turns("q", "<think>\nhm\n</think>\n\na"),
    turns("q1", "a1", "q2", "a2", system="s"),
]


def main(out, training, gemma=None):
    training = pathlib.Path(training).read_text()
    tiny = AutoTokenizer.from_pretrained(ROOT / "models/tiny-gemma3")
    result = dict(transformers=transformers.__version__, tiny=[gemma_case(tiny, training, c) for c in CONVERSATIONS])
    if gemma:
        tokenizer = AutoTokenizer.from_pretrained(gemma)
        result["gemma3"] = [gemma_case(tokenizer, training, c) for c in CONVERSATIONS]
    for name, conversations in (("dated", PLAIN), ("plain-turns", PLAIN), ("thinking", PLAIN + THINKING)):
        template = (out / f"{name}.jinja").read_text().replace("strftime_now('%d %b %Y')", repr(DATE))
        result[name] = [dict(messages=c, text=tiny.apply_chat_template(c, chat_template=template, tokenize=False)) for c in conversations]
    (out / "expected.json").write_text(json.dumps(result, ensure_ascii=True, separators=(",", ":")) + "\n")


def gemma_case(tokenizer, training, messages):
    own = tokenizer.apply_chat_template(messages, tokenize=True, return_dict=False)
    marked = tokenizer.apply_chat_template(messages, chat_template=training, tokenize=True, return_dict=True, return_assistant_tokens_mask=True)
    assert marked["input_ids"] == own, messages
    case = dict(messages=messages, ids=own, mask=marked["assistant_masks"])
    if messages[-1]["role"] == "assistant":
        case["prompt"] = tokenizer.apply_chat_template(messages[:-1], tokenize=True, return_dict=False, add_generation_prompt=True)
    return case


main(pathlib.Path(sys.argv[1]), *sys.argv[2:])
