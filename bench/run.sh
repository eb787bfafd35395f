#!/bin/sh
# Runs every measurement and prints the results as Markdown.
#
#   bench/run.sh --eval DIR [--cache DIR] [--store URL]...
#
# DIR holds judged sets, one folder each, and the folder `chunking`; README.md
# says what is in them. Vectors of texts are kept in the cache folder from one
# run to the next; the embedding measurements never use it. Needs Linux and,
# for the comparison with ONNX Runtime, Python 3 and a package index.
set -eu
cd "$(dirname "$0")/.."

eval_dir=
stores=
cache_dir=target/bench
while [ $# -gt 0 ]; do
    case $1 in
        --eval) eval_dir=$2; shift 2 ;;
        --cache) cache_dir=$2; shift 2 ;;
        --store) stores="$stores $2"; shift 2 ;;
        *) echo "usage: bench/run.sh --eval DIR [--cache DIR] [--store URL]..." >&2; exit 2 ;;
    esac
done
[ -n "$eval_dir" ] || { echo "usage: bench/run.sh --eval DIR [--cache DIR] [--store URL]..." >&2; exit 2; }
mkdir -p "$cache_dir"

cargo build --release --locked --package rag --package rag-bench --package testsite >&2
python=$cache_dir/venv/bin/python
if ! cmp -s bench/requirements.txt "$cache_dir/venv/requirements.txt"; then
    rm -rf "$cache_dir/venv"
    python3 -m venv "$cache_dir/venv"
    "$python" -m pip install --quiet --requirement bench/requirements.txt >&2
    cp bench/requirements.txt "$cache_dir/venv/requirements.txt"
fi

# Judged sets are told by their judgements.
set --
for folder in "$eval_dir"/*/; do
    [ ! -f "$folder/qrels.tsv" ] || set -- "$@" "${folder%/}"
done

bench() { target/release/rag-bench "$@"; }
bench embed "$@" --python "$python"
bench server "$@" --cache "$cache_dir/vectors.bin"
bench load
bench store "$@" --cache "$cache_dir/vectors.bin"
bench retrieval "$@" --cache "$cache_dir/vectors.bin"
# Each store on a server that was named; URLs have no spaces.
for url in $stores; do
    bench retrieval "$@" --cache "$cache_dir/vectors.bin" --store "$url"
done
# shellcheck disable=SC2046,SC2086
[ -z "$stores" ] || bench stores "$@" --cache "$cache_dir/vectors.bin" --store sqlite: $(printf ' --store %s' $stores)
[ ! -d "$eval_dir/chunking" ] || bench chunking "$eval_dir/chunking" --cache "$cache_dir/vectors.bin"
bench documents
bench crawl
[ ! -d "$eval_dir/web" ] || bench web --eval "$eval_dir/web" --python "$python"
bench soak
