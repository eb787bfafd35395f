"""Extracts pages with trafilatura, for `rag-bench web` to compare with.

    trafilatura_reference.py TASK

TASK is a JSON file with `pages`: a list of objects with `url` and `html`.
Prints one JSON object: `pages`, a list of objects with `markdown` and `ms`.
"""

import json
import sys
import time
from pathlib import Path

import trafilatura


def extract(page: dict) -> dict:
    started = time.perf_counter()
    markdown = trafilatura.extract(
        page["html"],
        url=page["url"],
        output_format="markdown",
        include_tables=True,
        include_formatting=True,
        include_links=False,
    )
    return {"markdown": markdown or "", "ms": (time.perf_counter() - started) * 1e3}


if __name__ == "__main__":
    [given] = sys.argv[1:]
    task = json.loads(Path(given).read_text())
    extract(task["pages"][0])
    print(json.dumps({"pages": [extract(page) for page in task["pages"]]}))
