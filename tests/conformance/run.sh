#!/usr/bin/env bash
# Runs the MCP conformance suite against the fixture server of
# crates/rag/examples/mcp_conformance, which stands behind the HTTP stack of
# `rag`. Fails unless every scored scenario passes, but for those named in
# without-sessions.yml. What was checked, message by message, is left in
# target/conformance.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../install.sh"

npm_packages "$here" conformance
export PATH=$cache/conformance/node_modules/node/bin:$PATH
suite=$cache/conformance/node_modules/@modelcontextprotocol/conformance/dist/index.js

(cd "$root" && cargo build --quiet --release --locked --package rag --example mcp_conformance)
results=$target/conformance
rm -rf "$results" && mkdir -p "$results"
servers=()
trap '[ ${#servers[@]} -eq 0 ] || kill "${servers[@]}" 2> /dev/null || true' EXIT

# serve NAME [--sessions]: starts a fixture server and sets `url`.
serve() {
    local out=$results/$1.url
    "$target/release/examples/mcp_conformance" "${@:2}" > "$out" 2> "$results/$1.log" &
    servers+=($!)
    url=$(first_line "$out" $!)
}

# check TITLE URL REVISION [OPTION...]: runs one requirement set and prints its end.
failed=0
check() {
    local title=$1 url=$2 revision=$3 log=$results/$1.txt
    shift 3
    local status=passed
    node "$suite" server --url "$url" --requirements "$revision" --timeout 5000 \
        --output-dir "$results/$title" "$@" > "$log" 2>&1 || status=FAILED
    [ "$status" = passed ] || failed=1
    printf '%-32s %s\n' "$title" "$status"
    sed -n '/=== SUMMARY/,$p' "$log" | grep -E '^✗|^Total|^Not scored' | sed 's/^/    /'
}

serve without-sessions
plain=$url
serve with-sessions --sessions
check 2026-07-28 "$plain" 2026-07-28
check 2025-11-25-with-sessions "$url" 2025-11-25
check 2025-11-25-without-sessions "$plain" 2025-11-25 \
    --expected-failures "$here/without-sessions.yml"
exit $failed
