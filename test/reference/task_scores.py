"""Scores a task's documents with transformers, by lm-evaluation-harness: its own code makes the prompts, the
requests and the tokens where it can be imported (requirements-harness.txt), else the same rule written out. Writes a line a
document: prompt, what follows it, log-likelihoods.

    task_scores.py MODEL TASK DOCS.jsonl OUT.jsonl [--limit N] [--fewshot K] [--chat] [--whole] [--direct]

TASK is medmcqa (columns question, opa .. opd, cop from 0) or pubmedqa (QUESTION, CONTEXTS, final_decision); few-shot
examples come from the documents themselves."""
import argparse, json, pathlib, random, time

import torch

TASKS = {
    "medmcqa": dict(
        choices=["A", "B", "C", "D"],
        text=lambda d: "Question: " + d["question"] + "\nChoices:\nA. " + d["opa"] + "\nB. " + d["opb"] + "\nC. " + d["opc"] + "\nD. " + d["opd"] + "\nAnswer:",
        gold=lambda d: d["cop"],
    ),
    "pubmedqa": dict(
        choices=["yes", "no", "maybe"],
        text=lambda d: "Abstract: " + "\n".join(d["CONTEXTS"]) + "\nQuestion: " + d["QUESTION"] + "\nAnswer:",
        gold=lambda d: ["yes", "no", "maybe"].index(d["final_decision"]),
    ),
}


def by_harness(a):
    """The harness's prompts, requests and model class; only the data set is a local file."""
    import lm_eval.tasks
    from lm_eval.api.task import ConfigurableTask
    from lm_eval.evaluator import simple_evaluate
    from lm_eval.models.huggingface import HFLM
    from lm_eval.tasks._yaml_loader import load_yaml

    docs = str(pathlib.Path(a.docs).resolve())
    folder = pathlib.Path(lm_eval.tasks.__file__).parent / a.task
    config = load_yaml(folder / f"{a.task}.yaml") | dict(
        dataset_path="json", dataset_name=None, dataset_kwargs={"data_files": {"validation": docs}},
        training_split=None, validation_split="validation", test_split="validation", fewshot_split="validation")
    class Lean(HFLM):
        """Computes logits where they are read, once for requests of the same input; the harness makes them for every position."""

        def _loglikelihood_tokens(self, requests, **_):
            logprobs = {}
            found = []
            for _, context, continuation in requests:
                row = tuple((context + continuation)[-(self.max_length + 1) :][:-1])
                key = row, len(continuation)
                if key not in logprobs:
                    with torch.inference_mode():
                        logits = self.model(torch.tensor([row]), logits_to_keep=len(continuation)).logits[0]
                    logprobs = {key: torch.log_softmax(logits, -1)}
                chosen = torch.tensor(continuation)[:, None]
                found.append((float(logprobs[key].gather(1, chosen).sum()), False))
            return found

    model = (HFLM if a.whole else Lean)(pretrained=a.model, dtype="float32", batch_size=a.batch, device="cpu")
    started = time.perf_counter()
    found = simple_evaluate(model=model, tasks=[ConfigurableTask(config=config)], num_fewshot=a.fewshot, limit=a.limit, log_samples=True,
                            apply_chat_template=a.chat, bootstrap_iters=0)
    seconds = time.perf_counter() - started
    samples = sorted(found["samples"][a.task], key=lambda s: s["doc_id"])
    for s in samples:
        yield dict(id=s["doc_id"], prompt=s["arguments"][0][0] if isinstance(s["arguments"], list) else s["arguments"]["gen_args_0"]["arg_0"],
                   continuations=[r[1] for r in s["arguments"]] if isinstance(s["arguments"], list) else [s["arguments"][k]["arg_1"] for k in sorted(s["arguments"])],
                   logprobs=[float(r[0]) if isinstance(r, (list, tuple)) and not isinstance(r[0], (list, tuple)) else float(r[0][0]) for r in s["resps"]],
                   acc=float(s["acc"]))
    print(json.dumps(dict(by="lm_eval " + __import__("importlib.metadata").metadata.version("lm_eval"), acc=found["results"][a.task]["acc,none"], seconds=seconds)))


def directly(a):
    """The rule written out: encode prompt and whole, score what the whole has beyond the prompt, one choice a request."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(a.model)
    model = AutoModelForCausalLM.from_pretrained(a.model, dtype=torch.float32).eval()
    spec = TASKS[a.task]
    docs = [json.loads(line) for line in open(a.docs)]
    drawn = random.Random(1234)
    started, right = time.perf_counter(), 0
    asked = docs[: a.limit]
    for number, doc in enumerate(asked):
        shots = [x for x in drawn.sample(docs, a.fewshot + 1) if x != doc][: a.fewshot] if a.fewshot else []
        text = "".join(spec["text"](x) + " " + spec["choices"][spec["gold"](x)] + "\n\n" for x in shots) + spec["text"](doc)
        space = " "
        if a.chat:
            text = tokenizer.apply_chat_template([{"role": "user", "content": text}], tokenize=False, add_generation_prompt=True)
            space = ""
        logprobs = [likelihood(model, tokenizer, text, space + c, not a.chat) for c in spec["choices"]]
        best = max(range(len(logprobs)), key=lambda i: (logprobs[i], -i))
        right += best == spec["gold"](doc)
        yield dict(id=number, prompt=text, continuations=[space + c for c in spec["choices"]], logprobs=logprobs, acc=float(best == spec["gold"](doc)))
    print(json.dumps(dict(by="transformers", acc=right / len(asked), seconds=time.perf_counter() - started)))


def likelihood(model, tokenizer, context, continuation, special):
    blanks = context[len(context.rstrip()):]
    context, continuation = context.rstrip(), blanks + continuation
    whole = tokenizer.encode(context + continuation, add_special_tokens=special)
    start = len(tokenizer.encode(context, add_special_tokens=special))
    with torch.inference_mode():
        logits = model(torch.tensor([whole[:-1]]), logits_to_keep=len(whole) - start).logits[0]
    chosen = torch.tensor(whole[start:])
    return float(torch.log_softmax(logits, -1).gather(1, chosen[:, None]).sum())


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("model"), p.add_argument("task", choices=TASKS), p.add_argument("docs"), p.add_argument("out")
    p.add_argument("--limit", type=int), p.add_argument("--fewshot", type=int, default=0), p.add_argument("--batch", type=int, default=8)
    p.add_argument("--chat", action="store_true"), p.add_argument("--direct", action="store_true")
    p.add_argument("--whole", action="store_true", help="the harness's own forward pass, with logits of every position")
    a = p.parse_args()
    try:
        import lm_eval  # noqa: F401
    except ImportError:
        a.direct = True
    with open(a.out, "w") as out:
        for line in (directly if a.direct else by_harness)(a):
            out.write(json.dumps(line) + "\n")


main()
