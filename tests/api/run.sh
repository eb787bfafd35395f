#!/usr/bin/env bash
# Holds the API to its description: schemathesis makes requests of
# /api/openapi.json, right ones and wrong ones, alone and in sequence, and looks
# for server errors, answers that are not as described, and answers to callers
# who should get none. `EXAMPLES=500 tests/api/run.sh` makes more of them.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../install.sh"

python_packages "$here/requirements.txt" api
rag=$target/release/rag
folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2> /dev/null || true; rm -rf "$folder"' EXIT

# No settings but these: the user's own are in the environment and in ~.
run_rag() {
    env --ignore-environment PATH="$PATH" HOME="$folder" RAG_DATA_DIR="$folder/data" \
        RAG_AUTH=required RAG_RATE_LIMIT=0 LOG_LEVEL=warn "$rag" "$@"
}

run_rag collection create docs --description "What the examples speak of" > "$folder/out"
run_rag token create check --scope admin > "$folder/out"
token=$(head -n 1 "$folder/out")
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
run_rag serve --port "$port" 2> "$folder/log" &
server=$!
for _ in $(seq 100); do
    run_rag health --url "http://127.0.0.1:$port" > "$folder/out" 2>&1 && break
    sleep 0.1
done

# It leaves folders where it runs.
cd "$folder"
# Left out: `analyze_website`, whose requests leave the machine, and that each
# request which fits its schema is taken: what a name or a number may be is
# checked by the operation, and said then.
status=0
"$cache/api/bin/schemathesis" run "http://127.0.0.1:$port/api/openapi.json" \
    --header "Authorization: Bearer $token" --max-examples "${EXAMPLES:-50}" --seed 1 --no-color \
    --exclude-operation-id analyze_website --exclude-checks positive_data_acceptance \
    > "$folder/report" 2>&1 || status=$?
sed -n '/^=* SUMMARY/,$p' "$folder/report"
if [ "$status" != 0 ]; then
    cat "$folder/report" "$folder/log" >&2
    exit "$status"
fi
if grep -qE 'panicked|ERROR' "$folder/log"; then
    cat "$folder/log" >&2
    exit 1
fi
