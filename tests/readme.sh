#!/usr/bin/env bash
# Runs the README's first command by the letter, in an empty memory, and looks
# for the passage that answers it.
set -euo pipefail
cd "$(dirname "$0")/.."

data=$(mktemp -d)
trap 'rm -rf "$data"' EXIT
command=$(sed -n '/^```sh$/{n;p;q}' README.md)
printf '$ %s\n' "$command"
answer=$(RAG_DATA_DIR=$data bash -c "$command")
printf '%s\n' "$answer" | head -12

first=$(printf '%s\n' "$answer" | sed '/^\[2\]/,$d')
for expected in 'documents.md > Documents > Identity' \
    'putting the same text in twice gives one document'; do
    if ! grep -qF "$expected" <<<"$first"; then
        echo "the first passage lacks: $expected" >&2
        exit 1
    fi
done
