"""Write a Gemma 3 folder as transformers.js reads it, in float32, the way published exports are built.

    python bench/generate_onnx.py <model folder> <new folder>

One fused attention op a layer (GroupQueryAttention, which turns queries and keys and looks through the window itself), fused
norms, every weight a constant that the session packs, and logits of the last position alone. Needs onnx and safetensors.
"""
import json
import pathlib
import shutil
import sys

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from safetensors.torch import load_file

MICROSOFT = "com.microsoft"


class Graph:
    def __init__(self):
        self.nodes, self.constants, self.count = [], [], 0

    def op(self, kind, inputs, outputs=1, domain="", **attributes):
        names = [f"v{self.count + i}" for i in range(outputs)]
        self.count += outputs
        self.nodes.append(helper.make_node(kind, inputs, names, domain=domain, **attributes))
        return names[0] if outputs == 1 else names

    def constant(self, values, name=None):
        name = name or f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def ints(self, *values):
        return self.constant(np.array(values, dtype=np.int64))


def main(source: pathlib.Path, out: pathlib.Path) -> None:
    config = json.loads((source / "config.json").read_text())
    weights = {name: tensor.float().numpy() for name, tensor in load_file(source / "model.safetensors").items()}
    graph, inputs, outputs = build(config, weights)
    (out / "onnx").mkdir(parents=True)
    made = helper.make_graph(graph.nodes, "gemma3", inputs, outputs, graph.constants)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 21), helper.make_opsetid(MICROSOFT, 1)], ir_version=10)
    onnx.save(model, out / "onnx" / "model.onnx", save_as_external_data=True, location="model.onnx_data")
    for name in ("tokenizer.json", "tokenizer_config.json", "generation_config.json"):
        if (source / name).exists():
            shutil.copyfile(source / name, out / name)
    config["transformers.js_config"] = {"use_external_data_format": {"model.onnx": True}}
    (out / "config.json").write_text(json.dumps(config, indent=2))


def build(config, weights):
    g = Graph()
    hidden, d = config["hidden_size"], config["head_dim"]
    heads, kv = config["num_attention_heads"], config["num_key_value_heads"]
    layers, vocabulary = config["num_hidden_layers"], config["vocab_size"]
    kinds = config.get("layer_types") or ["full_attention" if (i + 1) % 6 == 0 else "sliding_attention" for i in range(layers)]
    port = lambda name, kind, shape: helper.make_tensor_value_info(name, kind, shape)
    past = lambda length: ["batch_size", kv, length, d]
    inputs = [
        port("input_ids", TensorProto.INT64, ["batch_size", "sequence_length"]),
        port("attention_mask", TensorProto.INT64, ["batch_size", "total_sequence_length"]),
    ]
    outputs = [port("logits", TensorProto.FLOAT, ["batch_size", 1, vocabulary])]
    names = [f"{i}.{part}" for i in range(layers) for part in ("key", "value")]
    inputs += [port(f"past_key_values.{name}", TensorProto.FLOAT, past("past_sequence_length")) for name in names]
    outputs += [port(f"present.{name}", TensorProto.FLOAT, past("total_sequence_length")) for name in names]

    seen = g.op("ReduceSum", ["attention_mask", g.ints(1)], keepdims=0)
    seqlens = g.op("Cast", [g.op("Sub", [seen, g.ints(1)])], to=TensorProto.INT32)
    width = g.op("Gather", [g.op("Shape", ["attention_mask"]), g.constant(np.array(1, dtype=np.int64))], axis=0)
    total = g.op("Cast", [width], to=TensorProto.INT32)
    turns = {kind: tables(g, config, kind) for kind in set(kinds)}

    def norm(x, name):
        scale = g.constant(weights[name] + 1)
        return g.op("SimplifiedLayerNormalization", [x, scale], axis=-1, epsilon=config["rms_norm_eps"], stash_type=1)

    def project(x, name):
        return g.op("MatMul", [x, g.constant(weights[name].T)])

    def by_head(x, name, count):
        split = g.op("Reshape", [x, g.ints(0, 0, count, d)])
        return g.op("Reshape", [norm(split, name), g.ints(0, 0, count * d)])

    table = g.constant(weights["model.embed_tokens.weight"])
    x = g.op("Mul", [g.op("Gather", [table, "input_ids"], axis=0), g.constant(np.float32(hidden**0.5))])
    for i, kind in enumerate(kinds):
        at = f"model.layers.{i}."
        h = norm(x, at + "input_layernorm.weight")
        q = by_head(project(h, at + "self_attn.q_proj.weight"), at + "self_attn.q_norm.weight", heads)
        k = by_head(project(h, at + "self_attn.k_proj.weight"), at + "self_attn.k_norm.weight", kv)
        v = project(h, at + "self_attn.v_proj.weight")
        kept = [f"past_key_values.{i}.key", f"past_key_values.{i}.value"]
        mixed = f"mixed{i}"
        g.nodes.append(
            helper.make_node(
                "GroupQueryAttention",
                [q, k, v, *kept, seqlens, total, *turns[kind]],
                [mixed, f"present.{i}.key", f"present.{i}.value"],
                domain=MICROSOFT,
                num_heads=heads,
                kv_num_heads=kv,
                scale=config["query_pre_attn_scalar"] ** -0.5,
                do_rotary=1,
                rotary_interleaved=0,
                local_window_size=config["sliding_window"] if kind == "sliding_attention" else -1,
            )
        )
        x = g.op("Add", [x, norm(project(mixed, at + "self_attn.o_proj.weight"), at + "post_attention_layernorm.weight")])
        h = norm(x, at + "pre_feedforward_layernorm.weight")
        gate = g.op("FastGelu", [project(h, at + "mlp.gate_proj.weight")], domain=MICROSOFT)
        inner = g.op("Mul", [gate, project(h, at + "mlp.up_proj.weight")])
        x = g.op("Add", [x, norm(project(inner, at + "mlp.down_proj.weight"), at + "post_feedforward_layernorm.weight")])
    last = g.op("Slice", [x, g.ints(-1), g.ints(np.iinfo(np.int64).max), g.ints(1)])
    head = g.constant(weights["model.embed_tokens.weight"].T)
    g.nodes.append(helper.make_node("MatMul", [norm(last, "model.norm.weight"), head], ["logits"]))
    return g, inputs, outputs


def tables(g, config, kind):
    """cos and sin of every position and pair."""
    new = config.get("rope_parameters")
    old = "rope_theta" if kind == "full_attention" else "rope_local_base_freq"
    theta = new[kind]["rope_theta"] if new else config[old]
    d = config["head_dim"]
    steps = 1.0 / theta ** (torch.arange(0, d, 2).float() / d)
    angles = torch.outer(torch.arange(min(config["max_position_embeddings"], 4096)).float(), steps)
    return g.constant(angles.cos().numpy()), g.constant(angles.sin().numpy())


main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
