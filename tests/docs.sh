#!/usr/bin/env bash
# Runs commands of the documents by the letter, as a new user would: in an empty
# home, from the root of the repository, with the program that was built. Only the
# port is another.
set -euo pipefail
cd "$(dirname "$0")/.."

home=$(mktemp -d)
jobs_done() {
    local job
    for job in $(jobs -p); do
        kill "$job" 2> /dev/null || true
        wait "$job" 2> /dev/null || true
    done
}
trap 'jobs_done; rm -rf "$home"' EXIT
target=$(realpath "${CARGO_TARGET_DIR:-target}")
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
root=$PWD

# block FILE NUMBER: the lines of the NUMBERth block of shell commands of a document.
block() {
    awk -v wanted="$2" '/^ *```sh$/ { number++; inside = 1; next } /^ *```$/ { inside = 0 }
        inside && number == wanted' "$1"
}

# run FILE NUMBER [EXPECTED]: runs a block, each command on its own, and wants each
# to succeed; what they print must have EXPECTED in it.
run() {
    local file=$1 number=$2 expected=${3:-} line command='' output
    printf '%s, commands %s\n' "$file" "$number"
    : > "$home/output"
    while IFS= read -r line; do
        command+=$line
        # A command goes on after a backslash.
        if [ "${command%\\}" != "$command" ]; then
            command=${command%\\}
            continue
        fi
        carry_out "${command//:8000/:$port}"
        command=''
    done < <(block "$file" "$number")
    output=$(cat "$home/output")
    if [ -n "$expected" ] && ! grep -qF -- "$expected" <<< "$output"; then
        printf '%s\n' "$output" "error: $file, commands $number do not print: $expected" >&2
        exit 1
    fi
}

# carry_out COMMAND: runs it; one that goes on in the background is waited for
# until it answers.
carry_out() {
    local command=$1
    [[ $command =~ ^[[:space:]]*(#.*)?$ ]] && return
    # With its comment, `rag serve` is meant to run while the next ones are typed.
    if [[ $command =~ ^rag\ serve ]]; then
        eval "${command%%[&#]*}" > "$home/served" 2>&1 &
        for _ in $(seq 100); do
            rag health > "$home/health" 2>&1 && return
            sleep 0.1
        done
        cat "$home/served" "$home/health" >&2
        exit 1
    fi
    printf '  $ %s\n' "$command"
    if ! eval "$command" >> "$home/output" 2> "$home/errors"; then
        cat "$home/output" "$home/errors" >&2
        echo "error: this failed: $command" >&2
        exit 1
    fi
    # curl is content with whatever is answered.
    if grep -qF '"about:blank"' "$home/output"; then
        cat "$home/output" >&2
        echo "error: this was refused: $command" >&2
        exit 1
    fi
}

export HOME=$home PATH=$target/release:$PATH PORT=$port RAG_DATA_DIR=$home/data
unset DATABASE_URL RAG_TOKEN

mkdir "$home/notes"
run README.md 3 'mcpServers'
run README.md 5 '"collections"'
jobs_done
run docs/api.md 1 '"results"'
jobs_done
run docs/security.md 1 'revoked token'
mkdir "$home/backup"
cd "$home/backup"
run "$root/docs/operations.md" 1 'put in 0 documents'
