#!/usr/bin/env bash
# Runs MCP clients that other people wrote against the real program: each over
# every transport it knows, on one embedded store in a temporary folder.
# Prints a table, and what failed; fails if anything did. What the clients and
# the server said is left in target/clients/log.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../install.sh"

export RAG_BIN=${RAG_BIN:-$target/release/rag}
[ -x "$RAG_BIN" ] || (cd "$root" && cargo build --quiet --release --locked --package rag)

python_packages "$here/requirements-v1.txt" python-v1
python_packages "$here/requirements-v2.txt" python-v2
npm_packages "$here" node
# Node finds packages above a script, so the scripts go where the packages are.
cp "$here"/*.mjs "$cache/node/"

logs=$cache/log
rm -rf "$logs" && mkdir -p "$logs"
folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2> /dev/null || true; rm -rf "$folder"' EXIT
mkdir "$folder/few" "$folder/many"
for i in 1 2 3; do
    printf '# Note %s\n\nThis is note number %s.\n' "$i" "$i" > "$folder/few/note-$i.md"
done
# Enough that a call over them is still running when it is cancelled.
for i in $(seq 1000); do
    printf '# Page %s\n\nOn page %s there is a remark about the number %s.\n' "$i" "$i" $((i * i)) > "$folder/many/page-$i.md"
done

export RAG_FOLDER=$folder RAG_TESTS=file://$here/
export DATABASE_URL=sqlite:$folder/memory.db

# token NAME SCOPE: makes one in that store.
token() {
    "$RAG_BIN" token create "$1" --scope "$2" --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["token"])'
}
RAG_TOKEN=$(token clients admin)
RAG_TOKEN_TO_READ=$(token reader read)
export RAG_TOKEN RAG_TOKEN_TO_READ

# A server that is for this machine alone asks for none by itself. To it all of
# them are one caller, who sends faster than a caller may.
RAG_AUTH=required RAG_RATE_LIMIT=0 "$RAG_BIN" serve --port 0 --root "$folder" 2> "$logs/server.log" &
server=$!
for _ in $(seq 200); do
    RAG_URL=$(grep -oE 'http://[0-9.]+:[0-9]+' "$logs/server.log" | head -n 1) && break
    kill -0 "$server" || { cat "$logs/server.log" >&2; exit 1; }
    sleep 0.05
done
export RAG_URL

status=0
run() {
    local name=$1
    shift
    "$@" > "$logs/$name.tsv" 2> "$logs/$name.log" || { status=1; printf '%s ended badly\n' "$name"; tail -n 5 "$logs/$name.log"; }
}
run python-1 "$cache/python-v1/bin/python" "$here/python_v1.py"
run python-2 "$cache/python-v2/bin/python" "$here/python_v2.py"
run node-1 node "$cache/node/node_v1.mjs"
run node-2 node "$cache/node/node_v2.mjs"

cat "$logs"/*.tsv | python3 "$here/table.py" || status=1
exit $status
