"""Embeds texts with ONNX Runtime, for `rag-bench embed` to compare with.

    onnxruntime_reference.py TASK MODEL WAY

TASK is a JSON file with `texts` and `queries`, MODEL a folder with
`model_int8.onnx` and `tokenizer.json`. WAY is how two cores are used:

    threads   one text at a time, both cores on it
    batches   eight texts of like length at a time, both cores on them
    sessions  two texts at a time, one core on each

Prints one JSON object with the figures that `rag-bench embed-probe` prints.
"""

import json
import resource
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy
import onnxruntime
from tokenizers import Tokenizer

CORES = 2
BATCH = 8
WARM_UP = 8


class Embedder:
    def __init__(self, model: Path, threads: int):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self.session = onnxruntime.InferenceSession(
            model / "model_int8.onnx", options, providers=["CPUExecutionProvider"]
        )
        self.names = [given.name for given in self.session.get_inputs()]
        self.tokenizer = Tokenizer.from_file(str(model / "tokenizer.json"))
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(256)

    def embed(self, texts: list[str]) -> numpy.ndarray:
        encodings = self.tokenizer.encode_batch(texts)
        shape = (len(texts), max(len(encoding.ids) for encoding in encodings))
        ids, mask = numpy.zeros(shape, numpy.int64), numpy.zeros(shape, numpy.int64)
        for row, encoding in enumerate(encodings):
            ids[row, : len(encoding.ids)] = encoding.ids
            mask[row, : len(encoding.ids)] = 1
        inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": numpy.zeros_like(ids)}
        [hidden] = self.session.run(None, {name: inputs[name] for name in self.names})
        vectors = (hidden * mask[..., None]).sum(axis=1)
        return vectors / numpy.linalg.norm(vectors, axis=1, keepdims=True)


def run(task: dict, model: Path, way: str) -> dict:
    texts = task["texts"]
    started = time.perf_counter()
    if way == "sessions":
        embedders = [Embedder(model, 1) for _ in range(CORES)]
    else:
        embedders = [Embedder(model, CORES)]
    embedders[0].embed(task["queries"][:1])
    load_ms = (time.perf_counter() - started) * 1e3
    for embedder in embedders:
        for text in texts[:WARM_UP]:
            embedder.embed([text])

    wall, cpu = time.perf_counter(), time.process_time()
    if way == "sessions":
        halves = zip(embedders, (texts[0::2], texts[1::2]))
        work = lambda half: [half[0].embed([text]) for text in half[1]]
        with ThreadPoolExecutor(CORES) as pool:
            list(pool.map(work, halves))
    else:
        batch = BATCH if way == "batches" else 1
        ordered = sorted(texts, key=len)
        for first in range(0, len(ordered), batch):
            embedders[0].embed(ordered[first : first + batch])
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu

    query_ms = []
    for query in task["queries"]:
        before = time.perf_counter()
        embedders[0].embed([query])
        query_ms.append((time.perf_counter() - before) * 1e3)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {
        "load_ms": load_ms,
        "texts_s": wall,
        "texts_cpu_s": cpu,
        "query_ms": query_ms,
        "resident_bytes": peak,
    }


if __name__ == "__main__":
    given, folder, chosen = sys.argv[1:]
    print(json.dumps(run(json.loads(Path(given).read_text()), Path(folder), chosen)))
